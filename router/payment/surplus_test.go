package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// paidTwice is a payment that is paid at the second gateway, after an offer of the
// first was proved dead. The late money is still to come.
func paidTwice(t *testing.T) *book {
	t.Helper()
	b := open(t)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(backup)
	b.tell(on(2, response(providers.Approved, "")))
	b.wantSums(payment.Sums{Paid: amount.Minor})
	return b
}

// A late approval is told by up to five facts, in any order, the refund being asked for
// and answered anywhere among them. The money goes back exactly once.
func TestALateApprovalIsGivenBackOnceWhateverTellsOfIt(t *testing.T) {
	late := []payment.Body{notice(providers.Approved, ""), notice(providers.Approved, ""), notice(providers.Approved, ""),
		lookup(providers.Approved, ""), statement(providers.Approved, "")}
	orders := 0
	permute(late, func(facts []payment.Body) {
		for answered := 1; answered <= len(facts); answered++ { // how many facts come before the refund's answer
			for _, lost := range []bool{false, true} {
				b := paidTwice(t)
				refund := 0
				for i, fact := range facts {
					b.tell(fact)
					if i == 0 {
						b.wantSums(payment.Sums{Paid: amount.Minor, Surplus: amount.Minor})
						refund = b.operate(payment.OpRefund, amount.Minor)
					}
					if i+1 == answered {
						b.answerRefund(refund, lost)
					}
				}
				b.tell(returned(amount.Minor, statement(providers.Approved, "")))
				b.wantSums(payment.Sums{Paid: amount.Minor})
				b.wantStatus(payment.StatusPaid)
				b.wantFindings(payment.MoneyAfterClose, payment.MoneyTwice)
				if len(b.p.Operations) != 1 {
					t.Fatalf("%d operations", len(b.p.Operations))
				}
				if s := b.want(payment.Rest); !s.Until.IsZero() {
					t.Fatal("something is still to be done")
				}
				orders++
			}
		}
	})
	if orders != 120*5*2 {
		t.Fatalf("%d histories", orders)
	}
}

// answerRefund settles a refund by its answer or, when that got lost, by a look.
func (b *book) answerRefund(n int, lost bool) {
	b.t.Helper()
	if !lost {
		b.tell(done(n, providers.Approved, ""))
		return
	}
	b.tell(done(n, providers.Unknown, providers.Timeout))
	if s := b.p.Next(b.now, b.terms); s.Do == payment.Operate {
		b.t.Fatalf("%s while a refund is open", describe(s))
	}
	seen := done(n, providers.Approved, "")
	seen.Source = payment.FromLookup
	b.tell(seen)
}

func permute(facts []payment.Body, do func([]payment.Body)) {
	var walk func(int)
	walk = func(k int) {
		if k == len(facts) {
			do(facts)
			return
		}
		for i := k; i < len(facts); i++ {
			facts[k], facts[i] = facts[i], facts[k]
			walk(k + 1)
			facts[k], facts[i] = facts[i], facts[k]
		}
	}
	walk(0)
}

func TestALateHoldIsReleasedAndSeenAsReleased(t *testing.T) {
	b := paidTwice(t)
	b.tell(notice(providers.Held, ""))
	n := b.operate(payment.OpVoid, amount.Minor)
	b.pass(time.Second)
	b.tell(done(n, providers.Approved, ""))
	b.wantSums(payment.Sums{Paid: amount.Minor, Surplus: amount.Minor}) // said, not yet seen
	b.pass(ms)
	b.want(payment.Ask)
	b.tell(lookup(providers.Held, ""))
	b.rest(5 * time.Second)
	b.pass(5 * time.Second)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantSums(payment.Sums{Paid: amount.Minor})
	b.wantFindings(payment.MoneyAfterClose, payment.MoneyTwice)
}

// A hold lives for days: when it ends, the time for finding out what became of it begins.
func TestTheReleaseOfAnOldHoldIsSeenSoonAndCallsNobody(t *testing.T) {
	b := held(t)
	for range 30 {
		b.pass(time.Hour)
		b.tell(lookup(providers.Held, ""))
	}
	b.tell(payment.CancelRequested{RequestID: "c"})
	n := b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.pass(time.Second)
	b.tell(notice(providers.Declined, providers.Released))
	b.wantFindings()
	b.pass(10 * time.Second)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantClosed(1, payment.Voided)
	b.wantFindings()
}

func TestAVoidThatIsNeverSeenComesToAPerson(t *testing.T) {
	b := paidTwice(t)
	b.tell(notice(providers.Held, ""))
	n := b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Approved, ""))
	b.look(start.Add(26*time.Hour), func() payment.Body { return lookup(providers.Held, "") })
	b.wantFindings(payment.MoneyAfterClose, payment.MoneyTwice, payment.Undecided)
}

// A hold whose void was refused is not forgotten: it may have been captured, or end.
func TestAHoldThatCannotBeVoidedStaysWatched(t *testing.T) {
	b := paidTwice(t)
	b.tell(notice(providers.Held, ""))
	n := b.operate(payment.OpVoid, amount.Minor)
	b.tell(done(n, providers.Declined, providers.Refused))
	b.rest(time.Hour)
	b.pass(time.Hour)
	b.want(payment.Ask)
	b.tell(lookup(providers.Approved, ""))
	b.operate(payment.OpRefund, amount.Minor)
}

// The gateway refused to release a hold that had ended by itself. A payer who comes back to the
// page makes another one: of that nothing was refused.
func TestAnotherHoldIsVoidedAfterTheFirstOnesVoidWasRefused(t *testing.T) {
	b := paidTwice(t)
	b.tell(notice(providers.Held, ""))
	n := b.operate(payment.OpVoid, amount.Minor)
	b.pass(time.Second)
	b.tell(done(n, providers.Declined, providers.Refused))
	b.rest(time.Hour - time.Second) // the refused one is left to people
	b.pass(time.Hour)
	b.tell(lookup(providers.Declined, providers.Expired))
	b.pass(time.Hour)
	b.tell(lookup(providers.Held, ""))
	n = b.operate(payment.OpVoid, amount.Minor)
	b.pass(time.Second)
	b.tell(done(n, providers.Approved, ""))
	b.pass(ms)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantSums(payment.Sums{Paid: amount.Minor})
}

func TestASurplusThatNoAPICanReturnComesToAPerson(t *testing.T) {
	tests := map[string]func(*book){
		"no refunds by API": func(b *book) {
			b.terms.Claims = func(g string) providers.Claims {
				c := claims(g)
				c.Refund.API = g != qr
				return c
			}
		},
		"no refunds of the method": func(b *book) {
			b.terms.Claims = func(g string) providers.Claims {
				c := claims(g)
				c.Methods[0].NoRefund = g == qr
				return c
			}
		},
		"above the limit":           func(b *book) { b.terms.GiveBackLimit = amount.Minor - 1 },
		"a gateway that is gone":    func(b *book) { b.terms.Claims = func(string) providers.Claims { return providers.Claims{} } },
		"a refund refused for good": func(*book) {},
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			b := paidTwice(t)
			set(b)
			b.tell(notice(providers.Approved, ""))
			finding := payment.CannotGiveBack
			if name == "a refund refused for good" {
				n := b.operate(payment.OpRefund, amount.Minor)
				b.tell(done(n, providers.Declined, providers.Refused))
				finding = payment.OperationFailed
			}
			b.wantFindings(payment.MoneyAfterClose, payment.MoneyTwice, finding)
			b.wantSums(payment.Sums{Paid: amount.Minor, Surplus: amount.Minor}) // stays in sight
			b.want(payment.Rest)
			b.tell(returned(amount.Minor, statement(providers.Approved, "")))
			b.wantSums(payment.Sums{Paid: amount.Minor})
		})
	}
}

func TestASurplusAtTheLimitGoesBackByItself(t *testing.T) {
	b := paidTwice(t)
	b.terms.GiveBackLimit = amount.Minor
	b.tell(notice(providers.Approved, ""))
	b.operate(payment.OpRefund, amount.Minor)
}

// What a person already gave back in the provider's cabinet is not given back again.
func TestOnlyTheRestOfAPartlyReturnedSurplusGoesBack(t *testing.T) {
	b := paidTwice(t)
	b.tell(returned(400000, notice(providers.Approved, "")))
	n := b.operate(payment.OpRefund, amount.Minor-400000)
	b.tell(done(n, providers.Approved, ""))
	b.wantSums(payment.Sums{Paid: amount.Minor}) // although the gateway has not yet told the new sum
	if s := b.want(payment.Rest); !s.Until.IsZero() {
		t.Fatal("something is still to be done")
	}
}

// A refund that could not be made is tried again with pauses, and never forgotten.
func TestASurplusIsTriedAgainUntilItGoesBack(t *testing.T) {
	b := paidTwice(t)
	b.tell(notice(providers.Approved, ""))
	for range 12 {
		if s := b.p.Next(b.now, b.terms); s.Do == payment.Rest {
			b.pass(s.Until.Sub(b.now))
		}
		n := b.operate(payment.OpRefund, amount.Minor)
		b.tell(done(n, providers.Unserved, providers.Maintenance))
	}
	b.wantFindings(payment.MoneyAfterClose, payment.MoneyTwice, payment.OperationFailed)
	b.rest(24 * time.Hour)
}

func TestTheOldestMoneyIsKeptAndStaysKept(t *testing.T) {
	kept := func(b *book, want int) {
		t.Helper()
		if a, ok := b.p.Kept(); !ok || a.N != want {
			t.Fatalf("attempt %d is kept (%t), not %d", a.N, ok, want)
		}
	}
	b := open(t, noDeadline, twoStage)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(backup)
	b.tell(on(2, response(providers.Held, "")))
	kept(b, 2)
	b.tell(notice(providers.Held, ""))
	kept(b, 2)
	void := b.operate(payment.OpVoid, amount.Minor) // the first attempt's
	b.tell(on(2, lookup(providers.Declined, providers.Expired)))
	// The kept hold vanished while the other was on its way back: it cannot be kept now.
	if _, ok := b.p.Kept(); ok {
		t.Fatal("money on its way back is kept")
	}
	b.tell(done(void, providers.Approved, ""), lookup(providers.Declined, providers.Released))
	b.wantStatus(payment.StatusFailed)
}

// Money that vanished and came back is new money: what was kept in between stays kept.
func TestMoneyThatComesBackIsTheNewest(t *testing.T) {
	b := open(t, noDeadline, twoStage)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(backup)
	b.tell(notice(providers.Held, "")) // the first, late
	b.tell(on(2, response(providers.Approved, "")))
	refund := b.operate(payment.OpRefund, amount.Minor) // the second is the newer one
	b.tell(done(refund, providers.Unserved, providers.NotSent))
	b.tell(lookup(providers.Declined, providers.Expired)) // the first one's hold ends
	if a, _ := b.p.Kept(); a.N != 2 {
		t.Fatalf("attempt %d is kept", a.N)
	}
	b.tell(notice(providers.Approved, ""))
	if a, _ := b.p.Kept(); a.N != 2 {
		t.Fatalf("attempt %d is kept", a.N)
	}
	b.wantSums(payment.Sums{Paid: amount.Minor, Surplus: amount.Minor})
}

// Both amounts can be lost to the payment: one was given back, the other's hold ended.
func TestAPaymentWhoseMoneyAllWentBackIsNotPaid(t *testing.T) {
	b := open(t, noDeadline, twoStage)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(backup)
	b.tell(notice(providers.Held, ""))
	b.tell(on(2, response(providers.Approved, "")))
	refund := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(refund, providers.Approved, ""))
	b.wantStatus(payment.StatusHeld)
	b.tell(lookup(providers.Declined, providers.Expired))
	b.wantStatus(payment.StatusFailed)
	if b.p.Finished.Detail != payment.DetailGivenBack {
		t.Fatalf("finished %+v", *b.p.Finished)
	}
}

// The choice of the money to keep is made once: a void that is refused later does not
// make the other attempt the payment's.
func TestARefusedVoidDoesNotChangeWhichMoneyIsKept(t *testing.T) {
	b := open(t, noDeadline, twoStage)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(backup)
	b.tell(on(2, response(providers.Held, "")), notice(providers.Held, ""))
	void := b.operate(payment.OpVoid, amount.Minor) // the first's
	b.tell(on(2, lookup(providers.Declined, providers.Expired)), on(2, lookup(providers.Held, "")))
	b.tell(done(void, providers.Declined, providers.Refused))
	if a, ok := b.p.Kept(); !ok || a.N != 2 {
		t.Fatalf("attempt %d is kept", a.N)
	}
}

func TestMoreGivenBackThanCapturedDoesNotHoldUpTheEnd(t *testing.T) {
	b := open(t, noDeadline)
	b.plan(card)
	b.tell(payment.CancelRequested{RequestID: "c"}, returned(2*amount.Minor, response(providers.Approved, "")))
	b.wantFindings(payment.ReturnedElsewhere)
	b.wantStatus(payment.StatusCanceled)
}

func TestMoreReturnedThanCapturedStaysAFinding(t *testing.T) {
	b := open(t, noDeadline)
	b.plan(card)
	b.tell(payment.CancelRequested{RequestID: "c"}, response(providers.Approved, ""))
	first := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(first, providers.Unserved, providers.NotFound))
	b.pass(time.Minute)
	second := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(second, providers.Approved, ""), done(first, providers.Approved, ""))
	b.wantFindings(payment.ReturnedElsewhere)
	b.wantSums(payment.Sums{})
	b.wantStatus(payment.StatusCanceled)
}

// The first attempt's hold is kept; while the second is open it is left, and its money
// goes back.
func TestAnOpenAttemptIsLeftOnceAnotherHasTheMoney(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(page)
	b.tell(on(2, shown(start.Add(10*time.Minute))))
	b.tell(notice(providers.Approved, "")) // somebody did have the first offer
	n := b.operate(payment.OpWithdraw, amount.Minor)
	if plan := b.p.Operations[n-1]; plan.Attempt != 2 {
		t.Fatalf("attempt %d is withdrawn", plan.Attempt)
	}
	b.tell(on(2, notice(providers.Approved, "")))
	b.wantSums(payment.Sums{Paid: amount.Minor, Surplus: amount.Minor})
	b.tell(done(n, providers.Declined, providers.Refused))
	b.operate(payment.OpRefund, amount.Minor)
}
