package router

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Books that were put back to an older state, or that a failover carried over without
// their last commits, do not know what was sent in the lost window. A caller who repeats
// a request of that time looks like a new one, and a charge of it may be made again at
// whichever gateway is first now (SAFETY section 3). So nothing that moves money is sent
// anywhere until a person has compared the window with every gateway's own books, and
// said so by ending the order that stands for it.

// Lost is a window that the books lost.
type Lost struct {
	Gateways []string // whose windows must be reconciled
	Skip     int64    // order numbers to pass over, for those given out in the window; 0 means SkipDefault, once
	Actor    string
	Reason   string
}

// SkipDefault is how many order numbers are passed over after books went back: more than
// were given out in the lost window, and little beside the million that Halyk has.
const SkipDefault = 10_000

// reconcileFor is the end of an order to reconcile: it has none of itself, a person ends it.
const reconcileFor = 100 * 365 * 24 * time.Hour

// HoldForReconciliation writes down, for each gateway, the order to reconcile, and passes
// over order numbers that may have been given out in the lost window. A gateway whose
// order stands keeps it. Call it before the service starts on books that were put back.
func HoldForReconciliation(ctx context.Context, store *journal.Store, lost Lost) error {
	now := payment.Instant(time.Now())
	asked := lost.Skip > 0
	if !asked {
		lost.Skip = SkipDefault
	}
	var orders []journal.Override
	for _, gateway := range lost.Gateways {
		orders = append(orders, journal.Override{ID: newID(), Gateway: gateway, Mode: string(health.Reconcile),
			Actor: lost.Actor, Reason: lost.Reason, Created: now, Start: now, End: now.Add(reconcileFor)})
	}
	return store.Hold(ctx, orders, counterOf, lost.Skip, asked)
}

// errNotSure says that nothing is sent because the books may have gone back: they were
// out of reach, and other replicas need a moment to see whether they still hold what
// these had committed.
var errNotSure = errors.New("the books were out of reach and are being looked over")

// trust says whether the books are believed to hold all that was committed. It is judged by the
// looks of one goroutine, and read by all.
type trust struct {
	doubted atomic.Bool
	since   time.Time // of the looks in a row that went well and soon
}

// doubt is for books that went back, or that cannot be read.
func (t *trust) doubt() { t.doubted.Store(true); t.since = time.Time{} }

// look is for a look that went well. Books are trusted again when all looks of a span went soon:
// a look of another replica's, which would show that its last commit is gone, has then ended, too,
// and one more, if the first came to nothing. While the books are slow the others' word may be.
func (t *trust) look(began time.Time, took, soon, span time.Duration) {
	switch {
	case !t.doubted.Load():
	case took >= soon:
		t.since = time.Time{}
	case t.since.IsZero():
		t.since = began
	case began.Sub(t.since) >= span:
		t.doubted.Store(false)
	}
}

// err is errNotSure while the books are not trusted.
func (t *trust) err() error {
	if t.doubted.Load() {
		return errNotSure
	}
	return nil
}

// soon is how fast a look must be to show that another replica's is not held up, and sureAfter
// for how long all must be: as long as a look can take that began before, and until the next one.
func (r *Router) soon() time.Duration      { return min(r.WatchEvery, r.Journal.Patience()/5) }
func (r *Router) sureAfter() time.Duration { return r.Journal.Patience() + 2*r.WatchEvery }

// forgetsWithin is how long a process may have a payment in its hands as it was before the
// books went back: longer than any call with its tries to write the answer down. That it
// finds the books behind is no news in this time.
const forgetsWithin = 10 * time.Minute

// lookOver sees whether the books still hold what this process knows of them, and reads
// the orders. When they do not, it orders every gateway to be reconciled.
func (r *Router) lookOver(ctx context.Context) (orders []journal.Override, err error) {
	began := time.Now()
	look, err := r.Journal.LookOver(ctx)
	lost := look.Gone || look.Behind && began.Sub(time.UnixMicro(r.lostAt.Load())) > forgetsWithin
	if err == nil && look.Moved {
		r.doubt("another server answers, or it was started anew")
		r.Journal.Settle()
	}
	if err == nil && lost {
		r.doubt("the books went back")
		r.Log.Error("the books went back: nothing that moves money is sent until every gateway's window is reconciled")
		err = HoldForReconciliation(ctx, r.Journal, Lost{Gateways: r.names, Actor: "router", Reason: "the books do not hold the last commits"})
		switch {
		case err == nil:
			r.numbers.forget()
			r.Journal.StartAnew()
		case look.Behind:
			r.Journal.TellAgain()
		}
	}
	if err == nil {
		orders, err = r.refreshOverrides(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			r.doubt("the database cannot be read")
		}
		return nil, err
	}
	r.trust.look(began, time.Since(began), r.soon(), r.sureAfter())
	return orders, nil
}

// doubt holds all that moves money until the books were looked over, and says so once.
func (r *Router) doubt(why string) {
	if r.trust.err() == nil {
		r.Log.Warn("nothing that moves money is sent until the books were looked over", "for_at_least", r.sureAfter().String(), "why", why)
	}
	r.trust.doubt()
}

// sure reports why the books are not trusted, or nil. A server that has just taken over is
// doubted from the first connection on, which may be long before the next look.
func (r *Router) sure() error {
	if r.Journal.Moved() {
		return errNotSure
	}
	return r.trust.err()
}

// mayMove reports why nothing that moves money may be sent to anybody now, or nil.
func (r *Router) mayMove() error {
	err := r.sure()
	if err == nil {
		err = r.Board.Reconciled()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}
