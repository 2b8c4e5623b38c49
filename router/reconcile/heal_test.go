package reconcile_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

// The whole table: every verdict of a line beside every verdict of an entry, with the same
// sum, a part of it and another, in the same currency and another.
func TestAStatementTeachesWhatItsTableSaysAndNothingElse(t *testing.T) {
	verdicts := []providers.Verdict{providers.Unknown, providers.Pending, providers.Held, providers.Approved, providers.Declined, providers.Unserved}
	sums := map[string]providers.Money{"same": tenges(1000), "part": tenges(400), "more": tenges(1001), "other": {Minor: 1000, Currency: "USD"}}
	cells, taught := 0, 0
	for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
		for _, ours := range verdicts {
			for _, theirs := range verdicts {
				for name, sum := range sums {
					for _, parts := range []bool{false, true} {
						for _, after := range []bool{false, true} {
							e := reconcile.Entry{Kind: kind, Payment: "p", Attempt: 2, Verdict: ours, Amount: tenges(1000), At: november, Last: november.Add(time.Hour)}
							if kind == providers.LineRefund {
								e.Operation = 3
							}
							l := providers.StatementLine{Kind: kind, External: "x", Code: "c", Verdict: theirs, Amount: sum, At: november.Add(time.Minute)}
							if after {
								l.At = november.Add(2 * time.Hour)
							}
							cells++
							step, ok := reconcile.Heal(l, e, parts)
							want, wanted := table(kind, ours, theirs, name, parts, after)
							if ok != wanted || ok && (step.Result.Verdict != want || step.Payment != "p" || step.Attempt != 2 || step.Operation != e.Operation || step.Result.External != "x" || step.Result.Code != "c") {
								t.Errorf("%s: ours %s, theirs %s of %s (parts %t, after %t): %+v %t, want %s %t", kind, ours, theirs, name, parts, after, step, ok, want, wanted)
							}
							if ok {
								taught++
							}
							if ok && kind == providers.LineCharge && step.Result.Verdict.HasMoney() && step.Result.Amount != sum {
								t.Errorf("it is taught %s of %s", step.Result.Amount, sum)
							}
						}
					}
				}
			}
		}
	}
	if cells != 2*6*6*4*2*2 || taught == 0 {
		t.Fatalf("%d cells, %d of them taught", cells, taught)
	}
}

// table is the one of Heal's comment, written once more.
func table(kind providers.LineKind, ours, theirs providers.Verdict, sum string, parts, after bool) (providers.Verdict, bool) {
	undecidedOrRefused := ours != providers.Held && ours != providers.Approved
	if kind == providers.LineRefund {
		return providers.Approved, theirs == providers.Approved && undecidedOrRefused && sum == "same"
	}
	switch {
	case (theirs == providers.Approved || theirs == providers.Held) && undecidedOrRefused:
		return theirs, sum == "same"
	case theirs == providers.Approved && ours == providers.Held:
		return providers.Approved, sum == "same" || sum == "part" && parts
	case theirs == providers.Declined && ours == providers.Held:
		return providers.Declined, after
	}
	return 0, false
}

func TestALineOfTheOtherDirectionTeachesNothing(t *testing.T) {
	e := reconcile.Entry{Kind: providers.LineCharge, Verdict: providers.Unknown, Amount: tenges(1000), At: november}
	if step, ok := reconcile.Heal(providers.StatementLine{Kind: providers.LineRefund, Verdict: providers.Approved, Amount: tenges(1000), At: november}, e, true); ok {
		t.Errorf("a refund teaches %+v about a charge", step)
	}
}
