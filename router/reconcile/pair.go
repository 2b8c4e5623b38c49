package reconcile

import (
	"slices"

	"github.com/payrouter/payrouter/providers"
)

// trait is what a line and an entry may have in common, as far as a pass asks for it.
type trait struct {
	own, external string
	amount        providers.Money
	verdict       providers.Verdict
}

// pass says what a line and an entry of one order must share.
type pass struct{ own, external, amount, verdict bool }

// passes go from the surest sign to none.
var passes = []pass{
	{own: true}, {external: true, amount: true, verdict: true}, {external: true},
	{amount: true, verdict: true}, {amount: true}, {},
}

func (p pass) trait(own, external string, amount providers.Money, verdict providers.Verdict) (trait, bool) {
	var t trait
	if p.own {
		t.own = own
	}
	if p.external {
		t.external = external
	}
	if p.amount {
		t.amount = amount
	}
	if p.verdict {
		t.verdict = verdict
	}
	return t, (!p.own || own != "") && (!p.external || external != "")
}

// pair takes out as many pairs as there are, surest first. A refused refund is nobody's
// last resort: another refund's line is not about it.
func (c *claims) pair() []Pair {
	var pairs []Pair
	for _, p := range passes {
		if len(c.lines) == 0 || len(c.entries) == 0 {
			break
		}
		waiting := map[trait][]*providers.StatementLine{}
		for _, l := range c.lines {
			if !p.own && c.own[l.Order] {
				continue // it names its refund
			}
			if t, ok := p.trait(l.Order, l.External, l.Amount, l.Verdict); ok {
				waiting[t] = append(waiting[t], l)
			}
		}
		taken := map[*providers.StatementLine]bool{}
		c.entries = slices.DeleteFunc(slices.Clone(c.entries), func(e *Entry) bool {
			t, ok := p.trait(e.Own, e.External, e.Amount, e.Verdict)
			if !ok || len(waiting[t]) == 0 || p == (pass{}) && e.Kind == providers.LineRefund && e.refused() {
				return false
			}
			i := slices.IndexFunc(waiting[t], func(l *providers.StatementLine) bool { return c.may(l, e) })
			if i < 0 {
				return false
			}
			l := waiting[t][i]
			waiting[t], taken[l] = slices.Delete(slices.Clone(waiting[t]), i, i+1), true
			pairs = append(pairs, Pair{Line: l, Entry: e})
			return true
		})
		c.lines = slices.DeleteFunc(slices.Clone(c.lines), func(l *providers.StatementLine) bool { return taken[l] })
	}
	return pairs
}

// may reports whether a line can be about an entry at all. Another id is another refund, but
// for the charge's, which some gateways write on its refunds; and what is older than the wish
// for a refund that nobody has seen carried out was not that refund.
func (c *claims) may(l *providers.StatementLine, e *Entry) bool {
	if e.Kind != providers.LineRefund {
		return true
	}
	if l.External != "" && e.External != "" && l.External != e.External && l.External != c.shared {
		return false
	}
	return e.Verdict.HasMoney() || !l.At.Before(e.At.Add(-DefaultEdge))
}
