package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/identity"
)

func fewCalls(_ *identity.Options, o *Options) { o.CallsPerSecond, o.StreamsPerCaller = 5, 2 }

func TestACallerThatRunsWildIsToldToComeBackAndTheOthersAreServed(t *testing.T) {
	behindGate(t, []identity.Entry{checkout, aida}, func(g *guarded) {
		wild, calm := g.certified("checkout"), g.certified("aida")
		payments := pb.NewPaymentsClient(wild)
		for range 5 {
			_, err := payments.CreatePayment(context.Background(), qr())
			g.must(err)
		}
		before, charges := g.everything(), len(g.kaspi.charges())
		_, err := payments.CreatePayment(context.Background(), qr())
		g.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		_, err = payments.CreatePayment(g.bearing("checkout"), qr()) // by whichever proof, it is one caller
		g.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		if after := g.everything(); after != before || len(g.kaspi.charges()) != charges {
			t.Errorf("the books changed:\n%s", after)
		}
		if _, err := pb.NewPaymentsClient(calm).ListPayments(context.Background(), &pb.ListPaymentsRequest{}); err != nil {
			t.Errorf("another caller: %v", err)
		}
		for range 20 {
			if _, err := grpc_health_v1.NewHealthClient(wild).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
				t.Fatalf("a health check: %v", err)
			}
		}
		if metrics := g.ask("/metrics").body.String(); !strings.Contains(metrics, `payrouter_overload_refusals_total{cause="caller_calls"} 2`+"\n") {
			t.Error("the refusals are not counted")
		}
		time.Sleep(200 * time.Millisecond) // a fifth of a second is one call
		_, err = payments.CreatePayment(context.Background(), qr())
		g.must(err)
		_, err = payments.CreatePayment(context.Background(), qr())
		g.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
	}, fewCalls)
}

func TestACallerHasSoManyStreamsOpenAndNoMore(t *testing.T) {
	behindGate(t, []identity.Entry{checkout, aida}, func(g *guarded) {
		conn := g.certified("checkout")
		watch := func() (stop func(), err error) {
			ctx, cancel := context.WithCancel(context.Background())
			stream, err := pb.NewPaymentsClient(conn).WatchChanges(ctx, &pb.WatchChangesRequest{})
			g.must(err)
			g.t.Cleanup(cancel)
			_, err = stream.Recv() // a heartbeat, or a refusal
			return cancel, err
		}
		first, err := watch()
		g.must(err)
		_, err = watch()
		g.must(err)
		_, err = watch()
		g.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		if _, err := pb.NewPaymentsClient(conn).ListPayments(context.Background(), &pb.ListPaymentsRequest{}); err != nil {
			t.Errorf("a call that is no stream: %v", err)
		}
		if metrics := g.ask("/metrics").body.String(); !strings.Contains(metrics, `payrouter_overload_refusals_total{cause="caller_streams"} 1`+"\n") {
			t.Error("the refusal is not counted")
		}
		first()
		time.Sleep(time.Second)
		_, err = watch()
		g.must(err)
	}, fewCalls)
}

func TestWithoutAGateEachNameHasItsLimits(t *testing.T) {
	behind(t, func(d *door) {
		list := func(name string) error {
			_, err := d.payments.ListPayments(as(callerKey, name), &pb.ListPaymentsRequest{})
			return err
		}
		for range 5 {
			d.must(list("wild"))
		}
		d.delayed(list("wild"), pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		d.must(list("calm"))
	}, func(o *Options, _ *router.Options) { o.CallsPerSecond = 5 })
}

// A name costs nothing where it is only asserted: whoever makes one up for each call must
// neither grow our memory nor escape the limit for ever.
func TestNamesWithoutEndShareOneAllowance(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	l := newLimits(2, 2, 1)
	granted := 0
	for i := range 5 * mostNames {
		if _, over := l.enter(fmt.Sprint("name-", i), false, now); over == nil {
			granted++
		}
	}
	if len(l.of) != mostNames || granted != mostNames+2 {
		t.Errorf("%d names are kept, %d calls granted", len(l.of), granted)
	}
	if _, over := l.enter("name-0", false, now); over != nil {
		t.Error("whoever was there before keeps its own allowance")
	}
	leave, over := l.enter("name-1", true, now)
	if over != nil {
		t.Fatal("a stream of whoever was there before is refused")
	}
	later := now.Add(time.Minute) // all but the stream are at rest
	if _, over := l.enter("newcomer", false, later); over != nil || len(l.of) != 2 {
		t.Errorf("%d names are kept after a rest", len(l.of))
	}
	if _, over := l.enter("name-1", true, later); over != overStreams {
		t.Error("the open stream was forgotten")
	}
	leave()
	if _, over := l.enter("name-1", true, later.Add(time.Minute)); over != nil {
		t.Error("the stream that ended still counts")
	}
}

func TestMetadataWithoutEndIsNotRead(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.payments.CreatePayment(as("padding", strings.Repeat("x", maxHeaders)), qr())
		if code := status.Code(err); code == codes.OK {
			t.Error("it was served")
		}
		d.untouched()
		if _, err := d.payments.CreatePayment(as("padding", strings.Repeat("x", maxHeaders/2)), qr()); err != nil {
			t.Errorf("a token of 8 KiB is much, and read: %v", err)
		}
	})
}
