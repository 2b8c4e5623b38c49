package traces

import (
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Stats makes the span of each call, below the caller's own where the caller says one; nil
// when traces are off. Of what a caller sends along only the ids are read, no baggage.
func (t *Traces) Stats() stats.Handler {
	if t == nil {
		return nil
	}
	return otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(t.provider), otelgrpc.WithMeterProvider(noop.NewMeterProvider()),
		otelgrpc.WithPropagators(propagation.TraceContext{}), otelgrpc.WithFilter(ours))
}

// ours reports whether a call is of a method of ours. Health checks and reflection would
// drown the rest, and the name of a method that there is not is whatever its caller wrote.
func ours(info *stats.RPCTagInfo) bool {
	service, method, _ := strings.Cut(strings.TrimPrefix(info.FullMethodName, "/"), "/")
	if !strings.HasPrefix(service, "payrouter.") {
		return false
	}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		return false
	}
	_, is := found.(protoreflect.MethodDescriptor)
	return is
}
