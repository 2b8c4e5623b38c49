package router_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/sim"
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

// What Prometheus is told of money at risk is what the database says at that moment, to the
// unit and to the second (PRODUCT N6).
func TestMoneyAtRiskIsWhatTheDatabaseSumsAtAnyScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "books.db")
		h := build(t, func(s *setup) { s.store = "sqlite:" + path })
		o := h.router.Options
		registry := prometheus.NewRegistry()
		o.Registerer = registry
		_, err := router.New(o)
		h.must(err)
		db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
		h.must(err)
		defer db.Close()
		compare := func(what string, atLeast int) {
			t.Helper()
			want := map[string]float64{}
			rows, err := db.QueryContext(t.Context(), `SELECT a.gateway, a.verdict, e.body ->> '$.amount.currency', COUNT(*), SUM(e.body ->> '$.amount.minor'), MIN(a.planned_at)
				FROM attempts a JOIN events e ON e.payment_id = a.payment_id AND e.kind = 'opened' WHERE a.unclosed AND a.verdict IN ('unknown', 'pending') GROUP BY 1, 2, 3`)
			h.must(err)
			defer rows.Close()
			groups := 0
			for rows.Next() {
				var gateway, verdict, currency string
				var count, amount, oldest int64
				h.must(rows.Scan(&gateway, &verdict, &currency, &count, &amount, &oldest))
				labels := strings.Join([]string{currency, gateway, verdict}, " ")
				want["payrouter_at_risk_attempts "+labels], want["payrouter_at_risk_amount "+labels] = float64(count), float64(amount)
				want["payrouter_at_risk_oldest_seconds "+labels] = time.Since(time.UnixMicro(oldest)).Seconds()
				groups++
			}
			h.must(rows.Err())
			got := map[string]float64{}
			families, err := registry.Gather()
			h.must(err)
			for _, f := range families {
				for _, m := range f.GetMetric() {
					if v := m.GetGauge().GetValue(); strings.HasPrefix(f.GetName(), "payrouter_at_risk_") && v != 0 {
						labels := []string{f.GetName()}
						for _, l := range m.GetLabel() {
							labels = append(labels, l.GetValue())
						}
						got[strings.Join(labels, " ")] = v
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || groups < atLeast {
				t.Errorf("%s: %d groups (-database +scrape):\n%s", what, groups, diff)
			}
		}
		compare("nothing yet", 0)
		h.create(at(ask(providers.QR), kaspiMain), patience)
		time.Sleep(90 * time.Second)
		h.create(at(ask(providers.QR), kaspiMain), patience)
		h.create(at(ask(providers.Link), wayforpayMain), patience)
		time.Sleep(time.Second)
		compare("offers", 2)
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 1})
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpStatus, Kind: sim.FaultHang})
		h.create(byCard(halykMain), patience)
		time.Sleep(time.Second)
		compare("and a charge of which nobody knows", 3)
		time.Sleep(time.Hour)
		compare("an hour later", 1)
	})
}

func TestTheLastRehearsalIsToldAndZeroWhereThereWasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		o := h.router.Options
		registry := prometheus.NewRegistry()
		o.Registerer = registry
		_, err := router.New(o)
		h.must(err)
		told := func() float64 {
			families, err := registry.Gather()
			h.must(err)
			for _, f := range families {
				if f.GetName() == "payrouter_rehearsal_timestamp_seconds" {
					return f.GetMetric()[0].GetGauge().GetValue()
				}
			}
			t.Fatal("nothing is told")
			return 0
		}
		if got := told(); got != 0 {
			t.Errorf("never rehearsed is %v", got)
		}
		drained := time.Now()
		h.drain(kaspiMain, false)
		time.Sleep(time.Second)
		p := h.create(ask(providers.Page), patience)
		h.visit(p.Attempts[0], sim.ActPay)
		time.Sleep(10 * time.Minute)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
		if got := told(); got != float64(drained.Unix()) {
			t.Errorf("told %v, it was drained at %d\n%s", got, drained.Unix(), h.story(p))
		}
	})
}
