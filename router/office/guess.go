package office

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
)

// mostNear is how many lines without names of a day are looked at, and how many movements near
// them: which are the only ones shows only when all of them are.
const mostNear = 5000

// guess gives lines that name nothing at all to the only movements of ours that they can be,
// before anything of the day is judged. First it takes back what was given so and has shown to be
// told by another line. It is decided for a whole day at once and kept in one commit, so that a
// run that dies here begins anew.
func (o *Office) guess(ctx context.Context, run journal.Run, books Books) (journal.Run, error) {
	run, err := o.takeBack(ctx, run)
	if err != nil {
		return run, err
	}
	lines, err := o.Journal.Nameless(ctx, run, mostNear)
	if err != nil || len(lines) == 0 {
		return run, err
	}
	edge := cmp.Or(books.Edge, reconcile.DefaultEdge)
	near, some, err := o.near(ctx, run.Gateway, providers.Window{From: lines[0].At.Add(-edge), To: lines[len(lines)-1].At.Add(edge)})
	if err != nil {
		return run, err
	}
	if !some || len(lines) == mostNear {
		o.Log.Warn("a statement has too many lines without names to tell whose they are", "run", run.ID, "gateway", run.Gateway, "day", run.Day)
		return run, nil
	}
	return o.reassign(ctx, run, recognised(lines, near, run.Span, edge))
}

// takeBack makes strangers again of lines that were found by their amount, where another line
// tells of their movement by its name.
func (o *Office) takeBack(ctx context.Context, run journal.Run) (journal.Run, error) {
	groups, err := o.Journal.Doubted(ctx, run.Gateway, o.Page)
	if err != nil {
		return run, err
	}
	lines, err := o.Journal.LinesOf(ctx, run.Gateway, groups, mostLines)
	if err != nil {
		return run, err
	}
	lines = slices.DeleteFunc(lines, func(l journal.StagedLine) bool { return l.FoundBy != journal.ByAmount })
	for i := range lines {
		lines[i].Group, lines[i].FoundBy = journal.StrayOf(lines[i].StatementLine), ""
	}
	return o.reassign(ctx, run, lines)
}

func (o *Office) reassign(ctx context.Context, run journal.Run, lines []journal.StagedLine) (journal.Run, error) {
	if len(lines) == 0 {
		return run, nil
	}
	next, err := o.renewed(ctx, run)
	if err != nil {
		return run, err
	}
	if err := o.Journal.Reassign(ctx, next, lines); err != nil {
		return run, err
	}
	o.Step("lines reassigned")
	return next, nil
}

// near are the movements of ours about then of which no statement tells. It reports false where
// they are too many.
func (o *Office) near(ctx context.Context, gateway string, span providers.Window) ([]reconcile.Entry, bool, error) {
	var near []reconcile.Entry
	for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
		groups, err := o.Journal.Near(ctx, kind, gateway, span, mostNear)
		if err != nil || len(groups) == mostNear {
			return nil, false, err
		}
		for page := range slices.Chunk(groups, o.Page) {
			ours, err := o.paymentsOf(ctx, page)
			if err != nil {
				return nil, false, err
			}
			untold := map[string]bool{}
			for _, g := range page {
				untold[g] = true
			}
			for _, p := range ours {
				for _, e := range reconcile.EntriesOf(p, gateway) {
					if e.Kind == kind && untold[journal.GroupOf(e.Payment, e.Attempt)] {
						near = append(near, e)
					}
				}
			}
		}
	}
	return near, true, nil
}

// recognised are the lines whose movement was found, with whose they are.
func recognised(lines []journal.StagedLine, near []reconcile.Entry, day providers.Window, within time.Duration) []journal.StagedLine {
	nameless := make([]providers.StatementLine, len(lines))
	for i, l := range lines {
		nameless[i] = l.StatementLine
	}
	var found []journal.StagedLine
	for i, e := range reconcile.Guess(nameless, near, day, within) {
		l := lines[i]
		l.Group, l.FoundBy = journal.GroupOf(e.Payment, e.Attempt), journal.ByAmount
		found = append(found, l)
	}
	return found
}
