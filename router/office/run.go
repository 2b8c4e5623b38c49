package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
)

// The causes of a run.
const (
	CauseSchedule = "schedule"
	CauseReread   = "reread" // once more, for what the provider wrote late
	CauseOperator = "operator"
)

// Errors that callers branch on.
var (
	ErrNoBooks  = errors.New("nothing is configured for this gateway's statements")
	ErrNoSource = errors.New("the gateway's statements cannot be asked for")
	ErrBadDay   = errors.New("no day such as 2026-11-24")
)

// EarlyError says that a day is not over, or that its books may still change.
type EarlyError struct {
	Day   string
	Ready time.Time // when it can be read
}

func (e *EarlyError) Error() string {
	return "the books of " + e.Day + " can be read from " + e.Ready.UTC().Format(time.RFC3339) + " on"
}

// Order is a wish for a run.
type Order struct {
	Gateway, Day  string // without a day: the last one that is over
	Cause         string
	Actor, Reason string
	RequestID     string
}

// Start orders a run and returns the one that stands: of the same request, or of the same
// day, that has not ended. It may be another process that does it.
func (o *Office) Start(ctx context.Context, order Order) (journal.Run, error) {
	run, err := o.Prepare(ctx, order)
	if err != nil {
		return run, err
	}
	run, _, err = o.Journal.StartRun(ctx, run)
	return run, err
}

// Prepare is the run that an order would start.
func (o *Office) Prepare(ctx context.Context, order Order) (journal.Run, error) {
	_, claims, err := o.claims(order.Gateway)
	if err != nil {
		return journal.Run{}, err
	}
	books, ok := o.Books[order.Gateway]
	if !ok {
		return journal.Run{}, fmt.Errorf("%s: %w", order.Gateway, ErrNoBooks)
	}
	if !claims.Statement.ByCall() {
		return journal.Run{}, fmt.Errorf("%s has a %s: %w", order.Gateway, claims.Statement, ErrNoSource)
	}
	now, err := o.Clock(ctx)
	if err != nil {
		return journal.Run{}, err
	}
	span := books.before(reconcile.Day(now.Add(-books.Lag), books.Zone))
	if order.Day != "" {
		if span, err = books.day(order.Day); err != nil {
			return journal.Run{}, err
		}
	}
	if ready := span.To.Add(books.Lag); ready.After(now) {
		return journal.Run{}, &EarlyError{Day: books.name(span), Ready: ready}
	}
	id := uuid.Must(uuid.NewV7()).String()
	return journal.Run{
		ID: id, Gateway: order.Gateway, Day: books.name(span), Span: span, Source: claims.Statement, Cause: order.Cause, Actor: order.Actor,
		Reason: order.Reason, RequestID: order.RequestID, State: journal.RunQueued, Reading: id, ReadTo: span.From, Due: now, Created: now, Updated: now,
	}, nil
}

// waits are how long a run that failed waits before it is tried again; after the last it has
// failed.
var waits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// work takes up a run that is due and does it. It reports whether there was one. Each has an
// owner of its own: should its lease run out, a colleague in this very process is as much a
// stranger to it as one in another.
func (o *Office) work(ctx context.Context, now time.Time) (bool, error) {
	run, err := o.Journal.ClaimRun(ctx, uuid.NewString(), now, o.Lease, slices.Sorted(maps.Keys(o.Books)))
	if errors.Is(err, journal.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	log := o.Log.With("run", run.ID, "gateway", run.Gateway, "day", run.Day)
	log.Info("a reconciliation begins", "cause", run.Cause, "state", string(run.State), "tries", run.Tries)
	done := o.beating(ctx, func(ctx context.Context, until time.Time) error {
		return o.Journal.BeatRun(ctx, run.ID, run.Owner, until)
	},
		func(ctx context.Context) {
			err = survive(log, func() (err error) { run, err = o.do(ctx, run); return err })
		})
	switch {
	case err == nil:
		o.metrics.ended(run, outcomeDone)
		log.Info("a reconciliation is done", "lines", run.Counts.Lines, "orders", run.Counts.Groups, "matched", run.Counts.Matched,
			"opened", run.Counts.Opened, "closed", run.Counts.Closed, "healed", run.Counts.Healed)
	case errors.Is(err, journal.ErrLost), !done:
		log.Warn("a reconciliation was ended, or taken up by another process")
	default:
		o.failed(context.WithoutCancel(ctx), run, err, ctx.Err() != nil)
	}
	return true, nil
}

// beating does something while it renews the lease of it, and reports whether the lease was
// kept. It renews no more once that has ended, be it by a panic: or else nobody could ever take
// it up.
func (o *Office) beating(ctx context.Context, renew func(ctx context.Context, until time.Time) error, do func(context.Context)) (kept bool) {
	working, stop := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			timer := time.NewTimer(o.Lease / 4)
			select {
			case <-working.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			now, err := o.Clock(working)
			if err == nil {
				err = renew(working, now.Add(o.Lease))
			}
			if errors.Is(err, journal.ErrLost) {
				stop(err)
			}
		}
	}()
	defer func() {
		stop(nil)
		<-ended
	}()
	do(working)
	return !errors.Is(context.Cause(working), journal.ErrLost)
}

// failed gives a run back, to be tried again later. One that was only told to stop is due
// at once.
func (o *Office) failed(ctx context.Context, run journal.Run, cause error, told bool) {
	now, err := o.Clock(ctx)
	if err != nil {
		now = run.Updated // the lease ends by itself
	}
	kept, err := o.Journal.Run(ctx, run.ID) // what panics does not say how far it came
	switch {
	case err != nil:
		o.Log.Error("a reconciliation keeps its lease", "run", run.ID, "error", err.Error())
		return
	case kept.Owner != run.Owner:
		return // another process has it, or it was ended
	}
	run = kept
	run.Updated, run.Due = now, now
	if !told {
		run.Error = inWords(cause)
		run.Tries++
		o.Log.Error("a reconciliation failed", "run", run.ID, "gateway", run.Gateway, "day", run.Day, "tries", run.Tries, "error", cause.Error())
		if run.Tries > len(waits) {
			run.State, run.Due, run.Ended = journal.RunFailed, time.Time{}, now
			o.metrics.ended(run, outcomeFailed)
		} else {
			run.Due = now.Add(waits[run.Tries-1])
			o.metrics.ended(run, outcomeRetried)
		}
	}
	if err := o.Journal.ReleaseRun(ctx, run); err != nil && !errors.Is(err, journal.ErrLost) {
		o.Log.Error("a reconciliation keeps its lease", "run", run.ID, "error", err.Error())
	}
}

// inWords is why something failed, for people who are not to see what drivers say of hosts and
// users, or more of a provider's words than they need.
func inWords(err error) string {
	if journal.Trouble(err) {
		return "the database did not do it in time"
	}
	return providers.Plain(err.Error(), 300, "")
}

// survive does something with lines that may bring a bug of ours to light: they must not end the
// process, and then the next one that takes them up.
func survive(log *slog.Logger, do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("the back office panicked", "cause", fmt.Sprintf("a %T", cause), "stack", string(debug.Stack()))
			err = errors.New("our own fault: the log has the stack")
		}
	}()
	return do()
}

// do goes through what is left of a run. Beside an error the run is as it was kept last.
func (o *Office) do(ctx context.Context, run journal.Run) (journal.Run, error) {
	books, ok := o.Books[run.Gateway]
	if !ok {
		return run, fmt.Errorf("%s: %w", run.Gateway, ErrNoBooks)
	}
	g, claims, err := o.claims(run.Gateway)
	if err != nil {
		return run, err
	}
	if run.State == journal.RunQueued || run.State == journal.RunReading {
		if run, err = o.read(ctx, run, g, claims, books); err != nil {
			return run, err
		}
	}
	o.Step("statement read")
	if run, err = o.match(ctx, run, claims, books); err != nil {
		return run, err
	}
	for {
		n, err := o.Journal.DropReplaced(ctx, run.Gateway, run.Day, 10*o.Page)
		if err != nil {
			return run, err
		}
		if n == 0 {
			break
		}
	}
	return o.keep(ctx, run, func(r *journal.Run) { r.State, r.Ended, r.Error = journal.RunDone, r.Updated, "" })
}

// keep writes how far a run is, with a lease that begins anew.
func (o *Office) keep(ctx context.Context, run journal.Run, change func(*journal.Run)) (journal.Run, error) {
	next, err := o.renewed(ctx, run)
	if err != nil {
		return run, err
	}
	change(&next)
	if !next.Ended.IsZero() {
		next.Due = time.Time{}
	}
	if err := o.Journal.KeepRun(ctx, next); err != nil {
		return run, err
	}
	return next, nil
}

// renewed is a run as of now, with a lease that begins anew.
func (o *Office) renewed(ctx context.Context, run journal.Run) (journal.Run, error) {
	now, err := o.Clock(ctx)
	if err != nil {
		return run, err
	}
	run.Updated, run.Due = now, now.Add(o.Lease)
	return run, ctx.Err()
}

// report asks a gateway for its books of a span. An adapter that panics has told nothing.
func report(ctx context.Context, g router.Gateway, span providers.Window, line func(providers.StatementLine) error) (err error) {
	reporter, ok := g.Provider.(providers.Reporter)
	if !ok {
		return ErrNoSource
	}
	ours := false // what panics is not the adapter
	defer func() {
		if ours {
			return
		}
		if cause := recover(); cause != nil {
			err = errors.New("the adapter panicked")
		}
	}()
	return reporter.Report(ctx, span, func(l providers.StatementLine) error {
		ours = true
		err := line(l)
		ours = false
		return err
	})
}
