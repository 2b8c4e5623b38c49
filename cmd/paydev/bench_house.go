package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/cmd/internal/app"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// The saved card of the benchmark, and whose it is.
const (
	savedCard     = "019b76da-0000-7000-8000-000000000001"
	savedCustomer = "customer-88"
)

// house measures the whole service on empty books: as it ships, listening on loopback
// sockets, its log written to a file.
func (b *benchmark) house(ctx context.Context, e engine, callers int, profile string) (s sample, err error) {
	books, drop, err := e.books(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	config := b.config(books, callers)
	if err := saveCard(ctx, config); err != nil {
		return s, err
	}
	log, err := os.OpenFile(filepath.Join(b.folder, "payrouter.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return s, err
	}
	defer func() { _ = log.Close(); _ = os.Remove(log.Name()) }()
	before := e.syncs(ctx)
	w := &world{failed: make(chan error, 1)}
	defer w.stop()
	if err := w.serve(ctx, config, log); err != nil {
		return s, err
	}
	finish, err := startProfile(profile)
	if err != nil {
		return s, err
	}
	s = load(ctx, callers, b.duration, w.charge)
	finish()
	s.unnumbered = unnumbered(ctx, books)
	w.stop()
	s.syncs = since(before, e.syncs(ctx))
	return s, nil
}

// charge takes 15 490 tenge from the saved card and insists on the money.
func (w *world) charge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	p, err := w.client.CreatePayment(ctx, &payrouterv1.CreatePaymentRequest{
		RequestId: uuid.NewString(), OrderId: uuid.NewString(), Amount: &payrouterv1.Money{MinorUnits: 1549000, CurrencyCode: "KZT"},
		Methods: []payrouterv1.Method{payrouterv1.Method_METHOD_INSTRUMENT}, Instrument: "instruments/" + savedCard, CustomerId: savedCustomer,
		Description: "Books", Payer: &payrouterv1.Payer{Phone: "+77010000000", DisplayName: "Aida", Email: "aida@example.kz", IpAddress: "203.0.113.7"}})
	if err != nil {
		return err
	}
	if p.GetState() != payrouterv1.Payment_STATE_PAID || p.GetPaid().GetMinorUnits() != 1549000 {
		return fmt.Errorf("a charge came to %s, %s", p.GetState(), p.GetReason())
	}
	return nil
}

// config is one tenant with one gateway, and the defaults for all the rest.
func (b *benchmark) config(books string, callers int) app.Config {
	return app.Config{
		GRPC:     app.GRPC{Address: "127.0.0.1:0", DefaultTenant: "shop", CallsPerSecond: 1 << 20}, // all callers are one
		Webhooks: app.Webhooks{Address: "127.0.0.1:0"},
		Ops:      app.Ops{Address: "127.0.0.1:0"},
		Store:    app.Store{URL: providers.NewSecret(books)},
		Log:      app.Log{Level: "info", Format: "json"},
		Keys:     app.Keys{Body: providers.NewSecret("only good for measuring things")},
		Tenants:  map[string]app.Tenant{"shop": {Rules: []app.Rule{{Gateway: "wayforpay-main"}}}},
		Gateways: []app.Gateway{{Name: "wayforpay-main", Provider: "wayforpay", MaxConcurrent: max(callers, 64), Account: app.Account{Settings: app.Settings{WayForPay: new(b.gateway.config())}}}},
	}
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

// saveCard puts a card into the books before the service opens them: how cards are saved
// is not what is measured.
func saveCard(ctx context.Context, config app.Config) error {
	store, err := migrated(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(store.SaveInstrument(ctx, journal.Instrument{ID: savedCard, Tenant: "shop", Customer: savedCustomer,
		Gateway: "wayforpay-main", Token: providers.Token{Value: providers.NewSecret(quickToken), Mask: "51****5977", Brand: "MasterCard"},
		Payment: "019b76da-0000-7000-8000-000000000000", Created: payment.Instant(time.Now())}), store.Close())
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
