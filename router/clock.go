package router

import (
	"context"
	"errors"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// clockTolerance is how far this process's clock may be from the database's. A request
// leaves within sendBy of its plan, and package payment counts it as over its time-out and
// 5 s after the plan ("with a little for us", Terms.sendWindow): the rest, 3 s, is all that
// two replicas may differ by. Each may be off by the tolerance, and be measured wrong by
// half of it.
const clockTolerance = (5*time.Second - sendBy) / 3

// ErrMistimed says that this replica stands still: its clock and the database's differ, or could not
// be compared.
var ErrMistimed = errors.New("this process's clock cannot be believed")

// clock is what is known of this process's clock. The zero value believes it.
type clock struct {
	at     time.Time     // when the database was asked last, by our clocks
	offset time.Duration // the database's clock less ours, as last measured
	wrong  bool
}

// mistimed reports whether now is not to be believed: the clock was found wrong, or was
// set since the database was asked.
func (c clock) mistimed(now time.Time) bool {
	wall, mono := passed(c.at, now)
	return c.wrong || (wall-mono).Abs() > clockTolerance
}

// after is what is known once the database, asked at asked, had answered theirs at heard.
// An answer that took too long, or none (ok is false), says nothing: a clock that was
// wrong or was set stays wrong.
func (c clock) after(asked, heard, theirs time.Time, ok bool) clock {
	took := elapsed(asked, heard)
	if !ok || took > clockTolerance {
		return clock{at: asked, offset: c.offset, wrong: c.mistimed(asked)}
	}
	offset := theirs.Sub(asked.Add(took / 2))
	return clock{at: asked, offset: offset, wrong: offset.Abs() > clockTolerance}
}

// passed is the time between two readings by the wall clock, which may be set, and by the
// monotonic clock, which stands still while the machine is suspended.
func passed(from, to time.Time) (wall, mono time.Duration) {
	return to.Round(0).Sub(from.Round(0)), to.Sub(from)
}

// elapsed is the longer of what the two clocks say: nobody may believe that less passed.
func elapsed(from, to time.Time) time.Duration {
	wall, mono := passed(from, to)
	return max(wall, mono)
}

// mistimed reports whether this replica must stand still: what it would conclude from
// time could be wrong, and it plans, sends and concludes nothing until its clock is right.
// What others say is still recorded.
func (r *Router) mistimed(now time.Time) bool { return r.clock.Load().mistimed(now) }

// Mistimed is ErrMistimed while this replica stands still, or nil.
func (r *Router) Mistimed() error {
	if r.mistimed(time.Now()) {
		return ErrMistimed
	}
	return nil
}

// byBooks is now by the database's clock, as far as it is known.
func (r *Router) byBooks(now time.Time) time.Time { return now.Add(r.clock.Load().offset) }

// tooLate reports whether what was decided then must not be sent any more.
func (r *Router) tooLate(decided time.Time) bool {
	now := time.Now()
	return elapsed(decided, now) >= sendBy || r.mistimed(now)
}

// standStill is the answer of a drive that may not go on: the payment as it stands. A
// caller whose payment nobody has begun is told to come again.
func standStill(p payment.Payment, caller bool) (payment.Payment, error) {
	if caller && len(p.Attempts) == 0 && p.Cancel == nil && p.Finished == nil {
		return p, ErrUnavailable
	}
	return p, nil
}

// watchClock compares the clocks, as often as orders are read.
func (r *Router) watchClock(ctx context.Context) {
	for pause(ctx, r.WatchEvery) {
		r.readClock(ctx)
	}
}

// readClock asks the database for its time. Only Run calls it, and one at a time.
func (r *Router) readClock(ctx context.Context) {
	before, asked := *r.clock.Load(), time.Now()
	theirs, err := r.Clock(ctx)
	if err != nil && ctx.Err() == nil {
		r.metrics.storeFailed("clock")
	}
	now := before.after(asked, time.Now(), theirs, err == nil)
	if before.at.IsZero() && (err != nil || elapsed(asked, time.Now()) > clockTolerance) {
		now.wrong = true // nobody has seen it right yet
	}
	r.clock.Store(&now)
	r.metrics.offset.Set(now.offset.Seconds())
	switch offset := now.offset.String(); {
	case now.wrong && !before.wrong:
		r.Log.Error("our clock and the database's differ, or could not be compared: nothing is sent and nothing concluded", "offset", offset)
	case before.wrong && !now.wrong:
		r.Log.Info("our clock and the database's agree again", "offset", offset)
	case !now.wrong && before.mistimed(asked):
		r.Log.Warn("our clock was set, and is right", "offset", offset)
	}
}
