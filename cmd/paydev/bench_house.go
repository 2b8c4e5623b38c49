package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// The saved card of the benchmark, and whose it is. At the backup the same card has another
// number and a token of its own.
const (
	savedCard      = "019b76da-0000-7000-8000-000000000001"
	savedElsewhere = "019b76da-0000-7000-8000-000000000002"
	savedCustomer  = "customer-88"
)

// house runs the service on empty books: as it ships, in a process of its own that listens on
// loopback sockets, its log written to a file. within does the measuring.
func (b *benchmark) house(ctx context.Context, e engine, orders serviceOrders, within func(*process) (sample, error)) (s sample, err error) {
	books, drop, err := e.books(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	orders.Books, orders.Log = books, filepath.Join(b.folder, "payrouter.log")
	if err := saveCard(ctx, orders); err != nil {
		return s, err
	}
	defer func() { _ = os.Remove(orders.Log) }()
	before := e.syncs(ctx)
	p, err := startProcess(ctx, orders)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if s, err = within(p); err != nil {
		return s, err
	}
	if err := p.measure(&s); err != nil {
		return s, err
	}
	s.unnumbered = unnumbered(ctx, books)
	if err := p.stop(); err != nil {
		return s, err
	}
	s.syncs = since(before, e.syncs(ctx))
	return s, nil
}

// orders are for the service under callers who wait, with one gateway.
func (k key) orders(url string) serviceOrders {
	o := serviceOrders{Gateways: []gatewayAt{{mainGateway, url}}, MaxConcurrent: k.Callers}
	if k.What == whatUngrouped {
		o.GroupCommit = 1
	}
	return o
}

// closed measures callers who wait for their answers.
func (b *benchmark) closed(ctx context.Context, e engine, k key, repetition int) (sample, error) {
	orders := k.orders(b.gateways[k.pause()].url)
	if b.profiles != "" && repetition == 0 {
		orders.Profile = filepath.Join(b.profiles, fmt.Sprintf("%s-%s-%s-%dms-%d.pprof", k.What, k.Engine, k.Flow, k.GatewayMS, k.Callers))
	}
	return b.house(ctx, e, orders, func(p *process) (sample, error) {
		do, err := p.flow(k.Flow, k.Callers)
		if err != nil {
			return sample{}, err
		}
		return load(ctx, k.Callers, b.duration, do), nil
	})
}

// atRate measures at a fixed rate.
func (b *benchmark) atRate(ctx context.Context, e engine, k key, perSecond float64, d time.Duration) (sample, error) {
	orders := serviceOrders{Gateways: []gatewayAt{{mainGateway, b.gateways[k.pause()].url}}, MaxConcurrent: mostCallers}
	return b.house(ctx, e, orders, func(p *process) (sample, error) {
		do, err := p.flow(k.Flow, mostCallers)
		if err != nil {
			return sample{}, err
		}
		return paced(ctx, perSecond, mostCallers, d, do), nil
	})
}

// rehearse charges once through the service, to have the bytes of a true answer.
func (b *benchmark) rehearse(ctx context.Context) (answer []byte, err error) {
	_, err = b.house(ctx, &lite{folder: b.folder}, serviceOrders{Gateways: []gatewayAt{{mainGateway, b.quick().url}}}, func(p *process) (sample, error) {
		payment, err := p.charge(ctx)
		if err != nil {
			return sample{}, err
		}
		answer, err = proto.Marshal(payment)
		return sample{}, err
	})
	return answer, err
}

// echo measures gRPC alone: the same request, answered with the same bytes by a process that
// does nothing else.
func (b *benchmark) echo(ctx context.Context, callers int) (s sample, err error) {
	p, err := startProcess(ctx, serviceOrders{Echo: b.answer})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	s = load(ctx, callers, b.duration, func(ctx context.Context) error { _, err := p.charge(ctx); return err })
	return s, p.measure(&s)
}

// migrated opens books of which nothing is ever due, and brings their schema up to date.
func migrated(ctx context.Context, config app.Config) (*journal.Store, error) {
	store, err := app.OpenStore(config, func(payment.Payment, time.Time) time.Time { return time.Time{} })
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// saveCard puts the card into the books before the service opens them, at every gateway: how
// cards are saved is not what is measured.
func saveCard(ctx context.Context, orders serviceOrders) error {
	store, err := migrated(ctx, orders.config())
	if err != nil {
		return err
	}
	for i, id := range []string{savedCard, savedElsewhere}[:len(orders.Gateways)] {
		err = errors.Join(err, store.SaveInstrument(ctx, journal.Instrument{ID: id, Tenant: "shop", Customer: savedCustomer,
			Gateway: orders.Gateways[i].Name, Token: providers.Token{Value: providers.NewSecret(quickToken), Mask: quickCard, Brand: "MasterCard"},
			Payment: "019b76da-0000-7000-8000-000000000000", Created: payment.Instant(time.Now())}))
	}
	return errors.Join(err, store.Close())
}

// startProfile begins a CPU profile, unless there is no file for it.
func startProfile(path string) (finish func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }, nil
}
