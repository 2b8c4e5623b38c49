package quickpay

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// calls are all that can be asked of a gateway about a payment, with one exchange each
// until the answer that decides.
func calls(g *Gateway) map[string]func() providers.Result {
	ctx := context.Background()
	return map[string]func() providers.Result{
		"link":          func() providers.Result { return g.Charge(ctx, offered()) },
		"card":          func() providers.Result { return g.Charge(ctx, saved()) },
		"look-up":       func() providers.Result { return g.Lookup(ctx, byCard()) },
		"capture":       func() providers.Result { return g.Capture(ctx, held(byCard()), kroner(amount)) },
		"refund":        func() providers.Result { return g.Refund(ctx, giving(50, 0)) },
		"refund lookup": func() providers.Result { return g.LookupRefund(ctx, giving(50, 0)) },
		"probe":         func() providers.Result { return g.Probe(ctx) },
	}
}

// Whatever is not QuickPay's own word about our payment proves nothing.
func TestBrokenAnswersAreDoubt(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		why    providers.Reason
	}{
		{500, refusedBy(), providers.ServerError}, {502, "", providers.ServerError}, {504, "<html>", providers.ServerError}, {599, "{}", providers.ServerError},
		{301, "", providers.Unreadable}, {307, "{}", providers.Unreadable},
		{206, "{}", providers.Unreadable}, {200, "", providers.Unreadable}, {200, "<html>maintenance</html>", providers.Unreadable}, {200, "null", providers.Unreadable},
		{200, `"approved"`, providers.Unreadable}, {200, `{"id":714001,"operations":[`, providers.Unreadable}, {200, `[{"id":{}}]`, providers.Unreadable},
		{400, "", providers.Unreadable}, {400, "{}", providers.Unreadable}, {401, "<html>", providers.Unreadable}, {403, "{}", providers.Unreadable},
		{404, "", providers.Unreadable}, {418, refusedBy(), providers.Unreadable}, {429, "", providers.Unreadable}, {451, `{"message":[]}`, providers.Unreadable},
	} {
		for name := range calls(nil) {
			g, err := New(Config{APIBaseURL: "http://127.0.0.1", APIKey: apiKey, PrivateKey: privateKey},
				Options{Dial: (&providertest.Scripted{Answer: func(*http.Request) (int, []byte) { return c.status, []byte(c.body) }}).Dial})
			if err != nil {
				t.Fatal(err)
			}
			got := calls(g)[name]()
			g.Close()
			if got.Verdict != providers.Unknown || got.Absent || got.Reason != c.why {
				t.Errorf("%s answered %d %q: %+v", name, c.status, c.body, got)
			}
		}
	}
}

func TestRefusedConnectionIsUnservedExceptForLookups(t *testing.T) {
	for name := range calls(nil) {
		c := least()
		c.APIBaseURL = "http://127.0.0.1"
		g, err := New(c, Options{Dial: func(_ context.Context, network, _ string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := providers.Unserved
		if name == "look-up" || name == "refund lookup" {
			want = providers.Unknown
		}
		verdict(t, calls(g)[name](), want, providers.NotSent)
		g.Close()
	}
}

// Creating a payment and looking wait 15 s; what waits for the acquirer waits a minute.
func TestSilenceIsDoubtAfterTheCallsOwnTimeout(t *testing.T) {
	limits := map[string]time.Duration{"link": 11 * time.Second, "card": 11 * time.Second, "look-up": 12 * time.Second, "refund lookup": 12 * time.Second,
		"probe": 12 * time.Second, "capture": 13 * time.Second, "refund": 13 * time.Second}
	for name, limit := range limits {
		synctest.Test(t, func(t *testing.T) {
			end := make(chan struct{})
			c := least()
			c.APIBaseURL = "http://127.0.0.1"
			c.Timeouts = providers.Timeouts{Charge: 33 * time.Second, Create: 11 * time.Second, Status: 12 * time.Second, Refund: 13 * time.Second}
			g, err := New(c, Options{Dial: (&providertest.Scripted{Answer: func(*http.Request) (int, []byte) {
				<-end
				return http.StatusOK, nil
			}}).Dial})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			defer close(end)
			began := time.Now()
			verdict(t, calls(g)[name](), providers.Unknown, providers.Timeout)
			if took := time.Since(began); took != limit {
				t.Errorf("%s took %s, want %s", name, took, limit)
			}
		})
	}
}
