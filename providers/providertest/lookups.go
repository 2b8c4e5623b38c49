package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// lookups asks whether looking tells the truth, and nothing where it cannot.
func (s *suite) lookups(t *testing.T) {
	for _, m := range s.payable() {
		s.about(t, "look-up of "+string(m.Method), func(t *testing.T) {
			s.ask(t, "look-up", "what was never sent is unknown, and absent where that counts", m.Method, func(h *house) {
				a := h.wish(m.Method)
				a.ref.Planned = a.ref.Planned.Add(-30 * 24 * time.Hour)
				r := h.look(a)
				if m.Absent.Counts && !r.Absent {
					h.t.Errorf("it is %s", describe(r))
				}
			})
			s.ask(t, "look-up", "not found closes nothing", m.Method, func(h *house) {
				for _, a := range []*attempt{h.begin(h.wish(m.Method)), h.paid(m.Method)} {
					h.fault(sim.Fault{Op: sim.OpStatus, Kind: sim.FaultNotFound})
					for range 5 {
						if r := h.lookup(a); r.Verdict != providers.Unknown {
							h.t.Errorf("it is %s", describe(r))
						}
						time.Sleep(24 * time.Hour)
					}
					h.spoiled()
					h.heal()
				}
			})
			s.ask(t, "look-up", "another amount than ours is a mismatch", m.Method, func(h *house) {
				a := h.paid(m.Method)
				for _, minor := range []int64{1, -1, a.ref.Amount.Minor * 99} {
					other := *a
					other.ref.Amount.Minor += minor
					other.ref.TwoStage = false
					if r := h.lookup(&other); r.Verdict != providers.Unknown || r.Reason != providers.Mismatch {
						h.t.Errorf("%d more: it is %s", minor, describe(r))
					}
				}
			})
			s.askLooks(t, m, "before anybody pays", func(h *house) *attempt { return h.begin(h.wish(m.Method)) })
			s.askLooks(t, m, "when it is paid", func(h *house) *attempt { return h.paid(m.Method) })
			s.ask(t, "look-up", "it keeps its limit however slow every answer is", m.Method, func(h *house) {
				a := h.paid(m.Method)
				known := h.look(a)
				for _, share := range []time.Duration{20, 45, 95} {
					h.fault(sim.Fault{Kind: sim.FaultSlow, Delay: sim.Duration(h.claims.Timeouts.Status * share / 100)})
					h.stillOpen(a, known, known, h.lookup(a)) // h.call holds the clock
					if can[providers.Refunder](h.provider) {
						h.lookupRefund(context.Background(), whole(a))
					}
					if can[providers.Prober](h.provider) {
						h.probe(context.Background())
					}
					h.spoiled()
					h.heal()
					time.Sleep(3 * time.Hour)
				}
			})
			s.ask(t, "look-up", "a damaged answer about money is never the end of it", m.Method, s.damagedLook)
			s.ask(t, "look-up", "a caller who gave up learns nothing", m.Method, func(h *house) {
				a := h.paid(m.Method)
				ctx, giveUp := context.WithCancel(context.Background())
				giveUp()
				if r := h.lookupBy(ctx, a); r.Verdict != providers.Unknown || r.Absent {
					h.t.Errorf("it is %s", describe(r))
				}
			})
		})
	}
}

// askLooks spoils look-ups in every way, the token they need included. A look-up that
// failed is unknown; one that did not is true.
func (s *suite) askLooks(t *testing.T, m providers.MethodClaims, when string, ready func(h *house) *attempt) {
	failing := append([]fault{{sentence: "a refused connection is doubt", Fault: sim.Fault{Kind: sim.FaultRefuse}}}, faults...)
	for _, f := range failing {
		s.ask(t, "look-up", when+", "+f.sentence, m.Method, func(h *house) {
			a := ready(h)
			known := h.look(a)
			time.Sleep(90 * time.Minute) // a kept token has ended
			alive := h.look(a)
			for _, op := range []sim.Op{sim.OpStatus, "*"} {
				for after := range 2 {
					rule := f.Fault
					rule.Op, rule.After = op, after
					if rule.Kind == sim.FaultRefuse {
						rule.Op, rule.After = "*", 0
					}
					if rule.Kind == sim.FaultSlow {
						rule.Delay = sim.Duration(h.claims.Timeouts.Status + time.Second)
					}
					h.hangUp()
					h.fault(rule)
					h.wire.fresh()
					r := h.lookup(a)
					_, read, _, _ := h.wire.traffic()
					if read > 2*longestAnswer {
						h.t.Errorf("%d bytes were read", read)
					}
					h.heal()
					if f.Kind == sim.FaultNotFound && r.Verdict == providers.Unknown {
						continue // the bank itself says so, and it closes nothing
					}
					if rule.Kind == sim.FaultRefuse && r.Reason != providers.NotSent && a.ref.External != "" {
						h.t.Errorf("it never left, and is %s", describe(r))
					}
					h.stillOpen(a, known, alive, r)
				}
			}
			h.look(a)
		})
	}
}

// stillOpen fails unless a spoiled look-up says nothing, or what a good one says.
func (h *house) stillOpen(a *attempt, known, alive, r providers.Result) {
	h.t.Helper()
	switch {
	case r.Verdict == providers.Unknown && !r.Absent:
	case r.Absent && (known.Absent || alive.Absent):
	case r.Verdict == known.Verdict || r.Verdict == alive.Verdict:
		h.truth(a, r)
	default:
		h.t.Errorf("a spoiled look-up says %s, a good one %s", describe(r), describe(alive))
	}
}

// damagedLook damages every field of every answer to a look-up about a paid attempt.
func (s *suite) damagedLook(h *house) {
	a := h.paid(h.method)
	teller := h.stand()
	steps := teller.count(func() { h.lookup(a) })
	for step := 1; step <= steps; step++ {
		var truth []byte
		spoil := func(change func([]byte) []byte) providers.Result {
			teller.plan(nth(step, damaging(change)))
			defer teller.plan(nil)
			return h.lookup(a)
		}
		spoil(func(body []byte) []byte { truth = body; return body })
		for _, damage := range damages(truth) {
			r := spoil(func([]byte) []byte { return damage.body() })
			if r.Verdict == providers.Approved {
				h.truth(a, r)
			} else if r.Verdict != providers.Unknown && r.Verdict != providers.Pending && r.Verdict != providers.Held || r.Absent {
				h.t.Errorf("%s: it is %s, and it is paid", damage.what, describe(r))
			}
		}
		for _, strange := range strangers {
			s := answering(strange.status, strange.body)
			teller.plan(func(int) *spoiler { return &s })
			if r := h.lookup(a); r.Verdict != providers.Unknown || r.Absent {
				h.t.Errorf("HTTP %d with %q: it is %s", strange.status, strange.body, describe(r))
			}
			teller.plan(nil)
		}
	}
}
