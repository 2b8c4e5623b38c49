package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// scaleCallers charge at once, in equal parts at every replica: the whole load is the same
// however many there are.
const scaleCallers = 64

// scaleRun is one run of so many replicas on one database.
type scaleRun struct {
	sample                 // of all together
	replicas []sample      // of each
	callers  []int         // how many charges of each caller were answered within the measured time
	database time.Duration // processor time of the database's server; 0 unknown
	load     time.Duration // processor time of callers and gateway
	whole    time.Duration // warm-up and measured time, and what was still under way at their end
	behind   int64         // the most changes that the feed lacked at any look; -1 unknown
	feed     feedState     // when everything was done
}

// scale lets 1, 2, 4 replicas charge on one database, and has orders given at one of two seen
// by the other. All of it shares this machine.
func (b *benchmark) scale(ctx context.Context, r *report, server *postgres, n int) {
	b.try(ctx, r, n, "orders seen by another replica", func() error {
		seen, err := b.ordersSeen(ctx, server)
		r.scale().orders = append(r.scale().orders, seen...)
		return err
	})
	for _, replicas := range b.replicas {
		b.try(ctx, r, n, fmt.Sprintf("replicas on one %s: %d", server.name(), replicas), func() error {
			run, err := b.together(ctx, server, replicas)
			if err != nil {
				return err
			}
			run.repetition = n
			c := r.scale().cell(replicas)
			c.runs = append(c.runs, run)
			return nil
		})
	}
	if n == 0 { // it waits for leases to run out, and they take as long every time
		b.try(ctx, r, n, "a replica is killed", func() (err error) {
			r.scale().killed, err = b.killOne(ctx, server)
			return err
		})
	}
}

// try measures something once. What cannot be measured is told, and the others go on.
func (b *benchmark) try(ctx context.Context, r *report, n int, what string, measure func() error) {
	if ctx.Err() != nil {
		return
	}
	b.progress(n, what)
	if err := measure(); err != nil && ctx.Err() == nil {
		b.warn(r, fmt.Sprintf("NOT MEASURED: %s, repetition %d: %v", what, n+1, err))
	}
}

// replicasOn starts so many replicas on empty books, as they ship, each a process of its own.
// within does the measuring; what it does not stop is stopped after it.
func (b *benchmark) replicasOn(ctx context.Context, e engine, orders serviceOrders, n int, within func(books string, all []*process) error) (err error) {
	books, drop, err := e.books(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	orders.Books = books
	if err := saveCard(ctx, orders); err != nil {
		return err
	}
	var all []*process
	defer func() {
		for _, p := range all {
			err = errors.Join(err, p.stop())
		}
	}()
	for i := range n {
		orders.Log = filepath.Join(b.folder, fmt.Sprintf("payrouter-%d.log", i+1))
		defer func() { _ = os.Remove(orders.Log) }()
		p, err := startProcess(ctx, orders)
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	return within(books, all)
}

// together measures replicas that are charged at once.
func (b *benchmark) together(ctx context.Context, server *postgres, replicas int) (run scaleRun, err error) {
	orders := serviceOrders{Gateways: []gatewayAt{{mainGateway, b.quick().url}}, MaxConcurrent: scaleCallers}
	err = b.replicasOn(ctx, server, orders, replicas, func(books string, all []*process) error {
		f, err := openFeed(books)
		if err != nil {
			return err
		}
		defer f.close()
		spent, known := server.server.Processor()
		began, mine := time.Now(), cpuTime()
		watched := f.watch(ctx)
		run = b.chargeAll(ctx, all)
		run.behind = watched()
		run.whole, run.load = time.Since(began), cpuTime()-mine
		if now, err := server.server.Processor(); err == nil && known == nil {
			run.database = now - spent
		}
		run.ready, run.service = all[0].ready, usage{}
		for i, p := range all {
			if err := p.measure(&run.replicas[i]); err != nil {
				return err
			}
			one := run.replicas[i].service
			run.ready = max(run.ready, p.ready)
			run.service.CPU += one.CPU
			run.service.Objects += one.Objects
			run.service.Bytes += one.Bytes
			run.service.RSS += one.RSS
			run.service.Peak += one.Peak
		}
		run.feed, err = f.settled(ctx)
		return err
	})
	return run, err
}

// chargeAll charges at all replicas at once.
func (b *benchmark) chargeAll(ctx context.Context, all []*process) scaleRun {
	run := scaleRun{sample: sample{took: b.duration, syncs: -1, unnumbered: -1}, replicas: make([]sample, len(all))}
	callers := make([][]sample, len(all))
	var group sync.WaitGroup
	for i, p := range all {
		group.Go(func() {
			run.replicas[i], callers[i] = loadEach(ctx, scaleCallers/len(all), b.duration, func(ctx context.Context) error { _, err := p.charge(ctx); return err })
		})
	}
	group.Wait()
	for i := range all {
		run.merge(run.replicas[i])
		for _, c := range callers[i] {
			run.callers = append(run.callers, c.done)
		}
	}
	return run
}

// fair is the least as a share of the most; 1 of one, 0 when somebody had nothing.
func fair(all []int) float64 { return ratio(float64(slices.Min(all)), float64(slices.Max(all))) }
