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

// mostNear is how many movements are looked at for a page of lines without names: where more
// are near, none could be told from another.
const mostNear = 5000

// guess gives lines that name nothing at all to the only movements of ours that they can be,
// before anything is judged. A run that dies here begins again, with what is left.
func (o *Office) guess(ctx context.Context, run journal.Run, books Books) (journal.Run, error) {
	edge := cmp.Or(books.Edge, reconcile.DefaultEdge)
	for after := (journal.StagedLine{}); ; {
		lines, err := o.Journal.Nameless(ctx, run.Reading, run.Day, after, o.Page)
		if err != nil || len(lines) == 0 {
			return run, err
		}
		after = lines[len(lines)-1]
		near, err := o.near(ctx, run.Gateway, providers.Window{From: lines[0].At.Add(-edge), To: after.At.Add(edge)})
		if err != nil {
			return run, err
		}
		if lines = recognised(lines, near, edge); len(lines) == 0 {
			continue
		}
		next, err := o.renewed(ctx, run)
		if err != nil {
			return run, err
		}
		if err := o.Journal.Recognise(ctx, next, lines); err != nil {
			return run, err
		}
		run = next
		o.Step("lines recognised")
	}
}

// near are the movements of ours about then of which no statement tells; none where they are
// too many.
func (o *Office) near(ctx context.Context, gateway string, span providers.Window) ([]reconcile.Entry, error) {
	var near []reconcile.Entry
	for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
		groups, err := o.Journal.Near(ctx, kind, gateway, span, mostNear)
		if err != nil || len(groups) == mostNear {
			return nil, err
		}
		ours, err := o.paymentsOf(ctx, groups)
		if err != nil {
			return nil, err
		}
		for _, p := range ours {
			for _, e := range reconcile.EntriesOf(p, gateway) {
				if e.Kind == kind && slices.Contains(groups, journal.GroupOf(e.Payment, e.Attempt)) {
					near = append(near, e)
				}
			}
		}
	}
	return near, nil
}

// recognised are the lines whose movement was found, with whose they are.
func recognised(lines []journal.StagedLine, near []reconcile.Entry, within time.Duration) []journal.StagedLine {
	nameless := make([]providers.StatementLine, len(lines))
	for i, l := range lines {
		nameless[i] = l.StatementLine
	}
	var found []journal.StagedLine
	for i, e := range reconcile.Guess(nameless, near, within) {
		l := lines[i]
		l.Group = journal.GroupOf(e.Payment, e.Attempt)
		found = append(found, l)
	}
	return found
}
