package office

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/adhocore/gronx"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
)

// wanted is a day that should be read now.
type wanted struct{ day, cause string }

// due lists the days that should be read, oldest first: those that are over and have no
// statement, and the last ones once more. It goes by what stands in the books and not by
// ticks that somebody heard: what was missed is made up for. Where nothing was ever read it
// begins at the first tick after began, with the last day that is over.
func (b Books) due(read []journal.StatementDay, last []journal.Run, began, now time.Time) []wanted {
	if b.Schedule == "" {
		return nil
	}
	tick, err := gronx.PrevTickBefore(b.Schedule, now.In(b.Zone), true)
	if err != nil || len(read)+len(last) == 0 && !tick.After(began) { // an error: the configuration was checked
		return nil
	}
	newest := b.before(reconcile.Day(tick.Add(-b.Lag), b.Zone)) // the last day that was over at the tick
	oldest := newest
	has, ran := map[string]bool{}, map[string]time.Time{}
	for _, d := range read {
		has[d.Day] = true
		if d.Span.From.Before(oldest.From) {
			oldest = d.Span
		}
	}
	for _, r := range last {
		ran[r.Day] = r.Created
	}
	var all []wanted
	for span, back := newest, 0; !span.From.Before(oldest.From) && back <= max(b.CatchUp, b.Reread); span, back = b.before(span), back+1 {
		switch day := b.name(span); {
		case !ran[day].Before(tick): // at this tick, or by hand after it
		case !has[day] && back <= b.CatchUp:
			all = append(all, wanted{day, CauseSchedule})
		case has[day] && back <= b.Reread:
			all = append(all, wanted{day, CauseReread})
		}
	}
	slices.Reverse(all)
	return all
}

// plan starts the runs that are due, one of a gateway at a time. One replica does it.
func (o *Office) plan(ctx context.Context, now time.Time) (bool, error) {
	if o.began.IsZero() {
		o.began = now
	}
	mine, err := o.Journal.Lease(ctx, "office", o.owner, now, o.Lease)
	if err != nil || !mine {
		return false, err
	}
	for _, gateway := range slices.Sorted(maps.Keys(o.Books)) {
		if err := o.planOf(ctx, gateway, now); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (o *Office) planOf(ctx context.Context, gateway string, now time.Time) error {
	books := o.Books[gateway]
	if _, claims, err := o.claims(gateway); err != nil || claims.Statement != providers.StatementList {
		return err
	}
	read, err := o.Journal.StatementDays(ctx, gateway)
	if err != nil {
		return err
	}
	last, err := o.Journal.LastRuns(ctx, gateway, books.name(reconcile.Day(now.AddDate(0, 0, -max(books.CatchUp, books.Reread)-2), books.Zone)))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(last, func(r journal.Run) bool { return r.Ended.IsZero() }) {
		return nil // its turn comes
	}
	for _, w := range books.due(read, last, o.began, now) {
		run, err := o.Start(ctx, Order{Gateway: gateway, Day: w.day, Cause: w.cause, Actor: "schedule"})
		if err != nil {
			return err
		}
		o.Log.Info("a day is due for reconciliation", "gateway", gateway, "day", w.day, "cause", w.cause, "run", run.ID)
		break
	}
	return nil
}
