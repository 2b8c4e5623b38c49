package router

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router/journal"
)

// An order given at one replica must be obeyed by the others within a second. Each reads
// the orders every half WatchEvery; and where that is late, because the database was away
// or the process slept, whoever is about to plan an attempt reads them first. A reference and
// a commit lie between that and the sending, and may take seconds: whoever sends looks at the
// orders again, and goes by none that are older than WatchEvery (withheld). What is on its
// way by then is not called back.

// ordersWithin is how old the orders may be when an attempt is planned: less than a second
// together with a look and a plan that are quick.
func (r *Router) ordersWithin() time.Duration { return r.WatchEvery * 3 / 4 }

// orders are how this process knows the orders.
type orders struct {
	reading chan struct{}             // one reads at a time: an earlier reading must not replace a later one
	asked   atomic.Pointer[time.Time] // when the last reading that was answered began; nil before the first
}

func newOrders() *orders { return &orders{reading: make(chan struct{}, 1)} }

// turn waits for its turn to read. leave must be called after it.
func (o *orders) turn(ctx context.Context) (leave func(), err error) {
	select {
	case o.reading <- struct{}{}:
		return func() { <-o.reading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// older reports whether the orders were read longer ago than that. Before the first
// reading nothing is old: Begin comes before the doors open.
func (o *orders) older(than time.Duration) bool {
	asked := o.asked.Load()
	return asked != nil && elapsed(*asked, time.Now()) > than
}

// knowOrders reads the orders where what is known of them is old. Of all who find it old at
// once one reads, and the others wait for that one: they would read one after another.
func (r *Router) knowOrders(ctx context.Context) error {
	if !r.orders.older(r.ordersWithin()) {
		return nil
	}
	leave, err := r.orders.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if r.orders.older(r.ordersWithin()) {
		_, err = r.readOrders(ctx)
	}
	return err
}

// refreshOverrides reads the orders that may be in force and hands them to the board. It
// returns them with those that ended lately, which are in force no more.
func (r *Router) refreshOverrides(ctx context.Context) ([]journal.Override, error) {
	leave, err := r.orders.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return r.readOrders(ctx)
}

// readOrders is refreshOverrides for whoever has the turn.
func (r *Router) readOrders(ctx context.Context) ([]journal.Override, error) {
	now := time.Now()
	orders, err := r.Journal.Overrides(ctx, now.Add(-noteEnd))
	if err != nil {
		return nil, err
	}
	active := make([]health.Override, 0, len(orders))
	for _, o := range orders {
		if o.Mode == string(health.Reconcile) && o.Created.UnixMicro() > r.lostAt.Load() {
			r.lostAt.Store(o.Created.UnixMicro())
		}
		if o.Ended.IsZero() && o.End.After(now) {
			active = append(active, health.Override{ID: o.ID, Gateway: o.Gateway, Mode: health.Mode(o.Mode), Start: began(o),
				End: o.End, MoveOpen: o.MoveOpen, Actor: o.Actor, Reason: o.Reason})
		}
	}
	r.Board.SetOverrides(active)
	r.orders.asked.Store(&now)
	return orders, nil
}

// began is when an order begins. One that was given to begin at once has begun wherever it
// is read: replicas' clocks differ.
func began(o journal.Override) time.Time {
	if !o.Start.After(o.Created) {
		return time.Time{}
	}
	return o.Start
}
