package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// withdrawals asks what a cancel of an unpaid offer is worth. Faults and callers are
// asked with the other deeds.
func (s *suite) withdrawals(t *testing.T) {
	for _, m := range s.methods(providers.Offer, providers.Pushed) {
		s.about(t, "withdrawal by "+string(m.Method), func(t *testing.T) {
			what := "withdraw"
			if m.Withdraw != providers.Binding {
				what = string(m.Method)
			}
			if m.TwoStage {
				s.ask(t, what, "what is held is not withdrawn", m.Method, s.keepsHold)
			}
			if m.Withdraw != providers.Binding {
				s.ask(t, what, "nothing is withdrawn where nothing is claimed", m.Method, s.notWithdrawn)
				return
			}
			s.ask(t, "withdraw", "after it nobody can pay", m.Method, func(h *house) {
				a := h.shown(m.Method)
				h.withdraw(a)
				if r := h.look(a); !harmless(r) {
					h.t.Errorf("a look after it says %s", describe(r))
				}
				h.besiege(a)
				if net := h.net(a); net != 0 {
					h.t.Errorf("after it the offer took %d", net)
				}
				if r := h.look(a); r.Verdict.HasMoney() {
					h.t.Errorf("a look after all says %s", describe(r))
				}
			})
			s.ask(t, "withdraw", "a payer who is at it is not lost from sight", m.Method, func(h *house) {
				a := h.shown(m.Method)
				h.act(a, sim.ActScan)
				r := h.recall(context.Background(), a)
				h.act(a, sim.ActConfirm)
				h.besiege(a)
				seen := h.look(a)
				if r.Verdict == providers.Approved && h.net(a)+h.heldBy(a) != 0 {
					h.t.Errorf("it is %s, and the payer paid %d: a look says %s", describe(r), h.net(a), describe(seen))
				}
			})
			s.ask(t, "withdraw", "a payer who was declined cannot try again", m.Method, func(h *house) {
				a := h.shown(m.Method)
				h.act(a, sim.ActDecline)
				if r := h.recall(context.Background(), a); r.Verdict != providers.Approved {
					return // it was over already, and says so
				}
				h.besiege(a)
				if net := h.net(a); net != 0 {
					h.t.Errorf("after it the offer took %d", net)
				}
				h.look(a)
			})
			s.ask(t, "withdraw", "what is paid is not withdrawn", m.Method, func(h *house) {
				a := h.paid(m.Method)
				if r := h.recall(context.Background(), a); r.Verdict == providers.Approved || r.Verdict == providers.Pending {
					h.t.Errorf("it is %s", describe(r))
				}
				h.full(a)
				h.look(a)
			})
			s.ask(t, "withdraw", "twice is as good as once", m.Method, func(h *house) {
				a := h.shown(m.Method)
				h.withdraw(a)
				h.recall(context.Background(), a)
				h.besiege(a)
				h.look(a)
			})
			s.ask(t, "withdraw", "of something that never was proves nothing", m.Method, func(h *house) {
				a := h.wish(m.Method)
				if r := h.recall(context.Background(), a); r.Verdict == providers.Approved || r.Verdict == providers.Declined {
					h.t.Errorf("it is %s", describe(r))
				}
			})
			s.ask(t, "withdraw", "after the offer's own end it changes nothing", m.Method, func(h *house) {
				a := h.shown(m.Method)
				time.Sleep(time.Until(a.result.Until.Add(m.Margin)) + time.Second)
				h.recall(context.Background(), a)
				if r := h.look(a); !harmless(r) {
					h.t.Errorf("a look says %s", describe(r))
				}
			})
		})
	}
}

func (h *house) withdraw(a *attempt) {
	h.t.Helper()
	if r := h.recall(context.Background(), a); r.Verdict != providers.Approved {
		h.t.Fatalf("a withdrawal is %s", describe(r))
	}
}

// keepsHold withdraws an offer that a payer has paid a moment before: the router, which is
// about to try another gateway, has not seen the hold yet. Released here it would be asked
// for once more there.
func (s *suite) keepsHold(h *house) {
	a := h.held(h.method)
	before := h.arrived(moving...)
	if r := h.recall(context.Background(), a); r.Verdict == providers.Approved || r.Verdict == providers.Pending {
		h.t.Errorf("it is %s", describe(r))
	}
	if n := h.arrived(moving...) - before; n != 0 {
		h.t.Errorf("%d requests that move money arrived", n)
	}
	if r := h.look(a); r.Verdict != providers.Held || h.heldBy(a) != a.ref.Amount.Minor {
		h.t.Errorf("a look says %s, and the bank holds %d", describe(r), h.heldBy(a))
	}
}

// notWithdrawn cancels an offer that nothing withdraws: the adapter must not say that it
// did, and the payer can still pay.
func (s *suite) notWithdrawn(h *house) {
	a := h.shown(h.method)
	if can[providers.Canceler](h.provider) {
		before := h.arrived(moving...)
		if r := h.recall(context.Background(), a); r.Verdict == providers.Approved || r.Verdict == providers.Pending {
			h.t.Errorf("it is %s", describe(r))
		}
		if n := h.arrived(moving...) - before; n != 0 {
			h.t.Errorf("%d requests that move money arrived", n)
		}
	}
	h.act(a, sim.ActPay)
	h.look(a)
	if h.net(a)+h.heldBy(a) != a.ref.Amount.Minor {
		h.t.Errorf("the payer could not pay any more: %d", h.net(a))
	}
}
