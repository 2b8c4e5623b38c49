package wayforpay

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// calls are all that can be asked of a gateway, each with one exchange.
func calls(t *testing.T, g *Gateway) map[string]func() providers.Result {
	t.Helper()
	direct := token(t, "rec-1", "250")
	direct.TwoStage = true
	give := providers.Refund{Ref: direct, ID: "rf1", Amount: direct.Amount}
	return map[string]func() providers.Result{
		"invoice": func() providers.Result {
			return g.Charge(t.Context(), providers.Charge{Ref: link(t, "rt-1", "250")})
		},
		"charge": func() providers.Result {
			return g.Charge(t.Context(), providers.Charge{Ref: direct, Instrument: providers.Token{Value: providers.NewSecret("t")}})
		},
		"lookup":        func() providers.Result { return g.Lookup(t.Context(), direct) },
		"capture":       func() providers.Result { return g.Capture(t.Context(), direct, direct.Amount) },
		"refund":        func() providers.Result { return g.Refund(t.Context(), give) },
		"refund lookup": func() providers.Result { return g.LookupRefund(t.Context(), give) },
		"probe":         func() providers.Result { return g.Probe(t.Context()) },
	}
}

// Whatever is not WayForPay's own word about our order proves nothing (notes, section 6).
func TestBrokenAnswersAreDoubt(t *testing.T) {
	otherOrder := says("Approved", "1100", "rt-2", "250")
	for answer, why := range map[string]providers.Reason{
		"http 500": providers.ServerError, "http 502": providers.ServerError, "http 307": providers.Unreadable,
		"http 400": providers.Unreadable, "http 404": providers.Unreadable, "http 429": providers.Unreadable, "http 204": providers.Unreadable,
		"": providers.Unreadable, "<html>maintenance</html>": providers.Unreadable, "null": providers.Unreadable, "[]": providers.Unreadable,
		`"Approved"`: providers.Unreadable, `{"transactionStatus":"Declined","reasonCode":11`: providers.Unreadable,
		`{"transactionStatus":["Declined"],"reasonCode":1101}`: providers.Unreadable, `{"amount":true}`: providers.Unreadable,
		`{"reasonCode":1101} {}`: providers.Unreadable, `{"reasonCode":01101}`: providers.Unreadable, otherOrder: "",
	} {
		names := calls(t, nil)
		for name := range names {
			g, d := open(t, nil, answer)
			got := calls(t, g)[name]()
			if got.Verdict != providers.Unknown || got.Absent || why != "" && got.Reason != why {
				t.Errorf("%s answered %q: %+v", name, answer, got)
			}
			if len(d.asked) != 1 {
				t.Errorf("%s answered %q: asked %d times", name, answer, len(d.asked))
			}
		}
	}
}

func TestRefusedConnectionIsUnservedExceptForLookups(t *testing.T) {
	for name := range calls(t, nil) {
		g, d := open(t, nil)
		d.Close()
		want := providers.Unserved
		if name == "lookup" || name == "refund lookup" {
			want = providers.Unknown
		}
		verdict(t, calls(t, g)[name](), want, providers.NotSent)
	}
}

func TestSilenceIsDoubtAfterTheCallsOwnTimeout(t *testing.T) {
	limits := map[string]time.Duration{"invoice": 11 * time.Second, "charge": 33 * time.Second, "lookup": 12 * time.Second, "probe": 12 * time.Second,
		"refund lookup": 12 * time.Second, "refund": 13 * time.Second, "capture": 13 * time.Second}
	for name, limit := range limits {
		synctest.Test(t, func(t *testing.T) {
			end := make(chan struct{})
			options := bubble(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				<-end
			}))
			c := least()
			c.APIBaseURL = "http://127.0.0.1"
			c.Timeouts = providers.Timeouts{Charge: 33 * time.Second, Create: 11 * time.Second, Status: 12 * time.Second, Refund: 13 * time.Second}
			g, err := New(c, options)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			defer close(end)
			began := time.Now()
			verdict(t, calls(t, g)[name](), providers.Unknown, providers.Timeout)
			if took := time.Since(began); took != limit {
				t.Errorf("%s took %s, want %s", name, took, limit)
			}
		})
	}
}

func TestWhatMovesMoneyIsMarkedSo(t *testing.T) {
	for kind, want := range map[string]bool{
		createInvoice: true, charge: true, settle: true, refund: true, removeInvoice: true, checkStatus: false, transactionList: false,
	} {
		if got := (request{TransactionType: kind}).movesMoney(); got != want {
			t.Errorf("%s: %t", kind, got)
		}
	}
}
