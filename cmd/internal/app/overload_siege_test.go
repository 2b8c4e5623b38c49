//go:build unix

package app_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/payrouter/payrouter/cmd/internal/app"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

const (
	crowd   = 2000            // callers at once
	siege   = 6 * time.Second // how long they keep coming back
	settles = 20              // of the refused, who come again when it is over
)

// visit is one caller's story: its request, what became of it in the end, and how long
// each refusal took.
type visit struct {
	request  *pb.CreatePaymentRequest
	payment  *pb.Payment
	err      error // the last one
	refusals []time.Duration
	reasons  []string
}

// keepComing makes the call until it is granted or the siege is over, and honours the
// delays.
func (v *visit) keepComing(t *testing.T, payments pb.PaymentsClient, end time.Time) {
	for time.Now().Before(end) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		began := time.Now()
		v.payment, v.err = payments.CreatePayment(ctx, v.request)
		took := time.Since(began)
		cancel()
		if v.err == nil {
			return
		}
		v.refusals = append(v.refusals, took)
		delay := time.Duration(0)
		for _, detail := range status.Convert(v.err).Details() {
			switch detail := detail.(type) {
			case *errdetails.RetryInfo:
				delay = detail.GetRetryDelay().AsDuration()
			case *errdetails.ErrorInfo:
				v.reasons = append(v.reasons, detail.GetReason())
			}
		}
		if code := status.Code(v.err); code != codes.ResourceExhausted && code != codes.Unavailable || delay < time.Second {
			t.Errorf("refused with a delay of %s: %v", delay, v.err)
			return
		}
		time.Sleep(min(delay, time.Until(end)))
	}
}

// besieged is the service of a world, in this process, so that its memory can be measured.
type besieged struct {
	*world
	service  *app.App
	payments pb.PaymentsClient
	client   *grpc.ClientConn
	stop     func()
}

func (w *world) besieged(t *testing.T) *besieged {
	t.Helper()
	t.Setenv(childStore, w.url)
	c, err := app.Load(w.config)
	w.must(err)
	c.GRPC.CallsPerSecond = 1 << 20 // the crowd has no names, and this is about seats
	service, err := app.New(t.Context(), c, app.Options{Version: "test"})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	b := &besieged{world: w, service: service}
	b.stop = sync.OnceFunc(func() {
		cancel()
		w.must(<-done)
	})
	t.Cleanup(b.stop)
	b.connect()
	return b
}

func (b *besieged) connect() {
	b.t.Helper()
	var err error
	b.client, err = grpc.NewClient(b.service.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	b.must(err)
	b.payments = pb.NewPaymentsClient(b.client)
}

// weigh is the process's heap and goroutines, with the garbage taken out.
func weigh() (heap uint64, goroutines int) {
	runtime.GC()
	runtime.GC() // what finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}

// every does something at a pace until ctx ends, and returns how long each time took.
func every(ctx context.Context, pace time.Duration, do func()) []time.Duration {
	var took []time.Duration
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return took
		case <-tick.C:
			began := time.Now()
			do()
			took = append(took, time.Since(began))
		}
	}
}

// sendForged sends a notice that is to be stored, read and refused. It reports whether
// it was taken in.
func (b *besieged) sendForged(client *http.Client) bool {
	r, err := client.Post("http://"+b.service.WebhooksAddr()+"/webhooks/wayforpay-main/", "application/json", strings.NewReader(`{"merchantSignature":"forged"}`))
	if err != nil {
		b.t.Errorf("a notice is not answered: %v", err)
		return false
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return r.StatusCode < 500
}

// lookGap watches a payment's look-ups until ctx ends and returns the longest time
// without one.
func (b *besieged) lookGap(ctx context.Context, p *pb.Payment) time.Duration {
	reference := p.GetAttempts()[0].GetReference()
	seen, last, longest := b.bank.Ledger().Count("kaspi", sim.OpStatus, reference), time.Now(), time.Duration(0)
	every(ctx, 50*time.Millisecond, func() {
		longest = max(longest, time.Since(last))
		if n := b.bank.Ledger().Count("kaspi", sim.OpStatus, reference); n > seen {
			seen, last = n, time.Now()
		}
	})
	return longest
}

// raced reports whether the race detector is at work. It makes everything so slow that
// times say nothing; all else holds.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// atMost fails the test when something took longer than it may.
func (b *besieged) atMost(limit, took time.Duration, what string) {
	b.t.Helper()
	if took > limit && !raced() {
		b.t.Errorf("%s %s", took, what)
	}
}

// slowest is the time that the given share of all stayed below.
func slowest(times []time.Duration, share float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(share*float64(len(times))))]
}
