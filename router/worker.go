package router

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
)

const (
	workers  = 4                // payments driven at once; each step is a commit or a call
	batch    = 16               // payments claimed at once
	lease    = 2 * time.Minute  // longer than the longest call; a dead worker's claims come back after it
	hintPace = time.Second      // look-ups of one payment that hints may cause
	warnEnd  = 10 * time.Minute // before an override ends by itself (PRODUCT N4)
)

// errand is work that an inbound notice leaves for after its answer: to look an
// attempt up, or with attempt 0 just to drive the payment.
type errand struct {
	payment string
	attempt int
}

// later leaves an errand. When there are too many it is dropped: the payment's own
// schedule does the same, later.
func (r *Router) later(e errand) {
	select {
	case r.errands <- e:
	default:
	}
}

// Run drives payments that are due, numbers the change feed, and keeps overrides in
// force, until ctx ends. It is crash recovery: a payment that a dead process left is
// due, and is asked about like any other. Several replicas may run.
func (r *Router) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { r.work(ctx); return nil })
	group.Go(func() error { r.runErrands(ctx); return nil })
	group.Go(func() error { r.number(ctx); return nil })
	group.Go(func() error { r.watchOverrides(ctx); return nil })
	return group.Wait()
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// work claims payments that are due and hands them to the workers.
func (r *Router) work(ctx context.Context) {
	due := make(chan string)
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			for id := range due {
				r.serve(ctx, id)
			}
			return nil
		})
	}
	defer func() { close(due); _ = group.Wait() }()
	for ctx.Err() == nil {
		ids, err := r.Journal.Claim(ctx, time.Now(), lease, batch)
		if err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("claim")
			r.Log.Error("work cannot be claimed", "error", err.Error())
		}
		for _, id := range ids {
			select {
			case due <- id:
			case <-ctx.Done():
				return // the leases run out, and others go on
			}
		}
		if len(ids) < batch && !pause(ctx, r.PollEvery) {
			return
		}
	}
}

// serve drives one claimed payment and says when it is due again.
func (r *Router) serve(ctx context.Context, id string) {
	p, err := r.Journal.Get(ctx, id)
	if err == nil {
		p, err = r.drive(ctx, p, false)
	}
	now := time.Now()
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("payment cannot be driven", "payment", id, "error", err.Error())
			_ = r.Journal.Wake(ctx, id, now.Add(5*time.Second))
		}
		return
	}
	if err := r.Journal.Defer(ctx, id, p.Seq, p.Due(now, r.TermsFor(p.Tenant))); err != nil && ctx.Err() == nil {
		r.Log.Error("payment keeps its lease", "payment", id, "error", err.Error())
	}
}

// runErrands does what notices left to do.
func (r *Router) runErrands(ctx context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case e := <-r.errands:
					if err := r.run(ctx, e); err != nil && ctx.Err() == nil {
						r.Log.Error("what a notice asked for waits for the schedule", "payment", e.payment, "error", err.Error())
					}
				}
			}
		})
	}
	_ = group.Wait()
}

func (r *Router) run(ctx context.Context, e errand) error {
	p, err := r.Journal.Get(ctx, e.payment)
	if err != nil {
		return err
	}
	if e.attempt > 0 {
		a := p.Attempts[e.attempt-1]
		if a.Flow == providers.AskFirst && a.External == "" {
			return nil // there is nothing to ask the gateway by
		}
		if wait := hintPace - time.Since(a.LastLook); wait > 0 && !pause(ctx, wait) {
			return nil
		}
		if p, err = r.ask(ctx, p, e.attempt); err != nil {
			return err
		}
	}
	_, err = r.drive(ctx, p, false)
	return err
}

// number gives committed changes their place in the feed. One replica at a time does it.
func (r *Router) number(ctx context.Context) {
	const most = 256
	held := time.Time{}
	for ctx.Err() == nil {
		now := time.Now()
		if now.After(held) {
			mine, err := r.Journal.Lease(ctx, "sequencer", r.owner, now, 10*time.Second)
			if err != nil || !mine {
				if !pause(ctx, time.Second) {
					return
				}
				continue
			}
			held = now.Add(3 * time.Second) // renewed well before others may take it
		}
		changed := r.hub.wait(anyKey)
		n, err := r.Journal.Number(ctx, most)
		if err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("number")
			r.Log.Error("changes cannot be numbered", "error", err.Error())
		}
		if n > 0 {
			r.hub.wake(feedKey)
		}
		if n == most {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(r.PollEvery): // other replicas' changes
		}
	}
}

// watchOverrides keeps the board's orders those of the books: read every second on
// every replica. While the store is away the last ones stay in force.
func (r *Router) watchOverrides(ctx context.Context) {
	warned, moved := map[string]bool{}, map[string]bool{}
	for {
		orders, err := r.refreshOverrides(ctx)
		if err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("overrides")
		}
		for _, o := range orders {
			if o.MoveOpen && o.Ended.IsZero() && !o.Start.After(time.Now()) && !moved[o.ID] {
				moved[o.ID] = r.Journal.WakeOpen(ctx, o.Gateway, time.Now()) == nil
			}
			if left := time.Until(o.End); o.Ended.IsZero() && left < warnEnd && left > 0 && o.End.Sub(o.Start) > warnEnd && !warned[o.ID] {
				warned[o.ID] = true
				r.Log.Warn("an override ends soon", "gateway", o.Gateway, "mode", o.Mode, "end", o.End, "actor", o.Actor)
			}
		}
		if !pause(ctx, time.Second) {
			return
		}
	}
}

// refreshOverrides reads the orders that may be in force and hands them to the board.
func (r *Router) refreshOverrides(ctx context.Context) ([]journal.Override, error) {
	orders, err := r.Journal.Overrides(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	active := make([]health.Override, 0, len(orders))
	for _, o := range orders {
		if o.Ended.IsZero() {
			active = append(active, health.Override{ID: o.ID, Gateway: o.Gateway, Mode: health.Mode(o.Mode), Start: o.Start,
				End: o.End, MoveOpen: o.MoveOpen, Actor: o.Actor, Reason: o.Reason})
		}
	}
	r.Board.SetOverrides(active)
	return orders, nil
}
