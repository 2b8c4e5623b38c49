package traces

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/payrouter/payrouter/providers/spans"
)

const (
	most       = 2048            // spans that wait or are on their way; with their few attributes about 2 MB
	batch      = 512             // spans sent at once
	gather     = 2 * time.Second // how long the first of a batch waits for others
	patience   = 5 * time.Second // with a collector that does not answer, for each batch
	closeLimit = 2 * time.Second // for what is left when the process goes down
	mostText   = 256             // bytes of one value; our longest is the name of a method
)

// Whole is the share that keeps every trace.
const Whole = 10_000

// Options say where spans go. Endpoint, Share and Service are required.
type Options struct {
	Endpoint string      // host:port of a collector
	TLS      *tls.Config // nil means plaintext
	Share    int         // of 10,000 traces, how many are kept
	Service  string      // how the collector knows us
	Version  string      // ours
	Log      *slog.Logger
	// Registerer may be nil.
	Registerer prometheus.Registerer
	// Dial replaces the network, in tests.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Traces are the spans on their way to a collector. Nil Traces are off: they give no
// Tracer and no Stats, and there is nothing to close.
type Traces struct {
	provider   *sdk.TracerProvider
	connection *grpc.ClientConn
}

// Open makes what spans go through. It connects to nobody: the collector may come later.
func Open(o Options) (*Traces, error) {
	if o.Endpoint == "" || o.Service == "" || o.Share < 1 || o.Share > Whole {
		return nil, errors.New("traces: Endpoint, Service and a Share of 1 to 10000 are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	secured := insecure.NewCredentials()
	if o.TLS != nil {
		secured = credentials.NewTLS(o.TLS)
	}
	// The environment's proxy is for others, as at the gateways, and so is what a DNS server
	// says about how to call.
	settings := []grpc.DialOption{grpc.WithTransportCredentials(secured), grpc.WithNoProxy(), grpc.WithDisableServiceConfig()}
	target := o.Endpoint
	if o.Dial != nil {
		target = "passthrough:///" + o.Endpoint
		settings = append(settings, grpc.WithContextDialer(o.Dial))
	}
	connection, err := grpc.NewClient(target, settings...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	// What is given here by name is taken from no environment variable.
	client := otlptracegrpc.NewClient(otlptracegrpc.WithGRPCConn(connection), otlptracegrpc.WithHeaders(nil),
		otlptracegrpc.WithTimeout(patience), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: false}))
	exporter, err := otlptrace.New(context.Background(), client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("traces: %w", err), connection.Close())
	}
	out := &sender{exporter: exporter, resource: identity(o.Service, o.Version), count: newCounts(o.Registerer), log: o.Log}
	queue := sdk.NewBatchSpanProcessor(out, sdk.WithMaxQueueSize(most), sdk.WithMaxExportBatchSize(batch),
		sdk.WithBatchTimeout(gather), sdk.WithExportTimeout(patience))
	// No limit but these two is more than none: there are no events and no links.
	limits := sdk.SpanLimits{AttributeValueLengthLimit: mostText, AttributeCountLimit: 32}
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(&gate{SpanProcessor: queue, sender: out}), sdk.WithSampler(sampler(o.Share)),
		sdk.WithResource(out.resource), sdk.WithRawSpanLimits(limits))
	return &Traces{provider: provider, connection: connection}, nil
}

// sampler keeps a share of all traces, by their ids, so that the calls of one trace are
// kept together. A caller's own decision counts only where it is not to keep.
func sampler(share int) sdk.Sampler {
	ours := sdk.TraceIDRatioBased(float64(share) / Whole)
	return sdk.ParentBased(ours, sdk.WithRemoteParentSampled(ours))
}

// Tracer begins traces that nobody called for; nil when traces are off.
func (t *Traces) Tracer() spans.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer("github.com/payrouter/payrouter")
}

// Close sends what waits, for two seconds at most, and drops the rest.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	limit, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = t.provider.Shutdown(limit) // what did not arrive is counted, and nobody else can help it
	_ = t.connection.Close()       // ends what still hangs
}
