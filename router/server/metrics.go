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
}

// latencyBuckets reach from an answer out of memory to a charge at its time-out.
var latencyBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		calls: grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram(grpcprom.WithHistogramBuckets(latencyBuckets))),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_api_errors_total",
			Help: "Calls answered with an error, by the reason in its ErrorInfo."}, []string{"reason"}),
	}
	for reason := range reasonCodes {
		m.errors.WithLabelValues(reasonText(reason))
	}
	if r != nil {
		r.MustRegister(m.calls, m.errors)
	}
	return m
}

func (m *metrics) refused(r pb.ErrorReason) {
	if _, known := reasonCodes[r]; known {
		m.errors.WithLabelValues(reasonText(r)).Inc()
	}
}
