package providertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// refunds asks about money that goes back. Faults and callers are asked with the other
// deeds.
func (s *suite) refunds(t *testing.T) {
	if !s.claims.Refund.API {
		s.about(t, "refund", func(t *testing.T) {
			for _, m := range s.payable() {
				s.ask(t, string(m.Method), "nothing is given back where nothing is claimed, by "+string(m.Method), m.Method, s.notRefunded)
			}
		})
		return
	}
	for _, m := range s.payable() {
		s.about(t, "refunds by "+string(m.Method), func(t *testing.T) {
			s.ask(t, "refund", "the whole goes back once", m.Method, func(h *house) {
				a := h.paid(m.Method)
				r := h.part(a, 1, a.ref.Amount.Minor, 0)
				h.givesBack(a, r)
				h.refundRefused(a, h.part(a, 2, a.ref.Amount.Minor, a.ref.Amount.Minor))
			})
			s.ask(t, "refund", "two parts go back, and no more than was paid", m.Method, func(h *house) {
				a := h.paid(m.Method)
				first, second := a.ref.Amount.Minor/3, a.ref.Amount.Minor/2
				if !h.claims.Refund.Partial {
					h.refundRefused(a, h.part(a, 1, first, 0))
					return
				}
				h.givesBack(a, h.part(a, 1, first, 0))
				h.givesBack(a, h.part(a, 2, second, first))
				h.refundRefused(a, h.part(a, 3, second, first+second))
				h.givesBack(a, h.part(a, 4, a.ref.Amount.Minor-first-second, first+second))
			})
			s.ask(t, "refund", "two equal parts are two refunds", m.Method, func(h *house) {
				if !h.claims.Refund.Partial {
					h.t.Skip("parts are not claimed")
				}
				a := h.paid(m.Method)
				part := a.ref.Amount.Minor / 3
				h.givesBack(a, h.part(a, 1, part, 0))
				h.givesBack(a, h.part(a, 2, part, part))
			})
			s.ask(t, "refund", "too much is refused", m.Method, func(h *house) {
				a := h.paid(m.Method)
				h.refundRefused(a, h.part(a, 1, a.ref.Amount.Minor+1, 0))
				h.refundRefused(a, h.part(a, 2, a.ref.Amount.Minor*1000, 0))
			})
			s.ask(t, "refund", "nonsense is refused before anything is sent", m.Method, func(h *house) {
				a := h.paid(m.Method)
				before := h.arrived(sim.OpRefund)
				for i, amount := range []providers.Money{{}, money(0, a.ref.Amount), money(-500_00, a.ref.Amount), {Minor: 500_00}, {Minor: 500_00, Currency: "XXX"}} {
					r := h.part(a, i, 0, 0)
					r.Amount = amount
					h.refundRefused(a, r)
				}
				if least := h.claims.Refund.Min; least.Minor > 0 {
					h.refundRefused(a, h.part(a, 7, least.Minor-1, 0))
				}
				if n := h.arrived(sim.OpRefund) - before; n != 0 {
					h.t.Errorf("%d refunds arrived", n)
				}
			})
			if least := s.claims.Refund.Min.Minor; least > 0 {
				s.ask(t, "refund", "the least that is claimed goes back", m.Method, func(h *house) {
					a := h.paid(m.Method)
					h.givesBack(a, h.part(a, 1, least, 0))
				})
			}
			s.ask(t, "refund", "what is not paid is not given back", m.Method, s.unpaidRefund)
			s.ask(t, "refund", "a look-up that failed settles nothing", m.Method, s.refundLooks)
			s.ask(t, "refund", "a sum that fits neither before nor after is unknown", m.Method, func(h *house) {
				a := h.paid(m.Method)
				h.givesBack(a, h.part(a, 1, a.ref.Amount.Minor/2, 0))
				h.settled(a, h.part(a, 2, a.ref.Amount.Minor/5, a.ref.Amount.Minor/5))
			})
		})
	}
}

// part is the n-th refund of an attempt.
func (h *house) part(a *attempt, n int, minor, before int64) providers.Refund {
	r := whole(a)
	r.ID = fmt.Sprintf("%s%d", r.ID, n)
	r.Amount, r.Before = money(minor, a.ref.Amount), money(before, a.ref.Amount)
	return r
}

// givesBack makes a refund and checks that exactly it went back, now or later.
func (h *house) givesBack(a *attempt, r providers.Refund) {
	h.t.Helper()
	paid := h.net(a) + r.Before.Minor
	result := h.refund(context.Background(), r)
	switch result.Verdict {
	case providers.Approved:
	case providers.Pending:
		for range 48 {
			seen := h.lookupRefund(context.Background(), r)
			if h.net(a) == paid-r.Before.Minor-r.Amount.Minor {
				break
			}
			if seen.Verdict != providers.Pending {
				h.t.Errorf("a refund under way is seen as %s", describe(seen))
			}
			time.Sleep(time.Hour)
		}
	default:
		h.t.Errorf("a refund of %s is %s", r.Amount, describe(result))
	}
	if net := h.net(a); net != paid-r.Before.Minor-r.Amount.Minor {
		h.t.Errorf("the bank holds %d after a refund of %s, before it was %d", net, r.Amount, paid-r.Before.Minor)
	}
	h.settled(a, r)
	h.look(a)
}

// refundRefused fails unless a refund is refused and nothing went back.
func (h *house) refundRefused(a *attempt, r providers.Refund) {
	h.t.Helper()
	net := h.net(a)
	result := h.refund(context.Background(), r)
	if result.Verdict != providers.Declined && result.Verdict != providers.Unserved {
		h.t.Errorf("a refund of %s after %s is %s", r.Amount, r.Before, describe(result))
	}
	if h.net(a) != net {
		h.t.Errorf("a refund of %s gave back %d", r.Amount, net-h.net(a))
	}
}

// unpaidRefund refunds what has no money: an offer nobody paid, a number that is not.
func (s *suite) unpaidRefund(h *house) {
	never := h.wish(h.method)
	attempts := []*attempt{never}
	if h.claims.Method(h.method).Flow != providers.Direct {
		attempts = append(attempts, h.shown(h.method))
	}
	for _, a := range attempts {
		r := whole(a)
		if result := h.refund(context.Background(), r); result.Verdict == providers.Approved || result.Verdict == providers.Pending {
			h.t.Errorf("it is %s", describe(result))
		}
		if seen := h.lookupRefund(context.Background(), r); seen.Verdict == providers.Approved || seen.Verdict == providers.Pending {
			h.t.Errorf("a look-up says %s", describe(seen))
		}
	}
}

// refundLooks spoils look-ups of a refund that was made.
func (s *suite) refundLooks(h *house) {
	a := h.paid(h.method)
	r := h.part(a, 1, a.ref.Amount.Minor, 0)
	h.givesBack(a, r)
	for _, f := range faults {
		for after := range 2 {
			rule := f.Fault
			rule.Op, rule.After = "*", after
			if rule.Kind == sim.FaultSlow {
				rule.Delay = sim.Duration(h.claims.Timeouts.Status + time.Second)
			}
			h.fault(rule)
			seen := h.lookupRefund(context.Background(), r)
			h.heal()
			if seen.Absent || seen.Verdict != providers.Unknown && seen.Verdict != providers.Approved {
				h.t.Errorf("%s: it is %s", f.Kind, describe(seen))
			}
		}
	}
	h.settled(a, r)
}

// notRefunded asks a refund of an account that makes none.
func (s *suite) notRefunded(h *house) {
	refunder, ok := h.provider.(providers.Refunder)
	if !ok {
		h.t.Skip("the adapter is no Refunder")
	}
	a := h.paid(h.method)
	before := h.arrived(sim.OpRefund)
	if r := refunder.Refund(context.Background(), whole(a)); r.Verdict != providers.Declined && r.Verdict != providers.Unserved {
		h.t.Errorf("it is %s", describe(r))
	}
	if n := h.arrived(sim.OpRefund) - before; n != 0 {
		h.t.Errorf("%d refunds arrived", n)
	}
}
