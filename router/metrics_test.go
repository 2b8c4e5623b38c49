package router_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
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

// misconfigured is an adapter whose credentials the gateway refuses.
type misconfigured struct{ *kaspi.Gateway }

func (misconfigured) Probe(context.Context) providers.Result {
	return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: "401"}
}

// Where nothing is sold at night, probes are the only calls: wrong credentials must show
// before the first payer meets them.
func TestProbesCountAsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) {
			s.claims = func(_ string, p providers.Provider) providers.Provider {
				if k, ok := p.(*kaspi.Gateway); ok {
					return misconfigured{k}
				}
				return p
			}
		})
		o := h.router.Options
		registry := prometheus.NewRegistry()
		o.Registerer = registry
		r, err := router.New(o)
		h.must(err)
		if s := r.Probe(t.Context(), kaspiMain); s != health.Healthy {
			t.Errorf("the signal is %d", s)
		}
		counted := map[string]float64{}
		families, err := registry.Gather()
		h.must(err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				counted[f.GetName()] += m.GetCounter().GetValue()
			}
		}
		if counted["payrouter_gateway_calls_total"] != 1 || counted["payrouter_gateway_refusals_total"] != 1 {
			t.Errorf("%v calls and %v refusals", counted["payrouter_gateway_calls_total"], counted["payrouter_gateway_refusals_total"])
		}
	})
}
