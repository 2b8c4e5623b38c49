package providertest

import (
	"reflect"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// promises asks whether the claims make sense by themselves and fit the adapter's
// powers. Whether they are true is asked by everything else.
func (s *suite) promises(t *testing.T) {
	s.about(t, "claims", func(t *testing.T) {
		s.ask(t, "claims", "never change", "", func(h *house) {
			before := h.provider.Claims()
			scribbled := h.provider.Claims()
			for i := range scribbled.Methods {
				scribbled.Methods[i] = providers.MethodClaims{}
			}
			for i := range scribbled.Currencies {
				scribbled.Currencies[i] = "XXX"
			}
			time.Sleep(365 * 24 * time.Hour)
			if after := h.provider.Claims(); !reflect.DeepEqual(before, after) || reflect.DeepEqual(after, scribbled) {
				h.t.Errorf("the claims changed from %+v to %+v", before, after)
			}
		})
		s.ask(t, "claims", "name a provider, currencies and time limits", "", func(h *house) {
			c := h.claims
			if c.Provider == "" || c.Provider != h.face {
				h.t.Errorf("the provider is called %q, its face at the bank %q", c.Provider, h.face)
			}
			for _, currency := range c.Currencies {
				if _, known := providers.Exponent(currency); !known {
					h.t.Errorf("currency %q is not known", currency)
				}
			}
			for name, limit := range map[string]time.Duration{
				"charge": c.Timeouts.Charge, "create": c.Timeouts.Create, "status": c.Timeouts.Status, "refund": c.Timeouts.Refund,
			} {
				if limit <= 0 || limit > 2*time.Minute {
					h.t.Errorf("the limit of a %s is %s", name, limit)
				}
			}
		})
		s.ask(t, "claims", "are those of one method each, with a rule for its numbers", "", s.methodsMakeSense)
		s.ask(t, "claims", "are matched by powers", "", s.powersMatch)
	})
}

func (s *suite) methodsMakeSense(h *house) {
	seen := map[providers.Method]bool{}
	for _, m := range h.claims.Methods {
		bad := func(what string) { h.t.Errorf("%s: %s: %+v", m.Method, what, m) }
		if !m.Method.Valid() || seen[m.Method] || m.Flow == providers.Unclaimed {
			bad("is no method, claimed twice, or without a flow")
		}
		seen[m.Method] = true
		rule := h.claims.ReferenceFor(m.Method)
		if room := rule.Length - len(rule.Prefix); room < 6 {
			bad("leaves no room for a number")
		}
		if rule.Unique < 0 || rule.Unique > rule.Length {
			bad("compares more of a number than there is")
		}
		if a := m.Absent; a.Counts && (a.After <= 0 || a.Times < 2 || a.Apart < 30*time.Second) {
			bad("believes an absence too soon")
		}
		offer := m.Flow == providers.Offer
		if m.NeverShown && !offer {
			bad("only offers can be never shown")
		}
		if (m.Withdraw == providers.Veto) != (m.Flow == providers.AskFirst) {
			bad("a veto belongs to those who ask first")
		}
		if m.OfferLife < 0 || m.Margin < 0 {
			bad("has a negative time")
		}
		if (m.Flow == providers.Offer || m.Flow == providers.Pushed) && m.Margin == 0 {
			bad("an offer without a margin is dead too soon by the first clock that is ahead")
		}
	}
}

func (s *suite) powersMatch(h *house) {
	p := h.provider
	need := func(why bool, has bool, power string) {
		if why && !has {
			h.t.Errorf("what is claimed needs a %s", power)
		}
	}
	holds := len(s.holding()) > 0
	asks := len(s.methods(providers.AskFirst)) > 0
	binding := false
	for _, m := range h.claims.Methods {
		binding = binding || m.Withdraw == providers.Binding
	}
	need(holds, can[providers.Capturer](p), "Capturer")
	need(holds || binding, can[providers.Canceler](p), "Canceler")
	need(h.claims.Refund.API, can[providers.Refunder](p), "Refunder")
	need(h.claims.Webhook != providers.NoWebhook || asks, can[providers.Listener](p), "Listener")
	need(h.claims.Statement == providers.StatementList, can[providers.Reporter](p), "Reporter")
	need(h.claims.Statement == providers.StatementWalk, can[providers.Teller](p), "Teller")
	if h.claims.Refund.API && h.claims.Refund.SettleWait <= 0 && !h.claims.Refund.OwnID {
		h.t.Error("a lost refund without an id must be given time to show")
	}
}
