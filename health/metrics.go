package health

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	admits   *prometheus.CounterVec
	probes   *prometheus.CounterVec
	failover *prometheus.HistogramVec
}

// failoverBuckets reach from a refusal that another gateway serves at once to an outage that was
// noticed by people. 30 s is the alert's.
var failoverBuckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}

var outcomes = map[error]string{nil: "admitted", ErrDrained: "drained", ErrProbeFailing: "probe_failing",
	ErrBreakerOpen: "breaker_open", ErrRamping: "ramping", ErrBusy: "busy", ErrThrottled: "throttled", ErrReconcile: "reconcile"}

// newMetrics makes every series exist from the start; gauges are read at scrape,
// because a breaker moves from open to half-open only when somebody asks.
func newMetrics(b *Board) *metrics {
	m := &metrics{
		admits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_health_admits_total",
			Help: "Calls admitted or refused, by gateway, operation and outcome."}, []string{"gateway", "op", "outcome"}),
		probes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_health_probes_total",
			Help: "Read-only probes by result."}, []string{"gateway", "result"}),
		failover: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "payrouter_failover_seconds", Buckets: failoverBuckets,
			Help: "From the first fault of a gateway's outage to the first payment that was served elsewhere because of it: once for each outage, as this process saw it."}, []string{"gateway"}),
	}
	for _, name := range b.names {
		for _, op := range Ops() {
			for _, outcome := range outcomes {
				m.admits.WithLabelValues(name, string(op), outcome)
			}
		}
		for _, s := range Signals() {
			m.probes.WithLabelValues(name, s.String())
		}
		m.failover.WithLabelValues(name)
	}
	if r := b.options.Registerer; r != nil {
		r.MustRegister(m.admits, m.probes, m.failover, collector{b})
	}
	return m
}

func (m *metrics) admitted(gateway string, op Op, err error) {
	for known, outcome := range outcomes {
		if errors.Is(err, known) && (known != nil || err == nil) {
			m.admits.WithLabelValues(gateway, string(op), outcome).Inc()
			return
		}
	}
}

type collector struct{ board *Board }

var (
	stateDesc = prometheus.NewDesc("payrouter_health_breaker_state",
		"1 for the state a breaker is in, 0 for the others.", []string{"gateway", "op", "state"}, nil)
	shareDesc = prometheus.NewDesc("payrouter_health_admission_share_percent",
		"Share of new payments the gateway is admitted to, 0 when it is out.", []string{"gateway"}, nil)
	overrideDesc = prometheus.NewDesc("payrouter_health_override_active",
		"1 while an operator's order of the mode is in force.", []string{"gateway", "mode"}, nil)
	overrideEndDesc = prometheus.NewDesc("payrouter_health_override_end_timestamp_seconds",
		"When the order in force ends, 0 without one.", []string{"gateway"}, nil)
	egressDesc = prometheus.NewDesc("payrouter_health_egress_down",
		"1 while no gateway at all can be reached: our own way out is down.", nil, nil)
	flyingDesc = prometheus.NewDesc("payrouter_health_in_flight",
		"Charges and offers on their way.", []string{"gateway"}, nil)
)

// Describe sends the descriptors of the gauges.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{stateDesc, shareDesc, overrideDesc, overrideEndDesc, flyingDesc, egressDesc} {
		out <- d
	}
}

// Collect reads the gauges.
func (c collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	is := func(yes bool) float64 {
		if yes {
			return 1
		}
		return 0
	}
	gauge(egressDesc, is(c.board.EgressDown()))
	for _, h := range c.board.Snapshot() {
		for _, op := range Ops() {
			for _, state := range []string{"closed", "half_open", "open"} {
				gauge(stateDesc, is(h.Breakers[op] == state), h.Gateway, string(op), state)
			}
		}
		gauge(shareDesc, float64(h.Share), h.Gateway)
		end := time.Unix(0, 0)
		for _, mode := range Modes() {
			active := h.Override != nil && h.Override.Mode == mode
			gauge(overrideDesc, is(active), h.Gateway, string(mode))
			if active {
				end = h.Override.End
			}
		}
		gauge(overrideEndDesc, float64(end.Unix()), h.Gateway)
		gauge(flyingDesc, float64(h.Flying), h.Gateway)
	}
}
