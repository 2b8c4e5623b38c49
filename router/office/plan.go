package office

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/adhocore/gronx"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
)

// wanted is a day that should be read now.
type wanted struct{ day, cause string }

// due lists the days that should be read now: those that are over and have no statement that
// was judged to its end, and the last ones once more. It goes by what stands in the books and
// not by ticks that somebody heard: what was missed is made up for, from the first day on that
// the schedule ever had run; before that nobody asked. Where it never had any it begins at
// the first tick after began, with the last day that is over. Days that failed before come
// last, so that they hold up no other.
func (b Books) due(read []journal.StatementDay, last []journal.Run, first string, began, now time.Time) ([]wanted, error) {
	if b.Schedule == "" {
		return nil, nil
	}
	tick, err := gronx.PrevTickBefore(b.Schedule, now.In(b.Zone), true)
	if err != nil || first == "" && !tick.After(began) {
		return nil, err
	}
	newest := b.before(reconcile.Day(tick.Add(-b.Lag), b.Zone)) // the last day that was over at the tick
	if first == "" {
		first = b.name(newest)
	}
	judged, ran := map[string]bool{}, map[string]journal.Run{}
	for _, d := range read {
		judged[d.Day] = true
	}
	for _, r := range last {
		ran[r.Day] = r
		if r.State == journal.RunFailed || r.State == journal.RunCanceled {
			judged[r.Day] = false // it may have been read, and was not judged to its end
		}
	}
	var fresh, failed []wanted
	for span, back := newest, 0; b.name(span) >= first && back <= max(b.CatchUp, b.Reread); span, back = b.before(span), back+1 {
		day := b.name(span)
		w := wanted{day, CauseSchedule}
		switch r := ran[day]; {
		case !r.Created.Before(tick): // at this tick, or by hand after it
		case !judged[day] && back <= b.CatchUp && r.State == journal.RunFailed:
			failed = append(failed, w)
		case !judged[day] && back <= b.CatchUp:
			fresh = append(fresh, w)
		case judged[day] && back <= b.Reread:
			w.cause = CauseReread
			fresh = append(fresh, w)
		}
	}
	slices.Reverse(fresh)
	slices.Reverse(failed)
	return append(fresh, failed...), nil
}

// planner is the lease of whoever starts runs.
const planner = "office"

// plan starts the runs that are due, one of a gateway at a time. One replica does it.
func (o *Office) plan(ctx context.Context, now time.Time) error {
	if o.began.IsZero() {
		o.began = now
	}
	mine, err := o.Journal.Lease(ctx, planner, o.owner, now, o.Lease)
	if err != nil || !mine {
		return err
	}
	for _, gateway := range slices.Sorted(maps.Keys(o.Books)) {
		if err := o.planOf(ctx, gateway, now); err != nil {
			return err
		}
	}
	return nil
}

func (o *Office) planOf(ctx context.Context, gateway string, now time.Time) error {
	books := o.Books[gateway]
	if _, claims, err := o.claims(gateway); err != nil || !claims.Statement.ByCall() {
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
	first, err := o.Journal.FirstScheduled(ctx, gateway)
	if err != nil {
		return err
	}
	due, err := books.due(read, last, first, o.began, now)
	if err != nil {
		return err
	}
	if len(due) > 0 { // the others follow, one after the other
		w := due[0]
		run, err := o.Start(ctx, Order{Gateway: gateway, Day: w.day, Cause: w.cause, Actor: "schedule"})
		if err != nil {
			return err
		}
		o.Log.Info("a day is due for reconciliation", "gateway", gateway, "day", w.day, "cause", w.cause, "run", run.ID)
	}
	return nil
}
