package providertest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/payrouter/payrouter/providers"
)

// blanks asks about zero values: whoever forgot to fill something in charges nobody.
func (s *suite) blanks(t *testing.T) {
	s.about(t, "zero values", func(t *testing.T) {
		s.ask(t, "zero values", "a charge of nothing is refused before anything is sent", "", func(h *house) {
			spoiled := []providers.Charge{{}}
			for _, m := range h.claims.Methods {
				good := h.wish(m.Method).charge
				for _, change := range []func(c *providers.Charge){
					func(c *providers.Charge) { c.Ref.Amount = providers.Money{} },
					func(c *providers.Charge) { c.Ref.Amount.Minor = 0 },
					func(c *providers.Charge) { c.Ref.Amount.Minor = -c.Ref.Amount.Minor },
					func(c *providers.Charge) { c.Ref.Amount.Currency = "" },
					func(c *providers.Charge) { c.Ref.Amount.Currency = "XXX" },
					func(c *providers.Charge) { c.Ref.Order = "" },
					func(c *providers.Charge) { c.Ref.Method = "" },
					func(c *providers.Charge) { c.Ref.Method = "barter" },
				} {
					c := good
					change(&c)
					spoiled = append(spoiled, c)
				}
				if !m.TwoStage {
					c := good
					c.Ref.TwoStage = true
					spoiled = append(spoiled, c)
				}
			}
			for _, m := range providers.Methods() {
				if h.claims.Method(m).Flow == providers.Unclaimed {
					spoiled = append(spoiled, providers.Charge{Ref: providers.Ref{Order: "4711", Method: m, Amount: h.subject.Amount}, Payer: payer, NotifyURL: NotifyURL,
						Instrument: providers.Token{Value: providers.NewSecret("00000000-0000-4000-8000-000000000000")}})
				}
			}
			h.wire.fresh()
			for _, c := range spoiled {
				a := &attempt{charge: c, ref: c.Ref}
				r := h.charge(context.Background(), a)
				if r.Verdict != providers.Unserved && (r.Verdict != providers.Declined || r.Reason != providers.InvalidRequest) {
					h.t.Errorf("a charge of %s by %q under %q, two-stage %t, is %s", c.Ref.Amount, c.Ref.Method, c.Ref.Order, c.Ref.TwoStage, describe(r))
				}
			}
			if dials, _, _, _ := h.wire.traffic(); dials != 0 {
				h.t.Errorf("%d connections were made", dials)
			}
		})
		s.ask(t, "zero values", "nothing comes of a question or an operation on nothing", "", func(h *house) {
			blank := &attempt{}
			results := map[string]providers.Result{"look-up": h.lookup(blank)}
			if can[providers.Capturer](h.provider) {
				results["capture"] = h.capture(context.Background(), blank, providers.Money{})
			}
			if can[providers.Canceler](h.provider) {
				results["cancel"] = h.cancel(context.Background(), blank)
			}
			if can[providers.Refunder](h.provider) {
				results["refund"] = h.refund(context.Background(), providers.Refund{})
				results["look-up of a refund"] = h.lookupRefund(context.Background(), providers.Refund{})
			}
			if can[providers.Forgetter](h.provider) {
				results["forget"] = h.forget(context.Background(), providers.Token{})
			}
			for what, r := range results {
				if r.Verdict.HasMoney() || r.Verdict == providers.Pending {
					h.t.Errorf("a %s of nothing is %s", what, describe(r))
				}
			}
			if n := h.arrived(moving...); n != 0 {
				h.t.Errorf("%d money-moving requests arrived", n)
			}
		})
		if can[providers.Listener](s.provider) {
			s.ask(t, "zero values", "nothing heard and nothing ruled is no acknowledgement", "", func(h *house) {
				if heard := h.hear(providers.Notice{}); heard.Kind != providers.Noise {
					h.t.Errorf("nothing is heard as a %s", heard.Kind)
				}
				if reply := h.listener().Answer(providers.Heard{}, providers.Ruling{}); reply.Status/100 == 2 {
					h.t.Errorf("nothing is answered with %d", reply.Status)
				}
			})
		}
	})
}

// confidences asks whether the adapter keeps to itself what it knows. What its results
// and errors say is checked with every call.
func (s *suite) confidences(t *testing.T) {
	s.about(t, "secrets", func(t *testing.T) {
		s.ask(t, "secrets", "the adapter prints none of what it knows", s.first(), func(h *house) {
			if len(s.subject.Secrets) == 0 {
				h.t.Fatal("the subject names no secrets")
			}
			if s.first() != "" {
				h.paid(s.first())
			}
			synctest.Wait() // nothing of it is at work any more
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				h.discreet("adapter by "+verb, fmt.Sprintf(verb, h.provider))
				h.discreet("charge by "+verb, fmt.Sprintf(verb, h.wish(s.first()).charge.Instrument))
			}
		})
	})
}

// first is the first method by which money can come, if there is one.
func (s *suite) first() providers.Method {
	for _, m := range s.payable() {
		return m.Method
	}
	return ""
}
