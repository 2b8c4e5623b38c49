package router_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// loseWindow writes the orders to reconcile, as an operator does before the books are
// served from again.
func (h *house) loseWindow() {
	h.t.Helper()
	h.must(router.HoldForReconciliation(context.Background(), h.store, router.Lost{Gateways: []string{kaspiMain, halykMain, wayforpayMain},
		Actor: "operator:aida", Reason: "the backup of noon is in place"}))
}

// toReconcile lists the orders that nobody has ended.
func (h *house) toReconcile() []journal.Override {
	h.t.Helper()
	all, err := h.store.Overrides(context.Background(), time.Now())
	h.must(err)
	return slices.DeleteFunc(all, func(o journal.Override) bool { return o.Mode != string(health.Reconcile) || !o.Ended.IsZero() })
}

// sales counts the requests that would take money or offer to.
func (h *house) sales() int {
	n := 0
	for _, a := range h.bank.Ledger().Arrivals {
		if a.Op == sim.OpCharge || a.Op == sim.OpCreate {
			n += a.Count
		}
	}
	return n
}

// refused wants a request to be refused, and nobody to hear of it.
func (h *house) refused(r *router.Router, w router.Wish) {
	h.t.Helper()
	before := h.sales()
	_, err := r.Create(context.Background(), w)
	var route *router.RouteError
	if !errors.Is(err, router.ErrUnavailable) || !errors.Is(err, health.ErrReconcile) || !errors.As(err, &route) {
		h.t.Errorf("error %v", err)
	} else if !slices.ContainsFunc(route.Route, func(c payment.Choice) bool { return c.Why == router.WhyReconcile }) {
		h.t.Errorf("route %+v", route.Route)
	}
	if h.sales() != before {
		h.t.Error("a gateway was asked")
	}
}

// While a window is lost nothing is sent that moves money, and nothing is concluded from
// what the books do not say (SAFETY section 6, "store failover"). It is over when the last
// gateway is reconciled, and not before.
func TestUntilALostWindowIsReconciledNothingMovesAndNothingIsConcluded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		u := h.unsettled()
		h.loseWindow()
		h.loseWindow() // whoever says so again changes nothing
		time.Sleep(2 * time.Second)
		h.refused(h.router, ask(providers.Link))
		if p := h.create(u.wish, patience); p.ID != u.offer.ID {
			t.Errorf("the same request answers with %s", p.ID)
		}
		refund, _, err := h.router.Refund(context.Background(), command(u.sold), providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
		h.must(err)
		refunds := func() int { return h.bank.Ledger().Count("wayforpay", sim.OpRefund, refund.Attempts[0].Reference) }
		time.Sleep(10 * time.Minute) // past the end of the offer and of the bill
		if h.get(u.bill).Attempts[0].Closed != nil || h.get(u.bill).Status().Final() {
			t.Errorf("a bill was closed, whose debit may be lost\n%s", h.story(h.get(u.bill)))
		}
		orders := h.toReconcile()
		if len(orders) != 3 {
			t.Fatalf("%d orders", len(orders))
		}
		for i, o := range orders {
			if refunds() != 0 {
				t.Errorf("the refund was sent with %d of %d gateways reconciled", i, len(orders))
			}
			_, err := h.router.EndOverride(context.Background(), o.Gateway, o.ID, o.Version, "operator:aida")
			h.must(err)
			time.Sleep(20 * time.Second)
		}
		h.want(refund, payment.StatusPaid, refund.Amount.Minor-500000)
		if refunds() != 1 {
			t.Errorf("the refund was sent %d times", refunds())
		}
		if p := h.create(ask(providers.Link), patience); p.Status() != payment.StatusAwaitingPayer {
			t.Errorf("a new payment is %s\n%s", p.Status(), h.story(p))
		}
		if p := h.get(u.bill); p.Attempts[0].Closed != nil {
			t.Errorf("our veto closed a bill from before the window was lost\n%s", h.story(p))
		}
	})
}

// A process that starts on such books knows it before anybody can ask it for anything.
func TestAProcessThatStartsOnHeldBooksSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.loseWindow()
		another, _, _ := h.replica()
		another.Begin(context.Background())
		h.refused(another, ask(providers.Link))
	})
}

// Books may go back and on again while a process has a payment in its hands: what it was about to
// write is about an attempt that the books do not have any more.
func TestWhatIsDecidedAboutAnAttemptThatTheBooksLostIsDecidedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.drain(halykMain, true)
		p := h.create(ask(providers.Account), patience)
		// had is the payment as it stood before, one event earlier than it does now, with an
		// attempt more.
		had := func(change func(*payment.Attempt)) payment.Payment {
			p := h.get(p)
			lost := p.Attempts[0]
			lost.N = 2
			change(&lost)
			p.Attempts, p.Seq, p.Writer = append(slices.Clone(p.Attempts), lost), p.Seq-1, "lost"
			return p
		}
		moved, err := h.router.MaybeSwitch(t.Context(), had(func(a *payment.Attempt) { a.Gateway, a.Flow = halykMain, providers.Offer }))
		if err != nil || len(moved.Attempts) != 1 {
			t.Errorf("an offer that the books lost is left: %d attempts, error %v", len(moved.Attempts), err)
		}
		debit := providers.Heard{Kind: providers.Debit, Result: providers.Result{Verdict: providers.Approved, External: "t1", Amount: p.Amount}}
		if ruling := h.router.Debit(t.Context(), had(func(*payment.Attempt) {}), 2, debit); ruling != providers.TryLater {
			t.Errorf("a debit of it is ruled %v", ruling)
		}
		same := had(func(*payment.Attempt) {})
		same.Seq++ // another history, as long as the one that was read
		if asked, err := h.router.AskOnce(t.Context(), same, 2); err != nil || len(asked.Attempts) != 1 {
			t.Errorf("it is looked up: %d attempts, error %v", len(asked.Attempts), err)
		}
		if p := h.get(p); len(p.Attempts) != 1 || p.Attempts[0].Verdict.HasMoney() || p.Attempts[0].Switch != "" {
			t.Errorf("the payment moved\n%s", h.story(p))
		}
	})
}
