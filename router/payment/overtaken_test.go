package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// A look-up was asked before the money came and written down after it.
func TestALookThatWasAskedBeforeTheMoneyDeniesNothing(t *testing.T) {
	b := open(t)
	b.plan(order)
	b.tell(shown(start.Add(10 * time.Minute)))
	b.pass(10 * time.Second)
	stale := unpaid().(payment.Observed)
	stale.Asked = b.now
	b.pass(100 * time.Millisecond)
	b.tell(notice(providers.Approved, ""))
	b.pass(100 * time.Millisecond)
	b.tell(stale)
	b.wantFindings()
}

// A payer whose first try was declined tries again while the answer of a look is on its way. What
// the look saw was before the hold: it proves no release, or the payment would be told as failed,
// and as safe to pay again, with the payer's money held and nobody looking.
func TestALookThatWasAskedBeforeTheHoldDoesNotReleaseIt(t *testing.T) {
	begin := func() (b *book, stale payment.Observed) {
		b = open(t, twoStage)
		b.plan(order)
		b.tell(shown(start.Add(10 * time.Minute)))
		b.pass(10 * time.Second)
		stale = lookup(providers.Declined, providers.DeclinedSoft)
		stale.Asked = b.now
		b.pass(100 * time.Millisecond)
		b.tell(notice(providers.Held, ""))
		b.pass(100 * time.Millisecond)
		return b, stale
	}
	again := func(b *book, stale payment.Observed) {
		t.Helper()
		stale.Asked = b.now
		b.tell(stale)
		b.wantClosed(1, payment.Voided) // asked after it: the hold is gone
	}

	b, stale := begin()
	b.tell(stale)
	b.wantStatus(payment.StatusHeld)
	b.wantFindings()
	again(b, stale)

	b, stale = begin()
	b.tell(notice(providers.Declined, providers.DeclinedSoft), stale) // of the first try, too
	b.wantClosed(1, "")
	again(b, stale)

	b, stale = begin()
	b.tell(lookup(providers.Held, ""), notice(providers.Declined, providers.DeclinedSoft), stale)
	b.wantClosed(1, "")
	again(b, stale)
}

// The gateway's own status lags: the look-up was put after the money came, and shows what was
// before. One put later is believed.
func TestALookThatMayLagBehindTheMoneyDeniesNothing(t *testing.T) {
	const lag = 10 * time.Second
	for after, want := range map[time.Duration][]payment.FindingKind{lag - time.Millisecond: nil, lag: {payment.MoneyFlipped}} {
		b := open(t)
		b.plan(order)
		b.tell(shown(start.Add(10 * time.Minute)))
		b.pass(time.Minute)
		b.tell(notice(providers.Approved, ""))
		b.pass(after)
		late := unpaid().(payment.Observed)
		late.Asked, late.Lag = b.now, lag
		b.tell(late)
		b.wantFindings(want...)
	}
}

// A false finding would end the later looks: what the bank then takes back nobody would see.
func TestAnOlderLookDoesNotEndTheLaterOnes(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}))
	b.pass(time.Minute)
	stale := unpaid().(payment.Observed)
	stale.Asked = b.now
	b.pass(time.Second) // a hint, followed while the scheduled look is slow
	fresh := lookup(providers.Approved, "")
	fresh.Asked = b.now
	b.tell(fresh)
	b.pass(time.Second)
	b.tell(stale)
	if s := b.p.Next(b.now, b.terms); s.Do == payment.Rest && s.Until.IsZero() {
		t.Fatalf("captured money of a gateway without signed notices is never looked at again; findings %+v", b.p.Findings)
	}
}

// The answer to the charge is written down after the notice of its success.
func TestTheAnswerToTheRequestIsOlderThanAnyNotice(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.tell(notice(providers.Approved, ""), response(providers.Pending, providers.Processing))
	b.wantFindings()
}

// A process slept with a look's answer in its hands: the bank refused since, as a later look
// showed, and another gateway may have the money. The old answer makes the refusal no open
// question again; an answer to a question put after it does, and money, whenever it was seen.
func TestALookAskedBeforeTheOneThatShowedTheRefusalRevivesNothing(t *testing.T) {
	before, after := -time.Second, time.Second
	for name, c := range map[string]struct {
		asked   time.Duration // after the look that showed the refusal
		verdict providers.Verdict
		want    providers.Verdict
		finding []payment.FindingKind
	}{
		"asked before":            {before, providers.Pending, providers.Unserved, nil},
		"asked after":             {after, providers.Pending, providers.Pending, []payment.FindingKind{payment.Reappeared}},
		"asked before, and money": {before, providers.Approved, providers.Approved, []payment.FindingKind{payment.MoneyAfterClose}},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.plan(card)
			b.tell(response(providers.Pending, providers.Processing))
			b.pass(time.Minute)
			refused := lookup(providers.Unserved, providers.Unsupported)
			refused.Asked = b.now
			b.tell(refused)
			b.wantClosed(1, payment.RefusedByGate)
			b.pass(10 * time.Second)
			late := lookup(c.verdict, "")
			late.Asked = refused.Asked.Add(c.asked)
			b.tell(late)
			if got := b.p.Attempts[0].Verdict; got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
			b.wantFindings(c.finding...)
		})
	}
}

// A refund that was not sent is made anew. A process that was stopped comes back with a look for
// the first: by the sum returned it cannot tell the two apart.
func TestWhatALaterRefundDidIsNotToldOfTheOneBefore(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", 500000))
	first := b.operate(payment.OpRefund, 500000)
	b.tell(done(first, providers.Unserved, providers.NotSent))
	if b.p.Overtaken(first) {
		t.Error("nothing followed, and a look that shows it carried out is about it")
	}
	b.pass(4 * time.Second)
	second := b.operate(payment.OpRefund, 500000)
	if !b.p.Overtaken(first) {
		t.Error("the next one may be under way")
	}
	b.tell(done(second, providers.Unserved, providers.NotSent))
	if b.p.Overtaken(first) {
		t.Error("the next one was not carried out either")
	}
	b.pass(16 * time.Second)
	third := b.operate(payment.OpRefund, 500000)
	b.tell(done(third, providers.Approved, ""))
	if !b.p.Overtaken(first) || !b.p.Overtaken(second) || b.p.Overtaken(third) || b.p.Overtaken(third+1) {
		t.Error("the last one was carried out, and no other")
	}
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: 500000})
}
