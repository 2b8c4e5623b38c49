package server

import (
	"context"
	"log/slog"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/payrouter/payrouter/providers/spans"
)

// traced is how calls are seen for traces: not at all where nobody asked for them.
func (s *Server) traced() []grpc.ServerOption {
	if s.options.Stats == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(s.options.Stats)}
}

// exemplars names the call's trace beside its duration, where one is kept.
var exemplars = grpcprom.WithExemplarFromContext(func(ctx context.Context) prometheus.Labels {
	if kept := spans.TraceID(ctx); kept != "" {
		return prometheus.Labels{"trace_id": kept}
	}
	return nil
})

// inTrace tells a call's span which payment it was about, and its log line which trace it
// is in. Payment is empty where there is none.
func inTrace(ctx context.Context, attrs []slog.Attr, payment string) []slog.Attr {
	spans.Of(ctx).Payment(payment)
	if kept := spans.TraceID(ctx); kept != "" {
		return append(attrs, slog.String("trace_id", kept))
	}
	return attrs
}
