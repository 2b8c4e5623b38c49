package providertest

import (
	"context"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// references asks whether order numbers under the claimed rule work at the bank.
func (s *suite) references(t *testing.T) {
	for _, m := range s.payable() {
		s.about(t, "references of "+string(m.Method), func(t *testing.T) {
			s.ask(t, "references", "the longest number reaches the bank unchanged", m.Method, func(h *house) {
				a := h.begin(h.wish(m.Method))
				if rule := h.claims.ReferenceFor(m.Method); len(a.ref.Order) != rule.Length {
					h.t.Fatalf("the suite made %q under %+v", a.ref.Order, rule)
				}
				if _, found := h.object(a); !found {
					h.t.Errorf("nothing at the bank is called %s: %+v", a.ref.Order, h.bank.Ledger().Objects)
				}
				h.look(a)
			})
			s.ask(t, "references", "a number one longer than the rule changes nobody else's", m.Method, func(h *house) {
				a := h.begin(h.wish(m.Method))
				longer := h.wish(m.Method)
				longer.ref.Order = a.ref.Order + "9"
				longer.charge.Ref.Order = longer.ref.Order
				h.begin(longer)
				h.look(a)
			})
			if s.claims.ReferenceFor(m.Method).Unique > 0 {
				s.ask(t, "references", "numbers that differ only where nobody compares collide", m.Method, s.collide)
			}
		})
	}
}

// collide uses one number and then another with the same unique part.
func (s *suite) collide(h *house) {
	h.rude = true
	rule := h.claims.ReferenceFor(h.method)
	first := h.paid(h.method)
	second := h.wish(h.method)
	unique := first.ref.Order[len(first.ref.Order)-rule.Unique:]
	second.ref.Order = strings.Repeat("7", rule.Length-rule.Unique) + unique
	second.charge.Ref.Order = second.ref.Order
	h.charge(context.Background(), second)
	if second.result.Verdict == providers.Pending {
		_ = h.try(second, sim.ActPay)
	}
	if net := h.net(second); net != 0 || second.result.Verdict.HasMoney() {
		h.t.Errorf("%s took %d beside %s: the rule is stricter than the bank, %s", second.ref.Order, net, first.ref.Order, describe(second.result))
	}
	if len(h.broken) == 0 {
		h.t.Error("the bank did not mind")
	}
}
