package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// directs asks about charges whose answer is the outcome.
func (s *suite) directs(t *testing.T) {
	for _, m := range s.methods(providers.Direct) {
		s.about(t, "direct charge by "+string(m.Method), func(t *testing.T) {
			what := string(m.Method)
			s.ask(t, what, "a paying card is approved with its amount", m.Method, func(h *house) {
				a := h.begin(h.wish(m.Method))
				want := providers.Result{Verdict: providers.Approved}
				if a.ref.TwoStage {
					want.Verdict = providers.Held
				}
				if r := a.result; r.Verdict != want.Verdict || r.Amount != a.ref.Amount || r.Action != nil {
					h.t.Errorf("it is %s", describe(r))
				}
				if got := h.net(a) + h.heldBy(a); got != a.ref.Amount.Minor {
					h.t.Errorf("the bank has %d", got)
				}
				h.look(a)
			})
			s.ask(t, what, "a hard decline is declined for good", m.Method, func(h *house) {
				h.declines(s.subject.Hard, providers.DeclinedHard)
			})
			s.ask(t, what, "a soft decline is declined for now", m.Method, func(h *house) {
				h.declines(s.subject.Soft, providers.DeclinedSoft)
			})
			s.ask(t, what, "a card that does not exist charges nobody", m.Method, func(h *house) {
				a := h.wish(m.Method)
				a.charge.Instrument = providers.Token{Value: providers.NewSecret("00000000-0000-4000-8000-000000000000")}
				if r := h.charge(context.Background(), a); r.Verdict.HasMoney() || r.Verdict == providers.Pending {
					h.t.Errorf("it is %s", describe(r))
				}
				if h.net(a)+h.heldBy(a) != 0 {
					h.t.Errorf("the bank has %d", h.net(a))
				}
			})
			s.ask(t, what, "no card is refused before anything is sent", m.Method, func(h *house) {
				a := h.wish(m.Method)
				a.charge.Instrument = providers.Token{}
				h.refusedHere(a, providers.Unsupported)
			})
			s.ask(t, what, "a payment whose time is over is refused before anything is sent", m.Method, func(h *house) {
				a := h.wish(m.Method)
				a.charge.Expires = time.Now().Add(-time.Second)
				h.refusedHere(a, providers.Unsupported)
			})
			s.ask(t, what, "the same number is not charged twice", m.Method, func(h *house) {
				h.rude = true
				a := h.begin(h.wish(m.Method))
				again := &attempt{charge: a.charge, ref: a.charge.Ref}
				switch r := h.charge(context.Background(), again); r.Verdict {
				case providers.Unknown: // it is looked up
				case a.result.Verdict:
				default:
					h.t.Errorf("the second time it is %s", describe(r))
				}
				if got := h.net(a) + h.heldBy(a); got != a.ref.Amount.Minor {
					h.t.Errorf("the bank has %d", got)
				}
				h.look(again)
			})
			if m.Absent.Counts {
				s.ask(t, what, "what never arrived is absent, and what arrives late enough is not", m.Method, s.absent)
			}
		})
	}
}

// declines charges a card that declines.
func (h *house) declines(card providers.Token, reason providers.Reason) {
	h.t.Helper()
	a := h.wish(h.method)
	a.charge.Instrument = card
	if r := h.charge(context.Background(), a); r.Verdict != providers.Declined || r.Reason != reason {
		h.t.Errorf("it is %s, want declined %s", describe(r), reason)
	}
	if h.net(a)+h.heldBy(a) != 0 {
		h.t.Errorf("the bank has %d", h.net(a))
	}
	if r := h.look(a); r.Verdict != providers.Declined || r.Reason != reason {
		h.t.Errorf("a look says %s, want declined %s", describe(r), reason)
	}
}

// refusedHere fails unless the charge is refused without a word to the bank.
func (h *house) refusedHere(a *attempt, reason providers.Reason) {
	h.t.Helper()
	h.wire.fresh()
	if r := h.charge(context.Background(), a); r.Verdict != providers.Unserved || r.Reason != reason {
		h.t.Errorf("it is %s, want unserved %s", describe(r), reason)
	}
	if dials, _, _, _ := h.wire.traffic(); dials != 0 {
		h.t.Errorf("%d connections were made", dials)
	}
}

// absent drops a charge that the bank executes just before an absence begins to count,
// and one that it never executes. The first must be found, the second stay absent.
func (s *suite) absent(h *house) {
	rule := h.claims.Method(h.method).Absent
	late := h.wish(h.method)
	h.fault(sim.Fault{Op: sim.OpCharge, Kind: sim.FaultActLate, Delay: sim.Duration(rule.After - time.Second), Times: 1})
	h.charge(context.Background(), late)
	if r := h.look(late); r.Verdict != providers.Unknown {
		h.t.Errorf("before the bank acts a look says %s", describe(r))
	}
	never := h.wish(h.method)
	h.fault(sim.Fault{Op: sim.OpCharge, Kind: sim.FaultDrop, Times: 1})
	h.charge(context.Background(), never)
	time.Sleep(rule.After)
	if r := h.look(late); !r.Verdict.HasMoney() {
		h.t.Errorf("after the bank acted a look says %s", describe(r))
	}
	for range rule.Times {
		if r := h.look(never); !r.Absent {
			h.t.Errorf("what never arrived is %s", describe(r))
		}
		time.Sleep(rule.Apart / time.Duration(rule.Times-1))
	}
}
