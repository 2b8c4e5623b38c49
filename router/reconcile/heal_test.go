package reconcile_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
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
							for _, reason := range []providers.Reason{"", providers.Released} {
								e := reconcile.Entry{Kind: kind, Payment: "p", Attempt: 2, Verdict: ours, Amount: tenges(1000), At: november, Last: november.Add(time.Hour)}
								if kind == providers.LineRefund {
									e.Operation = 3
								}
								l := providers.StatementLine{Kind: kind, External: "x", Code: "c", Verdict: theirs, Reason: reason, Amount: sum, At: november.Add(time.Minute)}
								if after {
									l.At = november.Add(2 * time.Hour)
								}
								cells++
								step, ok := reconcile.Heal(l, e, reconcile.Options{Parts: parts})
								want, wanted := table(kind, ours, theirs, name, parts, after && reason == providers.Released)
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
	}
	if cells != 2*6*6*4*2*2*2 || taught == 0 {
		t.Fatalf("%d cells, %d of them taught", cells, taught)
	}
}

// table is the one of Heal's comment, written once more.
func table(kind providers.LineKind, ours, theirs providers.Verdict, sum string, parts, gone bool) (providers.Verdict, bool) {
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
		return providers.Declined, gone
	}
	return 0, false
}

func TestALineOfTheOtherDirectionTeachesNothing(t *testing.T) {
	e := reconcile.Entry{Kind: providers.LineCharge, Verdict: providers.Unknown, Amount: tenges(1000), At: november}
	if step, ok := reconcile.Heal(providers.StatementLine{Kind: providers.LineRefund, Verdict: providers.Approved, Amount: tenges(1000), At: november}, e, reconcile.Options{Parts: true}); ok {
		t.Errorf("a refund teaches %+v about a charge", step)
	}
}

// What ended is never alive again by a line that was read before, and what is older than a
// wish was not it.
func TestAnOldLineTeachesNothing(t *testing.T) {
	hold := reconcile.Entry{Kind: providers.LineCharge, Verdict: providers.Declined, WasHeld: true, Amount: tenges(1000), At: november}
	if step, ok := reconcile.Heal(providers.StatementLine{Kind: providers.LineCharge, Verdict: providers.Held, Amount: tenges(1000), At: november}, hold, reconcile.Options{Parts: true}); ok {
		t.Errorf("a hold that ended becomes %+v", step)
	}
	wish := reconcile.Entry{Kind: providers.LineRefund, Operation: 1, Amount: tenges(300), At: november}
	for older, want := range map[time.Duration]bool{0: true, reconcile.DefaultEdge: true, reconcile.DefaultEdge + 1: false} {
		l := providers.StatementLine{Kind: providers.LineRefund, Verdict: providers.Approved, Amount: tenges(300), At: november.Add(-older)}
		if _, ok := reconcile.Heal(l, wish, reconcile.Options{Parts: true}); ok != want {
			t.Errorf("a refund %s older than the wish: %t", older, ok)
		}
	}
}

func TestMoneyThatWasTakenBackIsNotTaughtAsTaken(t *testing.T) {
	l := providers.StatementLine{Kind: providers.LineCharge, Order: "rt-1", External: "a", Verdict: providers.Approved, Amount: tenges(1000), At: november}
	gone := l
	gone.Verdict, gone.At = providers.Declined, november.Add(time.Minute)
	e := reconcile.Entry{Kind: providers.LineCharge, Payment: "p", Attempt: 1, Reference: "rt-1", Amount: tenges(1000), At: november}
	day := reconcile.Statement{Gateway: gateway, Span: reconcile.Day(november, time.UTC), Lines: []providers.StatementLine{l, gone}}
	if j := reconcile.Judge([]reconcile.Statement{day}, []reconcile.Entry{e}, reconcile.Options{}); len(j.Steps) != 0 {
		t.Errorf("the payment is taught %+v", j.Steps)
	}
}

// Where the ids of lines are those that notices bear, a payment that a statement told of is
// known by its own: the payer who pays the order once more is told about, and the first one
// again is not.
func TestASecondPaymentUnderAnOrderIsToldAfterAStatementTaughtTheFirst(t *testing.T) {
	for name, c := range map[string]struct {
		names  bool
		notice string
		want   bool
	}{
		"another payment": {true, "7002", true},
		"the same one":    {true, "7001", false},
		"another, where lines have ids of their own": {false, "op-1", false},
	} {
		bodies := []payment.Body{planned(1, gateway), payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unknown, Reason: providers.Timeout}}
		lost := told(t, false, bodies...)
		line := charge(providers.Approved, 1000, id("7001"), at(minute(1)))
		j := reconcile.Judge([]reconcile.Statement{read(day, line)}, reconcile.EntriesOf(lost, gateway), reconcile.Options{NamesMovements: c.names})
		if len(j.Steps) != 1 {
			t.Fatalf("%s: the statement teaches %+v", name, j.Steps)
		}
		r := j.Steps[0].Result
		p := told(t, false, append(bodies,
			payment.Observed{Attempt: 1, Source: payment.FromStatement, Verdict: r.Verdict, External: r.External, Movement: r.Movement, Amount: r.Amount},
			payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved, Movement: c.notice, Amount: tenge(1000)})...)
		if got := p.FoundAbout(payment.MoneyTwice, 1, c.notice); got != c.want {
			t.Errorf("%s: told %t; findings %+v", name, got, p.Findings)
		}
	}
}

// A payment has moved on from a bill. The payer, whose check had passed before, is debited all
// the same: we refuse the debit, and the bank lists it until it has given it back. The payment is
// not paid by it, or what is paid at the next gateway would be given back as too much. When that
// is paid, the debit is a surplus like any other.
func TestADebitThatWeRefusedPaysNothing(t *testing.T) {
	bill := planned(1, gateway)
	bill.Flow = providers.AskFirst
	veto := payment.Evidence{Attempt: 1, Kind: payment.Withdrawn, Source: payment.FromRouter}
	bodies := []payment.Body{bill, payment.Closed{Attempt: 1, Evidence: veto}, planned(2, "backup", veto),
		payment.Noted{Finding: payment.ReturnExpected, Attempt: 1, About: "7001"}}
	judge := func(bodies ...payment.Body) []reconcile.Step {
		entries := reconcile.EntriesOf(told(t, false, bodies...), gateway)
		return reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("7001"), at(minute(4))))}, entries, reconcile.Options{}).Steps
	}
	if steps := judge(bodies...); len(steps) > 0 {
		t.Errorf("while the payer is at the next gateway the statement teaches %+v", steps)
	}
	if steps := judge(bodies[:3]...); len(steps) != 1 {
		t.Errorf("of a debit that nobody refused the statement teaches %+v", steps)
	}
	if steps := judge(append(bodies, learnt(2, payment.FromNotice, providers.Approved))...); len(steps) != 1 {
		t.Errorf("once the next gateway has the money the statement teaches %+v", steps)
	}
}
