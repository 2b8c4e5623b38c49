//go:build unix

package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/cmd/internal/traces/collector"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// collecting starts a collector on loopback.
func collecting(t *testing.T) (*collector.Collector, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := collector.New()
	done := make(chan error, 1)
	go func() { done <- c.Serve(l) }()
	t.Cleanup(func() {
		c.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c, l.Addr().String()
}

// tapped keeps what is written to a gateway, as it goes over the wire.
type tapped struct {
	net.Conn
	wire *wireText
}

type wireText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *wireText) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *wireText) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

func (t tapped) Write(p []byte) (int, error) {
	_, _ = t.wire.Write(p)
	return t.Conn.Write(p)
}

// failover is a service whose first gateway cannot be reached and whose second can.
type failover struct {
	service  *app.App
	payments pb.PaymentsClient
	log      wireText
	wire     wireText // to the second gateway
	stop     func()
}

// failingOver starts it; it sends its traces to endpoint.
func failingOver(t *testing.T, endpoint string) *failover {
	t.Helper()
	f := &failover{}
	bank := everyBank(http.DefaultClient)
	t.Cleanup(bank.Close)
	c := everyConfig(t, filepath.Join(t.TempDir(), "books.db"))
	c.Tenants = map[string]app.Tenant{"shop": {Rules: []app.Rule{{Gateway: "kaspi", Priority: 1}, {Gateway: "halyk", Priority: 2}}}}
	if endpoint != "" {
		c.Traces = app.Traces{Endpoint: endpoint, Insecure: true, Share: 10_000, Service: "payrouter"}
	}
	var err error
	f.service, err = app.New(t.Context(), c, app.Options{Version: "test", Log: slog.New(slog.NewJSONHandler(&f.log, nil)), Dial: map[string]app.Dial{
		"kaspi": func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") },
		"halyk": func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := bank.Dial(ctx, "halyk")
			return tapped{conn, &f.wire}, err
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(f.service.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	f.payments = pb.NewPaymentsClient(connection)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.service.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		_ = connection.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	t.Cleanup(f.stop)
	return f
}

// pay asks for one payment by QR, in the trace that a caller says.
func (f *failover) pay(t *testing.T, traceparent string) *pb.Payment {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	if traceparent != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent, "tracestate", "vendor=kanareika", "baggage", "user=kanareika")
	}
	p, err := f.payments.CreatePayment(ctx, &pb.CreatePaymentRequest{RequestId: uuid.NewString(), OrderId: "kanareika-" + uuid.NewString(), Methods: []pb.Method{pb.Method_METHOD_QR},
		Amount: &pb.Money{MinorUnits: amount, CurrencyCode: "KZT"}, Payer: person, Description: "Books"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// One payment that failed over, as its trace tells it. Names and attributes are what
// people's queries depend on.
func TestATraceTellsOfOnePaymentThatFailedOver(t *testing.T) {
	t.Parallel()
	c, endpoint := collecting(t)
	f := failingOver(t, endpoint)
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	p := f.pay(t, "00-"+trace+"-"+caller+"-01")
	metrics := openMetrics(t, f.service)
	f.stop()

	want := `payrouter.v1.Payments/CreatePayment payrouter.payment=ID rpc.method=payrouter.v1.Payments/CreatePayment rpc.response.status_code=OK rpc.system.name=grpc server.address=127.0.0.1
  attempt payrouter.attempt=1 payrouter.gateway=kaspi payrouter.op=charge payrouter.outcome=recorded payrouter.payment=ID payrouter.reason=not_sent payrouter.verdict=unserved FAILED
    store open
    POST http.request.method=POST payrouter.outcome=not_sent server.address=127.0.0.1 FAILED
    store advance
  attempt payrouter.attempt=2 payrouter.gateway=halyk payrouter.op=charge payrouter.outcome=recorded payrouter.payment=ID payrouter.reason=awaiting_payer payrouter.verdict=pending
    store take
    store advance
    POST http.request.method=POST http.response.status_code=200 payrouter.outcome=answered server.address=127.0.0.1
    POST http.request.method=POST http.response.status_code=200 payrouter.outcome=answered server.address=127.0.0.1
    store advance
`
	id := strings.Split(p.GetName(), "/")[1]
	all := c.Spans()
	if diff := cmp.Diff(want, strings.ReplaceAll(collector.Tree(all, trace), id, "ID")); diff != "" {
		t.Errorf("the trace tells something else (-want +got):\n%s", diff)
	}
	root := slices.IndexFunc(all, func(s collector.Span) bool { return s.Name == "payrouter.v1.Payments/CreatePayment" })
	if root < 0 || all[root].Parent != caller || all[root].Kind != "server" {
		t.Errorf("the call does not stand below its caller's span: %+v", all)
	}
	// The trace can be found from the log, and from a slow duration.
	if !regexp.MustCompile(`"msg":"call".*"payment":"` + id + `".*"trace_id":"` + trace + `"`).MatchString(f.log.String()) {
		t.Errorf("the log does not name the trace: %s", f.log.String())
	}
	for _, metric := range []string{`payrouter_gateway_call_seconds_bucket{gateway="halyk",op="charge"`, `grpc_server_handling_seconds_bucket{grpc_method="CreatePayment"`} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(metric) + `.*# \{trace_id="` + trace + `"\}`).MatchString(metrics) {
			t.Errorf("%s names no trace", metric)
		}
	}
	// Gateways are other companies, and learn nothing of it.
	if sent := strings.ToLower(f.wire.String()); !strings.Contains(sent, "post /") || regexp.MustCompile(`traceparent|tracestate|baggage|`+trace).MatchString(sent) {
		t.Errorf("the gateway was told of the trace: %s", f.wire.String())
	}
	for what, text := range map[string]string{"what the caller wrote beside the trace's id, and its order": "kanareika", "the payer": person.GetEmail()} {
		if strings.Contains(c.Said(), text) {
			t.Errorf("the collector was told %s", what)
		}
	}
}

// openMetrics scrapes as Prometheus does.
func openMetrics(t *testing.T, service *app.App) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+service.OpsAddr()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A notice and a due payment are traces of their own, whatever a stranger's header says.
func TestNoticesAndDuePaymentsAreTracesOfTheirOwn(t *testing.T) {
	t.Parallel()
	c, endpoint := collecting(t)
	f := failingOver(t, endpoint)
	const stranger = "deadbeefdeadbeefdeadbeefdeadbeef"
	f.pay(t, "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.service.WebhooksAddr()+"/webhooks/halyk", strings.NewReader("kanareika"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", "00-"+stranger+"-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	trees := func() (all string) {
		for _, s := range c.Spans() {
			if s.Parent == "" {
				all += collector.Tree(c.Spans(), s.Trace) + "\n"
			}
		}
		return all
	}
	// The ladder's first look is due after 100 ms, and spans travel every two seconds.
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(trees(), "\n  lookup ") && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	f.stop()
	all := trees()
	for _, want := range []string{`(?m)^notice payrouter.gateway=halyk payrouter.outcome=(forged|unreadable)$`,
		`(?m)^due payrouter.payment=\S+\n  lookup payrouter.attempt=2 payrouter.gateway=halyk payrouter.op=status payrouter.outcome=recorded payrouter.payment=\S+ .*payrouter.verdict=\w+.*\n(    (POST|GET) .*\n)+    store advance\n`} {
		if !regexp.MustCompile(want).MatchString(all) {
			t.Errorf("no trace is like %s: %s", want, all)
		}
	}
	if strings.Contains(all+c.Said(), stranger) || strings.Contains(c.Said(), "kanareika") {
		t.Error("a stranger's words came into a trace")
	}
}

// Whatever becomes of the collector, payments go on as without one, and nothing is left
// behind.
func TestPaymentsGoOnWhateverBecomesOfTheCollector(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	for name, endpoint := range map[string]string{"away": "127.0.0.1:1", "silent": deaf.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			f := failingOver(t, endpoint)
			for range 5 {
				if p := f.pay(t, ""); p.GetAction() == nil {
					t.Errorf("the payer has nothing to do: %v", p)
				}
			}
			began := time.Now()
			f.stop()
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("going down took %v", took)
			}
			http.DefaultClient.CloseIdleConnections()
			if err := goleak.Find(before, goleak.IgnoreAnyFunction("github.com/payrouter/payrouter/providers/sim.(*Bank).run")); err != nil && strings.Contains(err.Error(), "opentelemetry") {
				t.Error(err)
			}
		})
	}
}

// Off means that nobody is told, and that nothing is there to tell.
func TestWithoutAnEndpointThereAreNoTraces(t *testing.T) {
	t.Parallel()
	f := failingOver(t, "")
	f.pay(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	metrics := openMetrics(t, f.service)
	f.stop()
	if strings.Contains(f.log.String(), "trace_id") || strings.Contains(metrics, "trace_id") || strings.Contains(metrics, "payrouter_trace_spans_total") || strings.Contains(metrics, "# EOF") {
		t.Error("there are traces that nobody asked for")
	}
	var line struct{ Msg string }
	if err := json.Unmarshal([]byte(strings.SplitN(f.log.String(), "\n", 2)[0]), &line); err != nil || line.Msg == "" {
		t.Errorf("the log says nothing: %s", f.log.String())
	}
}
