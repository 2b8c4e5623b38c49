package router_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// A decision that comes between a caller's last reading and its waiting wakes it: it
// need not wait for the next look.
func TestADecisionJustBeforeACallerWaitsIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain))
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 1})
		heard := false
		var r *router.Router
		r = h.stepped(func(point string) {
			if point != "recorded" || heard {
				return
			}
			heard = true
			open, err := h.store.List(context.Background(), journal.Filter{Tenant: "shop"}, journal.Cursor{}, 1)
			h.must(err)
			h.must(r.Observe(context.Background(), open[0], 1, payment.FromNotice, providers.Result{Verdict: providers.Approved, Amount: open[0].Amount}))
		})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		began := time.Now()
		p, err := r.Create(ctx, byCard(halykMain))
		h.must(err)
		if took := time.Since(began); p.Status() != payment.StatusPaid || took > time.Second {
			t.Errorf("%s after %s\n%s", p.Status(), took, h.story(p))
		}
	})
}

// The breakers judge the gateway and not our store: a call counts, and stops counting
// as on its way, when the gateway answered.
func TestACallIsOverWhenTheGatewayAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		flying := -1
		r := h.stepped(func(point string) {
			if point == "answered" {
				flying = h.board.Snapshot()[0].Flying
			}
		})
		_, err := r.Create(t.Context(), ask(providers.QR))
		h.must(err)
		if flying != 0 {
			t.Errorf("%d calls on their way after the answer", flying)
		}
	})
}

// A look-up that says that the charge was definitely not carried out, and not merely that
// the question was not answered, is evidence: the next gateway can serve.
func TestALookUpThatShowsAChargeRefusedMovesThePaymentOn(t *testing.T) {
	for _, reason := range []providers.Reason{providers.Unsupported, providers.Misconfigured} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l atomic.Pointer[look]
				refused := answering(providers.Result{Verdict: providers.Unserved, Reason: reason, Code: "refused"})
				l.Store(&refused)
				h := build(t, first(wayforpayMain), lookingBy(&l))
				h.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultHang, Times: 1})
				p := h.create(byCard(wayforpayMain, providers.Page), patience)
				time.Sleep(5 * time.Minute)
				p = h.get(p)
				if reason.AboutTheQuestion() {
					if len(p.Attempts) != 1 || !p.Attempts[0].Open() {
						t.Fatalf("closed by a question that was not answered\n%s", h.story(p))
					}
					return
				}
				if len(p.Attempts) != 2 || p.Attempts[0].Closed == nil || p.Attempts[0].Closed.Kind != payment.RefusedByGate {
					t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
				}
			})
		})
	}
}
