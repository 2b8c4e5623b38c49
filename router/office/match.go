package office

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
)

// cursor is up to where a run has judged: in which pass, and the last order of it; and what it
// has gathered on the way.
type cursor struct {
	Pass   int               `json:"pass"`
	After  string            `json:"after,omitempty"`
	Moved  journal.Movement  `json:"moved,omitzero"`
	Worked reconcile.Minutes `json:"worked,omitempty"` // the day's minutes in which the gateway took money
}

// page lists the orders of a pass that come next. It returns none when the pass is over.
type page func(ctx context.Context, run journal.Run, at cursor) ([]string, cursor, error)

// passes go over all orders that a day is about. One that several passes list is judged
// more than once, which finds the same.
func (j judge) passes() []page {
	return []page{
		j.told(func(run journal.Run) (providers.Window, providers.Window) { return run.Span, providers.Window{} }),
		// Lists are asked by one date and write another: a neighbour may tell of this day.
		j.told(func(run journal.Run) (providers.Window, providers.Window) { return j.books.before(run.Span), run.Span }),
		j.told(func(run journal.Run) (providers.Window, providers.Window) { return j.books.after(run.Span), run.Span }),
		j.untold(providers.LineCharge),
		j.untold(providers.LineRefund),
		j.open,
	}
}

// told lists the orders that a day's statement tells of.
func (j judge) told(of func(journal.Run) (day, dated providers.Window)) page {
	return func(ctx context.Context, run journal.Run, at cursor) ([]string, cursor, error) {
		day, dated := of(run)
		name, reading := j.books.name(day), run.Reading
		if name != run.Day {
			i := slices.IndexFunc(j.days, func(d journal.StatementDay) bool { return d.Day == name })
			if i < 0 {
				return nil, at, nil
			}
			reading = j.days[i].Reading
		}
		groups, err := j.Journal.Groups(ctx, reading, name, dated, at.After, j.Page)
		if len(groups) > 0 {
			at.After = groups[len(groups)-1]
		}
		return groups, at, err
	}
}

// untold lists the orders with money of ours that may be of this day, and that its statement
// does not tell of.
func (o *Office) untold(kind providers.LineKind) page {
	return func(ctx context.Context, run journal.Run, at cursor) ([]string, cursor, error) {
		edge := cmp.Or(o.Books[run.Gateway].Edge, reconcile.DefaultEdge)
		span := providers.Window{From: run.Span.From.Add(-edge), To: run.Span.To.Add(edge)}
		groups, moved, err := o.Journal.Untold(ctx, kind, run.Gateway, run.Reading, run.Day, span, at.Moved, o.Page)
		at.Moved = moved
		return groups, at, err
	}
}

// open lists the orders with an open finding, which this day's statement may explain.
func (o *Office) open(ctx context.Context, run journal.Run, at cursor) ([]string, cursor, error) {
	groups, err := o.Journal.FindingGroups(ctx, run.Gateway, at.After, o.Page)
	if len(groups) > 0 {
		at.After = groups[len(groups)-1]
	}
	return groups, at, err
}

// manyLines are so many that a plan made for fewer is a bad one.
const manyLines = 5000

// match judges all orders of a run's day, page by page.
func (o *Office) match(ctx context.Context, run journal.Run, claims providers.Claims, books Books) (journal.Run, error) {
	var at cursor
	if run.Cursor == "" {
		if run.Counts.Lines >= manyLines {
			if err := o.Journal.Analyze(ctx); err != nil { // it may be judged slowly then
				o.Log.Warn("the database did not look at a statement that was read", "run", run.ID, "error", err.Error())
			}
		}
		var err error
		if run, err = o.guess(ctx, run, books); err != nil {
			return run, err
		}
	} else if err := json.Unmarshal([]byte(run.Cursor), &at); err != nil {
		return run, fmt.Errorf("the run's place cannot be read: %w", err)
	}
	days, err := o.Journal.StatementDays(ctx, run.Gateway)
	if err != nil {
		return run, err
	}
	if len(days) == 0 {
		return run, errors.New("no statement of the gateway's has been read")
	}
	j := judge{Office: o, books: books, claims: claims, options: books.options(claims), days: days}
	for passes := j.passes(); at.Pass < len(passes); {
		groups, next, err := passes[at.Pass](ctx, run, at)
		if err != nil {
			return run, err
		}
		if len(groups) == 0 {
			at = cursor{Pass: at.Pass + 1, Worked: at.Worked}
			continue
		}
		if run, at, err = j.page(ctx, run, groups, next); err != nil {
			return run, err
		}
		o.Step("page judged")
	}
	return o.weigh(ctx, run, at.Worked)
}

// weigh says how well the gateway's health was known on the day.
func (o *Office) weigh(ctx context.Context, run journal.Run, worked reconcile.Minutes) (journal.Run, error) {
	diverted, err := o.Journal.Signals(ctx, run.Gateway, journal.Diverted, run.Span)
	if err != nil {
		return run, err
	}
	unserved, err := o.Journal.Signals(ctx, run.Gateway, journal.Unserved, run.Span)
	if err != nil {
		return run, err
	}
	s := reconcile.Weigh(diverted, unserved, worked)
	run.Counts.Diverted, run.Counts.Wrongly, run.Counts.Unserved, run.Counts.Missed = s.Diverted, s.Wrongly, s.Unserved, s.Missed
	return run, nil
}
