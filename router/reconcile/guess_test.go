package reconcile_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

func TestALineWithoutNamesBelongsToTheOnlyMovementThatItCanBe(t *testing.T) {
	const within = 5 * time.Minute
	line := providers.StatementLine{Kind: providers.LineCharge, Verdict: providers.Approved, Amount: tenges(1000), At: november}
	mine := reconcile.Entry{Kind: providers.LineCharge, Payment: "mine", Verdict: providers.Approved, Amount: tenges(1000), At: november.Add(-time.Minute), Last: november}
	with := func(change func(*reconcile.Entry)) reconcile.Entry {
		e := mine
		e.Payment = "other"
		change(&e)
		return e
	}
	others := []reconcile.Entry{
		with(func(e *reconcile.Entry) { e.Kind = providers.LineRefund }),
		with(func(e *reconcile.Entry) { e.Amount.Minor++ }),
		with(func(e *reconcile.Entry) { e.Amount.Currency = "USD" }),
		with(func(e *reconcile.Entry) { e.Verdict = providers.Declined }),
		with(func(e *reconcile.Entry) { e.Verdict = providers.Unknown }),
		with(func(e *reconcile.Entry) { e.At, e.Last = november.Add(within+1), november.Add(time.Hour) }),
		with(func(e *reconcile.Entry) { e.At, e.Last = november.Add(-time.Hour), november.Add(-within-1) }),
	}
	guess := func(line providers.StatementLine, near []reconcile.Entry, within time.Duration) (reconcile.Entry, bool) {
		e, ok := reconcile.Guess([]providers.StatementLine{line}, near, within)[0]
		return e, ok
	}
	if e, ok := guess(line, others, within); ok {
		t.Errorf("it is taken for %+v", e)
	}
	if e, ok := guess(line, append(others, mine), within); !ok || e.Payment != "mine" {
		t.Errorf("it is taken for %+v (%t)", e, ok)
	}
	for name, at := range map[string]time.Time{"at the early edge": november.Add(within), "at the late edge": november.Add(-within)} {
		edge := with(func(e *reconcile.Entry) { e.At, e.Last = at, at })
		if _, ok := guess(line, []reconcile.Entry{edge}, within); !ok {
			t.Errorf("%s it is not found", name)
		}
		if e, ok := guess(line, []reconcile.Entry{mine, edge}, within); ok {
			t.Errorf("%s, of two that it could be it is taken for %+v", name, e)
		}
	}
	if found := reconcile.Guess([]providers.StatementLine{line, line}, []reconcile.Entry{mine}, within); len(found) > 0 {
		t.Errorf("of two lines that could be it, it is taken for %v", found)
	}
	line.Verdict = providers.Declined
	if e, ok := guess(line, []reconcile.Entry{mine}, within); ok {
		t.Errorf("a line without money is taken for %+v", e)
	}
}
