package payment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// held is a two-stage payment whose money is authorised.
func held(t *testing.T) *book {
	t.Helper()
	b := open(t, twoStage)
	b.plan(card)
	b.tell(response(providers.Held, ""))
	b.wantStatus(payment.StatusHeld)
	b.wantSums(payment.Sums{Held: amount.Minor})
	return b
}

// paid is a payment whose money is captured.
func paid(t *testing.T) *book {
	t.Helper()
	b := open(t)
	b.plan(card)
	b.tell(response(providers.Approved, ""))
	b.wantStatus(payment.StatusPaid)
	return b
}

func capture(minor int64) payment.CaptureRequested {
	return payment.CaptureRequested{RequestID: "cap", Amount: tenge(minor)}
}

func refund(id string, minor int64) payment.RefundRequested {
	return payment.RefundRequested{Refund: id, RequestID: "req-" + id, Amount: tenge(minor)}
}

func (b *book) wantRefund(id string, want payment.RefundState) {
	b.t.Helper()
	if r, ok := b.p.FindRefund(id); !ok || r.State != want {
		b.t.Fatalf("refund %s is %q, not %q", id, r.State, want)
	}
}

func TestAHoldIsCapturedInPart(t *testing.T) {
	b := held(t)
	b.refuse(capture(amount.Minor + 1))
	b.refuse(capture(0))
	b.tell(capture(1000000))
	b.refuse(capture(1000000)) // once
	n := b.operate(payment.OpCapture, 1000000)
	b.tell(done(n, providers.Approved, ""), of(tenge(1000000), response(providers.Approved, "")))
	b.wantStatus(payment.StatusPaid)
	b.wantSums(payment.Sums{Paid: 1000000})
	b.wantFindings()
	b.refuse(refund("r", 1000001))
	b.tell(refund("r", 1000000))
}

func TestALostCaptureIsSettledByALook(t *testing.T) {
	b := held(t)
	b.tell(capture(amount.Minor))
	n := b.operate(payment.OpCapture, amount.Minor)
	b.tell(done(n, providers.Unknown, providers.Timeout))
	b.rest(2 * time.Second)
	b.pass(2 * time.Second)
	if s := b.want(payment.AskOp); s.Operation != n {
		t.Fatalf("operation %d is asked about", s.Operation)
	}
	seen := done(n, providers.Approved, "")
	seen.Source = payment.FromLookup
	b.tell(lookup(providers.Approved, ""), seen)
	b.wantSums(payment.Sums{Paid: amount.Minor})
	if len(b.p.Operations) != 1 {
		t.Fatal("captured again")
	}
}

// The gateway took another sum than we asked it to take: the truth counts, and a person
// hears of it.
func TestACaptureOfAnotherSumStaysAFinding(t *testing.T) {
	b := held(t)
	b.tell(capture(1000000))
	n := b.operate(payment.OpCapture, 1000000)
	b.tell(done(n, providers.Unknown, providers.Timeout), of(amount, lookup(providers.Approved, "")))
	b.wantSums(payment.Sums{Paid: amount.Minor})
	b.wantFindings(payment.AmountDiffers)
}

func TestCapturedMoneyDoesNotShrinkByBeingToldSmaller(t *testing.T) {
	b := held(t)
	b.tell(capture(amount.Minor), of(amount, notice(providers.Approved, "")))
	b.tell(of(tenge(5), lookup(providers.Approved, "")))
	b.wantSums(payment.Sums{Paid: amount.Minor})
	b.wantFindings(payment.AmountDiffers)
}

func TestACanceledHoldIsVoidedAndSeenAsVoided(t *testing.T) {
	b := held(t)
	b.tell(payment.CancelRequested{RequestID: "c"})
	b.refuse(capture(1))
	n := b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.wantStatus(payment.StatusProcessing)
	b.pass(ms)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantClosed(1, payment.Voided)
	b.wantStatus(payment.StatusCanceled)
	b.wantFindings()
	// The hold's own notice, which its release overtook, is recorded and changes nothing.
	b.tell(payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Held, Amount: amount})
	b.wantStatus(payment.StatusCanceled)
	b.wantFindings()
	// A look-up that sees a hold again is another matter.
	b.tell(lookup(providers.Held, ""))
	b.wantFindings(payment.MoneyAfterClose)
}

func TestAHoldBeingCapturedIsNotCanceledUnlessTheCaptureIsRefused(t *testing.T) {
	b := held(t)
	b.tell(capture(amount.Minor))
	b.refuse(payment.CancelRequested{RequestID: "c"})
	n := b.operate(payment.OpCapture, amount.Minor)
	b.tell(done(n, providers.Declined, providers.Refused))
	b.wantFindings(payment.OperationFailed)
	b.tell(payment.CancelRequested{RequestID: "c"})
	b.operate(payment.OpVoid, amount.Minor)
}

// Where it was never carried out, neither a refund nor a new capture is there instead.
func TestAHoldWhoseCaptureWasNotCarriedOutIsCanceled(t *testing.T) {
	b := held(t)
	b.tell(capture(amount.Minor))
	n := b.operate(payment.OpCapture, amount.Minor)
	b.tell(done(n, providers.Unserved, providers.NotSent))
	b.refuse(capture(amount.Minor))
	b.refuse(refund("r", 1))
	b.tell(payment.CancelRequested{RequestID: "c"})
	n = b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.pass(ms)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantStatus(payment.StatusCanceled)
	b.wantFindings()
}

func TestAHoldIsLookedAtEveryHourAndItsVanishingIsAFinding(t *testing.T) {
	b := held(t)
	b.rest(time.Hour)
	b.pass(time.Hour)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.Expired))
	b.wantClosed(1, payment.Voided)
	b.wantFindings(payment.HoldVanished)
	b.wantStatus(payment.StatusFailed)
}

// A late "declined" of an earlier try must not make us forget a hold that stands.
func TestAHoldDeniedByANoticeIsLookedUp(t *testing.T) {
	b := held(t)
	b.tell(notice(providers.Declined, providers.DeclinedSoft))
	b.wantStatus(payment.StatusProcessing)
	b.refuse(b.planned(backup))
	b.rest(2 * time.Second)
	b.pass(2 * time.Second)
	b.want(payment.Ask)
	b.tell(lookup(providers.Held, ""))
	b.wantStatus(payment.StatusHeld)
}

func TestARefundIsMadeOnce(t *testing.T) {
	for name, sum := range map[string]int64{"full": amount.Minor, "partial": 400000} {
		t.Run(name, func(t *testing.T) {
			b := paid(t)
			b.tell(refund("r", sum))
			n := b.operate(payment.OpRefund, sum)
			if op := b.p.Operations[n-1]; op.Refund != "r" || op.Before != 0 {
				t.Fatalf("operation %+v", op.OperationPlanned)
			}
			b.wantRefund("r", payment.RefundPending)
			b.tell(done(n, providers.Approved, ""), done(n, providers.Approved, ""))
			b.wantRefund("r", payment.RefundDone)
			b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: sum})
			b.wantStatus(payment.StatusPaid)
			b.refuse(refund("r2", amount.Minor-sum+1))
			if s := b.want(payment.Rest); !s.Until.IsZero() {
				t.Fatal("something is still to be done")
			}
		})
	}
}

// Refunds are reserved when they are asked for, and made one after the other.
func TestRacingRefundsNeverExceedWhatWasPaid(t *testing.T) {
	b := paid(t)
	b.tell(refund("a", 1000000))
	b.refuse(refund("b", 600000))
	b.tell(refund("c", 549000))
	b.refuse(refund("d", 1))
	first := b.operate(payment.OpRefund, 1000000)
	b.tell(done(first, providers.Unknown, providers.Timeout)) // unknown counts against the limit
	b.refuse(refund("d", 1))
	b.rest(2 * time.Second) // and the second waits for it
	seen := done(first, providers.Approved, "")
	seen.Source = payment.FromLookup
	b.tell(seen)
	second := b.operate(payment.OpRefund, 549000)
	if before := b.p.Operations[second-1].Before; before != 1000000 {
		t.Fatalf("the second is told apart by %d", before)
	}
	b.tell(done(second, providers.Declined, providers.Refused))
	b.wantRefund("c", payment.RefundFailed)
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: 1000000})
	b.tell(refund("d", 549000)) // a refund that failed frees what it reserved
}

// A lost refund is asked about. Only two absences, late enough and apart, make it one
// that was not carried out, and then it is made anew.
func TestALostRefundIsSettledByLooks(t *testing.T) {
	lost := func(t *testing.T) (*book, int) {
		b := paid(t)
		b.tell(refund("r", amount.Minor))
		n := b.operate(payment.OpRefund, amount.Minor)
		b.pass(15 * time.Second)
		b.tell(done(n, providers.Unknown, providers.Timeout))
		return b, n
	}
	late := window + settle
	t.Run("it went through", func(t *testing.T) {
		b, n := lost(t)
		b.pass(time.Minute)
		b.tell(undone(n)) // not shown yet
		seen := done(n, providers.Approved, "")
		seen.Source = payment.FromLookup
		b.tell(seen)
		b.wantRefund("r", payment.RefundDone)
	})
	t.Run("it did not", func(t *testing.T) {
		b, n := lost(t)
		b.look(start.Add(time.Hour), func() payment.Body {
			if b.p.Operations[n-1].Settled() {
				return lookup(providers.Approved, "") // before it is made anew
			}
			return undone(n)
		})
		if op := b.p.Operations[0]; op.Verdict != providers.Unserved || b.now.Before(start.Add(late+30*time.Second)) {
			t.Fatalf("%s after %s", op.Verdict, b.now.Sub(start))
		}
		b.wantRefund("r", payment.RefundPending)
		b.pass(4 * time.Second)
		b.operate(payment.OpRefund, amount.Minor)
	})
	short := []struct {
		name  string
		looks []told
	}{
		{"one absence", []told{{late, nil}}},
		{"the first too early", []told{{late - ms, nil}, {late + 29*time.Second, nil}}},
		{"too close", []told{{late, nil}, {late + 30*time.Second - ms, nil}}},
		{"two close ones and a failed look", []told{{late, nil}, {late + ms, nil}, {late + time.Minute, payment.OperationObserved{Operation: 1, Source: payment.FromLookup}}}},
		{"pending between", []told{{late, nil}, {late + ms, payment.OperationObserved{Operation: 1, Source: payment.FromLookup, Verdict: providers.Pending}}, {late + 30*time.Second, nil}}},
	}
	for _, tt := range short {
		t.Run(tt.name, func(t *testing.T) {
			b, n := lost(t)
			for _, s := range tt.looks {
				b.now = start.Add(s.at)
				if s.fact == nil {
					s.fact = undone(n)
				}
				b.tell(s.fact)
			}
			if op := b.p.Operations[0]; op.Settled() {
				t.Fatalf("settled as %s", op.Verdict)
			}
		})
	}
	t.Run("a gateway that does not say how long it may stay unseen", func(t *testing.T) {
		b, n := lost(t)
		b.terms.Claims = func(g string) providers.Claims {
			c := claims(g)
			c.Refund.SettleWait = 0
			return c
		}
		b.look(start.Add(30*time.Hour), func() payment.Body { return undone(n) })
		if b.p.Operations[0].Settled() {
			t.Fatal("made anew without proof")
		}
		b.wantFindings(payment.Undecided)
	})
	t.Run("it was accepted, and is shown nowhere", func(t *testing.T) {
		b, n := lost(t)
		b.tell(done(n, providers.Pending, providers.Processing))
		b.look(start.Add(30*time.Hour), func() payment.Body { return undone(n) })
		if b.p.Operations[0].Settled() {
			t.Fatal("made anew, though the gateway has it")
		}
		b.wantFindings(payment.Undecided)
	})
	t.Run("a gateway that is gone", func(t *testing.T) {
		b, _ := lost(t)
		b.terms.Claims = func(string) providers.Claims { return providers.Claims{} }
		b.pass(26 * time.Hour)
		b.wantFindings(payment.Undecided)
	})
}

func TestALateWordThatARefundWentThroughIsHeard(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", amount.Minor))
	n := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(n, providers.Declined, providers.Refused))
	b.wantRefund("r", payment.RefundFailed)
	b.tell(done(n, providers.Approved, ""))
	b.wantRefund("r", payment.RefundDone)
	b.wantFindings(payment.OperationFailed, payment.ReturnedElsewhere)
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: amount.Minor})
}

// The first try was thought not carried out and was; the second is then refused, since
// nothing is left. The refund is done all the same.
func TestARefundThatWentThroughOnItsFirstTryStaysDone(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", amount.Minor))
	first := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(first, providers.Unserved, providers.NotFound))
	b.pass(4 * time.Second)
	second := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(first, providers.Approved, ""), done(second, providers.Declined, providers.Refused))
	b.wantRefund("r", payment.RefundDone)
	b.refuse(refund("r2", 1))
}

// Both tries of a partial refund went through: both count.
func TestARefundThatWentThroughTwiceCountsTwice(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", 400000))
	first := b.operate(payment.OpRefund, 400000)
	b.tell(done(first, providers.Unserved, providers.NotFound))
	b.pass(4 * time.Second)
	second := b.operate(payment.OpRefund, 400000)
	b.tell(done(second, providers.Approved, ""), done(first, providers.Approved, ""))
	b.wantFindings(payment.ReturnedElsewhere)
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: 800000})
}

// Money that a person gave back in the provider's cabinet counts.
func TestReturnsMadeElsewhereReduceWhatCanBeRefunded(t *testing.T) {
	b := paid(t)
	b.tell(returned(400000, statement(providers.Approved, "")))
	b.wantFindings(payment.ReturnedElsewhere)
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: 400000})
	b.refuse(refund("r", amount.Minor-400000+1))

	b.tell(refund("a", 300000))
	n := b.operate(payment.OpRefund, 300000)
	b.tell(done(n, providers.Approved, ""))
	// 400 000 by hand and 300 000 by us, although the gateway still tells 400 000.
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: 700000})
	if left := b.p.Refundable(); left != amount.Minor-700000 {
		t.Fatalf("refundable %d", left)
	}
	b.tell(returned(700000, lookup(providers.Approved, "")))
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: 700000})
}

func TestARefundOvertakenByAReturnElsewhereFails(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", amount.Minor), lookup(providers.Approved, ""))
	b.want(payment.Operate)
	b.tell(returned(400000, notice(providers.Approved, "")))
	b.wantRefund("r", payment.RefundFailed)
	b.wantFindings(payment.ReturnedElsewhere)
	b.want(payment.Rest)
	b.tell(refund("r2", amount.Minor-400000))
}

// Our own refund shows in the sum returned before its answer does.
func TestOurOwnRefundIsNoReturnElsewhere(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", amount.Minor))
	n := b.operate(payment.OpRefund, amount.Minor)
	b.tell(returned(amount.Minor, notice(providers.Approved, "")), done(n, providers.Approved, ""))
	b.wantFindings()
	b.wantSums(payment.Sums{Paid: amount.Minor, Refunded: amount.Minor})
}

func TestOperationsThatTheStateForbidsAreRefused(t *testing.T) {
	plan := func(op payment.OperationKind, minor int64) payment.OperationPlanned {
		return payment.OperationPlanned{Operation: 1, Op: op, Attempt: 1, Amount: tenge(minor)}
	}
	number := func(n int, p payment.OperationPlanned) payment.OperationPlanned { p.Operation = n; return p }
	elsewhere := plan(payment.OpRefund, 1)
	elsewhere.Refund = "nobody asked for"
	tests := []struct {
		name string
		book func(*testing.T) *book
		plan payment.OperationPlanned
	}{
		{"capture of what is captured", paid, plan(payment.OpCapture, 1)},
		{"capture beyond the hold", held, plan(payment.OpCapture, amount.Minor+1)},
		{"capture of nothing", held, plan(payment.OpCapture, 0)},
		{"void of what is captured", paid, plan(payment.OpVoid, amount.Minor)},
		{"withdrawal of what is paid", paid, plan(payment.OpWithdraw, amount.Minor)},
		{"refund of a hold", held, plan(payment.OpRefund, 1)},
		{"refund beyond what was paid", paid, plan(payment.OpRefund, amount.Minor+1)},
		{"refund of nothing", paid, plan(payment.OpRefund, 0)},
		{"refund for a refund that nobody asked for", paid, elsewhere},
		{"not the next number", paid, number(2, plan(payment.OpRefund, 1))},
		{"no such operation", paid, plan("print", 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.book(t).refuse(tt.plan) })
	}
	b := paid(t)
	b.tell(plan(payment.OpRefund, 1))
	b.refuse(number(2, plan(payment.OpRefund, 1))) // while one is open
	if err := b.try(done(7, providers.Approved, "")); err == nil || errors.Is(err, payment.ErrNotAllowed) {
		t.Fatalf("an operation that does not exist: %v", err)
	}
}

func TestAnOperationThatWasNotCarriedOutIsTriedAgainWithPauses(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", amount.Minor))
	for _, pause := range []time.Duration{4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second} {
		n := b.operate(payment.OpRefund, amount.Minor)
		b.tell(done(n, providers.Unserved, providers.NotSent))
		b.rest(pause)
		b.pass(pause)
	}
	b.wantFindings()
}

// A person hears of an operation that is tried and tried. While none of it leaves, as in an
// outage, the gateway has said nothing yet: a day's pause could outlive the hold.
func TestAnOperationThatNeverLeftIsNotLeftForADay(t *testing.T) {
	for reason, pause := range map[providers.Reason]time.Duration{providers.NotSent: 4096 * time.Second, providers.Maintenance: 24 * time.Hour} {
		b := held(t)
		b.terms.SlowLook = 1000 * time.Hour // the looks at the hold are not the matter
		b.tell(capture(amount.Minor))
		again := func() { // once more, and wait
			n := b.operate(payment.OpCapture, amount.Minor)
			b.tell(done(n, providers.Unserved, reason))
			b.pass(b.want(payment.Rest).Until.Sub(b.now))
		}
		for range 7 {
			again()
		}
		b.wantFindings()
		began := b.now
		again()
		b.wantFindings(payment.OperationFailed)
		if took := b.now.Sub(began); took != pause {
			t.Errorf("after eight tries with %s it waits for %s, not %s", reason, took, pause)
		}
	}
}

// Nor is a gateway that is gone for good tried for ever.
func TestAnOperationThatNeverLeavesIsTriedLessInTheEnd(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", amount.Minor))
	for range 30 * 24 {
		if b.p.Next(b.now, b.terms).Do == payment.Rest {
			b.pass(time.Hour)
			continue
		}
		n := b.operate(payment.OpRefund, amount.Minor)
		b.tell(done(n, providers.Unserved, providers.NotSent))
	}
	if n := len(b.p.Operations); n < 100 || n > 200 {
		t.Errorf("%d tries in a month", n)
	}
}

// A cashier gave the same sum back in the bank's own program, and our refund never
// arrived. Only the sum read before it tells the two apart.
func TestARefundIsNotTakenForOneThatACashierMadeBefore(t *testing.T) {
	b := paid(t)
	b.pass(time.Hour)
	b.tell(refund("r", 500000)) // by then 5000 tenge are back, and nobody told us
	b.want(payment.Ask)
	b.tell(returned(500000, lookup(providers.Approved, "")))
	b.wantFindings(payment.ReturnedElsewhere)
	s := b.want(payment.Operate)
	if s.Plan.Before != 500000 {
		t.Fatalf("sent as if %d were back", s.Plan.Before)
	}
	b.operate(payment.OpRefund, 500000)
}

func TestTheSumReturnedIsReadAfterTheRefundWasAskedForAndSoonBeforeEachTry(t *testing.T) {
	b := paid(t)
	b.tell(lookup(providers.Approved, ""))
	b.pass(10 * time.Second)
	b.tell(refund("r", 500000))
	b.want(payment.Ask) // what was read before the wish does not count
	b.tell(lookup(providers.Approved, ""))
	n := b.operate(payment.OpRefund, 500000)
	b.tell(done(n, providers.Unserved, providers.NotSent))
	b.rest(4 * time.Second)
	b.pass(4 * time.Second)
	n = b.operate(payment.OpRefund, 500000)
	b.tell(done(n, providers.Unserved, providers.NotSent))
	b.pass(2 * time.Minute)
	b.want(payment.Ask)
}

func TestAGatewayThatStoresOurRefundIDIsNotLookedAtFirst(t *testing.T) {
	b := paid(t)
	b.terms.Claims = func(gateway string) providers.Claims {
		c := claims(gateway)
		c.Refund.OwnID = true
		return c
	}
	b.tell(refund("r", 500000))
	b.want(payment.Operate)
}

// Looks that fail hold a refund up for a while and not for ever: the payer waits for it.
func TestLooksThatFailDoNotHoldARefundUpForEver(t *testing.T) {
	b := paid(t)
	b.tell(refund("r", 500000))
	looks := 0
	b.look(b.now.Add(24*time.Hour), func() payment.Body {
		looks++
		return lookup(providers.Unknown, providers.Timeout)
	})
	b.want(payment.Operate)
	if took := b.now.Sub(start); looks != 8 || took > 10*time.Minute {
		t.Fatalf("sent after %d looks and %s", looks, took)
	}
}

// paidByQR is a payment whose gateway signs no notices.
func paidByQR(t *testing.T) *book {
	t.Helper()
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}))
	b.pass(time.Minute)
	b.tell(lookup(providers.Approved, ""))
	b.wantStatus(payment.StatusPaid)
	return b
}

// Kaspi is known to turn "Processed" into "Error" afterwards. No notice would tell, so money is looked at twice more.
func TestMoneyThatNoSignedNoticeTakesBackIsLookedAtTwiceMore(t *testing.T) {
	b := paidByQR(t)
	for _, wait := range []time.Duration{10 * time.Minute, 24*time.Hour - 10*time.Minute} {
		b.rest(wait)
		if at := b.p.Due(b.now, b.terms); !at.Equal(b.now.Add(wait)) {
			t.Fatalf("due in %s", at.Sub(b.now))
		}
		b.pass(wait)
		b.want(payment.Ask)
		b.tell(lookup(providers.Approved, ""))
	}
	if s := b.want(payment.Rest); !s.Until.IsZero() {
		t.Fatal("something is still to be done")
	}

	b = paidByQR(t)
	b.pass(10 * time.Minute)
	b.tell(lookup(providers.Declined, providers.Expired))
	b.wantFindings(payment.MoneyFlipped)
	b.wantStatus(payment.StatusPaid)
	if s := b.want(payment.Rest); !s.Until.IsZero() {
		t.Fatal("people have it, and it is asked about again")
	}
}

func TestALaterLookThatFailsIsRepeatedHourlyAndNotForEver(t *testing.T) {
	b := paidByQR(t)
	looks := 0
	b.look(b.now.Add(30*24*time.Hour), func() payment.Body {
		looks++
		return lookup(providers.Unknown, providers.Timeout)
	})
	if s := b.want(payment.Rest); !s.Until.IsZero() || looks < 40 || looks > 50 {
		t.Fatalf("%d looks, rests until %s", looks, s.Until)
	}
}

func TestWhatWentBackInFullOrIsToldBySignedNoticesIsNotLookedAtAgain(t *testing.T) {
	b := paidByQR(t)
	b.tell(refund("r", amount.Minor))
	b.tell(done(b.operate(payment.OpRefund, amount.Minor), providers.Approved, ""))
	if s := b.want(payment.Rest); !s.Until.IsZero() {
		t.Fatal("something is still to be done")
	}
	if s := paid(t).want(payment.Rest); !s.Until.IsZero() {
		t.Fatal("a gateway that signs its notices is asked again")
	}
}

// A refund that is on its way stays the only one of its wish, also when the money it was
// made of is denied and other money takes its place.
func TestARefundOnItsWayIsNotMadeOfOtherMoney(t *testing.T) {
	b := paidTwice(t)
	b.tell(refund("r", 500000))
	n := b.operate(payment.OpRefund, 500000)
	b.tell(done(n, providers.Unknown, providers.Timeout), on(2, operator(providers.Pending, "")), lookup(providers.Approved, ""))
	if kept, _ := b.p.Kept(); kept.N != 1 {
		t.Fatalf("attempt %d is kept", kept.N)
	}
	if s := b.p.Next(b.now, b.terms); s.Do == payment.Operate {
		t.Fatalf("%s beside operation %d", describe(s), n)
	}
}

// The answer of a refund was lost, and looks did not show it for longer than the gateway
// says it may take. The look before the second try shows just what the first came to.
func TestARefundThatShowsInTheLookBeforeItsSecondTryIsNotMadeAgain(t *testing.T) {
	for _, minor := range []int64{500000, amount.Minor} {
		b := paid(t)
		b.tell(refund("r", minor))
		n := b.operate(payment.OpRefund, minor)
		b.tell(done(n, providers.Unknown, providers.Timeout))
		b.look(b.now.Add(time.Hour), func() payment.Body {
			if b.p.Next(b.now, b.terms).Do == payment.AskOp {
				return undone(n)
			}
			return returned(minor, lookup(providers.Approved, "")) // the status has caught up
		})
		if s := b.p.Next(b.now, b.terms); s.Do == payment.Operate {
			t.Errorf("%d is given back a second time: %s", minor, describe(s))
		}
		b.wantRefund("r", payment.RefundDone)
	}
}

// What was captured or given back in a window that the books lost is seen at the gateway
// only: whoever asks for it again would have it made again.
func TestNothingIsCapturedOrGivenBackAfterALostWindowBeforeTheGatewayWasAsked(t *testing.T) {
	lose := func(b *book) { b.pass(time.Second); b.terms.LostAt = b.now; b.pass(time.Second) }
	b := held(t)
	lose(b)
	b.tell(capture(amount.Minor))
	b.want(payment.Ask)
	b.tell(lookup(providers.Unknown, providers.Timeout))
	if s := b.p.Next(b.now, b.terms); s.Do != payment.Rest || !s.Until.After(b.now) {
		t.Fatalf("after a look that said nothing: %s", describe(s))
	}
	b.pass(10 * time.Second)
	b.want(payment.Ask)
	b.tell(lookup(providers.Approved, ""))
	b.wantStatus(payment.StatusPaid)
	b.wantSums(payment.Sums{Paid: amount.Minor})
	if len(b.p.Operations) > 0 {
		t.Fatal("captured again")
	}

	b = held(t)
	lose(b)
	b.tell(capture(amount.Minor))
	b.want(payment.Ask)
	b.tell(lookup(providers.Held, ""))
	b.operate(payment.OpCapture, amount.Minor) // it is held still

	own := func(gateway string) providers.Claims {
		c := claims(gateway)
		c.Refund.OwnID = true
		return c
	}
	b = paid(t)
	b.terms.Claims = own
	lose(b)
	b.tell(refund("r", amount.Minor))
	b.want(payment.Ask)
	b.tell(returned(amount.Minor, lookup(providers.Approved, "")))
	b.wantFindings(payment.ReturnedElsewhere)
	b.wantRefund("r", payment.RefundFailed)
	if len(b.p.Operations) > 0 {
		t.Fatal("given back again")
	}

	b = paid(t)
	b.terms.Claims = own
	lose(b)
	b.tell(refund("r", amount.Minor))
	b.want(payment.Ask)
	b.tell(lookup(providers.Approved, ""))
	b.operate(payment.OpRefund, amount.Minor)
}
