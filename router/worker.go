package router

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/payment"
)

const (
	workers = 4                     // payments of one gateway driven at once; each step is a commit or a call
	batch   = 16                    // payments claimed at once
	gather  = 20 * time.Millisecond // of changes for one numbering, so that it is no commit more for each
)

// Run drives payments that are due, numbers the change feed, and keeps overrides in
// force, until ctx ends. It is crash recovery: a payment that a dead process left is
// due, and is asked about like any other. Several replicas may run.
func (r *Router) Run(ctx context.Context) error {
	r.Begin(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { r.watchClock(ctx); return nil })
	group.Go(func() error { r.work(ctx); return nil })
	for _, name := range r.names {
		group.Go(func() error { r.runErrands(ctx, r.errands[name]); return nil })
	}
	group.Go(func() error { r.watchHints(ctx); return nil })
	group.Go(func() error { r.number(ctx); return nil })
	group.Go(func() error { r.sweep(ctx); return nil })
	group.Go(func() error { r.watchOverrides(ctx); return nil })
	group.Go(func() error { r.watchCredentials(ctx); return nil })
	return group.Wait()
}

// Begin reads the clock and the orders, before anything goes by them: call it before the
// doors open. Where the database does not answer, nothing is sent until it does. Run
// begins by itself.
func (r *Router) Begin(ctx context.Context) {
	if r.begun.Swap(true) {
		return
	}
	r.readClock(ctx)
	if _, err := r.lookOver(ctx); err != nil && ctx.Err() == nil {
		r.Log.Warn("the database cannot be read yet", "error", err.Error())
	}
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

// work looks for payments that are due and wakes the lane of their gateway. Each has its
// own, so that one that hangs holds up no other.
func (r *Router) work(ctx context.Context) {
	lanes := map[string]chan struct{}{} // also of no gateway, and of those that are configured no more
	group, ctx := errgroup.WithContext(ctx)
	defer func() { _ = group.Wait() }()
	for ctx.Err() == nil {
		due, err := r.Journal.DueAt(ctx, time.Now())
		r.cannotClaim(ctx, err)
		for _, gateway := range due {
			wake, ok := lanes[gateway]
			if !ok {
				wake = make(chan struct{}, 1)
				lanes[gateway] = wake
				group.Go(func() error { r.workLane(ctx, gateway, wake); return nil })
			}
			select {
			case wake <- struct{}{}:
			default:
			}
		}
		pause(ctx, r.PollEvery)
	}
}

// workLane claims one gateway's payments that are due and hands them to its workers.
func (r *Router) workLane(ctx context.Context, gateway string, wake <-chan struct{}) {
	due := make(chan claimed)
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			for c := range due {
				r.serve(ctx, c)
			}
			return nil
		})
	}
	defer func() { close(due); _ = group.Wait() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		for more := true; more && !r.mistimed(time.Now()); {
			now := time.Now()
			lease := now.Add(r.Lease)
			ids, err := r.Journal.Claim(ctx, now, lease, batch, gateway)
			r.cannotClaim(ctx, err)
			for _, id := range ids {
				select {
				case due <- claimed{id, lease}:
				case <-ctx.Done():
					r.giveBack(ctx, id)
				}
			}
			more = len(ids) == batch
		}
	}
}

func (r *Router) cannotClaim(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		r.metrics.storeFailed("claim")
		r.Log.Error("work cannot be claimed", "error", err.Error())
	}
}

// claimed is a payment that this process may drive, and until when nobody else will.
type claimed struct {
	id    string
	lease time.Time
}

// serve drives one claimed payment and says when it is due again.
func (r *Router) serve(ctx context.Context, c claimed) {
	id := c.id
	ctx, span := spans.Root(ctx, r.Tracer, "due")
	defer span.End()
	span.Payment(id)
	p, err := r.Journal.Get(ctx, id)
	if err == nil {
		p, err = r.drive(ctx, p, false)
	}
	now := r.byBooks(time.Now())
	told := ctx.Err() != nil // to stop
	ctx = context.WithoutCancel(ctx)
	switch {
	case told && err != nil:
		r.giveBack(ctx, id)
	case errors.Is(err, ErrUnavailable): // it may not move now; the board and the log say why
		_ = r.Journal.Wake(ctx, id, now.Add(15*time.Second))
	case errors.Is(err, payment.ErrUnreadable):
		_ = r.Journal.Wake(ctx, id, now.Add(r.strangers.met(now, func(since int) {
			r.Log.Error("payments that a later version of payrouter wrote of are left to its replicas", "payment", id, "others", since, "error", err.Error())
		})))
	case err != nil:
		r.Log.Error("payment cannot be driven", "payment", id, "error", err.Error())
		_ = r.Journal.Wake(ctx, id, now.Add(5*time.Second))
	default:
		if err := r.Journal.Defer(ctx, id, p.Seq, c.lease, p.Due(now, r.TermsFor(p.Tenant))); err != nil {
			r.Log.Error("payment keeps its lease", "payment", id, "error", err.Error())
		}
	}
}

// giveBack ends the lease of a claimed payment. Should that fail, it runs out.
func (r *Router) giveBack(ctx context.Context, id string) {
	_ = r.Journal.Wake(context.WithoutCancel(ctx), id, time.Now())
}

// sequencer is the lease of whoever numbers the feed.
const sequencer = "sequencer"

// giveUp ends a lease that this process may have. Should that fail, it runs out.
func (r *Router) giveUp(ctx context.Context, lease string) {
	if err := r.Journal.Release(context.WithoutCancel(ctx), lease, r.owner); err != nil {
		r.Log.Warn("a lease was not given up and runs out by itself", "lease", lease, "error", err.Error())
	}
}

// number gives committed changes their place in the feed. One replica at a time does it; one
// that is told to stop gives the work up, and another has it within a second.
func (r *Router) number(ctx context.Context) {
	const most = 256
	const lease, renew = 10 * time.Second, 3 * time.Second // renewed well before others may take it
	const again = time.Second                              // whoever has it not asks for it
	defer r.giveUp(ctx, sequencer)
	held := time.Time{}
	for ctx.Err() == nil {
		now := time.Now()
		if now.After(held) {
			mine, err := r.Journal.Lease(ctx, sequencer, r.owner, r.byBooks(now), lease)
			if err != nil || !mine {
				if !pause(ctx, again) {
					return
				}
				continue
			}
			held = now.Add(renew)
		}
		changed := r.hub.wait(anyKey)
		n, err := r.Journal.Number(ctx, r.byBooks(now), most)
		if err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("number")
			r.Log.Error("changes cannot be numbered", "error", err.Error())
			pause(ctx, r.PollEvery) // new changes are no reason to try sooner
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
			pause(ctx, gather)
		case <-time.After(r.PollEvery): // other replicas' changes
		}
	}
}

// watchOverrides sees whether the books went back, every second (see Options.WatchEvery), and keeps the board's orders those
// of the books: read twice as often, on every replica. While the store is away the last ones stay in force.
func (r *Router) watchOverrides(ctx context.Context) {
	moved, known, woken := map[string]bool{}, newEndings(), map[string]map[string]bool{}
	for {
		orders, err := r.lookOver(ctx)
		if err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("overrides")
		}
		for _, o := range orders {
			if now := time.Now(); o.MoveOpen && o.Ended.IsZero() && !o.Start.After(now) && o.End.After(now) && !moved[o.ID] {
				if woken[o.ID] == nil {
					woken[o.ID] = map[string]bool{}
				}
				if moved[o.ID], _ = r.Journal.WakeOpen(ctx, o.Gateway, time.Now(), woken[o.ID]); moved[o.ID] {
					delete(woken, o.ID)
				}
			}
		}
		r.noteEndings(ctx, orders, known)
		if !pause(ctx, r.WatchEvery/2) {
			return
		}
		if _, err := r.refreshOverrides(ctx); err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("overrides")
		}
		if !pause(ctx, r.WatchEvery/2) {
			return
		}
	}
}
