// Package collector is an OpenTelemetry collector for tests: it takes spans by OTLP over
// gRPC, keeps them, and can refuse or fall silent. What ships imports it nowhere.
package collector

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Span is one span as it arrived.
type Span struct {
	Trace, ID, Parent string // hex; Parent is empty at a root
	Name              string
	Kind              string // internal, server or client
	Failed            bool
	Attributes        map[string]string
	Began, Ended      time.Time
}

// Collector keeps what it is sent. It is safe for concurrent use.
type Collector struct {
	otlp.UnimplementedTraceServiceServer
	server *grpc.Server

	mu     sync.Mutex
	spans  []Span
	said   strings.Builder
	batch  int
	refuse error
	silent bool
}

// New makes a Collector that takes everything.
func New() *Collector {
	c := &Collector{server: grpc.NewServer()}
	otlp.RegisterTraceServiceServer(c.server, c)
	return c
}

// Serve takes spans on a listener until Stop.
func (c *Collector) Serve(l net.Listener) error {
	if err := c.server.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// Stop closes the listeners and all connections.
func (c *Collector) Stop() { c.server.Stop() }

// Refuse answers every batch with an error from now on; nil takes them again.
func (c *Collector) Refuse(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = err
}

// FallSilent takes batches from now on and answers none of them.
func (c *Collector) FallSilent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = true
}

// Export is what the house calls.
func (c *Collector) Export(ctx context.Context, r *otlp.ExportTraceServiceRequest) (*otlp.ExportTraceServiceResponse, error) {
	silent, refuse := c.take(ctx, r)
	if silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &otlp.ExportTraceServiceResponse{}, refuse
}

func (c *Collector) take(ctx context.Context, r *otlp.ExportTraceServiceRequest) (silent bool, refuse error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batch++
	if c.refuse != nil || c.silent {
		return c.silent, c.refuse
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	fmt.Fprintln(&c.said, map[string][]string(sent), r.String()) // a metadata.MD hides values from print
	for _, of := range r.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, read(s))
			}
		}
	}
	return false, nil
}

func read(s *wire.Span) Span {
	kinds := map[wire.Span_SpanKind]string{wire.Span_SPAN_KIND_INTERNAL: "internal", wire.Span_SPAN_KIND_SERVER: "server", wire.Span_SPAN_KIND_CLIENT: "client"}
	return Span{Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Name: s.GetName(), Kind: kinds[s.GetKind()], Failed: s.GetStatus().GetCode() == wire.Status_STATUS_CODE_ERROR, Attributes: texts(s.GetAttributes()),
		Began: time.Unix(0, int64(s.GetStartTimeUnixNano())), Ended: time.Unix(0, int64(s.GetEndTimeUnixNano()))}
}

func texts(all []*common.KeyValue) map[string]string {
	read := map[string]string{}
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			read[a.GetKey()] = v.StringValue
		default:
			read[a.GetKey()] = strings.TrimPrefix(a.GetValue().String(), "int_value:")
		}
	}
	return read
}

// Spans are those that arrived, in the order in which they began.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.spans)
	slices.SortStableFunc(all, func(a, b Span) int { return a.Began.Compare(b.Began) })
	return all
}

// Said is every batch, whole, with the headers that it came with.
func (c *Collector) Said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

// Batches counts what was sent, taken or not.
func (c *Collector) Batches() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batch
}

// Tree writes a trace for people: one line a span, below its parent, with its attributes.
// What differs from run to run is left to the caller.
func Tree(all []Span, trace string) string {
	var text strings.Builder
	known := map[string]bool{}
	for _, s := range all {
		known[s.ID] = true
	}
	var write func(parent string, depth int)
	write = func(parent string, depth int) {
		for _, s := range all {
			root := parent == "" && !known[s.Parent]
			if s.Trace != trace || !root && (s.Parent != parent || parent == "") {
				continue
			}
			text.WriteString(strings.Repeat("  ", depth) + s.Name)
			for _, key := range slices.Sorted(maps.Keys(s.Attributes)) {
				fmt.Fprintf(&text, " %s=%s", key, s.Attributes[key])
			}
			if s.Failed {
				text.WriteString(" FAILED")
			}
			text.WriteString("\n")
			write(s.ID, depth+1)
		}
	}
	write("", 0)
	return text.String()
}
