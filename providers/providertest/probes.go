package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// probes asks what a probe shows.
func (s *suite) probes(t *testing.T) {
	if !can[providers.Prober](s.provider) {
		return
	}
	s.about(t, "probe", func(t *testing.T) {
		s.ask(t, "probe", "a healthy gateway works, and nothing comes of asking", "", func(h *house) {
			for range 3 {
				if r := h.probe(context.Background()); r.Verdict != providers.Approved {
					h.t.Errorf("it is %s", describe(r))
				}
				time.Sleep(3 * time.Hour)
			}
			if n := h.arrived(moving...); n != 0 || len(h.bank.Ledger().Objects) != 0 {
				h.t.Errorf("%d money-moving requests arrived", n)
			}
		})
		s.ask(t, "probe", "a gateway that is not there does not work", "", func(h *house) {
			h.fault(sim.Fault{Kind: sim.FaultRefuse})
			h.notAlive(h.probe(context.Background()))
		})
		s.ask(t, "probe", "a gateway that refuses us works, and says so", "", func(h *house) {
			h.fault(sim.Fault{Kind: sim.FaultUnauthorized})
			r := h.probe(context.Background())
			if r.Verdict != providers.Declined && r.Verdict != providers.Unserved || r.Reason != providers.Misconfigured {
				h.t.Errorf("it is %s, want declined or unserved, misconfigured", describe(r))
			}
		})
		s.ask(t, "probe", "a caller who gave up learns nothing", "", func(h *house) {
			ctx, giveUp := context.WithCancel(context.Background())
			giveUp()
			h.notAlive(h.probe(ctx))
		})
		for _, f := range faults {
			if f.lie || f.unprocessed != nil || f.Kind == sim.FaultCode {
				continue
			}
			s.ask(t, "probe", "no life is seen in it: "+f.sentence, "", func(h *house) {
				for after := range 2 {
					rule := f.Fault
					rule.After = after
					if rule.Kind == sim.FaultSlow || rule.Kind == sim.FaultTrickle { // the second byte is late, however short the answer
						rule.Delay = sim.Duration(h.claims.Timeouts.Status + time.Second)
					}
					h.fault(rule)
					r := h.probe(context.Background())
					if used := h.bank.Faults()[0].Used; used > 0 {
						h.notAlive(r)
					}
					h.heal()
				}
			})
		}
	})
}

// notAlive fails if a probe shows a gateway that works.
func (h *house) notAlive(r providers.Result) {
	h.t.Helper()
	if r.Verdict == providers.Approved || r.Reason == providers.Misconfigured {
		h.t.Errorf("it is %s", describe(r))
	}
}

// forgettings asks whether a deleted instrument is gone.
func (s *suite) forgettings(t *testing.T) {
	if !can[providers.Forgetter](s.provider) {
		return
	}
	s.about(t, "forget", func(t *testing.T) {
		m := providers.Instrument
		s.ask(t, "forget", "a forgotten card pays no more, and is forgotten for good", m, func(h *house) {
			h.forgets(s.subject.Card)
			h.forgets(s.subject.Card)
			a := h.begin(h.wish(m))
			if a.result.Verdict.HasMoney() || a.result.Verdict == providers.Pending || h.net(a)+h.heldBy(a) != 0 {
				h.t.Errorf("a charge of it is %s", describe(a.result))
			}
		})
		s.ask(t, "forget", "a card that never was is forgotten", m, func(h *house) {
			h.forgets(providers.Token{Value: providers.NewSecret("00000000-0000-4000-8000-000000000000")})
		})
		s.ask(t, "forget", "without an answer nothing is forgotten", m, func(h *house) {
			for range 2 { // at first a token may be needed, afterwards it is kept
				for _, kind := range []sim.FaultKind{sim.FaultRefuse, sim.FaultHang, sim.FaultDrop, sim.FaultHTTPError, sim.FaultHTML, sim.FaultRedirect, sim.FaultUnauthorized} {
					h.fault(sim.Fault{Kind: kind})
					if r := h.forget(context.Background(), s.subject.Card); r.Verdict == providers.Approved {
						h.t.Errorf("%s: it is %s", kind, describe(r))
					}
					h.spoiled()
					h.heal()
				}
				h.lookup(h.wish(m))
			}
			if a := h.begin(h.wish(m)); !a.result.Verdict.HasMoney() {
				h.t.Errorf("the card pays no more: %s", describe(a.result))
			}
		})
	})
}

func (h *house) forgets(token providers.Token) {
	h.t.Helper()
	if r := h.forget(context.Background(), token); r.Verdict != providers.Approved {
		h.t.Errorf("it is %s", describe(r))
	}
}
