package server

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// certificatesOnly is a gate at which no token helps.
func certificatesOnly(o *identity.Options, _ *Options) { o.Tokens = nil }

func TestAHandshakeThatIsRefusedLeavesOneLineWithItsReason(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		before := g.everything()
		foreign := g.house.ClientTLS("")
		foreign.Certificates = []tls.Certificate{identitytest.New(g.t).Client("checkout.house")}
		ended := g.house.ClientTLS("")
		pair, err := g.house.Authority().Client("checkout.house", time.Now().Add(-48*time.Hour), time.Hour)
		g.must(err)
		certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		g.must(err)
		ended.Certificates = []tls.Certificate{certificate}
		servers := g.house.ClientTLS("")
		own, err := tls.LoadX509KeyPair(g.house.CertFile, g.house.KeyFile)
		g.must(err)
		servers.Certificates = []tls.Certificate{own}
		old := g.house.ClientTLS("checkout.house")
		old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
		stranger := g.house.ClientTLS("checkout.house")
		stranger.RootCAs = identitytest.New(g.t).ClientTLS("").RootCAs
		for name, c := range map[string]struct {
			config *tls.Config
			reason string
		}{
			"no certificate":         {g.house.ClientTLS(""), "no client certificate"},
			"a foreign authority's":  {foreign, "the client certificate is of an authority that is not ours"},
			"one that ended":         {ended, "the client certificate is expired or not yet valid"},
			"a server's":             {servers, "the client certificate is not valid for this"},
			"TLS 1.1":                {old, "TLS is too old"},
			"one who does not trust": {stranger, "the client does not accept our certificate"},
		} {
			since := len(g.log.String())
			conn := g.dial(c.config)
			_, err := pb.NewPaymentsClient(conn).CreatePayment(context.Background(), qr())
			if status.Code(err) != codes.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
			g.must(conn.Close())
			synctest.Wait() // the client hears of it a moment before the line is written
			lines := g.lines("a TLS handshake was refused", since)
			if len(lines) == 0 || lines[0]["reason"] != c.reason || lines[0]["peer"] != "bufconn" {
				t.Errorf("%s leaves %v, want %q", name, g.log.String()[since:], c.reason)
			}
			if strings.Contains(g.log.String()[since:], "checkout") {
				t.Errorf("%s: what the certificate says is in the log: %s", name, g.log.String()[since:])
			}
		}
		if n := len(g.lines("call", 0)); n != 0 {
			t.Errorf("%d calls came through", n)
		}
		if after := g.everything(); after != before {
			t.Errorf("the books changed:\n%s", after)
		}
		g.untouched()
	}, certificatesOnly)
}

func TestAScannerCannotFloodTheLog(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		scan := func(n int) {
			for range n {
				conn, err := g.listener.DialContext(context.Background())
				g.must(err)
				_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: payrouter\r\n\r\n"))
				g.must(err)
				_, _ = conn.Read(make([]byte, 64))
				g.must(conn.Close())
			}
			synctest.Wait()
		}
		scan(300)
		if n := len(g.lines("a TLS handshake was refused", 0)); n != linesAtOnce {
			t.Fatalf("%d lines for 300 knocks:\n%s", n, g.log.String())
		}
		conn := g.dial(g.house.ClientTLS("")) // another reason is heard all the same
		_, err := pb.NewPaymentsClient(conn).GetPayment(context.Background(), &pb.GetPaymentRequest{Name: paymentName(newID())})
		if status.Code(err) != codes.Unavailable {
			t.Error(err)
		}
		g.must(conn.Close())
		synctest.Wait()
		if lines := g.lines("a TLS handshake was refused", 0); lines[len(lines)-1]["reason"] != "no client certificate" {
			t.Errorf("%v", lines[len(lines)-1])
		}
		time.Sleep(lineEvery)
		since := len(g.log.String())
		scan(1)
		lines := g.lines("a TLS handshake was refused", since)
		if len(lines) != 1 || lines[0]["reason"] != "not TLS" || lines[0]["untold"] != float64(300-linesAtOnce) {
			t.Errorf("%v", lines)
		}
		if _, err := pb.NewPaymentsClient(g.certified("checkout")).ListPayments(context.Background(), &pb.ListPaymentsRequest{}); err != nil {
			t.Errorf("the others are served: %v", err)
		}
	}, certificatesOnly)
}

// A scanner, or a balancer that only looks whether the port is open, says nothing. Nobody hears that
// the server goes down before it has been waited for.
func TestWhoeverConnectsAndSaysNothingDoesNotHoldUpTheDrain(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		caller := pb.NewPaymentsClient(g.certified("checkout"))
		_, err := caller.ListPayments(context.Background(), &pb.ListPaymentsRequest{})
		g.must(err)
		silent, err := g.listener.DialContext(context.Background())
		g.must(err)
		defer silent.Close()
		synctest.Wait()
		began := time.Now()
		g.server.Drain()
		g.server.GRPC().GracefulStop()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
	}, certificatesOnly)
}
