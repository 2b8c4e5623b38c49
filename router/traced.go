package router

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/payment"
)

// The outcomes of an attempt, a look-up or an operation in a trace. What was planned and
// has no other was cut off by the end of the process.
const (
	spanNotPlanned  = "not_planned"  // nothing was sent: it was somebody else's, or the books did not take it
	spanRecorded    = "recorded"     // what the gateway said stands in the books
	spanNotRecorded = "not_recorded" // it does not, and has to be asked for again
)

func recordedAs(err error) string {
	if err != nil {
		return spanNotRecorded
	}
	return spanRecorded
}

// askSpan begins the span of a look-up.
func (r *Router) askSpan(ctx context.Context, p payment.Payment, a payment.Attempt) (context.Context, spans.Span) {
	ctx, span := spans.Start(ctx, "lookup")
	span.Payment(p.ID)
	span.Gateway(a.Gateway)
	span.Attempt(a.N, "status")
	return ctx, span
}

// timed puts a duration into a histogram, with the trace as its example where one is kept.
func timed(ctx context.Context, seconds prometheus.Observer, took time.Duration) {
	if kept := spans.TraceID(ctx); kept != "" {
		if exemplar, ok := seconds.(prometheus.ExemplarObserver); ok {
			exemplar.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": kept})
			return
		}
	}
	seconds.Observe(took.Seconds())
}
