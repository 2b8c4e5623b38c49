package office

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// read reads the books of a run's day, slice by slice or payment by payment, and makes them
// the day's statement. Lines are staged as they come; those of a slice that did not come to
// its end are dropped when it is read again.
func (o *Office) read(ctx context.Context, run journal.Run, g router.Gateway, claims providers.Claims, books Books) (journal.Run, error) {
	run, err := o.renewed(ctx, run)
	if err != nil {
		return run, err
	}
	run.State, run.Counts.Lines = journal.RunReading, run.Staged
	asOf := run.Created // the earliest that any of its lines was told
	for more := true; more; {
		if more, err = o.Journal.Unstage(ctx, run, 10*o.Page); err != nil {
			return run, err
		}
	}
	if run.Source == providers.StatementWalk {
		if run, err = o.walk(ctx, run, g, claims); err != nil {
			return run, err
		}
	}
	for run.ReadTo.Before(run.Span.To) {
		slice := providers.Window{From: run.ReadTo, To: run.Span.To}
		if end := slice.From.Add(books.Slice); books.Slice > 0 && end.Before(slice.To) {
			slice.To = end
		}
		if run, err = o.readSlice(ctx, run, g, slice); err != nil {
			return run, err
		}
		o.Step("slice read")
	}
	next, err := o.renewed(ctx, run)
	if err != nil {
		return run, err
	}
	next.State, next.Cursor = journal.RunMatching, ""
	if err := o.Journal.Publish(ctx, next, asOf); err != nil {
		return run, err // it is published again: a run is never further than what is kept
	}
	return next, nil
}

func (o *Office) readSlice(ctx context.Context, run journal.Run, g router.Gateway, slice providers.Window) (journal.Run, error) {
	var lines []journal.StagedLine
	stage := func(done bool) error {
		next, err := o.renewed(ctx, run)
		if err != nil {
			return err
		}
		if err := o.Journal.Assign(ctx, run.Gateway, lines); err != nil {
			return err
		}
		next.Counts.Lines += int64(len(lines))
		if done {
			next.Staged, next.ReadTo = next.Counts.Lines, slice.To
		}
		if err := o.Journal.Stage(ctx, next, lines); err != nil {
			return err
		}
		o.Step("lines staged")
		run, lines = next, lines[:0]
		return nil
	}
	err := report(ctx, g, slice, func(l providers.StatementLine) error {
		l.At, l.Settled = stored(l.At), stored(l.Settled)
		lines = append(lines, journal.StagedLine{StatementLine: l, Day: run.Day, Seq: run.Counts.Lines + int64(len(lines))})
		if len(lines) < o.Page {
			return nil
		}
		return stage(false)
	})
	if err != nil {
		return run, err
	}
	return run, stage(true)
}

// stored is an instant as the books keep it.
func stored(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}
