package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// movement names one of our entries in every run.
type movement struct {
	payment            string
	attempt, operation int
}

func (e Entry) movement() movement { return movement{e.Payment, e.Attempt, e.Operation} }

// Across finds what no day shows alone, from the results of one gateway's days in any
// order: money that each day left to another although together they cover all of its
// range, and money that two days tell twice. A caller gives at least a day and both its
// neighbours, matched with the same state of our books. The findings have the keys that
// a single day would have given them.
func Across(days ...Result) []Finding {
	days = slices.Clone(days)
	slices.SortStableFunc(days, func(a, b Result) int { return cmp.Or(a.Span.From.Compare(b.Span.From), a.Span.To.Compare(b.Span.To)) })
	var m matcher
	placed := map[movement]bool{}
	shown := map[movement][]*providers.StatementLine{}
	for _, d := range days {
		m.Gateway = d.Gateway
		for _, f := range d.Findings {
			if f.Entry != nil {
				placed[f.Entry.movement()] = true
			}
		}
		for _, p := range d.Matched {
			id := p.Entry.movement()
			placed[id] = true
			if again(shown[id], p.Line) {
				m.find(DuplicateLine, p.Entry, p.Line, nil)
			}
			shown[id] = append(shown[id], p.Line)
		}
	}
	for _, d := range slices.Backward(days) { // the latest day knows most of an entry
		for _, p := range d.Carried {
			if e := p.Entry; e != nil && e.Verdict.HasMoney() && !placed[e.movement()] {
				placed[e.movement()] = true
				if covered(days, e.At.Add(-d.Edge), later(e.At, e.Last).Add(d.Edge)) {
					m.find(missing(e), e, nil, e)
				}
			}
		}
	}
	return keyed(m.Findings)
}

// again reports whether another day showed the same state of the movement by another
// line. A hold of one day and its capture of the next are two states.
func again(lines []*providers.StatementLine, l *providers.StatementLine) bool {
	same := false
	for _, other := range lines {
		if byLine(*other, *l) == 0 {
			return false
		}
		same = same || other.Verdict == l.Verdict
	}
	return same
}

// covered reports whether the days, in the order of their beginning, leave no gap from
// one instant to the other.
func covered(days []Result, from, to time.Time) bool {
	for _, d := range days {
		if !d.Span.From.After(from) && d.Span.To.After(from) {
			from = d.Span.To
		}
	}
	return from.After(to)
}
