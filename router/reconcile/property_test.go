package reconcile_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

// chaos draws two books that need not have anything to do with each other: few names, so
// that they meet, few amounts, every state, and instants near and far from midnight.
func chaos(t *rapid.T) ([]providers.StatementLine, []reconcile.Entry) {
	when := rapid.Custom(func(t *rapid.T) time.Time {
		from := rapid.SampledFrom([]time.Time{day.From, noon, day.To}).Draw(t, "near")
		return from.Add(time.Duration(rapid.IntRange(-20, 20).Draw(t, "minutes")) * time.Minute)
	})
	kind := rapid.SampledFrom([]providers.LineKind{providers.LineCharge, providers.LineCharge, providers.LineRefund, "fee"})
	name := rapid.SampledFrom([]string{"", "a", "b", "c", "d"})
	verdict := rapid.SampledFrom(append(providers.Verdicts(), providers.Approved, providers.Held, 77))
	money := rapid.Custom(func(t *rapid.T) providers.Money {
		return providers.Money{Minor: rapid.Int64Range(0, 3).Draw(t, "minor"), Currency: rapid.SampledFrom([]string{"KZT", "KZT", "USD", ""}).Draw(t, "currency")}
	})
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) providers.StatementLine {
		return providers.StatementLine{Kind: kind.Draw(t, "kind"), Order: name.Draw(t, "order"), External: name.Draw(t, "external"),
			Verdict: verdict.Draw(t, "verdict"), Amount: money.Draw(t, "amount"), At: when.Draw(t, "at")}
	}), 0, 12).Draw(t, "lines")
	entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) reconcile.Entry {
		e := reconcile.Entry{Kind: kind.Draw(t, "kind"), Payment: name.Draw(t, "payment"), Attempt: rapid.IntRange(1, 2).Draw(t, "attempt"),
			Operation: rapid.IntRange(0, 2).Draw(t, "operation"), Reference: name.Draw(t, "reference"), External: name.Draw(t, "external"),
			Verdict: verdict.Draw(t, "verdict"), Amount: money.Draw(t, "amount"), WasHeld: rapid.Bool().Draw(t, "was held"), At: when.Draw(t, "at")}
		if e.Kind == providers.LineRefund {
			e.Own = name.Draw(t, "own")
		}
		if rapid.Bool().Draw(t, "ranges") {
			e.Last = when.Draw(t, "last")
		}
		return e
	}), 0, 12).Draw(t, "entries")
	return lines, entries
}

func TestEveryLineAndEveryEntryEndsInExactlyOnePlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, entries := chaos(t)
		r := match(day, lines, entries)
		gone := map[any]int{}
		for _, l := range lines {
			gone[l]++
		}
		for _, e := range entries {
			gone[e] = 1 // given twice, it is one
		}
		place := func(l *providers.StatementLine, e *reconcile.Entry) {
			if l != nil {
				gone[*l]--
			}
			if e != nil {
				gone[*e]--
			}
		}
		for _, p := range r.Matched {
			place(p.Line, p.Entry)
		}
		for _, f := range r.Findings {
			place(f.Line, f.Entry)
		}
		for _, p := range append(r.Carried, r.Idle...) {
			place(p.Line, p.Entry)
			if (p.Line == nil) == (p.Entry == nil) {
				t.Errorf("a pair that is neither matched nor found: %+v", p)
			}
		}
		for what, n := range gone {
			if n != 0 {
				t.Errorf("%d places too few for %+v", n, what)
			}
		}
	})
}

// Nothing that may be money ends quietly unless both books say the same of it, or the gateway's
// own last word is that it is gone.
func TestNoMoneyIsPassedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, entries := chaos(t)
		r := match(day, lines, entries)
		for _, p := range r.Matched {
			l, e := *p.Line, *p.Entry
			named := l.External != "" || l.Order != "" && (l.Order == e.Reference || l.Order == e.Own && l.Kind == providers.LineRefund)
			if l.Amount != e.Amount || l.Verdict != e.Verdict || !e.Verdict.HasMoney() || !named || (l.Kind == providers.LineRefund) != (e.Kind == providers.LineRefund) {
				t.Errorf("matched %+v with %+v", l, e)
			}
		}
		takenBack := func(charge providers.StatementLine) bool {
			return len(entries) > 0 && slices.ContainsFunc(lines, func(l providers.StatementLine) bool {
				return charge.Kind == providers.LineCharge && l.Kind == charge.Kind && l.External == charge.External && l.External != "" && l.Verdict == providers.Declined && l.At.After(charge.At)
			})
		}
		for _, p := range r.Idle {
			switch {
			case p.Line != nil && p.Line.Verdict == providers.Approved && takenBack(*p.Line):
			case p.Entry != nil && (p.Entry.Verdict.HasMoney() || p.Entry.Verdict <= providers.Pending):
				t.Errorf("idle: %+v", *p.Entry)
			case p.Line != nil && p.Line.Verdict != providers.Held && (p.Line.Verdict <= providers.Unknown || p.Line.Verdict == providers.Approved || p.Line.Verdict > providers.Unserved):
				t.Errorf("idle: %+v", *p.Line)
			}
		}
		for _, p := range r.Carried {
			if p.Line != nil && !p.Line.At.Before(day.From) && p.Line.At.Before(day.To) {
				t.Errorf("a line of this day is left to another: %+v", *p.Line)
			}
		}
	})
}

func TestTheOrderOfTheBooksMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, entries := chaos(t)
		one := match(day, lines, entries)
		two := match(day, rapid.Permutation(lines).Draw(t, "lines"), rapid.Permutation(entries).Draw(t, "entries"))
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("(-one +two):\n%s", diff)
		}
	})
}

func TestNoSecondRunAddsAFindingAndNoTwoShareAKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, entries := chaos(t)
		for i := range entries { // no two movements of ours have one name
			entries[i].Payment = fmt.Sprint("p", i)
		}
		known := map[string]bool{}
		for _, f := range match(day, lines, entries).Findings {
			if known[f.Key] {
				t.Errorf("two findings have the key %s", f.Key)
			}
			known[f.Key] = true
		}
		other := charge(providers.Approved, 5, order("elsewhere"))
		again := reconcile.Fresh(match(day, append(rapid.Permutation(lines).Draw(t, "lines"), other), entries).Findings, known)
		if len(again) != 1 || again[0].Line.Order != "elsewhere" {
			t.Errorf("one line more adds %q", kinds(again))
		}
	})
}

// story is one order as it truly was, told by both books in the ways that gateways have.
func story(t *rapid.T, name string) ([]providers.StatementLine, []reconcile.Entry) {
	ids := rapid.Bool().Draw(t, "ids")
	tell := func(l providers.StatementLine, external string, at time.Duration) providers.StatementLine {
		l.Order, l.At = name, noon.Add(at)
		if ids {
			l.External = name + external
		}
		return l
	}
	e := paid(func(e *reconcile.Entry) { e.Payment, e.Reference, e.Last = name, name, noon.Add(time.Hour) })
	var lines []providers.StatementLine
	for i := range rapid.IntRange(0, 2).Draw(t, "tries") {
		lines = append(lines, tell(charge(providers.Declined, 1000), fmt.Sprint("try", i), 0))
	}
	fate := rapid.SampledFrom([]string{"paid", "held", "captured", "released", "declined"}).Draw(t, "fate")
	e.WasHeld = fate != "paid" && fate != "declined"
	if e.WasHeld && (fate == "held" || rapid.Bool().Draw(t, "a row of its own")) {
		lines = append(lines, tell(charge(providers.Held, 1000), "", time.Minute))
	}
	switch fate {
	case "held":
		e.Verdict = providers.Held
	case "released", "declined":
		e.Verdict = providers.Declined
		lines = append(lines, tell(charge(providers.Declined, 1000), "", 2*time.Minute))
		if fate == "released" {
			released(&lines[len(lines)-1])
		}
	default:
		lines = append(lines, tell(charge(providers.Approved, 1000), "", 2*time.Minute))
	}
	entries := ours(e)
	if e.Verdict != providers.Approved {
		return lines, entries
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "refunds") {
		minor := rapid.Int64Range(1, 3).Draw(t, "refund")
		r := refunded(i+1, minor, func(e *reconcile.Entry) { e.Payment, e.Reference = name, name })
		if rapid.Bool().Draw(t, "refused") {
			r.Verdict = providers.Declined
			if rapid.Bool().Draw(t, "shown") {
				lines = append(lines, tell(refund(providers.Declined, minor), fmt.Sprint("r", i), time.Hour))
			}
		} else {
			lines = append(lines, tell(refund(providers.Approved, minor), fmt.Sprint("r", i), time.Hour))
		}
		entries = append(entries, r)
	}
	return lines, entries
}

// True books make no finding. One error in one line is found, and disturbs no other order.
func TestTwoTrueBooksAgreeAndOneErrorIsFoundWhereItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lines []providers.StatementLine
		var entries []reconcile.Entry
		for i := range rapid.IntRange(1, 5).Draw(t, "orders") {
			l, e := story(t, string(rune('a'+i)))
			lines, entries = append(lines, l...), append(entries, e...)
		}
		r := match(day, lines, entries)
		if len(r.Findings) != 0 || len(r.Carried) != 0 {
			t.Fatalf("found %q, %d carried", kinds(r.Findings), len(r.Carried))
		}
		if len(r.Matched) == 0 {
			return
		}
		p := rapid.SampledFrom(r.Matched).Draw(t, "spoiled")
		i := slices.Index(lines, *p.Line)
		spoil := rapid.SampledFrom([]string{"amount", "currency", "unreadable", "unknown", "missing"}).Draw(t, "spoil")
		switch spoil {
		case "amount":
			lines[i].Amount.Minor += 10_000
		case "currency":
			lines[i].Amount.Currency = "USD"
		case "unreadable":
			lines[i].Verdict = providers.Unknown
		case "unknown":
			lines[i].Order, lines[i].External = "of nobody", ""
		case "missing":
			lines = slices.Delete(lines, i, i+1)
		}
		found := match(day, lines, entries).Findings
		named := 0
		for _, f := range found {
			switch {
			case f.Payment == p.Entry.Payment:
				named++
			case spoil != "unknown" || f.Line == nil || f.Line.Order != "of nobody":
				t.Errorf("%s in %s: found %s about %q", spoil, p.Entry.Payment, f.Kind, f.Payment)
			}
		}
		if named == 0 || spoil == "unknown" && named == len(found) {
			t.Errorf("%s in %s: found %q", spoil, p.Entry.Payment, kinds(found))
		}
	})
}
