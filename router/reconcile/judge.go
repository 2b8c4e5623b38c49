package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Judgement is where both books stand about some orders, and what is to be done.
type Judgement struct {
	Matched  []Pair
	Carried  []Pair    // undecided, or not covered by the days that have been read
	Findings []Finding // in the order of time, with keys that no later run changes
	Steps    []Step    // what the findings teach; taken in, most of them are gone when judged again
}

// Judge holds everything that a gateway's statements tell of some orders against
// everything that our books say of them. days are the statements that have been read
// completely, with the lines of these orders only; those that adjoin are one span, so that
// midnight is nothing between them, and what lies at the edge of a gap is carried. Orders do
// not touch each other: however many are judged at once, each gets the findings that it
// would get alone.
func Judge(days []Statement, ours []Entry, o Options) Judgement {
	var j Judgement
	var results []Result
	for _, s := range join(days) {
		r := Match(s, ours, o)
		results = append(results, r)
		j.Findings = append(j.Findings, r.Findings...)
		j.Matched = append(j.Matched, r.Matched...)
		j.Carried = append(j.Carried, r.Carried...)
	}
	if len(results) > 1 {
		j.Findings = append(j.Findings, Across(results...)...)
		j.Findings = slices.DeleteFunc(j.Findings, func(f Finding) bool {
			hidden := f.Kind == RefundMissing && o.HidesRefunds // however many spans hide it
			return f.Line == nil && (hidden || j.told(f.Entry)) // missing in one span, and told in another
		})
		j.Carried = unplaced(j)
	}
	j.Steps = steps(j, ours, o)
	j.second(ours, o)
	j.Findings = keyed(j.Findings)
	return j
}

// join makes one statement of the days that adjoin or overlap. A line that two days tell in
// the same words is one line, for lists are asked for a little more than their day; one that
// a day itself repeats stays repeated.
func join(days []Statement) []Statement {
	days = slices.Clone(days)
	slices.SortStableFunc(days, func(a, b Statement) int {
		return cmp.Or(a.Span.From.Compare(b.Span.From), a.Span.To.Compare(b.Span.To))
	})
	var joined []Statement
	var told map[providers.StatementLine]int
	for _, d := range days {
		if n := len(joined); n == 0 || d.Span.From.After(joined[n-1].Span.To) {
			joined, told = append(joined, Statement{Gateway: d.Gateway, Span: d.Span, read: map[providers.StatementLine]time.Time{}}), map[providers.StatementLine]int{}
		}
		s := &joined[len(joined)-1]
		s.Span.To = later(s.Span.To, d.Span.To)
		here := map[providers.StatementLine]int{}
		for _, l := range d.Lines {
			l.At, l.Settled = l.At.UTC(), l.Settled.UTC() // one instant has one form
			s.read[l] = later(s.read[l], d.Read)
			if here[l]++; here[l] > told[l] {
				told[l]++
				s.Lines = append(s.Lines, l)
			}
		}
	}
	return joined
}

// told reports whether a line tells of an entry.
func (j Judgement) told(e *Entry) bool {
	for _, p := range j.Matched {
		if p.Entry.movement() == e.movement() {
			return true
		}
	}
	return slices.ContainsFunc(j.Findings, func(f Finding) bool { return f.Line != nil && f.Entry != nil && f.Entry.movement() == e.movement() })
}

// unplaced leaves out of what spans have carried the entries that another span has placed.
func unplaced(j Judgement) []Pair {
	placed := map[movement]bool{}
	for _, p := range j.Matched {
		placed[p.Entry.movement()] = true
	}
	for _, f := range j.Findings {
		if f.Entry != nil {
			placed[f.Entry.movement()] = true
		}
	}
	return slices.DeleteFunc(j.Carried, func(p Pair) bool {
		if p.Entry == nil || placed[p.Entry.movement()] {
			return p.Entry != nil
		}
		placed[p.Entry.movement()] = true
		return false
	})
}

// second looks again at what agrees in money: at its fee, and at its date.
func (j *Judgement) second(ours []Entry, o Options) {
	refunded := map[movement]bool{} // charges
	for _, e := range ours {
		if e.Kind == providers.LineRefund && e.Verdict.HasMoney() || e.Returned {
			refunded[movement{payment: e.Payment, attempt: e.Attempt}] = true
		}
	}
	j.Matched = slices.DeleteFunc(j.Matched, func(p Pair) bool {
		f := Finding{Payment: p.Entry.Payment, Attempt: p.Entry.Attempt, Entry: p.Entry, Line: p.Line}
		told := p.Line.Verdict == providers.Approved && (!o.NetFees || !refunded[movement{payment: f.Payment, attempt: f.Attempt}])
		switch {
		case told && o.Fees.Differs(p.Entry.Kind, p.Entry.Method, *p.Line):
			f.Kind = FeeDiffers
			f.Fee, _ = o.Fees.Expect(p.Entry.Kind, p.Entry.Method, p.Line.Amount, p.Line.At)
		case o.late(p):
			f.Kind = SettledLate
		default:
			return false
		}
		j.Findings = append(j.Findings, f)
		return true
	})
}

// late reports whether a pair is dated, or was paid out, later than it should be.
func (o Options) late(p Pair) bool {
	l, e := p.Line, p.Entry
	if o.Late > 0 && l.At.After(later(e.At, e.Last).Add(o.Late)) {
		return true
	}
	if o.Payout == 0 || l.Kind != providers.LineCharge || l.Verdict != providers.Approved {
		return false
	}
	paid := l.Settled
	if paid.IsZero() {
		paid = o.Now
	}
	return paid.After(l.At.Add(o.Payout))
}
