package router_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// Money at risk is what the books say, whatever the verdict of the attempt, and whether
// or not its gateway is still configured (PRODUCT N6).
func TestMoneyAtRiskShowsRevivedAttemptsAndRemovedGateways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l atomic.Pointer[look]
		h := build(t, lookingBy(&l))
		p := h.expired()
		unknown := answering(providers.Result{Reason: providers.Mismatch})
		l.Store(&unknown)
		h.must(h.router.Observe(t.Context(), p, 1, payment.FromLookup, providers.Result{Reason: providers.Mismatch, Code: "other amount"}))
		if p = h.get(p); !p.Attempts[0].Open() {
			t.Fatalf("not revived\n%s", h.story(p))
		}
		q := h.create(at(ask(providers.Link), wayforpayMain), patience)
		o := h.router.Options
		o.Gateways, o.Tenants, o.Registerer = o.Gateways[:2], nil, prometheus.NewRegistry()
		_, err := router.New(o)
		h.must(err)
		sum, count := 0.0, 0.0
		families, err := o.Registerer.(*prometheus.Registry).Gather()
		h.must(err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				switch f.GetName() {
				case "payrouter_at_risk_amount":
					sum += m.GetGauge().GetValue()
				case "payrouter_at_risk_attempts":
					count += m.GetGauge().GetValue()
				}
			}
		}
		if want := float64(p.Amount.Minor + q.Amount.Minor); sum != want || count != 2 {
			t.Errorf("%v in %v attempts at risk, the books say %v in 2", sum, count, want)
		}
	})
}
