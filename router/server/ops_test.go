package server

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

var update = flag.Bool("update", false, "write the golden files")

func (d *door) ask(path string) *recorder {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://ops"+path, nil)
	d.must(err)
	w := &recorder{header: http.Header{}}
	d.server.Ops().ServeHTTP(w, r)
	return w
}

func TestTheOpsPageLinksToWhatItServes(t *testing.T) {
	behind(t, func(d *door) {
		page := d.ask("/")
		for _, word := range []string{"payrouter v1.2.3", `href="/metrics"`, `href="/healthz"`, `href="/readyz"`} {
			if !strings.Contains(page.body.String(), word) {
				t.Errorf("the page does not say %s", word)
			}
		}
		for path, want := range map[string]int{"/": 200, "/metrics": 200, "/healthz": 200, "/readyz": 200, "/nowhere": 404} {
			if w := d.ask(path); w.code != want {
				t.Errorf("%s answers %d", path, w.code)
			}
		}
	})
}

func (d *door) serving(service string) grpc_health_v1.HealthCheckResponse_ServingStatus {
	d.t.Helper()
	answer, err := grpc_health_v1.NewHealthClient(d.conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{Service: service})
	d.must(err)
	return answer.GetStatus()
}

func TestServingFollowsTheStore(t *testing.T) {
	behind(t, func(d *door) {
		client := grpc_health_v1.NewHealthClient(d.conn)
		stream, err := client.Watch(context.Background(), &grpc_health_v1.HealthCheckRequest{})
		d.must(err)
		states := reader(stream)
		if first := <-states; first.message.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Fatalf("%v, error %v", first.message, first.err)
		}
		for _, service := range []string{"", "payrouter.v1.Payments", "payrouter.v1.Operations"} {
			if s := d.serving(service); s != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Errorf("%q: %s", service, s)
			}
		}
		if _, err := client.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{Service: "x"}); status.Code(err) != codes.NotFound {
			t.Errorf("error %v", err)
		}
		all, err := client.List(context.Background(), &grpc_health_v1.HealthListRequest{})
		if err != nil || len(all.GetStatuses()) != 3 {
			t.Errorf("%v, error %v", all, err)
		}
		began := time.Now()
		d.must(d.store.Close())
		if next := <-states; next.message.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING || next.at.Sub(began) > 2*time.Second {
			t.Fatalf("%v, error %v", next.message, next.err)
		}
		if d.serving("") != grpc_health_v1.HealthCheckResponse_NOT_SERVING || d.ask("/readyz").code != 503 || d.ask("/healthz").code != 200 {
			t.Error("without a store the process lives and is not ready")
		}
	})
}

// Whoever is called because a replica is not ready must not look for the trouble in the store.
func TestAServerWhoseClockIsWrongSaysThatItIsTheClock(t *testing.T) {
	ahead := atomic.Int64{}
	behind(t, func(d *door) {
		if w := d.ask("/readyz"); w.code != 200 {
			t.Fatalf("%d %s", w.code, w.body.String())
		}
		ahead.Store(int64(time.Hour))
		time.Sleep(3 * time.Second)
		if w := d.ask("/readyz"); w.code != 503 || !strings.Contains(w.body.String(), "clock") || strings.Contains(w.body.String(), "store") {
			t.Errorf("%d %s", w.code, w.body.String())
		}
	}, func(_ *Options, ro *router.Options) {
		ro.Clock = func(context.Context) (time.Time, error) { return time.Now().Add(time.Duration(ahead.Load())), nil }
	})
}

func TestADrainingServerIsNotReadyAndStillAnswers(t *testing.T) {
	behind(t, func(d *door) {
		stream, err := grpc_health_v1.NewHealthClient(d.conn).Watch(context.Background(), &grpc_health_v1.HealthCheckRequest{})
		d.must(err)
		states := reader(stream)
		<-states
		d.server.Drain()
		d.server.Drain() // twice is once
		if next := <-states; next.message.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
			t.Fatalf("%v, error %v", next.message, next.err)
		}
		if end := <-states; status.Code(end.err) != codes.Unavailable {
			t.Fatalf("error %v", end.err)
		}
		if w := d.ask("/readyz"); w.code != 503 || !strings.Contains(w.body.String(), "draining") {
			t.Errorf("%d %s", w.code, w.body.String())
		}
		if p := d.create(qr()); p.GetName() == "" {
			t.Error("calls that still come are answered")
		}
	})
}

// healthWatcher is told each state, and does something once it is told the first.
type healthWatcher struct {
	grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]
	first func()
	told  []grpc_health_v1.HealthCheckResponse_ServingStatus
}

func (w *healthWatcher) Context() context.Context { return context.Background() }

func (w *healthWatcher) Send(r *grpc_health_v1.HealthCheckResponse) error {
	if w.told = append(w.told, r.GetStatus()); len(w.told) == 1 {
		w.first()
	}
	return nil
}

func TestAWatcherIsToldOfADrainThatBeginsWhileItIsToldAllIsWell(t *testing.T) {
	behind(t, func(d *door) {
		w := &healthWatcher{first: d.server.Drain}
		err := (&serving{server: d.server}).Watch(&grpc_health_v1.HealthCheckRequest{}, w)
		if want := []grpc_health_v1.HealthCheckResponse_ServingStatus{grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING}; !slices.Equal(w.told, want) || status.Code(err) != codes.Unavailable {
			t.Errorf("told %v, error %v", w.told, err)
		}
	})
}

// Neither needs an identity, and either waits for its client: for the next question, and for the
// first.
func TestWhoeverSendsNothingDoesNotHoldUpTheDrain(t *testing.T) {
	for _, method := range []string{grpc_reflection_v1.ServerReflection_ServerReflectionInfo_FullMethodName, grpc_health_v1.Health_Watch_FullMethodName} {
		behind(t, func(d *door) {
			stream, err := d.conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
			d.must(err)
			time.Sleep(2 * slowAfter) // a person has all the time there is
			if n := len(d.server.seats[checks]); n != 1 {
				t.Fatalf("%d streams are open", n)
			}
			stopped := make(chan struct{})
			d.server.Drain()
			go func() { d.server.GRPC().GracefulStop(); close(stopped) }()
			select {
			case <-stopped:
			case <-time.After(time.Second):
				t.Errorf("%s holds it up", method)
			}
			d.refused(stream.RecvMsg(&grpc_health_v1.HealthCheckResponse{}), pb.ErrorReason_ERROR_REASON_RECONNECT)
		})
	}
}

func TestReflectionShowsTheServices(t *testing.T) {
	behind(t, func(d *door) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stream, err := grpc_reflection_v1.NewServerReflectionClient(d.conn).ServerReflectionInfo(ctx)
		d.must(err)
		d.must(stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}))
		answer, err := stream.Recv()
		d.must(err)
		var names []string
		for _, s := range answer.GetListServicesResponse().GetService() {
			names = append(names, s.GetName())
		}
		for _, want := range []string{"payrouter.v1.Payments", "payrouter.v1.Operations", "grpc.health.v1.Health"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s is not shown: %v", want, names)
			}
		}
		d.must(stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "payrouter.v1.Payments"}}))
		answer, err = stream.Recv()
		if err != nil || len(answer.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
			t.Fatalf("%v, error %v", answer, err)
		}
	})
}

// Dashboards and alerts depend on names, help texts and labels.
func TestMetricsAreNamedAsTheGoldenFileSaysAndAllStartAtZero(t *testing.T) {
	behind(t, func(d *door) {
		families, err := d.registry.Gather()
		d.must(err)
		var text strings.Builder
		for _, f := range families {
			var labels []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			text.WriteString(f.GetName() + "{" + strings.Join(labels, ",") + "} " + f.GetType().String() + " " + f.GetHelp() + "\n")
			if f.GetName() == "payrouter_api_errors_total" && len(f.GetMetric()) != len(reasonCodes) {
				t.Errorf("%d reasons are counted from the start, want %d", len(f.GetMetric()), len(reasonCodes))
			}
		}
		path := filepath.Join("testdata", "metrics.golden")
		if *update {
			d.must(os.WriteFile(path, []byte(text.String()), 0o644))
		}
		want, err := os.ReadFile(path)
		d.must(err)
		if text.String() != string(want) {
			t.Errorf("metrics are\n%s\nwant\n%s(refresh with -update)", text.String(), want)
		}
	})
}

func TestRefusedCallsAreCountedByReason(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.payments.GetPayment(context.Background(), &pb.GetPaymentRequest{Name: paymentName(newID())})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		metrics := d.ask("/metrics").body.String()
		for _, line := range []string{
			`payrouter_api_errors_total{reason="NOT_FOUND"} 1`, `payrouter_api_errors_total{reason="INTERNAL"} 0`,
			`grpc_server_handled_total{grpc_code="NotFound",grpc_method="GetPayment",grpc_service="payrouter.v1.Payments",grpc_type="unary"} 1`,
			`grpc_server_handled_total{grpc_code="OK",grpc_method="WatchChanges",grpc_service="payrouter.v1.Payments",grpc_type="server_stream"} 0`,
		} {
			if !strings.Contains(metrics, line+"\n") {
				t.Errorf("missing: %s", line)
			}
		}
	})
}

func TestAServerIsRefusedWithoutWhatItNeeds(t *testing.T) {
	behind(t, func(d *door) {
		good := Options{Router: d.router, Board: d.board, BodyKey: providers.NewSecret("k")}
		for name, change := range map[string]func(*Options){
			"a router":          func(o *Options) { o.Router = nil },
			"a board":           func(o *Options) { o.Board = nil },
			"a key":             func(o *Options) { o.BodyKey = providers.Secret{} },
			"a known tenant":    func(o *Options) { o.DefaultTenant = "nobody" },
			"a proxy's address": func(o *Options) { o.TrustedProxies = []string{"proxy.example"} },
		} {
			o := good
			change(&o)
			if _, err := New(o); err == nil {
				t.Errorf("made without %s", name)
			}
		}
		if s, err := New(good); err != nil || s.options.DefaultOperator != "local" {
			t.Errorf("error %v", err)
		}
	})
}

// The time to wait may be over before anybody asks.
func TestNothingIsCutOffWhereNothingWasInProgress(t *testing.T) {
	behind(t, func(d *door) {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		for range 100 {
			d.must(d.server.Wait(over))
		}
		release := make(chan struct{})
		d.server.working.Go(func() { <-release })
		if d.server.Wait(over) == nil {
			t.Error("what is in progress was cut off, and it does not say so")
		}
		close(release)
	})
}
