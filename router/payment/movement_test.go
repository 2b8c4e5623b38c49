package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

func by(movement string, o payment.Observed) payment.Observed {
	o.Movement = movement
	return o
}

func TestAnOrderThatIsPaidTwiceAtItsGatewayIsFoundWhoeverTellsIt(t *testing.T) {
	first := by("7001", notice(providers.Approved, ""))
	for name, second := range map[string]payment.Observed{
		"by a notice":    by("7002", notice(providers.Approved, "")),
		"by a look-up":   by("7002", lookup(providers.Approved, "")),
		"by a statement": by("7002", statement(providers.Approved, "")),
		"by a hold":      by("7002", notice(providers.Held, "")),
	} {
		t.Run(name, func(t *testing.T) {
			for _, facts := range [][2]payment.Observed{{first, second}, {second, first}} {
				b := open(t)
				b.plan(qr)
				b.tell(facts[0])
				b.wantFindings()
				b.tell(facts[1])
				b.wantFindings(payment.MoneyTwice)
				b.wantSums(payment.Sums{Paid: amount.Minor}) // what the second one brought is a person's
				if !facts[0].MovesAnew(payment.Attempt{}) || facts[1].MovesAnew(b.p.Attempts[0]) {
					t.Error("what is known is told as new, or what is new as known")
				}
			}
		})
	}
}

func TestAPaymentThatIsToldAgainOrBroughtNoMoneyIsNoSecondOne(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(by("7000", notice(providers.Pending, providers.AwaitingPayer))) // a card that was declined on the page
	for _, again := range []payment.Observed{notice(providers.Approved, ""), lookup(providers.Approved, ""), statement(providers.Approved, "")} {
		b.tell(by("7001", again))
	}
	b.tell(lookup(providers.Approved, "")) // it may tell no id
	b.tell(by("7002", notice(providers.Declined, providers.DeclinedHard)))
	b.wantSums(payment.Sums{Paid: amount.Minor})
	if f := b.p.Findings; len(f) > 0 && f[0].Kind == payment.MoneyTwice {
		t.Errorf("found %v", f)
	}
}

func TestANewHoldAfterAReleaseIsNotTakenForTheOldOnesNotice(t *testing.T) {
	b := open(t, twoStage)
	b.plan(order)
	b.tell(shown(start.Add(10*time.Minute)), by("7001", of(amount, notice(providers.Held, ""))), payment.CancelRequested{RequestID: "c"})
	n := b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.pass(ms)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantStatus(payment.StatusCanceled)
	b.tell(by("7001", of(amount, notice(providers.Held, "")))) // the old one's, once more
	b.wantFindings()
	b.tell(by("7002", of(amount, notice(providers.Held, ""))))
	b.wantFindings(payment.MoneyAfterClose, payment.MoneyTwice)
	b.operate(payment.OpVoid, amount.Minor)
}
