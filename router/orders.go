package router

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/payrouter/payrouter/router/journal"
)

// An order given at one replica must be obeyed by the others within a second. Each reads
// the orders every half WatchEvery; and where that is late, because the database was away
// or the process slept, whoever is about to begin an attempt reads them first. So no
// attempt goes by orders that are older than ordersWithin.

// ordersWithin is how old the orders may be when an attempt begins: less than a second
// together with the look and the plan that follow.
func (r *Router) ordersWithin() time.Duration { return r.WatchEvery * 3 / 4 }

// orders are how this process knows the orders.
type orders struct {
	reading chan struct{}             // one reads at a time: an earlier reading must not replace a later one
	asked   atomic.Pointer[time.Time] // when the last reading that was answered began; nil before the first
}

func newOrders() *orders { return &orders{reading: make(chan struct{}, 1)} }

// begin waits for its turn to read. done must be called with how the reading went.
func (o *orders) begin(ctx context.Context) (done func(*error), err error) {
	select {
	case o.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := time.Now()
	return func(err *error) {
		if *err == nil {
			o.asked.Store(&now)
		}
		<-o.reading
	}, nil
}

// older reports whether the orders were read longer ago than that. Before the first
// reading nothing is old: Begin comes before the doors open.
func (o *orders) older(than time.Duration) bool {
	asked := o.asked.Load()
	return asked != nil && time.Since(*asked) > than
}

// knowOrders reads the orders where what is known of them is old.
func (r *Router) knowOrders(ctx context.Context) error {
	if !r.orders.older(r.ordersWithin()) {
		return nil
	}
	_, err := r.refreshOverrides(ctx)
	return err
}

// began is when an order begins. One that was given to begin at once has begun wherever it
// is read: replicas' clocks differ.
func began(o journal.Override) time.Time {
	if !o.Start.After(o.Created) {
		return time.Time{}
	}
	return o.Start
}
