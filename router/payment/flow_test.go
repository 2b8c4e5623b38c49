package payment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// FAILOVER sections 2 to 4 as stories: one for each flow and what can come of it.

func TestADirectDeclineEndsThePayment(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.tell(response(providers.Declined, providers.DeclinedHard))
	b.wantClosed(1, payment.DeclinedFinally)
	b.wantStatus(payment.StatusDeclined)
	b.refuse(b.planned(backup))
	if s := b.want(payment.Rest); !s.Until.IsZero() {
		t.Fatal("a declined payment still wants something")
	}
}

func TestASoftDeclineMovesOnceByPolicyAndOnlyBetweenDirectCharges(t *testing.T) {
	soft := response(providers.Declined, providers.DeclinedSoft)
	b := open(t, softRetry)
	b.plan(card)
	b.tell(soft)
	b.plan(backup)
	b.tell(on(2, soft))
	b.wantStatus(payment.StatusDeclined)

	b = open(t)
	b.plan(card)
	b.tell(soft)
	b.wantStatus(payment.StatusDeclined)

	for _, gateway := range []string{qr, push} {
		b := open(t, softRetry)
		b.plan(gateway)
		b.tell(shown(time.Time{}), notice(providers.Declined, providers.DeclinedSoft))
		b.wantStatus(payment.StatusDeclined)
	}
}

func TestWhatWasNotSentGoesToTheNextGatewayAtOnce(t *testing.T) {
	for _, reason := range []providers.Reason{providers.NotSent, providers.Throttled, providers.Maintenance, providers.Misconfigured, providers.Unsupported} {
		for _, gateway := range []string{card, qr, page, push} {
			t.Run(gateway+" "+string(reason), func(t *testing.T) {
				b := open(t)
				b.plan(gateway)
				b.tell(response(providers.Unserved, reason))
				b.plan(backup)
				b.tell(on(2, response(providers.Approved, "")))
				b.wantStatus(payment.StatusPaid)
				b.wantSums(payment.Sums{Paid: amount.Minor})
				b.wantFindings()
			})
		}
	}
}

func TestAnUnknownChargeIsLookedUpAndNeverRepeated(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.rest(window) // whoever planned it is sending it
	b.pass(15 * time.Second)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.look(start.Add(time.Hour), func() payment.Body {
		b.refuse(b.planned(backup))
		return lookup(providers.Unknown, providers.ServerError)
	})
	b.tell(lookup(providers.Approved, ""))
	b.wantStatus(payment.StatusPaid)
	b.wantFindings()
}

func TestAnUnknownChargeThatNeverArrivedMovesOnceAbsent(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.pass(15 * time.Second)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.look(start.Add(time.Hour), func() payment.Body { return notThere() })
	b.wantClosed(1, payment.AbsentConfirmed)
	if took := b.now.Sub(start); took != window+absent+30*time.Second {
		t.Fatalf("took %s", took)
	}
	b.plan(backup)
}

func TestACrashBetweenPlanAndAnswerLeavesAQuestion(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.pass(window) // nobody recorded anything
	b.want(payment.Ask)
	b.tell(lookup(providers.Approved, ""))
	b.wantStatus(payment.StatusPaid)
}

func TestALostOfferIsReplacedWithoutWaiting(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.wantClosed(1, payment.NeverShown)
	b.plan(page)
	b.tell(on(2, shown(start.Add(10*time.Minute))))
	b.wantStatus(payment.StatusAwaitingPayer)
}

func TestAShownQRIsNotReplacedBeforeItsDeath(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}))
	b.tell(payment.SwitchRequested{Attempt: 1, Reason: "gateway down"})
	b.look(start.Add(time.Hour), unpaid)
	if took := b.now.Sub(start); took != 260*time.Second+ms {
		t.Fatalf("took %s", took)
	}
	b.plan(page)
	b.tell(on(2, shown(start.Add(10*time.Minute))))
	b.wantStatus(payment.StatusAwaitingPayer)
}

func TestAnOfferThatNobodyPaidAndNobodyLeftEndsThePayment(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}))
	b.look(start.Add(time.Hour), unpaid)
	b.wantClosed(1, payment.ExpiredUnpaid)
	b.wantStatus(payment.StatusFailed)
}

func TestAScannedQRBlocksTheSwitch(t *testing.T) {
	for _, gateway := range []string{qr, page} {
		b := open(t)
		b.plan(gateway)
		b.tell(shown(start.Add(4 * time.Minute)))
		b.tell(notice(providers.Pending, providers.PayerConfirming))
		b.tell(payment.SwitchRequested{Attempt: 1, Reason: "drained"})
		b.look(start.Add(time.Hour), func() payment.Body { return lookup(providers.Pending, providers.PayerConfirming) })
		b.refuse(b.planned(backup))
		if s := b.p.Next(b.now, b.terms); s.Do != payment.Rest {
			t.Fatal(describe(s)) // neither withdrawn nor left
		}
		b.tell(lookup(providers.Approved, ""))
		b.wantStatus(payment.StatusPaid)
	}
}

func TestAGatewayDownWhileItsOfferExpiresLeavesThePaymentUndecided(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}))
	b.tell(payment.SwitchRequested{Attempt: 1, Reason: "gateway down"})
	b.look(start.Add(30*time.Hour), func() payment.Body { return lookup(providers.Unknown, providers.Timeout) })
	b.wantFindings(payment.Undecided)
	b.refuse(b.planned(backup))
	b.wantStatus(payment.StatusProcessing)
	if at := b.p.Due(b.now, b.terms); at.Before(b.now) || at.After(b.now.Add(time.Hour)) {
		t.Fatalf("due in %s", at.Sub(b.now))
	}
}

func TestAnUnknownPushNeverMoves(t *testing.T) {
	b := open(t)
	b.plan(push)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.tell(payment.SwitchRequested{Attempt: 1, Reason: "drained"})
	b.look(start.Add(100*time.Hour), func() payment.Body {
		b.refuse(b.planned(qr))
		return notThere() // their books do not know it: its id is not ours
	})
	b.wantFindings(payment.Undecided)
}

func TestARingingPushIsLeftOnlyOnceWithdrawn(t *testing.T) {
	b := open(t)
	b.plan(push)
	b.tell(shown(time.Time{}))
	b.tell(payment.SwitchRequested{Attempt: 1, Reason: "the payer chose another way"})
	n := b.operate(payment.OpWithdraw, amount.Minor)
	b.pass(time.Second)
	b.tell(done(n, providers.Approved, ""))
	b.refuse(b.planned(qr)) // a second look must confirm it
	b.pass(ms)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantClosed(1, payment.Withdrawn)
	b.plan(qr)
}

func TestAnAskFirstAttemptIsEndedByOurVeto(t *testing.T) {
	b := open(t)
	b.plan(account)
	b.tell(shown(time.Time{}))
	if r := b.p.Payable(1, b.now); r != providers.Payable {
		t.Fatalf("ruling %d", r)
	}
	b.tell(payment.SwitchRequested{Attempt: 1, Reason: "the payer chose another way"})
	b.wantClosed(1, payment.Withdrawn)
	if r := b.p.Payable(1, b.now); r != providers.Gone {
		t.Fatalf("ruling %d after the switch", r)
	}
	b.plan(qr)
	b.tell(on(2, shown(time.Time{})), on(2, notice(providers.Approved, "")))
	if r := b.p.Payable(1, b.now); r != providers.AlreadyPaid {
		t.Fatalf("ruling %d after the payment", r)
	}
	if r := b.p.Payable(7, b.now); r != providers.Unmatched {
		t.Fatalf("ruling %d about nothing", r)
	}
}

func TestACancelWishLetsNoAttemptBeginAndWaitsForTheOpenOne(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}), payment.CancelRequested{RequestID: "c", Reason: "basket changed"})
	b.wantStatus(payment.StatusProcessing)
	b.refuse(payment.CancelRequested{RequestID: "c2"})
	b.look(start.Add(time.Hour), unpaid)
	b.wantStatus(payment.StatusCanceled)
	b.refuse(b.planned(backup))
}

func TestAPlanThatRacesACancelWishLoses(t *testing.T) {
	b := open(t)
	p, err := b.p.Apply(payment.Event{At: start, Body: payment.CancelRequested{RequestID: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Apply(payment.Event{At: start, Body: b.planned(card)}); !errors.Is(err, payment.ErrNotAllowed) {
		t.Fatalf("planned after the wish: %v", err)
	}
}

func TestMoneyThatComesAfterACancelWishIsGivenBack(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}), payment.CancelRequested{RequestID: "c"})
	b.tell(notice(providers.Approved, ""))
	b.wantSums(payment.Sums{Surplus: amount.Minor})
	n := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.wantSums(payment.Sums{})
	b.wantStatus(payment.StatusCanceled)
}

func TestPaidMoneyIsNotCanceled(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.tell(response(providers.Approved, ""))
	b.refuse(payment.CancelRequested{RequestID: "c"})
}

func TestTheDeadlineEndsAPaymentLikeACancelWish(t *testing.T) {
	b := open(t)
	b.plan(page)
	b.tell(shown(start.Add(time.Hour))) // an adapter that cannot keep the deadline
	b.pass(15*time.Minute - ms)
	if s := b.p.Next(b.now, b.terms); s.Do == payment.Operate {
		t.Fatal("withdrawn before the deadline")
	}
	b.pass(ms)
	n := b.operate(payment.OpWithdraw, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.pass(ms)
	b.tell(lookup(providers.Pending, providers.AwaitingPayer))
	b.wantClosed(1, payment.Withdrawn)
	b.wantStatus(payment.StatusFailed)
}

func TestNoAttemptBeginsAfterTheDeadline(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.pass(15 * time.Minute)
	b.tell(response(providers.Unserved, providers.NotSent))
	b.wantStatus(payment.StatusFailed)
}

func TestAPaymentThatNobodyBeginsFails(t *testing.T) {
	b := open(t, noDeadline)
	b.want(payment.Route)
	if at := b.p.Due(b.now, b.terms); !at.Equal(start.Add(15 * time.Minute)) {
		t.Fatalf("due at %s", at)
	}
	b.pass(15 * time.Minute)
	b.wantStatus(payment.StatusFailed)
}

// A gateway's word on when to ask again is followed within reason.
func TestAGatewayDoesNotDecideThatItIsAskedAtOnceOrNever(t *testing.T) {
	for _, tt := range []struct{ said, want time.Duration }{
		{5 * time.Second, 5 * time.Second}, {1, time.Second}, {10000 * time.Hour, time.Hour},
	} {
		b := open(t, noDeadline)
		b.plan(card)
		pending := response(providers.Pending, providers.Processing)
		pending.AskIn = tt.said
		b.tell(pending)
		b.rest(tt.want)
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	b := open(t)
	for n := 1; n <= 5; n++ {
		b.plan(card)
		b.tell(on(n, response(providers.Unserved, providers.Throttled)))
	}
	b.wantStatus(payment.StatusFailed)
	if b.p.Finished.Detail != payment.DetailAttempts {
		t.Fatalf("detail %q", b.p.Finished.Detail)
	}
}

// Attempts that nobody can be asked about come to a person as well: the gateway is gone
// from the configuration, or it asks first and was never heard of again.
func TestEveryOpenAttemptComesToAPersonInTheEnd(t *testing.T) {
	for _, gateway := range []string{card, qr, page, push, account} {
		t.Run(gateway, func(t *testing.T) {
			b := open(t)
			b.plan(gateway)
			b.terms.Claims = func(string) providers.Claims { return providers.Claims{} }
			for range 50 {
				at := b.p.Next(b.now, b.terms).Until
				if b.p.Found(payment.Undecided, 1) {
					break
				}
				if !at.After(b.now) { // due, and it cannot be asked: the worker comes again later
					at = b.now.Add(time.Hour)
				}
				b.pass(at.Sub(b.now))
			}
			b.wantFindings(payment.Undecided)
			if b.now.After(start.Add(26 * time.Hour)) {
				t.Fatalf("only after %s", b.now.Sub(start))
			}
			b.refuse(b.planned(backup))
		})
	}
}

func TestAnOperatorDecidesWhatNothingElseCan(t *testing.T) {
	undecided := func(t *testing.T) *book {
		b := open(t, noDeadline)
		b.plan(push)
		b.tell(response(providers.Unknown, providers.Timeout))
		b.pass(30 * time.Hour)
		return b
	}
	t.Run("not charged", func(t *testing.T) {
		b := undecided(t)
		b.tell(operator(providers.Unserved, providers.NotFound))
		b.wantClosed(1, payment.ByOperator)
		b.wantStatus(payment.StatusFailed)
		b.tell(notice(providers.Approved, "")) // and was wrong: the surplus rule is armed
		b.wantSums(payment.Sums{Surplus: amount.Minor})
		b.operate(payment.OpRefund, amount.Minor)
	})
	t.Run("charged", func(t *testing.T) {
		b := undecided(t)
		b.tell(operator(providers.Approved, ""))
		b.wantStatus(payment.StatusPaid)
	})
	t.Run("a first person's word waits", func(t *testing.T) {
		b := undecided(t)
		if err := b.say("operator:aida", payment.Proposed{Attempt: 1, Verdict: providers.Unserved, Note: "called"}); err != nil {
			t.Fatal(err)
		}
		if first := b.p.Attempts[0].Proposal; first == nil || first.By != "operator:aida" || !first.At.Equal(b.now) {
			t.Fatalf("proposal %+v", first)
		}
		b.wantClosed(1, "")
		b.tell(operator(providers.Unserved, providers.NotFound))
		b.refuse(payment.Proposed{Attempt: 1, Verdict: providers.Unserved})
	})
	t.Run("a gateway's later word is not called his", func(t *testing.T) {
		b := undecided(t)
		b.tell(operator(providers.Pending, ""), lookup(providers.Declined, providers.DeclinedHard))
		b.wantClosed(1, payment.DeclinedFinally)
	})
}

// A gateway's own pace, 5 s for a QR, is for as long as the QR lives: one that nothing
// decides afterwards would fill the books with looks until its people come.
func TestADeadOfferIsNotLookedAtAtTheGatewaysPace(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Pending, Reason: providers.AwaitingPayer,
		Action: &providers.Action{Kind: providers.ShowQR}, AskIn: 5 * time.Second})
	looks := 0
	for end := b.now.Add(time.Hour); b.now.Before(end); looks++ {
		if step := b.p.Next(b.now, b.terms); step.Do == payment.Ask {
			b.tell(payment.Observed{Attempt: 1, Source: payment.FromLookup, Reason: providers.Ambiguous, Asked: b.now})
		}
		b.now = b.p.Next(b.now, b.terms).Until
	}
	if looks > 110 { // 52 while it lives, and then every 5 minutes at most
		t.Errorf("%d looks in an hour", looks)
	}
}

// scanning is a QR that is out, at a gateway that wants to be asked every 5 s, and was.
func scanning(t *testing.T) (b *book, pending payment.Observed) {
	t.Helper()
	b = open(t, noDeadline)
	b.plan(qr)
	offer := shown(time.Time{})
	offer.AskIn = 5 * time.Second
	b.tell(offer)
	pending = lookup(providers.Pending, providers.AwaitingPayer)
	pending.AskIn = 5 * time.Second
	for range 10 {
		b.rest(5 * time.Second)
		b.pass(5 * time.Second)
		b.tell(pending)
	}
	return b, pending
}

// A look that fails slows the next ones down by how many failed, and not by how many
// there were before: the payer may be paying.
func TestOneFailedLookDoesNotLetAGatewayOutOfSight(t *testing.T) {
	b, pending := scanning(t)
	for _, pause := range []time.Duration{5 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second} {
		b.tell(lookup(providers.Unknown, providers.Timeout))
		b.rest(pause)
		b.pass(pause)
	}
	b.tell(pending)
	b.rest(5 * time.Second)
}

// A gateway that is asked too often says how long to wait: that is for the next look and
// not for those after it.
func TestAThrottledLookWaitsAsLongAsItWasToldAndTheOthersDoNot(t *testing.T) {
	b, pending := scanning(t)
	slow := lookup(providers.Unknown, providers.Throttled)
	slow.AskIn = 40 * time.Second
	b.tell(slow)
	b.rest(40 * time.Second)
	b.pass(40 * time.Second)
	b.tell(pending)
	b.rest(5 * time.Second)

	slow.AskIn = 18 * time.Hour
	b.tell(slow)
	b.rest(time.Hour) // within reason, and not even to see whether the QR is dead
}
