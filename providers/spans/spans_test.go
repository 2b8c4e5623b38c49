package spans

import (
	"context"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/payrouter/payrouter/providers"
)

// once is all that the house does with spans on the way of one charge.
func once(ctx context.Context, t Tracer) {
	ctx, root := Root(ctx, t, "due")
	ctx, span := Start(ctx, "attempt")
	span.Payment("0198c0de-0000-7000-8000-000000000000")
	span.Gateway("kaspi")
	span.Attempt(1, "charge")
	_, call := Call(ctx, "POST")
	if call.Recorded() {
		call.HTTP("POST", "bank", 200)
	}
	call.Outcome("answered")
	call.End()
	span.Verdict(providers.Unknown, providers.Timeout)
	span.Outcome("recorded")
	_ = TraceID(ctx)
	span.End()
	root.End()
}

func TestSpansThatNobodyKeepsCostNoMemory(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, 1)
	if n := testing.AllocsPerRun(100, func() { once(ctx, nil) }); n != 0 {
		t.Errorf("%v allocations although traces are off", n)
	}
}

// kept is everything that was recorded.
func kept(t *testing.T, share sdk.Sampler) (Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder), sdk.WithSampler(share))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider.Tracer("test"), recorder
}

func TestATraceThatIsNotKeptHasNoSpansBelow(t *testing.T) {
	tracer, recorder := kept(t, sdk.NeverSample())
	once(t.Context(), tracer)
	if n := len(recorder.Started()); n != 0 {
		t.Errorf("%d spans were begun", n)
	}
}

func TestSpansStandBelowEachOtherAndSayOnlyWhatIsListed(t *testing.T) {
	tracer, recorder := kept(t, sdk.AlwaysSample())
	once(t.Context(), tracer)
	ended := recorder.Ended()
	if len(ended) != 3 || ended[0].Name() != "POST" || ended[1].Name() != "attempt" || ended[2].Name() != "due" {
		t.Fatalf("%d spans ended", len(ended))
	}
	if ended[0].Parent().SpanID() != ended[1].SpanContext().SpanID() || ended[1].Parent().SpanID() != ended[2].SpanContext().SpanID() || ended[2].Parent().IsValid() {
		t.Error("the spans do not stand below each other")
	}
	if ended[0].SpanKind() != trace.SpanKindClient || ended[1].Status().Description != "" || len(ended[1].Attributes()) != 7 {
		t.Errorf("the attempt says %v", ended[1].Attributes())
	}
	for _, s := range ended {
		for _, a := range s.Attributes() {
			if !May(a.Key) {
				t.Errorf("%s says %s, which does not leave the house", s.Name(), a.Key)
			}
		}
	}
}

// What a stranger called for is no part of the stranger's trace, nor of one of ours.
func TestARootIsNobodysChild(t *testing.T) {
	tracer, recorder := kept(t, sdk.AlwaysSample())
	ctx, outer := tracer.Start(t.Context(), "call")
	_, root := Root(ctx, tracer, "notice")
	root.End()
	outer.End()
	if notice := recorder.Ended()[0]; notice.Parent().IsValid() || notice.SpanContext().TraceID() == outer.SpanContext().TraceID() {
		t.Error("a root stands below a call")
	}
}

// A trace that its caller keeps and we do not has no place in our log.
func TestATraceIsNamedOnlyWhereItIsKeptHere(t *testing.T) {
	caller := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), caller)
	if id := TraceID(ctx) + TraceID(t.Context()); id != "" {
		t.Errorf("it is named %s", id)
	}
	tracer, _ := kept(t, sdk.AlwaysSample())
	below, span := tracer.Start(ctx, "call")
	defer span.End()
	if TraceID(below) != caller.TraceID().String() {
		t.Error("a trace that is kept is not named")
	}
}

func BenchmarkSpansThatNobodyKeeps(b *testing.B) {
	type key struct{}
	ctx := context.Background()
	for i := range 10 { // as deep as a call's context is
		ctx = context.WithValue(ctx, key{}, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		once(ctx, nil)
	}
}
