package router

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/payment"
)

const (
	hintPace  = time.Second    // between the look-ups of one payment that hints may cause
	hintEvery = time.Minute    // how often hints are looked for that nobody followed
	mostHints = 256            // of them at a time
	hintAge   = 24 * time.Hour // after which a hint that no look-up could follow is left to people
)

// errand is work that an inbound notice, or a caller's question, leaves for after its
// answer: to look an attempt up, or with attempt 0 just to drive the payment.
type errand struct {
	payment string
	attempt int
}

// errands are what one gateway's notices left to do. However often the same one is left, it waits once
// and is done by one worker at a time.
type errands struct {
	queue  chan errand
	mu     sync.Mutex
	states map[errand]errandState
}

type errandState uint8

const (
	errandWaits errandState = iota + 1
	errandRuns
	errandRunsAndWaits // left again while it was being done: what it sees may be older than why
)

func newErrands() *errands {
	return &errands{queue: make(chan errand, 1024), states: map[errand]errandState{}}
}

// leave adds an errand. When there are too many it is dropped: the payment's own
// schedule does the same, later, and a hint stands in the books.
func (q *errands) leave(e errand) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch q.states[e] {
	case errandWaits, errandRunsAndWaits:
		return
	case errandRuns:
		q.states[e] = errandRunsAndWaits
		return
	}
	q.push(e)
}

func (q *errands) push(e errand) {
	select {
	case q.queue <- e:
		q.states[e] = errandWaits
	default:
		delete(q.states, e)
	}
}

func (q *errands) begin(e errand) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.states[e] = errandRuns
}

func (q *errands) end(e errand) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.states[e] == errandRunsAndWaits {
		q.push(e)
		return
	}
	delete(q.states, e)
}

// leave adds an errand to a gateway's. One that is gone from the configuration has none.
func (r *Router) leave(gateway string, e errand) {
	if lane, ok := r.errands[gateway]; ok {
		lane.leave(e)
	}
}

// Refresh leaves an errand to look a payment up that a caller asks about, when that is
// worth it (see [payment.Payment.Refresh]). The caller reads what came of it next time.
func (r *Router) Refresh(p payment.Payment) {
	if n, ok := p.Refresh(time.Now(), r.TermsFor(p.Tenant)); ok {
		r.leave(p.Attempts[n-1].Gateway, errand{payment: p.ID, attempt: n})
	}
}

// runErrands does what one gateway's notices left to do.
func (r *Router) runErrands(ctx context.Context, lane *errands) {
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case e := <-lane.queue:
					if err := r.run(ctx, lane, e); err != nil && ctx.Err() == nil {
						r.Log.Error("what a notice or a caller asked for waits for the schedule", "payment", e.payment, "error", err.Error())
					}
				}
			}
		})
	}
	_ = group.Wait()
}

func (r *Router) run(ctx context.Context, lane *errands, e errand) error {
	defer lane.end(e)
	p, err := r.Journal.Get(ctx, e.payment)
	if err != nil {
		return err
	}
	if e.attempt > len(p.Attempts) {
		return nil // the books went back: people compare what they lost
	}
	if e.attempt > 0 {
		if wait := hintPace - time.Since(p.Attempts[e.attempt-1].LastLook); wait > 0 && !pause(ctx, wait) {
			return nil
		}
	}
	if r.mistimed(time.Now()) {
		return nil // a hint waits in the books, and the payment has its schedule
	}
	lane.begin(e)
	ctx, span := spans.Root(ctx, r.Tracer, "errand")
	defer span.End()
	span.Payment(e.payment)
	if e.attempt > 0 {
		if p, err = r.followHint(ctx, p, e.attempt); err != nil {
			return err
		}
	}
	_, err = r.drive(ctx, p, false)
	return err
}

// followHint looks up what a hint was about. The hint is followed when the look-up was
// answered, or when there is nothing to ask the gateway by. A gateway may show what was before
// its own news for a while, and of an attempt that is over and has no money nobody asks again:
// there only a later look-up follows the hint, see [Router.watchHints].
func (r *Router) followHint(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	asked := time.Now()
	a := p.Attempts[n-1]
	if a.Flow != providers.AskFirst || a.External != "" {
		var err error
		if p, err = r.ask(ctx, p, n); err != nil || p.Attempts[n-1].FailedLooks > 0 {
			return p, err
		}
		if now := p.Attempts[n-1]; !now.Open() && !now.Verdict.HasMoney() {
			asked = asked.Add(-max(hintEvery, r.terms.Claims(a.Gateway).StatusLag))
		}
	}
	return p, r.Journal.HintsFollowed(ctx, p.ID, a.Gateway, asked)
}

// watchHints leaves errands for hints that were acknowledged and not followed, by this
// process or another: it died, had too much to do, or could not ask the gateway. An
// open attempt is looked up all the same; nobody else looks at one that is over.
func (r *Router) watchHints(ctx context.Context) {
	for pause(ctx, hintEvery) {
		now := time.Now()
		hints, err := r.Journal.WaitingHints(ctx, now.Add(-hintAge), now.Add(-hintEvery), mostHints)
		if err != nil && ctx.Err() == nil {
			r.metrics.storeFailed("claim")
			r.Log.Error("hints cannot be read", "error", err.Error())
		}
		for _, hint := range hints {
			p, err := r.Journal.Get(ctx, hint.Payment)
			if err != nil {
				continue // read again next time
			}
			at := func(a payment.Attempt) bool { return a.Gateway == hint.Gateway }
			if i := slices.IndexFunc(p.Attempts, at); i >= 0 {
				r.leave(hint.Gateway, errand{payment: p.ID, attempt: i + 1})
			}
		}
	}
}
