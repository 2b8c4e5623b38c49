package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// reading is what a line says about money.
type reading int

const (
	unclear reading = iota // nobody knows what it says
	quiet                  // nothing has moved
	money
)

func read(l providers.StatementLine) reading {
	refund := l.Kind == providers.LineRefund
	switch {
	case !refund && l.Kind != providers.LineCharge:
		return unclear
	case l.Verdict == providers.Approved || l.Verdict == providers.Held && !refund:
		return money
	case l.Verdict == providers.Pending || l.Verdict == providers.Declined || l.Verdict == providers.Unserved:
		return quiet
	}
	return unclear
}

func those(lines []*providers.StatementLine, want reading) []*providers.StatementLine {
	return slices.DeleteFunc(slices.Clone(lines), func(l *providers.StatementLine) bool { return read(*l) != want })
}

// earlier reports whether the line shows a step on the way to what our books say: less
// than that, or a hold that has ended since. What is dated after all we know is no step.
func earlier(l providers.StatementLine, e Entry, edge time.Duration) bool {
	switch r := read(l); {
	case l.At.After(later(e.At, e.Last).Add(edge)):
		return false
	case r == quiet:
		return e.Verdict.HasMoney()
	case r == money && l.Verdict == providers.Held:
		return e.Verdict == providers.Approved || e.refused() && e.WasHeld
	}
	return false
}

// withoutPast makes idle the holds that a line not earlier than they are ends: their
// capture or release, with the same id or where one of them has none. A declined line
// without an id ends a hold only if it says that it released it: payers try twice. A
// charge, which is the last word otherwise, ends by a later declined line of its own id
// alone, and only where it is ours: of nobody's money somebody must know. Refunds may all
// bear the payment's id, and end by none.
func (m *matcher) withoutPast(owner *Entry, lines []*providers.StatementLine) []*providers.StatementLine {
	ends := map[string]time.Time{} // by id; "" is a line without one
	gone := map[string]time.Time{} // of charges
	var last time.Time
	for _, l := range lines {
		if read(*l) == money && l.Verdict == providers.Approved || read(*l) == quiet && l.Verdict == providers.Declined && (l.External != "" || l.Reason == providers.Released) {
			ends[l.External] = later(ends[l.External], l.At)
			last = later(last, l.At)
		}
		if owner != nil && l.Kind == providers.LineCharge && l.Verdict == providers.Declined && l.External != "" {
			gone[l.External] = later(gone[l.External], l.At)
		}
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l *providers.StatementLine) bool {
		end := later(ends[l.External], ends[""])
		if l.External == "" {
			end = last
		}
		hold := l.Verdict == providers.Held && !end.IsZero() && !end.Before(l.At)
		charge := l.Verdict == providers.Approved && gone[l.External].After(l.At)
		if read(*l) != money || !hold && !charge {
			return false
		}
		m.Idle = append(m.Idle, Pair{Line: l})
		return true
	})
}

func byLine(a, b providers.StatementLine) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Order, b.Order), cmp.Compare(a.External, b.External),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Verdict, b.Verdict), byMoney(a.Amount, b.Amount),
		byMoney(a.Fee, b.Fee), a.Settled.Compare(b.Settled), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Code, b.Code))
}
