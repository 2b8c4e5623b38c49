package server

import (
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// metrics count calls: grpc_server_* by method and code, and beside it the reasons,
// since one code stands for many.
type metrics struct {
	calls  *grpcprom.ServerMetrics
	errors *prometheus.CounterVec
	over   *prometheus.CounterVec
}

// The bounds that refuse besides seats, as the label cause names them.
const (
	causeStore     = "store"     // one waits too long for it
	causeDeadline  = "deadline"  // one waits for the store longer than the caller would
	causeUndecided = "undecided" // at every gateway
)

// latencyBuckets reach from an answer out of memory to a charge at its time-out.
var latencyBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40}

func newMetrics(r prometheus.Registerer, all map[kind]seats) *metrics {
	m := &metrics{
		calls: grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram(grpcprom.WithHistogramBuckets(latencyBuckets))),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_api_errors_total",
			Help: "Calls answered with an error, by the reason in its ErrorInfo."}, []string{"reason"}),
	}
	m.over = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_overload_refusals_total",
		Help: "Calls and notices not taken on because there was too much to do, by the bound that was reached."}, []string{"cause"})
	for reason := range reasonCodes {
		m.errors.WithLabelValues(reasonText(reason))
	}
	for _, cause := range []string{causeStore, causeDeadline, causeUndecided, overCalls.name, overStreams.name} {
		m.over.WithLabelValues(cause)
	}
	if r != nil {
		r.MustRegister(m.calls, m.errors, m.over)
	}
	for k, s := range all {
		m.over.WithLabelValues(string(k))
		if r != nil {
			r.MustRegister(seatGauges(k, s)...)
		}
	}
	return m
}

// seatGauges show how many seats of a kind there are, and how many are taken.
func seatGauges(k kind, s seats) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"kind": string(k)}}, value)
	}
	return []prometheus.Collector{
		gauge("payrouter_seats", "Calls and notices of the kind that may be in progress at once.", func() float64 { return float64(cap(s)) }),
		gauge("payrouter_seats_taken", "Calls and notices of the kind in progress, those included whose callers have gone.", func() float64 { return float64(len(s)) }),
	}
}

// overloaded counts a refusal by the bound that is its cause.
func (m *metrics) overloaded(cause string) { m.over.WithLabelValues(cause).Inc() }

func (m *metrics) refused(r pb.ErrorReason) {
	if _, known := reasonCodes[r]; known {
		m.errors.WithLabelValues(reasonText(r)).Inc()
	}
}
