package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// holds asks about money that is authorised and not captured. Faults and callers are
// asked with the other deeds.
func (s *suite) holds(t *testing.T) {
	for _, m := range s.holding() {
		s.about(t, "hold by "+string(m.Method), func(t *testing.T) {
			s.ask(t, "hold", "it is held with its amount", m.Method, func(h *house) {
				a := h.held(m.Method)
				if h.heldBy(a) != a.ref.Amount.Minor || h.net(a) != 0 {
					h.t.Errorf("the bank holds %d and took %d", h.heldBy(a), h.net(a))
				}
				h.look(a)
			})
			s.ask(t, "capture", "a whole capture takes it all", m.Method, func(h *house) {
				h.captures(h.held(m.Method), s.subject.Amount.Minor)
			})
			s.ask(t, "capture", "a part is captured and the rest released, where that is claimed", m.Method, func(h *house) {
				a := h.held(m.Method)
				if !h.claims.Capture.Partial {
					h.captureRefused(a, money(a.ref.Amount.Minor/3, a.ref.Amount))
					return
				}
				h.captures(a, a.ref.Amount.Minor/3)
				if h.heldBy(a) != 0 {
					h.t.Errorf("%d are still held", h.heldBy(a))
				}
			})
			s.ask(t, "capture", "no more than is held is captured", m.Method, func(h *house) {
				h.rude = true
				a := h.held(m.Method)
				h.captureRefused(a, money(a.ref.Amount.Minor+1, a.ref.Amount))
				h.captureRefused(a, money(a.ref.Amount.Minor*1000, a.ref.Amount))
				h.captures(a, a.ref.Amount.Minor) // the hold stands as it was
			})
			s.ask(t, "capture", "nonsense is not captured", m.Method, func(h *house) {
				h.rude = true
				a := h.held(m.Method)
				for _, amount := range []providers.Money{{}, money(0, a.ref.Amount), money(-1, a.ref.Amount), {Minor: a.ref.Amount.Minor}, {Minor: 100, Currency: "XXX"}} {
					h.captureRefused(a, amount)
				}
			})
			s.ask(t, "capture", "what is captured is not captured again", m.Method, func(h *house) {
				h.rude = true
				a := h.held(m.Method)
				h.captures(a, a.ref.Amount.Minor)
				if r := h.capture(context.Background(), a, a.ref.Amount); r.Verdict == providers.Held {
					h.t.Errorf("it is %s", describe(r))
				}
				h.full(a)
				h.look(a)
			})
			s.ask(t, "void", "a released hold is seen as released", m.Method, func(h *house) {
				a := h.held(m.Method)
				if r := h.cancel(context.Background(), a); r.Verdict != providers.Approved {
					h.t.Errorf("it is %s", describe(r))
				}
				if r := h.look(a); r.Verdict != providers.Declined || r.Reason != providers.Released {
					h.t.Errorf("a look says %s", describe(r))
				}
				if h.heldBy(a)+h.net(a) != 0 {
					h.t.Errorf("the bank still holds %d and took %d", h.heldBy(a), h.net(a))
				}
				h.captureRefused(a, a.ref.Amount)
			})
			s.ask(t, "void", "what is captured is not released", m.Method, func(h *house) {
				a := h.held(m.Method)
				h.captures(a, a.ref.Amount.Minor)
				if r := h.cancel(context.Background(), a); r.Verdict == providers.Approved || r.Verdict == providers.Pending {
					h.t.Errorf("it is %s", describe(r))
				}
				h.full(a)
				h.look(a)
			})
			if life := s.claims.Capture.HoldLife; life > 0 {
				s.ask(t, "hold", "it ends by itself when its claimed life is over", m.Method, func(h *house) {
					a := h.held(m.Method)
					time.Sleep(life - time.Minute)
					if r := h.look(a); r.Verdict != providers.Held {
						h.t.Errorf("just before, a look says %s", describe(r))
					}
					time.Sleep(2 * time.Minute)
					r := h.look(a)
					released := r.Verdict == providers.Declined && r.Reason == providers.Released
					taken := r.Verdict == providers.Approved && h.net(a) == a.ref.Amount.Minor
					if s.claims.Capture.Takes && !taken || !s.claims.Capture.Takes && !released {
						h.t.Errorf("a look says %s", describe(r))
					}
				})
			}
		})
	}
}

// captures takes a part of a hold and checks that exactly it was taken.
func (h *house) captures(a *attempt, minor int64) {
	h.t.Helper()
	amount := money(minor, a.ref.Amount)
	if r := h.capture(context.Background(), a, amount); r.Verdict != providers.Approved || r.Amount != amount {
		h.t.Errorf("a capture of %s is %s", amount, describe(r))
	}
	if net := h.net(a); net != minor {
		h.t.Errorf("the bank took %d, want %d", net, minor)
	}
	h.look(a)
}

// captureRefused fails unless nothing was captured, and the look-up that settles what
// the answer leaves open says so.
func (h *house) captureRefused(a *attempt, amount providers.Money) {
	h.t.Helper()
	net := h.net(a)
	if r := h.capture(context.Background(), a, amount); r.Verdict.HasMoney() || r.Verdict == providers.Pending {
		h.t.Errorf("a capture of %s is %s", amount, describe(r))
	}
	if h.net(a) != net {
		h.t.Errorf("a capture of %s took %d", amount, h.net(a)-net)
	}
	h.look(a)
}
