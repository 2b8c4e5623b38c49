//go:build unix

package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/cmd/internal/traces/collector"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// BenchmarkChargesAndTraces is one payment from the caller to a simulated gateway and back,
// three commits to SQLite among it, by the share of traces that are kept in 10,000. The
// collector shares the processor, and takes nothing.
func BenchmarkChargesAndTraces(b *testing.B) {
	for _, c := range []struct {
		name  string
		share int
	}{{"off", 0}, {"share=100", 100}, {"share=10000", 10_000}} {
		b.Run(c.name, func(b *testing.B) { benchCharges(b, c.share) })
	}
}

func benchCharges(b *testing.B, share int) {
	c, err := app.Parse([]byte(strings.NewReplacer("{books}", filepath.Join(b.TempDir(), "books.db"), "LIMIT", "10s").Replace(everyGateway)))
	if err != nil {
		b.Fatal(err)
	}
	c.Terms.Ladder = []time.Duration{time.Hour}
	if share > 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		nobody := collector.New()
		nobody.Refuse(errors.New("taken to nowhere"))
		go func() { _ = nobody.Serve(l) }()
		defer nobody.Stop()
		c.Traces = app.Traces{Endpoint: l.Addr().String(), Insecure: true, Share: share, Service: "payrouter"}
	}
	bank := everyBank(http.DefaultClient)
	defer bank.Close()
	service, err := app.New(b.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler), Dial: map[string]app.Dial{
		"wayforpay": func(ctx context.Context, _, _ string) (net.Conn, error) { return bank.Dial(ctx, "wayforpay") }}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	defer func() { stop(); <-done }()
	connection, err := grpc.NewClient(service.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer connection.Close()
	payments := pb.NewPaymentsClient(connection)
	b.ReportAllocs()
	began := processor(b)
	for b.Loop() {
		if _, err := payments.CreatePayment(ctx, &pb.CreatePaymentRequest{RequestId: uuid.NewString(), Methods: []pb.Method{pb.Method_METHOD_PAGE},
			Gateways: []string{"gateways/wayforpay"}, Amount: &pb.Money{MinorUnits: amount, CurrencyCode: "KZT"}}); err != nil {
			b.Fatal(err)
		}
	}
	// The processor's time tells more than the clock's on a machine that others share.
	b.ReportMetric(float64(processor(b)-began)/float64(b.N), "cpu-ns/op")
}

// processor is how long this process has run on it.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
