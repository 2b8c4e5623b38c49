package office

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/adhocore/gronx"
	"github.com/google/uuid"

	"github.com/payrouter/payrouter/router/journal"
)

const day = 24 * time.Hour

// The shortest terms. Shorter ones are refused, wherever they are written.
const (
	// LeastPayments: records of money live five years, of which two may be leap years. They
	// are never removed here, which is longer.
	LeastPayments = 1827 * day
	// LeastNotices: banks ask for 30 days of every notice as it came.
	LeastNotices = 30 * day
	// LeastPersonal: a payer has 120 days to dispute a charge at the least, and a dispute is
	// answered for weeks after that.
	LeastPersonal = 180 * day
	// LeastArchive: a payment rests when its offers, holds and late answers are over, and a
	// statement of the month after it was read.
	LeastArchive = 31 * day
)

// Retention is how long what may be removed is kept. Money is for ever: events, payments,
// attempts, refunds, statements, runs, findings. The zero value removes nothing.
type Retention struct {
	// Notices is how long inbound requests are kept as they came.
	Notices time.Duration
	// Personal is how long after its last change a payment keeps its payer.
	Personal time.Duration
	// Archive is how long after its last change the history of a payment that is over moves
	// into the archive, out of the way of others. Zero: never.
	Archive time.Duration
	// Schedule says when, as cron writes it, in UTC; empty means by hand only.
	Schedule string
}

// Check refuses terms that are too short, in the names of the fields.
func (r Retention) Check() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	switch {
	case r.Notices < LeastNotices:
		say("notices: %s is too short: banks ask for every notice as it came for %s; write %[2]s or more", Days(r.Notices), Days(LeastNotices))
	case r.Notices > r.Personal && r.Personal >= LeastPersonal:
		say("notices: %s is too long: notices hold the payer's data, which are erased after %s (personal); write %[2]s or less", Days(r.Notices), Days(r.Personal))
	}
	if r.Personal < LeastPersonal {
		say("personal: %s is too short: refunds and disputes of a payment need its payer for %s after its last change; write %[2]s or more", Days(r.Personal), Days(LeastPersonal))
	}
	if r.Archive != 0 && r.Archive < LeastArchive {
		say("archive_after: %s is too short: something happens to payments for %s after their last change; write %[2]s or more, or never", Days(r.Archive), Days(LeastArchive))
	}
	if r.Schedule != "" && !gronx.IsValid(r.Schedule) {
		say("schedule: %q is not what cron understands, such as \"15 22 * * *\"", r.Schedule)
	}
	return errors.Join(wrong...)
}

// Days writes a term as the configuration does.
func Days(d time.Duration) string {
	if d == 0 {
		return "forever"
	}
	return fmt.Sprintf("%dd", d/day)
}

// The things that have a term.
const (
	AgedNotices  = "notices"
	AgedPersonal = "personal"
	AgedPayments = "payments"
	AgedHistory  = "histories"
)

// Aging is what has outlived its term, of one kind of thing.
type Aging struct {
	What        string
	Term, Least time.Duration // a zero term: for ever
	Oldest      time.Time     // of all that there are; the zero time: there is none
	Due         int64         // removed, erased or archived; before a pass: what it would
	Kept        map[string]int64
}

// Keeper removes, erases and archives what has outlived its term, a small batch at a time. A batch is
// a commit: whoever goes on after a crash finds what is left.
type Keeper struct {
	Journal   *journal.Store                           // required
	Retention Retention                                // required
	Actor     string                                   // who wants it. Required
	Clock     func(context.Context) (time.Time, error) // default Journal.Clock
	Hold      func() error                             // why nothing may be done now. May be nil
	Pause     time.Duration                            // between batches, for charges to pass. Default 200 ms
	Lease     time.Duration                            // of the pass, renewed at each batch. Default 1 min
	Batch     int                                      // payments in a batch, and a tenth of the notices. Default 50
	Told      func(what string, done, kept int64)      // of each batch. May be nil
	Step      func(point string)                       // called after each batch, for tests. May be nil
}

// ErrOtherPass says that another process removes what is old at this moment.
var ErrOtherPass = errors.New("another process removes what is old at this moment; come again in a minute")

// Look counts what a pass would do, and does nothing.
func (k Keeper) Look(ctx context.Context) ([]Aging, error) {
	k = k.complete()
	now, err := k.Clock(ctx)
	if err != nil {
		return nil, err
	}
	return k.through(ctx, "", now, func() error { return ctx.Err() })
}

// Pass removes and erases what is due. One process at a time does it.
func (k Keeper) Pass(ctx context.Context) ([]Aging, error) {
	k = k.complete()
	if err := k.Retention.Check(); err != nil {
		return nil, fmt.Errorf("retention: %w", err)
	}
	owner := uuid.NewString()
	may := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if k.Hold != nil {
			if err := k.Hold(); err != nil {
				return err
			}
		}
		now, err := k.Clock(ctx)
		if err != nil {
			return err
		}
		mine, err := k.Journal.Lease(ctx, "retention", owner, now, k.Lease)
		if err == nil && !mine {
			err = ErrOtherPass
		}
		return err
	}
	all, err := k.pass(ctx, may)
	if err != nil { // whoever goes on need not wait for the lease's end
		err = errors.Join(err, k.Journal.Release(context.WithoutCancel(ctx), "retention", owner))
	}
	return all, err
}

// pass is Pass, as long as it may.
func (k Keeper) pass(ctx context.Context, may func() error) ([]Aging, error) {
	if err := may(); err != nil {
		return nil, err
	}
	now, err := k.Clock(ctx)
	if err != nil {
		return nil, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	err = k.Journal.BeginPass(ctx, journal.Pass{ID: id, Actor: k.Actor, NoticesBefore: now.Add(-k.Retention.Notices), PayersBefore: now.Add(-k.Retention.Personal), Began: now})
	if err != nil {
		return nil, err
	}
	all, err := k.through(ctx, id, now, may)
	if err != nil {
		return all, err
	}
	kept := int64(0)
	for _, a := range all {
		kept += a.kept()
	}
	if now, err = k.Clock(ctx); err != nil {
		return all, err
	}
	return all, k.Journal.EndPass(ctx, id, kept, now)
}

func (a Aging) kept() (n int64) {
	for _, of := range a.Kept {
		n += of
	}
	return n
}

func (k Keeper) complete() Keeper {
	if k.Clock == nil {
		k.Clock = k.Journal.Clock
	}
	if k.Pause == 0 {
		k.Pause = 200 * time.Millisecond
	}
	if k.Lease == 0 {
		k.Lease = time.Minute
	}
	if k.Batch == 0 {
		k.Batch = 50
	}
	return k
}

// through goes through all that is old, for a pass or, without one, only to look. Before each
// batch it asks whether it may.
func (k Keeper) through(ctx context.Context, pass string, now time.Time, may func() error) ([]Aging, error) {
	r := k.Retention
	notices := Aging{What: AgedNotices, Term: r.Notices, Least: LeastNotices, Kept: map[string]int64{}}
	personal := Aging{What: AgedPersonal, Term: r.Personal, Least: LeastPersonal, Kept: map[string]int64{}}
	payments := Aging{What: AgedPayments, Least: LeastPayments}
	histories := Aging{What: AgedHistory, Term: r.Archive, Least: LeastArchive, Kept: map[string]int64{}}
	result := func(err error) ([]Aging, error) {
		all := []Aging{notices, personal, payments}
		if r.Archive > 0 {
			all = append(all, histories)
		}
		return all, err
	}
	var err error
	if notices.Oldest, personal.Oldest, payments.Oldest, err = k.Journal.Oldest(ctx); err != nil {
		return result(err)
	}
	gateways, err := k.Journal.NoticeGateways(ctx)
	if err != nil {
		return result(err)
	}
	before := now.Add(-r.Notices)
	for _, gateway := range gateways {
		err := k.batches(ctx, &notices, 10*k.Batch, may, func(after journal.Cursor, n int) (journal.Aged, error) {
			return k.Journal.DropNotices(ctx, pass, gateway, after, before, n)
		})
		if err != nil {
			return result(err)
		}
	}
	err = k.batches(ctx, &personal, k.Batch, may, func(after journal.Cursor, n int) (journal.Aged, error) {
		return k.Journal.ErasePayers(ctx, pass, after, now.Add(-r.Personal), before, now, n)
	})
	if err == nil && r.Archive > 0 {
		err = k.archive(ctx, pass, now, &histories, may)
	}
	return result(err)
}

// batches does one batch after the other, with a pause between, until there is no more.
func (k Keeper) batches(ctx context.Context, a *Aging, n int, may func() error, do func(after journal.Cursor, n int) (journal.Aged, error)) error {
	for after := (journal.Cursor{}); ; {
		if err := may(); err != nil {
			return err
		}
		batch, err := do(after, n)
		if err != nil {
			return err
		}
		after = batch.Last
		k.tell(a, batch)
		if batch.Rows < n {
			return nil
		}
		pause(ctx, k.Pause)
	}
}

// tell adds a batch to the account.
func (k Keeper) tell(a *Aging, batch journal.Aged) {
	a.Due += batch.Done
	kept := int64(0)
	for why, of := range batch.Kept {
		a.Kept[why] += of
		kept += of
	}
	if k.Told != nil && batch.Rows > 0 {
		k.Told(a.What, batch.Done, kept)
	}
	if k.Step != nil {
		k.Step("batch of " + a.What)
	}
}

// keeper is how this office removes what is old.
func (o *Office) keeper() Keeper {
	return Keeper{
		Journal: o.Journal, Retention: o.Retention, Actor: "schedule", Clock: o.Clock, Hold: o.Router.Mistimed, Lease: o.Lease, Step: o.Step,
		Told: func(what string, done, _ int64) { o.metrics.aged(what, done) },
	}
}

// agedDue reports whether a pass is due: at each tick of the schedule, and later where one was
// missed. Where there never was a pass the first tick after the start begins, so that whoever
// has just written the terms can look first.
func (o *Office) agedDue(ctx context.Context, now time.Time) (bool, error) {
	if o.Retention.Schedule == "" {
		return false, nil
	}
	tick, err := gronx.PrevTickBefore(o.Retention.Schedule, now.UTC(), true)
	if err != nil {
		return false, err
	}
	last, err := o.Journal.LastPass(ctx)
	if errors.Is(err, journal.ErrNotFound) {
		return tick.After(o.began), nil
	}
	return err == nil && last.Began.Before(tick), err
}

// workAged does a pass. There is never more of it to do at once.
func (o *Office) workAged(ctx context.Context, _ time.Time) (more bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			o.Log.Error("removing what is old panicked", "cause", fmt.Sprintf("a %T", cause), "stack", string(debug.Stack()))
		}
	}()
	all, err := o.keeper().Pass(ctx)
	if errors.Is(err, ErrOtherPass) || ctx.Err() != nil {
		return false, nil // who goes on finds what is left
	}
	for _, a := range all {
		if a.What == AgedHistory && a.Due > 0 {
			o.Log.Info("histories of payments that were over were archived", "after", Days(a.Term), "payments", a.Due, "kept", a.kept())
		} else if a.Term > 0 && (a.Due > 0 || a.kept() > 0) {
			o.Log.Info("what had outlived its term was removed", "what", a.What, "term", Days(a.Term), "removed", a.Due, "kept", a.kept())
		}
	}
	return false, err
}
