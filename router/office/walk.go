package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// mostAsked is how many payments are asked about at a time. No provider publishes a limit, and
// those who wait for a payment's outcome come first.
const mostAsked = 4

// step is how far a walk is: in which of the walks, and the last attempt of it.
type step struct {
	Walk  int              `json:"walk"`
	After journal.Movement `json:"after,omitzero"`
}

// walks go over what the day's statement is about: what was to be paid, and what was to be
// given back of what other days began.
var walks = []providers.LineKind{providers.LineCharge, providers.LineRefund}

// walk reads the books of a run's day by asking about each payment of ours, page by page. A
// page is staged in one commit with how far the walk is. One answer that says nothing ends it
// there, so that a silence is never taken for an absence.
func (o *Office) walk(ctx context.Context, run journal.Run, g router.Gateway, claims providers.Claims) (journal.Run, error) {
	teller, ok := g.Provider.(providers.Teller)
	if !ok {
		return run, ErrNoSource
	}
	var at step
	if run.Cursor != "" {
		if err := json.Unmarshal([]byte(run.Cursor), &at); err != nil {
			return run, fmt.Errorf("the run's place cannot be read: %w", err)
		}
	}
	for run.ReadTo.Before(run.Span.To) {
		var lines []journal.StagedLine
		next := step{Walk: at.Walk + 1}
		if at.Walk < len(walks) {
			some, after, err := o.Journal.Walk(ctx, walks[at.Walk], run.Gateway, run.Span, at.After, o.Page)
			if err != nil {
				return run, err
			}
			if len(some) > 0 {
				next = step{Walk: at.Walk, After: after}
			}
			if lines, err = o.ask(ctx, run, teller, claims, some); err != nil {
				return run, err
			}
			o.Step("payments asked")
		}
		var err error
		if run, err = o.stageWalk(ctx, run, lines, next); err != nil {
			return run, err
		}
		at = next
		o.Step("lines staged")
	}
	return run, nil
}

// stageWalk keeps a page of a walk's lines, with its place. Behind the last walk the day has
// been read.
func (o *Office) stageWalk(ctx context.Context, run journal.Run, lines []journal.StagedLine, at step) (journal.Run, error) {
	next, err := o.renewed(ctx, run)
	if err != nil {
		return run, err
	}
	place, err := json.Marshal(at)
	if err != nil {
		return run, err
	}
	if err := o.Journal.Assign(ctx, run.Gateway, lines); err != nil {
		return run, err
	}
	next.Cursor = string(place)
	next.Counts.Lines += int64(len(lines))
	next.Staged = next.Counts.Lines
	if at.Walk >= len(walks) {
		next.ReadTo = next.Span.To
	}
	if err := o.Journal.Stage(ctx, next, lines); err != nil {
		return run, err
	}
	return next, nil
}

// ask asks about some attempts, and makes of what is told the lines of the run's day, in the
// order of the attempts.
func (o *Office) ask(ctx context.Context, run journal.Run, teller providers.Teller, claims providers.Claims, some []journal.Walked) ([]journal.StagedLine, error) {
	ids := make([]string, len(some))
	for i, w := range some {
		ids[i] = w.Payment
	}
	ours, err := o.payments(ctx, ids)
	if err != nil {
		return nil, err
	}
	told := make([]providers.Told, len(some))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(mostAsked)
	for i, w := range some {
		p := ours[w.Payment]
		if w.Attempt > len(p.Attempts) { // books that went back do not have it
			continue
		}
		a := p.Attempts[w.Attempt-1]
		if claims.Method(a.Method).Unasked {
			continue
		}
		group.Go(func() (err error) {
			told[i], err = tell(asking, teller, asked(p, a))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	// As our books stand once all was told: what we gave back meanwhile is nobody else's refund.
	if ours, err = o.payments(ctx, ids); err != nil {
		return nil, err
	}
	var lines []journal.StagedLine
	for i, w := range some {
		p := ours[w.Payment]
		if w.Attempt > len(p.Attempts) {
			continue
		}
		for _, l := range linesOf(p, p.Attempts[w.Attempt-1], told[i]) {
			if within(l.began, run.Span) {
				l.At, l.Settled = stored(l.At), stored(l.Settled)
				lines = append(lines, journal.StagedLine{StatementLine: l.StatementLine, Day: run.Day, Seq: run.Counts.Lines + int64(len(lines))})
			}
		}
	}
	return lines, nil
}

// tell asks a provider about one attempt. An adapter that panics has told nothing.
func tell(ctx context.Context, teller providers.Teller, a providers.Asked) (told providers.Told, err error) {
	if err := ctx.Err(); err != nil { // another has failed already
		return providers.Told{}, err
	}
	defer func() {
		if cause := recover(); cause != nil {
			told, err = providers.Told{}, errors.New("the adapter panicked")
		}
	}()
	return teller.Tell(ctx, a)
}
