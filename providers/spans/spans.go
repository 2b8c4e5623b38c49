package spans

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/payrouter/payrouter/providers"
)

// Tracer begins traces. Who is given none (nil) begins none.
type Tracer = trace.Tracer

// Span is one piece of work in a trace. The zero Span is not recorded, and its methods do
// nothing.
type Span struct{ at trace.Span }

// Root begins a trace of its own, whatever ctx carries: work that nobody called for, or
// that a stranger did.
func Root(ctx context.Context, t Tracer, name string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.Start(ctx, name, trace.WithNewRoot())
	return ctx, recorded(s)
}

// Start begins a span below the one that ctx carries, if that one is recorded.
func Start(ctx context.Context, name string) (context.Context, Span) {
	return below(ctx, name, trace.SpanKindInternal)
}

// Call is Start for a request to another company.
func Call(ctx context.Context, name string) (context.Context, Span) {
	return below(ctx, name, trace.SpanKindClient)
}

// scope names the house to whoever reads the spans.
const scope = "github.com/payrouter/payrouter"

func below(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, s := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, recorded(s)
}

// Of is the span that ctx carries.
func Of(ctx context.Context) Span { return recorded(trace.SpanFromContext(ctx)) }

// TraceID names the trace that ctx belongs to, for a log line or an exemplar beside it.
// It is empty where nobody keeps the trace.
func TraceID(ctx context.Context) string {
	if at := trace.SpanContextFromContext(ctx); at.IsSampled() && !at.IsRemote() {
		return at.TraceID().String()
	}
	return ""
}

func recorded(s trace.Span) Span {
	if !s.IsRecording() {
		return Span{}
	}
	return Span{s}
}

// Recorded reports whether anybody will read the span.
func (s Span) Recorded() bool { return s.at != nil }

// End ends the span.
func (s Span) End() {
	if s.at != nil {
		s.at.End()
	}
}

// Payment says which payment the work was about, by our own id.
func (s Span) Payment(id string) {
	if s.at != nil && id != "" {
		s.at.SetAttributes(payment.String(id))
	}
}

// Gateway says which configured account the work was about.
func (s Span) Gateway(name string) {
	if s.at != nil && name != "" {
		s.at.SetAttributes(gateway.String(name))
	}
}

// Attempt says which of the payment's attempts it is, counted from 1, and what was done
// with it: charge, status, capture, void, withdraw or refund.
func (s Span) Attempt(n int, op string) {
	if s.at != nil {
		s.at.SetAttributes(attempt.Int(n), operation.String(op))
	}
}

// Verdict says what the gateway's answer proves. Nothing that is certain is an error of the
// span: a decline is an answer.
func (s Span) Verdict(v providers.Verdict, r providers.Reason) {
	if s.at == nil {
		return
	}
	s.at.SetAttributes(verdict.String(v.String()))
	if r != providers.NoReason {
		s.at.SetAttributes(reason.String(string(r)))
	}
	if v == providers.Unknown || v == providers.Unserved {
		s.Failed()
	}
}

// Outcome says what became of the work, in a word of a closed set.
func (s Span) Outcome(word string) {
	if s.at != nil && word != "" {
		s.at.SetAttributes(outcome.String(word))
	}
}

// HTTP says with whom and how an exchange went. Status 0 means that none came.
func (s Span) HTTP(method, host string, status int) {
	if s.at == nil {
		return
	}
	s.at.SetAttributes(httpMethod.String(method), address.String(host))
	if status > 0 {
		s.at.SetAttributes(httpStatus.Int(status))
	}
}

// Failed marks the span as one to look at, without a word why: errors quote.
func (s Span) Failed() {
	if s.at != nil {
		s.at.SetStatus(codes.Error, "")
	}
}

// The attributes that there are. What others wrote on a span of theirs, and is not among
// them, does not leave the house.
const (
	payment   = attribute.Key("payrouter.payment")
	gateway   = attribute.Key("payrouter.gateway")
	attempt   = attribute.Key("payrouter.attempt")
	operation = attribute.Key("payrouter.op")
	verdict   = attribute.Key("payrouter.verdict")
	reason    = attribute.Key("payrouter.reason")
	outcome   = attribute.Key("payrouter.outcome")

	httpMethod = attribute.Key("http.request.method")
	httpStatus = attribute.Key("http.response.status_code")
	address    = attribute.Key("server.address")

	rpcSystem = attribute.Key("rpc.system.name") // these three are written by otelgrpc
	rpcMethod = attribute.Key("rpc.method")
	rpcStatus = attribute.Key("rpc.response.status_code")
)

// May reports whether an attribute may leave the house.
func May(key attribute.Key) bool {
	switch key {
	case payment, gateway, attempt, operation, verdict, reason, outcome, httpMethod, httpStatus, address, rpcSystem, rpcMethod, rpcStatus:
		return true
	}
	return false
}
