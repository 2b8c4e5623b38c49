package traces

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	grpc_codes "google.golang.org/grpc/codes"

	"github.com/payrouter/payrouter/cmd/internal/traces/collector"
	_ "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
)

// post is a way for spans to a collector in memory.
type post struct {
	*Traces
	t         *testing.T
	collector *collector.Collector
	registry  *prometheus.Registry
	log       bytes.Buffer
}

// postOf opens the way. Call it inside the bubble, and close it there.
func postOf(t *testing.T, change func(*Options)) *post {
	t.Helper()
	p := &post{t: t, collector: collector.New(), registry: prometheus.NewRegistry()}
	line := bufconn.Listen(1 << 20)
	go func() { _ = p.collector.Serve(line) }()
	o := Options{Endpoint: "collector:4317", Share: Whole, Service: "payrouter", Version: "test", Registerer: p.registry,
		Log:  slog.New(slog.NewTextHandler(&p.log, nil)),
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return line.DialContext(ctx) }}
	if change != nil {
		change(&o)
	}
	var err error
	if p.Traces, err = Open(o); err != nil {
		t.Fatal(err)
	}
	return p
}

// end closes both ends.
func (p *post) end() {
	p.Close()
	p.collector.Stop()
}

// work makes so many spans.
func (p *post) work(n int) {
	for range n {
		_, span := spans.Root(p.t.Context(), p.Tracer(), "work")
		span.End()
	}
}

// lost is a count by outcome.
func (p *post) lost(outcome string) float64 {
	p.t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == outcome {
			return m.GetCounter().GetValue()
		}
	}
	p.t.Fatalf("nothing is counted as %s", outcome)
	return 0
}

func TestSpansArriveSoonAndTheRestWhenTheProcessGoesDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := postOf(t, nil)
		p.work(3)
		time.Sleep(gather + time.Second)
		synctest.Wait()
		if n := len(p.collector.Spans()); n != 3 {
			t.Errorf("%d spans arrived of 3", n)
		}
		p.work(2)
		p.end()
		if n := len(p.collector.Spans()); n != 5 || p.lost(sent) != 5 || p.lost(failed)+p.lost(crowded) != 0 {
			t.Errorf("%d spans arrived of 5", n)
		}
	})
}

// Payments go on, and it is known how much is lost.
func TestASilentCollectorHoldsUpNobodyAndWhatIsLostIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := postOf(t, nil)
		p.collector.FallSilent()
		began := time.Now()
		p.work(most + 1000)
		if took := time.Since(began); took != 0 {
			t.Errorf("work waited %v for the collector", took)
		}
		if n := p.lost(crowded); n != 1000 {
			t.Errorf("%v spans found no room, and 1000 had none", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := p.lost(failed); n != most || p.lost(sent) != 0 {
			t.Errorf("%v spans of %d did not arrive", n, most)
		}
		p.work(10) // there is room again
		began = time.Now()
		p.end()
		if took := time.Since(began); took > closeLimit || p.lost(crowded) != 1000 {
			t.Errorf("going down took %v", took)
		}
		synctest.Wait() // and the bubble fails if anybody is left
	})
}

func TestAFailingCollectorIsToldOfOnceAMinuteWithoutItsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := postOf(t, nil)
		p.collector.Refuse(status.Error(grpc_codes.ResourceExhausted, "no such payer: Kanareika"))
		for range 50 {
			p.work(1)
			time.Sleep(gather + time.Second)
		}
		lines := strings.Count(p.log.String(), "spans did not reach the collector")
		if lines < 2 || lines > 3 || !strings.Contains(p.log.String(), "code=ResourceExhausted") || strings.Contains(p.log.String(), "Kanareika") {
			t.Errorf("in 150 s the log says %s", p.log.String())
		}
		if p.collector.Batches() != 50 || p.lost(failed) != 50 {
			t.Errorf("%d batches of 50 were sent: what is refused is not sent again", p.collector.Batches())
		}
		p.collector.Refuse(nil)
		p.work(1)
		p.end()
		if p.lost(sent) != 1 {
			t.Error("the collector takes spans again, and gets none")
		}
	})
}

func TestACollectorThatIsNotThereHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := postOf(t, func(o *Options) {
			o.Dial = func(ctx context.Context, _ string) (net.Conn, error) { return nil, errors.New("nobody is there") }
		})
		p.work(10)
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.lost(failed) != 10 {
			t.Errorf("%v spans of 10 are lost", p.lost(failed))
		}
		p.work(10)
		began := time.Now()
		p.end()
		if took := time.Since(began); took > closeLimit {
			t.Errorf("going down took %v", took)
		}
	})
}

// Whoever writes on a span, and be it a library: only what is listed leaves.
func TestOnlyWhatIsListedLeavesTheHouse(t *testing.T) {
	const secret = "kanareika"
	synctest.Test(t, func(t *testing.T) {
		p := postOf(t, nil)
		state, err := trace.ParseTraceState("vendor=" + secret)
		if err != nil {
			t.Fatal(err)
		}
		caller := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
		ctx, loud := p.Tracer().Start(trace.ContextWithRemoteSpanContext(t.Context(), caller), "call", trace.WithAttributes(attribute.String("url.full", "https://bank/pay?phone="+secret)),
			trace.WithLinks(trace.Link{SpanContext: caller, Attributes: []attribute.KeyValue{attribute.String("note", secret)}}))
		loud.RecordError(errors.New("no such payer: " + secret))
		loud.AddEvent(secret)
		span := spans.Of(ctx)
		span.Payment("0198c0de")
		span.Verdict(providers.Unknown, providers.Timeout)
		loud.SetStatus(codes.Error, "no such payer: "+secret)
		loud.End()
		p.end()
		if said := p.collector.Said(); strings.Contains(said, secret) {
			t.Errorf("the collector was told %s", said)
		}
		got := p.collector.Spans()
		if len(got) != 1 || !got[0].Failed || len(got[0].Attributes) != 3 || got[0].Attributes["payrouter.payment"] != "0198c0de" {
			t.Errorf("the collector was told %+v", got)
		}
	})
}

// Of what a caller keeps we keep our share, of what it does not keep nothing: who asks for
// everything costs no more than others.
func TestACallerCanKeepFewerTracesAndNotMore(t *testing.T) {
	ours, others := trace.TraceID{}, trace.TraceID{}
	for i := range others {
		others[i] = 0xfe
	}
	ours[15] = 1
	for _, c := range []struct {
		what    string
		id      trace.TraceID
		caller  bool
		sampled trace.TraceFlags
		want    sdk.SamplingDecision
	}{
		{"of our share, nobody's", ours, false, 0, sdk.RecordAndSample},
		{"not of our share, nobody's", others, false, 0, sdk.Drop},
		{"of our share, kept by its caller", ours, true, trace.FlagsSampled, sdk.RecordAndSample},
		{"not of our share, kept by its caller", others, true, trace.FlagsSampled, sdk.Drop},
		{"of our share, not kept by its caller", ours, true, 0, sdk.Drop},
	} {
		parent := t.Context()
		if c.caller {
			parent = trace.ContextWithRemoteSpanContext(parent, trace.NewSpanContext(trace.SpanContextConfig{TraceID: c.id, SpanID: trace.SpanID{1}, TraceFlags: c.sampled, Remote: true}))
		}
		if got := sampler(100).ShouldSample(sdk.SamplingParameters{ParentContext: parent, TraceID: c.id}).Decision; got != c.want {
			t.Errorf("a trace %s: %v, want %v", c.what, got, c.want)
		}
	}
}

// Where data goes stands in the file. What the environment says of it changes nothing.
func TestTheEnvironmentOfOpenTelemetryIsNotRead(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://stranger:4317", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://stranger:4317", "OTEL_EXPORTER_OTLP_HEADERS": "stranger=1",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "stranger=1", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/stranger",
		"OTEL_SERVICE_NAME": "stranger", "OTEL_RESOURCE_ATTRIBUTES": "stranger=1", "OTEL_TRACES_SAMPLER": "always_off", "OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_SCHEDULE_DELAY": "1",
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1", "OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none", "HTTPS_PROXY": "http://stranger:1",
	} {
		t.Setenv(name, value)
	}
	synctest.Test(t, func(t *testing.T) {
		p := postOf(t, nil)
		_, span := spans.Root(t.Context(), p.Tracer(), "work")
		span.Payment("0198c0de")
		span.End()
		p.work(9)
		time.Sleep(gather / 2)
		synctest.Wait()
		if p.collector.Batches() != 0 {
			t.Error("spans were sent as soon as the environment says")
		}
		p.end()
		got := p.collector.Spans()
		if len(got) != 10 || got[0].Attributes["payrouter.payment"] != "0198c0de" {
			t.Fatalf("the collector was told %+v", got)
		}
		if said := p.collector.Said(); strings.Contains(said, "stranger") || !strings.Contains(said, "payrouter") {
			t.Errorf("the collector was told %s", said)
		}
	})
}

// A name that its caller invented would be text of the caller's in a trace.
func TestOnlyCallsOfOurOwnMethodsAreTraced(t *testing.T) {
	for method, want := range map[string]bool{
		"/payrouter.v1.Payments/CreatePayment": true, "/payrouter.v1.Operations/ListGateways": true,
		"/payrouter.v1.Payments/+77015550199": false, "/payrouter.v1.Payments": false, "/payrouter.v1.Payment/order_id": false, "/payrouter.v1.CreatePaymentRequest/": false,
		"/grpc.health.v1.Health/Check": false, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": false, "": false, "/": false, "kanareika": false,
	} {
		if got := ours(&stats.RPCTagInfo{FullMethodName: method}); got != want {
			t.Errorf("%q is traced: %t", method, got)
		}
	}
}

func TestTracesThatAreOffAreNothing(t *testing.T) {
	var off *Traces
	if off.Tracer() != nil || off.Stats() != nil {
		t.Error("something is made although nobody asked for traces")
	}
	off.Close()
}

func TestOpenRefusesWhatItCannotDo(t *testing.T) {
	for _, o := range []Options{{}, {Endpoint: "c:1", Service: "s"}, {Endpoint: "c:1", Service: "s", Share: Whole + 1}, {Endpoint: "c:1", Share: 1}} {
		if _, err := Open(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
