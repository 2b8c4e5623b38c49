package server

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/identity"
)

// What a caller has no right to costs us as much to refuse as another call.
func TestCallsThatAreRefusedForWantOfARoleCountToo(t *testing.T) {
	behindGate(t, []identity.Entry{checkout, aida}, func(g *guarded) {
		wild := pb.NewOperationsClient(g.certified("checkout"))
		for range 5 {
			_, err := wild.ListGateways(context.Background(), &pb.ListGatewaysRequest{})
			g.refused(err, noRight)
		}
		_, err := wild.ListGateways(context.Background(), &pb.ListGatewaysRequest{})
		g.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		for range 3 { // a stream that was refused is not open
			time.Sleep(time.Second)
			stream, err := pb.NewFinanceClient(g.certified("checkout")).ImportStatement(context.Background())
			g.must(err)
			_, err = stream.CloseAndRecv()
			g.refused(err, noRight)
		}
	}, fewCalls)
}

// Where a token may say who calls, anybody may connect: what they send must not fill the disk
// on which the books are.
func TestWhoeverIsNobodyCannotFloodTheLog(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		nobody := pb.NewPaymentsClient(g.certified(""))
		knock := func(n int) {
			for range n {
				_, err := nobody.GetPayment(context.Background(), &pb.GetPaymentRequest{})
				g.refused(err, noToken)
			}
		}
		knock(3 * refusalsAtOnce)
		if n := len(g.lines("call", 0)); n != refusalsAtOnce {
			t.Errorf("%d lines for %d calls", n, 3*refusalsAtOnce)
		}
		if metrics := g.ask("/metrics").body.String(); !strings.Contains(metrics, `payrouter_api_errors_total{reason="UNAUTHENTICATED"} 300`+"\n") {
			t.Error("not all are counted")
		}
		since := len(g.log.String())
		_, err := pb.NewPaymentsClient(g.certified("checkout")).GetPayment(context.Background(), &pb.GetPaymentRequest{})
		if status.Code(err) != codes.InvalidArgument || len(g.lines("call", since)) != 1 {
			t.Errorf("of others each call has its line: %v", err)
		}
		time.Sleep(time.Second)
		since = len(g.log.String())
		knock(2)
		if lines := g.lines("call", since); len(lines) != 1 || lines[0]["untold"] != float64(2*refusalsAtOnce) {
			t.Errorf("a second later: %v", lines)
		}
	})
}

func TestACallerThatRunsWildCannotFloodTheLog(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		wild := pb.NewPaymentsClient(g.certified("checkout"))
		for range 5 + 3*refusalsAtOnce {
			_, _ = wild.GetPayment(context.Background(), &pb.GetPaymentRequest{})
		}
		if n := len(g.lines("call", 0)); n != 5+refusalsAtOnce {
			t.Errorf("%d lines", n)
		}
	}, fewCalls)
}

// Health checks need no identity: whoever opens them without end must leave seats for others.
func TestNoAddressTakesAllSeatsOfHealthChecks(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		conn := g.certified("")
		opened := 0
		for range cap(g.server.seats[checks]) {
			ctx, cancel := context.WithCancel(context.Background())
			g.t.Cleanup(cancel)
			stream, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
			g.must(err)
			if _, err = stream.Recv(); err == nil {
				opened++
			} else if status.Code(err) != codes.ResourceExhausted {
				t.Fatal(err)
			}
		}
		if opened != cap(g.server.seats[checks])/2 {
			t.Errorf("%d streams are open", opened)
		}
		if _, err := grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
			t.Errorf("a check: %v", err)
		}
	}, func(_ *identity.Options, o *Options) { o.StreamsPerCaller = 1024 })
}

func TestAnAddressIsAMachineOrANetworkOfOne(t *testing.T) {
	for from, want := range map[string]string{"10.0.0.5:4711": "10.0.0.5", "[::ffff:10.0.0.5]:4711": "10.0.0.5", "[2001:db8::1]:1": "2001:db8::/64",
		"[2001:db8::ffff:2]:2": "2001:db8::/64", "[fe80::1%eth0]:3": "fe80::/64", "@": "@"} {
		if host := hostOf(peer.NewContext(context.Background(), &peer.Peer{Addr: address(from)})); host != want {
			t.Errorf("%s is %s, want %s", from, host, want)
		}
	}
}

// address is where a connection comes from.
type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

func TestWhoeverConnectsAndSaysNothingIsCutOff(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		conn, err := g.listener.DialContext(context.Background())
		g.must(err)
		cut := make(chan error, 1)
		go func(conn net.Conn) {
			_, err := io.ReadAll(conn)
			cut <- err
		}(conn)
		time.Sleep(handshakeWithin + time.Second)
		synctest.Wait()
		select {
		case <-cut:
		default:
			t.Error("it still holds its connection")
		}
		g.must(conn.Close())
	}, certificatesOnly)
}

// Whoever stole a key must not go on listening on what was open.
func TestAStreamEndsWithItsCallersRightToIt(t *testing.T) {
	renamed, lesser := checkout, billing
	renamed.Certificates = []string{"checkout-2.house"} // as after a theft
	lesser.Tenants = in("other", identity.Caller)
	behindGate(t, []identity.Entry{checkout, billing, aida}, func(g *guarded) {
		watch := func(name string, ctx context.Context) grpc.ServerStreamingClient[pb.Change] {
			g.t.Helper()
			stream, err := pb.NewPaymentsClient(g.certified(name)).WatchChanges(ctx, &pb.WatchChangesRequest{})
			g.must(err)
			_, err = stream.Recv() // a heartbeat
			g.must(err)
			return stream
		}
		stolen, byToken := watch("checkout", context.Background()), watch("", g.bearing("checkout"))
		less, kept := watch("billing", as(tenantKey, "shop")), watch("billing", as(tenantKey, "other"))
		directory, err := identity.NewDirectory([]identity.Entry{renamed, lesser, aida})
		g.must(err)
		g.gate.SetDirectory(directory)
		began := time.Now()
		for stream, reason := range map[grpc.ServerStreamingClient[pb.Change]]pb.ErrorReason{stolen: noToken, less: noRight} {
			for err = nil; err == nil; { // heartbeats from before may wait to be read
				_, err = stream.Recv()
			}
			g.refused(err, reason)
		}
		if took := time.Since(began); took > heartbeatEvery {
			t.Errorf("they listened for %s", took)
		}
		for name, stream := range map[string]grpc.ServerStreamingClient[pb.Change]{"another proof": byToken, "another tenant": kept} {
			for range 10 {
				if _, err := stream.Recv(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
	})
}
