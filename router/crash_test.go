package router_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// dies is one more process, which is killed when it comes to the point.
func (h *house) dies(point string) (run func(func(*router.Router))) {
	r := h.stepped(func(p string) {
		if p == point {
			runtime.Goexit()
		}
	})
	return func(act func(*router.Router)) {
		gone := make(chan struct{})
		go func() { defer close(gone); act(r) }()
		<-gone
	}
}

// A process may be killed at any step of a charge: no payer is charged twice, no
// payment is lost from sight, and the client that repeats its key learns the truth
// (SAFETY section 6). The bank checks I7, I8 and I9 at every arrival.
func TestAProcessKilledAtAnyStepOfAChargeLeavesTheTruthToTheOthers(t *testing.T) {
	flows := []struct {
		name string
		wish func() router.Wish
		op   sim.Op
	}{
		{"saved card", func() router.Wish { return byCard(halykMain) }, sim.OpCharge},
		{"token", func() router.Wish { return byCard(wayforpayMain) }, sim.OpCharge},
		{"qr", func() router.Wish { return ask(providers.QR, providers.Page) }, sim.OpCreate},
		{"link", func() router.Wish { return at(ask(providers.Link), wayforpayMain) }, sim.OpCreate},
	}
	for _, flow := range flows {
		for _, point := range []string{"before plan", "planned", "answered", "recorded"} {
			t.Run(flow.name+"/"+point, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					// Of an offer that reached the dying process the bank cannot know that nobody
					// saw it: no caller is answered before the books hold it.
					unseen := flow.op == sim.OpCreate && point == "answered"
					h := build(t, func(s *setup) { s.broken = unseen })
					wish := flow.wish()
					run := h.dies(point)
					run(func(r *router.Router) { r.Create(context.Background(), wish) })
					p := h.create(wish, patience) // the client repeats its key
					time.Sleep(6 * time.Minute)
					if p = h.get(p); flow.op == sim.OpCreate {
						if p.Status() != payment.StatusAwaitingPayer && p.Status() != payment.StatusFailed {
							t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
						}
						return
					}
					last, _ := p.Last()
					if h.net(p) > p.Amount.Minor || (h.net(p) == p.Amount.Minor) != (p.Status() == payment.StatusPaid) {
						t.Fatalf("payment is %s, the gateways hold %d\n%s", p.Status(), h.net(p), h.story(p))
					}
					for _, a := range p.Attempts {
						if n := h.bank.Ledger().Count(faceOf(a.Gateway), sim.OpCharge, a.Reference); n > 1 {
							t.Errorf("attempt %d was sent %d times", a.N, n)
						}
					}
					if last.Closed == nil && p.Status() != payment.StatusPaid {
						t.Fatalf("still open\n%s", h.story(p))
					}
				})
			})
		}
	}
}

// The same for what follows a charge: each wish is carried out once, or is refused.
func TestAProcessKilledAtAnyStepOfAnOperationLeavesItToTheOthers(t *testing.T) {
	operations := []struct {
		name    string
		prepare func(h *house) payment.Payment
		wish    func(r *router.Router, p payment.Payment, c router.Command)
		op      sim.Op
		status  payment.Status
		net     int64
	}{
		{"refund", func(h *house) payment.Payment { return h.paidAt(wayforpayMain, providers.Link) },
			func(r *router.Router, p payment.Payment, c router.Command) {
				r.Refund(context.Background(), c, providers.Money{Minor: 549000, Currency: "KZT"}, "returned goods")
			}, sim.OpRefund, payment.StatusPaid, 1000000},
		{"capture", (*house).onHold,
			func(r *router.Router, p payment.Payment, c router.Command) {
				r.Capture(context.Background(), c, providers.Money{Minor: 1000000, Currency: "KZT"})
			}, sim.OpCapture, payment.StatusPaid, 1000000},
		{"void", (*house).onHold,
			func(r *router.Router, p payment.Payment, c router.Command) {
				r.Cancel(context.Background(), c, "changed their mind")
			}, sim.OpVoid, payment.StatusCanceled, 0},
	}
	for _, o := range operations {
		for _, point := range []string{"wished", "before operation", "operation planned", "operation answered"} {
			t.Run(o.name+"/"+point, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := build(t)
					p := o.prepare(h)
					wish := command(p)
					run := h.dies(point)
					run(func(r *router.Router) { o.wish(r, p, wish) })
					o.wish(h.router, p, wish) // the client repeats its key
					time.Sleep(10 * time.Minute)
					p = h.want(p, o.status, o.net)
					if n := h.bank.Ledger().Count("wayforpay", o.op, p.Attempts[0].Reference); n != 1 {
						t.Errorf("sent %d times\n%s", n, h.story(p))
					}
				})
			})
		}
	}
}
