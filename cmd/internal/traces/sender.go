package traces

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/status"

	"github.com/payrouter/payrouter/providers/spans"
)

// What became of spans, as the label outcome names it.
const (
	sent    = "sent"
	crowded = "crowded" // the queue was full
	failed  = "failed"  // the collector did not take them
)

func newCounts(r prometheus.Registerer) *prometheus.CounterVec {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_trace_spans_total",
		Help: "Spans of kept traces by what became of them: sent to the collector, or lost because the queue was full (crowded) or the collector did not take them (failed)."}, []string{"outcome"})
	for _, outcome := range []string{sent, crowded, failed} {
		count.WithLabelValues(outcome)
	}
	if r != nil {
		r.MustRegister(count)
	}
	return count
}

// gate lets a span into the queue while there is room, so that what is lost is counted:
// the queue behind it would drop without a word.
type gate struct {
	sdk.SpanProcessor
	sender *sender
}

// OnEnd never waits.
func (g *gate) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if g.sender.waiting.Add(1) > most {
		g.sender.waiting.Add(-1)
		g.sender.count.WithLabelValues(crowded).Inc()
		return
	}
	g.SpanProcessor.OnEnd(s)
}

// sender hands spans to the collector, and says of each no more than it may.
type sender struct {
	exporter sdk.SpanExporter
	resource *resource.Resource
	count    *prometheus.CounterVec
	log      *slog.Logger
	waiting  atomic.Int64 // spans in the queue or on their way
	told     time.Time    // when the log was last told of a failure; ExportSpans is called by one at a time
}

const tellEvery = time.Minute

// ExportSpans gives the queue no error: it is counted and told here. Of the collector's own
// words only the code is kept.
func (s *sender) ExportSpans(ctx context.Context, all []sdk.ReadOnlySpan) error {
	told := make([]sdk.ReadOnlySpan, len(all))
	for i, span := range all {
		told[i] = discreet{span, s.resource}
	}
	err := s.exporter.ExportSpans(ctx, told)
	s.waiting.Add(int64(-len(all)))
	if err == nil {
		s.count.WithLabelValues(sent).Add(float64(len(all)))
		return nil
	}
	s.count.WithLabelValues(failed).Add(float64(len(all)))
	if time.Since(s.told) >= tellEvery {
		s.told = time.Now()
		s.log.Warn("spans did not reach the collector and are lost; payments go on", "spans", len(all), "code", status.Code(err).String())
	}
	return nil
}

// Shutdown ends the exporter.
func (s *sender) Shutdown(ctx context.Context) error { return s.exporter.Shutdown(ctx) }

// identity is who sends: the name and the version, and nothing that the environment or the
// machine says.
func identity(service, version string) *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))
}

// discreet is a span of which only what may leave the house can be read.
type discreet struct {
	sdk.ReadOnlySpan
	resource *resource.Resource
}

// Attributes are those that package spans lists.
func (d discreet) Attributes() []attribute.KeyValue {
	var may []attribute.KeyValue
	for _, a := range d.ReadOnlySpan.Attributes() {
		if spans.May(a.Key) {
			may = append(may, a)
		}
	}
	return may
}

// SpanContext is without the tracestate, where a caller may have written anything.
func (d discreet) SpanContext() trace.SpanContext {
	return d.ReadOnlySpan.SpanContext().WithTraceState(trace.TraceState{})
}

// Parent is the same of the parent.
func (d discreet) Parent() trace.SpanContext {
	return d.ReadOnlySpan.Parent().WithTraceState(trace.TraceState{})
}

// Status is the code alone.
func (d discreet) Status() sdk.Status { return sdk.Status{Code: d.ReadOnlySpan.Status().Code} }

// Events are none: they would quote errors.
func (d discreet) Events() []sdk.Event { return nil }

// Links are none.
func (d discreet) Links() []sdk.Link { return nil }

// Resource is who we are by the configuration, and not by the environment.
func (d discreet) Resource() *resource.Resource { return d.resource }
