package office

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/router/journal"
)

var (
	disputesDesc = prometheus.NewDesc("payrouter_disputes_open",
		"Disputes that wait for our answer, from the books.", []string{"gateway", "kind"}, nil)
	unansweredDesc = prometheus.NewDesc("payrouter_disputes_oldest_unanswered_seconds",
		"Age of the oldest dispute that waits for our answer, since the bank or the payer raised it; 0 without one. Kaspi asks for an answer within 86400.", []string{"gateway"}, nil)
	overdueDesc = prometheus.NewDesc("payrouter_disputes_overdue",
		"Disputes that wait for our answer although their 24 hours are over.", []string{"gateway"}, nil)
)

// standing is what a scrape tells of disputes.
type standing struct {
	open    map[[2]string]int64 // by gateway and kind
	overdue map[string]int64
	oldest  map[string]time.Duration
}

// standingOf adds up what the books say: every gateway that is configured has its zeros, and
// one that is not any more may still have disputes.
func standingOf(gateways []string, all []journal.OpenDisputes, now time.Time) standing {
	s := standing{open: map[[2]string]int64{}, overdue: map[string]int64{}, oldest: map[string]time.Duration{}}
	zero := func(gateway string) {
		for _, kind := range journal.DisputeKinds() {
			s.open[[2]string{gateway, string(kind)}] += 0
		}
		s.overdue[gateway] += 0
		s.oldest[gateway] += 0
	}
	for _, gateway := range gateways {
		zero(gateway)
	}
	for _, d := range all {
		zero(d.Gateway)
		s.open[[2]string{d.Gateway, string(d.Kind)}] += d.Count
		s.overdue[d.Gateway] += d.Overdue
		s.oldest[d.Gateway] = max(s.oldest[d.Gateway], now.Sub(d.Oldest))
	}
	return s
}

// send tells Prometheus.
func (s standing) send(out chan<- prometheus.Metric) {
	for of, n := range s.open {
		out <- prometheus.MustNewConstMetric(disputesDesc, prometheus.GaugeValue, float64(n), of[0], of[1])
	}
	for gateway, n := range s.overdue {
		out <- prometheus.MustNewConstMetric(overdueDesc, prometheus.GaugeValue, float64(n), gateway)
	}
	for gateway, age := range s.oldest {
		out <- prometheus.MustNewConstMetric(unansweredDesc, prometheus.GaugeValue, age.Seconds(), gateway)
	}
}
