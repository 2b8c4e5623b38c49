package reconcile_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

func TestALineWithoutNamesBelongsToTheOnlyMovementThatItCanBe(t *testing.T) {
	const within = 5 * time.Minute
	day := reconcile.Day(november, time.UTC)
	noon := day.From.Add(12 * time.Hour)
	line := providers.StatementLine{Kind: providers.LineCharge, Verdict: providers.Approved, Amount: tenges(1000), At: noon}
	mine := reconcile.Entry{Kind: providers.LineCharge, Payment: "mine", Verdict: providers.Approved, Amount: tenges(1000), At: noon.Add(-time.Minute), Last: noon}
	with := func(change func(*reconcile.Entry)) reconcile.Entry {
		e := mine
		e.Payment = "other"
		change(&e)
		return e
	}
	guess := func(line providers.StatementLine, near ...reconcile.Entry) string {
		e := reconcile.Guess([]providers.StatementLine{line}, near, day, within)[0]
		return e.Payment
	}
	for name, other := range map[string]reconcile.Entry{
		"a refund":         with(func(e *reconcile.Entry) { e.Kind = providers.LineRefund }),
		"another sum":      with(func(e *reconcile.Entry) { e.Amount.Minor++ }),
		"another currency": with(func(e *reconcile.Entry) { e.Amount.Currency = "USD" }),
		"later":            with(func(e *reconcile.Entry) { e.At, e.Last = noon.Add(within+1), noon.Add(time.Hour) }),
		"earlier":          with(func(e *reconcile.Entry) { e.At, e.Last = noon.Add(-time.Hour), noon.Add(-within-1) }),
	} {
		if got := guess(line, other); got != "" {
			t.Errorf("%s: it is taken for it", name)
		}
		if got := guess(line, other, mine); got != "mine" {
			t.Errorf("beside %s it is taken for %q", name, got)
		}
	}
	for name, doubt := range map[string]reconcile.Entry{
		"undecided":             with(func(e *reconcile.Entry) { e.Verdict = providers.Unknown }),
		"held":                  with(func(e *reconcile.Entry) { e.Verdict = providers.Held }),
		"called dead":           with(func(e *reconcile.Entry) { e.Verdict = providers.Unserved }),
		"open since yesterday":  with(func(e *reconcile.Entry) { e.At = day.From.Add(-time.Hour) }),
		"open until tomorrow":   with(func(e *reconcile.Entry) { e.Last = day.To }),
		"as near as can be":     with(func(e *reconcile.Entry) { e.At, e.Last = noon.Add(within), noon.Add(within) }),
		"as far back as can be": with(func(e *reconcile.Entry) { e.At, e.Last = noon.Add(-within), noon.Add(-within) }),
	} {
		if got := guess(line, doubt, mine); got != "" {
			t.Errorf("of two that it could be, one of them %s, it is taken for %q", name, got)
		}
		sure := doubt.Verdict == providers.Approved && doubt.At.After(day.From) && doubt.Last.Before(day.To)
		if got := guess(line, doubt); (got != "") != sure {
			t.Errorf("alone, %s, it is taken for %q", name, got)
		}
	}
	if found := reconcile.Guess([]providers.StatementLine{line, line}, []reconcile.Entry{mine}, day, within); len(found) > 0 {
		t.Errorf("of two lines that could be it, it is taken for %v", found)
	}
	line.Verdict = providers.Declined
	if got := guess(line, mine); got != "" {
		t.Errorf("a line without money is taken for it")
	}
}
