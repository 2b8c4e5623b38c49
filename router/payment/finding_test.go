package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// One trouble is told once, and another one about the same attempt is another.

func TestASecondThingThatNobodyCanDecideIsToldToo(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.look(b.now.Add(30*time.Hour), func() payment.Body { return lookup(providers.Unknown, providers.Timeout) })
	b.wantFindings(payment.Undecided)
	b.tell(operator(providers.Approved, ""), refund("r", 500000))
	n := b.operate(payment.OpRefund, 500000)
	b.tell(done(n, providers.Unknown, providers.Timeout))
	b.look(b.now.Add(30*24*time.Hour), func() payment.Body {
		o := done(n, providers.Unknown, providers.Ambiguous)
		o.Source = payment.FromLookup
		return o
	})
	if !b.p.FoundAbout(payment.Undecided, 1, "refund r") || len(b.p.Findings) != 2 {
		t.Fatalf("the refund waits for ever, and the findings are %+v", b.p.Findings)
	}
}

func TestARefusedGiveBackIsToldBesideARefusedVoid(t *testing.T) {
	b := held(t)
	b.tell(payment.CancelRequested{RequestID: "c"})
	n := b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Declined, providers.Refused), lookup(providers.Approved, ""))
	b.wantFindings(payment.OperationFailed)
	n = b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(n, providers.Declined, providers.Refused))
	b.wantFindings(payment.OperationFailed, payment.OperationFailed)
}

func TestAThirdPaymentIsToldBesideTheSecond(t *testing.T) {
	b := paidTwice(t)
	b.tell(by("7001", notice(providers.Approved, "")))
	told := len(b.p.Findings)
	b.tell(by("7002", notice(providers.Approved, "")))
	if len(b.p.Findings) != told+1 || !b.p.FoundAbout(payment.MoneyTwice, 1, "7002") {
		t.Fatalf("of the third payment nobody is told: %+v", b.p.Findings)
	}
}
