package robokassa_test

import (
	"bytes"
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/robokassa"
	"github.com/payrouter/payrouter/providers/sim"
)

// An address is composed without a call, so the suite of all adapters cannot spoil one. Here
// are its questions about offers, holds and notices, put to the same bank.

const webhook = "http://merchant.example/webhooks/robokassa"

// house is a bank, an adapter in front of it, and the post between the bank and the adapter.
type house struct {
	*robokassa.Gateway
	t    *testing.T
	bank *sim.Bank
	open func(address string) error // a payer was handed the address

	mu      sync.Mutex
	orders  int
	refuse  int // how many notices are not stored yet
	letters []letter
}

type letter struct {
	notice providers.Notice
	heard  providers.Heard
}

// RoundTrip is the bank's request to us.
func (h *house) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/webhooks/"), "/")
	l := letter{notice: providers.Notice{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header, Body: body, Source: "127.0.0.1"}}
	l.heard = h.Hear(l.notice)
	ruling := providers.Ruling{Kind: providers.Accepted}
	h.mu.Lock()
	switch {
	case l.heard.Kind == providers.Noise:
		ruling.Kind = providers.Rejected
	case h.refuse > 0:
		h.refuse--
		ruling.Kind = providers.TryLater
	}
	h.letters = append(h.letters, l)
	h.mu.Unlock()
	reply := h.Answer(l.heard, ruling)
	return &http.Response{StatusCode: reply.Status, Header: http.Header{"Content-Type": {reply.ContentType}}, Body: io.NopCloser(bytes.NewReader(reply.Body)), Request: r}, nil
}

// came waits for the bank's notices and gives what was heard.
func (h *house) came() []letter {
	time.Sleep(time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]letter{}, h.letters...)
}

// enter makes a house in a bubble of virtual time. The adapter composes addresses.
func enter(t *testing.T, o sim.RobokassaOptions, change func(*robokassa.Config), ask func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t}
		face := sim.Robokassa(o)
		opener, ok := face.(interface{ Open(address string) error })
		if !ok {
			t.Fatal("the bank cannot be told of addresses")
		}
		h.open = opener.Open
		h.bank = sim.New(sim.Options{Seed: 1, Client: &http.Client{Transport: h}}, face)
		c := shopAt("http://127.0.0.1:1", func(c *robokassa.Config) { c.Start, c.InvoiceBase = "url", "" })
		if change != nil {
			change(&c)
		}
		var err error
		h.Gateway, err = robokassa.New(c, robokassa.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return h.bank.Dial(ctx, "robokassa") }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close(); h.bank.Close() })
		ask(h)
	})
}

// wish is a charge with a number of its own.
func (h *house) wish(m providers.Method) providers.Charge {
	h.orders++
	return providers.Charge{
		Ref: providers.Ref{Order: "1000000000000" + string(rune('0'+h.orders/10)) + string(rune('0'+h.orders%10)), Method: m,
			Amount: providers.Money{Minor: 15490_37, Currency: "KZT"}, Planned: time.Now()},
		Description: "Order 4711", ReturnURL: "https://shop.example.kz/back", NotifyURL: webhook,
	}
}

// shown is an offer in a payer's hands.
func (h *house) shown(c providers.Charge) providers.Result {
	h.t.Helper()
	r := h.Charge(h.t.Context(), c)
	if r.Verdict != providers.Pending || r.Action == nil {
		h.t.Fatalf("it is %s %s, %v", r.Verdict, r.Reason, r.Err)
	}
	if err := h.open(r.Action.URL); err != nil {
		h.t.Fatalf("the bank refuses %s: %v", r.Action.URL, err)
	}
	return r
}

// object is what the bank has under a number.
func (h *house) object(order string) sim.Object {
	for _, o := range h.bank.Ledger().Of("robokassa").Objects {
		if o.Reference == order {
			return o
		}
	}
	return sim.Object{}
}

func (h *house) act(order, act string) {
	h.t.Helper()
	if err := h.bank.Act("robokassa", h.object(order).ID, act); err != nil {
		h.t.Fatal(err)
	}
}

// sees asks how an attempt stands.
func (h *house) sees(ref providers.Ref, verdict providers.Verdict, reason providers.Reason) providers.Result {
	h.t.Helper()
	r := h.Lookup(h.t.Context(), ref)
	if r.Verdict != verdict || r.Reason != reason {
		h.t.Errorf("after %s a look says %s %s (code %q, error %v), want %s %s", time.Since(ref.Planned), r.Verdict, r.Reason, r.Code, r.Err, verdict, reason)
	}
	return r
}

func TestAnAddressIsSeenThroughItsWholeLife(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{Review: sim.Duration(time.Minute), Credit: sim.Duration(time.Minute)}), nil, func(h *house) {
		c := h.wish(providers.Link)
		h.shown(c)
		if r := h.sees(c.Ref, providers.Unknown, providers.Ambiguous); !r.Absent {
			h.t.Error("nobody has opened it, and it is known")
		}
		h.act(c.Ref.Order, sim.ActScan)
		h.sees(c.Ref, providers.Pending, providers.PayerConfirming)
		h.act(c.Ref.Order, sim.ActDecline)
		h.sees(c.Ref, providers.Pending, providers.PayerConfirming)
		h.act(c.Ref.Order, sim.ActConfirm)
		h.sees(c.Ref, providers.Pending, providers.Review)
		time.Sleep(61 * time.Second)
		r := h.sees(c.Ref, providers.Approved, "")
		if o := h.object(c.Ref.Order); r.Code != "50" || r.Amount != c.Ref.Amount || r.External != o.ID || o.Captured != c.Ref.Amount.Minor {
			h.t.Errorf("%+v, at the bank %+v", r, o)
		}
		time.Sleep(time.Minute)
		if r := h.sees(c.Ref, providers.Approved, ""); r.Code != "100" {
			h.t.Errorf("%+v", r)
		}
	})
}

func TestAnAddressIsDeadWhenItSaysSo(t *testing.T) {
	for _, opened := range []bool{false, true} {
		enter(t, options(sim.RobokassaSwitches{}), nil, func(h *house) {
			c := h.wish(providers.Link)
			r := h.shown(c)
			if o := h.object(c.Ref.Order); o.LiveUntil.After(r.Until) || r.Action.Expires.After(r.Until) {
				h.t.Errorf("it says it ends at %s, at the bank at %s", r.Until, o.LiveUntil)
			}
			if opened {
				h.act(c.Ref.Order, sim.ActScan)
			}
			time.Sleep(time.Until(r.Until.Add(h.Claims().Method(providers.Link).Margin)) + time.Second)
			if opened {
				h.sees(c.Ref, providers.Pending, providers.AwaitingPayer) // state 10 is no end: the end was its own
			} else if r := h.sees(c.Ref, providers.Unknown, providers.Ambiguous); !r.Absent {
				h.t.Error("it is known, and nobody has opened it")
			}
			for _, act := range []string{sim.ActScan, sim.ActConfirm, sim.ActPay, sim.ActPayLate, sim.ActPayAgain} {
				h.act(c.Ref.Order, act)
			}
			if o := h.object(c.Ref.Order); o.Captured != 0 {
				h.t.Errorf("it took %d", o.Captured)
			}
		})
	}
}

func TestAnAddressNeverOutlivesThePayment(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{}), nil, func(h *house) {
		offered := 0
		for _, span := range []time.Duration{-time.Hour, 0, time.Second, 59 * time.Second, time.Minute, 90*time.Second + 700*time.Millisecond, 20 * time.Minute, 90 * 24 * time.Hour} {
			c := h.wish(providers.Page)
			c.Expires = time.Now().Add(span)
			r := h.Charge(h.t.Context(), c)
			if r.Verdict == providers.Unserved && r.Reason == providers.Unsupported {
				continue
			}
			offered++
			if err := h.open(r.Action.URL); err != nil {
				h.t.Errorf("%s: %v", span, err)
			}
			if end := h.object(c.Ref.Order).LiveUntil; r.Until.After(c.Expires) || end.After(c.Expires) || end.IsZero() || time.Until(r.Until) > 20*time.Minute {
				h.t.Errorf("for a payment of %s it lives until %s, at the bank %s", span, r.Until, end)
			}
		}
		if offered != 4 {
			h.t.Errorf("%d were offered", offered)
		}
	})
}

func TestAPayerWhoBeginsAtTheLastMomentIsWaitedFor(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{FinishLate: sim.Duration(10 * time.Minute)}), nil, func(h *house) {
		c := h.wish(providers.Link)
		r := h.shown(c)
		time.Sleep(time.Until(r.Action.Expires) - time.Millisecond)
		h.act(c.Ref.Order, sim.ActScan)
		time.Sleep(9 * time.Minute)
		h.sees(c.Ref, providers.Pending, providers.PayerConfirming) // no proof that nobody pays, long after the end
		h.act(c.Ref.Order, sim.ActConfirm)
		h.sees(c.Ref, providers.Approved, "")
	})
}

func TestSupportMayTurnNoMoneyIntoSuccess(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{LateSuccess: true}), nil, func(h *house) {
		c := h.wish(providers.Link)
		h.shown(c)
		h.act(c.Ref.Order, sim.ActScan)
		time.Sleep(time.Hour)
		h.sees(c.Ref, providers.Pending, providers.AwaitingPayer)
		h.act(c.Ref.Order, sim.ActPayLate)
		h.sees(c.Ref, providers.Approved, "")
	})
}

// State 10 may be a declined card, with the bank's number and all, and the payer pays after it.
func TestNoMoneyOnAnAddressThatIsAliveClosesNothing(t *testing.T) {
	for _, hold := range []bool{false, true} {
		enter(t, options(sim.RobokassaSwitches{DeclineIs10: true}), nil, func(h *house) {
			c := h.wish(providers.Link)
			c.Ref.TwoStage = hold
			h.shown(c)
			h.act(c.Ref.Order, sim.ActDecline)
			if r := h.sees(c.Ref, providers.Pending, providers.AwaitingPayer); r.Code != "10" {
				h.t.Errorf("the state is %s", r.Code)
			}
			h.act(c.Ref.Order, sim.ActPay)
			if hold {
				h.sees(c.Ref, providers.Held, "")
			} else {
				h.sees(c.Ref, providers.Approved, "")
			}
		})
	}
}

// A payer who opened the link just before it was switched off shows late, but no later than
// the claimed wait.
func TestAWithdrawalIsConfirmedOnlyAfterItsWait(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{StateLags: sim.Duration(time.Minute)}), func(c *robokassa.Config) { c.InvoiceBase = "http://127.0.0.1:1" }, func(h *house) {
		c := h.wish(providers.Link)
		r := h.Charge(h.t.Context(), c)
		c.Ref.External = r.External
		h.act(c.Ref.Order, sim.ActScan)
		if r := h.Cancel(h.t.Context(), c.Ref); r.Verdict != providers.Approved {
			h.t.Errorf("a withdrawal is %s %s", r.Verdict, r.Reason)
		}
		h.sees(c.Ref, providers.Pending, providers.AwaitingPayer)
		time.Sleep(h.Claims().Method(providers.Link).WithdrawWait)
		h.sees(c.Ref, providers.Pending, providers.PayerConfirming)
		h.act(c.Ref.Order, sim.ActConfirm)
		h.sees(c.Ref, providers.Approved, "")
	})
}

// A withdrawal that was lost leaves the link as it was, and is made anew.
func TestALostWithdrawalIsSeenAsNotCarriedOut(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{}), func(c *robokassa.Config) { c.InvoiceBase = "http://127.0.0.1:1" }, func(h *house) {
		c := h.wish(providers.Link)
		c.Ref.External = h.Charge(h.t.Context(), c).External
		if _, err := h.bank.AddFault(sim.Fault{Face: "robokassa", Op: sim.OpVoid, Kind: sim.FaultDrop, Times: 1}); err != nil {
			h.t.Fatal(err)
		}
		if r := h.Cancel(h.t.Context(), c.Ref); r.Verdict != providers.Unknown {
			h.t.Errorf("a withdrawal is %s", r.Verdict)
		}
		if r := h.sees(c.Ref, providers.Pending, providers.AwaitingPayer); r.Absent {
			h.t.Error("the link is not known")
		}
		if r := h.Cancel(h.t.Context(), c.Ref); r.Verdict != providers.Approved {
			h.t.Errorf("another withdrawal is %s %s", r.Verdict, r.Reason)
		}
		h.act(c.Ref.Order, sim.ActPay)
		if o := h.object(c.Ref.Order); o.Captured != 0 {
			h.t.Errorf("it took %d", o.Captured)
		}
	})
}

// A counter that began anew gives out a number that was paid. Its money is not ours.
func TestAPaidNumberIsNoMoneyOfALaterAttempt(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{}), func(c *robokassa.Config) { c.Start = "json" }, func(h *house) {
		first := h.wish(providers.Link)
		h.Charge(h.t.Context(), first)
		h.act(first.Ref.Order, sim.ActPay)
		h.sees(first.Ref, providers.Approved, "")
		for _, pause := range []time.Duration{time.Second, time.Hour} {
			time.Sleep(pause)
			again := first
			again.Ref.Planned = time.Now()
			r := h.Charge(h.t.Context(), again)
			if r.Verdict != providers.Pending || r.Reason != providers.PayerConfirming || r.Action != nil || r.Until.Before(time.Now()) {
				h.t.Errorf("a second start is %+v", r)
			}
			h.sees(again.Ref, providers.Unknown, providers.Mismatch)
			card := again
			card.Ref.Method, card.Instrument = providers.Instrument, providers.Token{Value: providers.NewSecret(goodCard)}
			if r := h.Charge(h.t.Context(), card); r.Verdict != providers.Unknown {
				h.t.Errorf("a charge of a saved card is %+v", r)
			}
			h.sees(card.Ref, providers.Unknown, providers.Mismatch)
			if r := h.Refund(h.t.Context(), providers.Refund{Ref: again.Ref, ID: "rf", Amount: again.Ref.Amount}); r.Verdict != providers.Unserved {
				h.t.Errorf("a refund is %+v", r)
			}
		}
		h.sees(first.Ref, providers.Approved, "")
	})
}

func TestAnAddressCannotBeTakenBack(t *testing.T) {
	enter(t, options(sim.RobokassaSwitches{}), nil, func(h *house) {
		c := h.wish(providers.Link)
		h.shown(c)
		for _, act := range []string{"", sim.ActScan} {
			if act != "" {
				h.act(c.Ref.Order, act)
			}
			if r := h.Cancel(h.t.Context(), c.Ref); r.Verdict != providers.Unserved {
				h.t.Errorf("a cancel is %s", r.Verdict)
			}
		}
		h.act(c.Ref.Order, sim.ActConfirm)
		h.sees(c.Ref, providers.Approved, "")
		if r := h.Cancel(h.t.Context(), c.Ref); r.Verdict != providers.Declined {
			h.t.Errorf("a cancel of a paid one is %s", r.Verdict)
		}
	})
}

func TestEveryKindOfAddressIsAcceptedUnderEveryAlgorithm(t *testing.T) {
	for _, algorithm := range []string{"md5", "ripemd160", "sha1", "sha256", "sha384", "sha512"} {
		o := options(sim.RobokassaSwitches{})
		o.Hash, o.ResultURL = algorithm, webhook
		enter(t, o, func(c *robokassa.Config) { c.Hash, c.ReceiptTax, c.Language = algorithm, "vat12", "en" }, func(h *house) {
			plain, first, hold := h.wish(providers.Link), h.wish(providers.Page), h.wish(providers.Link)
			first.Save, hold.Ref.TwoStage = true, true
			for _, c := range []providers.Charge{plain, first, hold} {
				h.shown(c)
				h.act(c.Ref.Order, sim.ActPay)
			}
			h.sees(plain.Ref, providers.Approved, "")
			h.sees(hold.Ref, providers.Held, "")
			saved := h.sees(first.Ref, providers.Approved, "").Instrument
			if saved == nil {
				h.t.Fatal("no card was saved")
			}
			again := h.wish(providers.Instrument)
			again.Instrument = *saved
			if r := h.Charge(h.t.Context(), again); r.Verdict != providers.Pending || r.Reason != providers.Processing {
				h.t.Errorf("%s: a charge of the saved card is %s %s", algorithm, r.Verdict, r.Reason)
			}
			h.sees(again.Ref, providers.Approved, "")
			facts := 0
			for _, l := range h.came() {
				if l.heard.Kind == providers.Fact && l.heard.Result.Verdict == providers.Approved && l.heard.Result.Amount == plain.Ref.Amount {
					facts++
				}
			}
			if facts != 3 {
				h.t.Errorf("%s: %d facts came", algorithm, facts)
			}
		})
	}
}

// certificate writes the simulated Robokassa's public key to a file.
func certificate(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwtsign.pem")
	if err := os.WriteFile(path, sim.RobokassaPublicKeyPEM(sim.RobokassaKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAHoldIsToldCapturedInPartAndToldAgain(t *testing.T) {
	path := certificate(t)
	for _, switches := range []sim.RobokassaSwitches{{}, {QuotedJWS: true, NumericJWS: true, PayerPaysFee: true, ShortSums: true, OldNames: true}} {
		o := options(switches)
		o.ResultURL = webhook
		enter(t, o, func(c *robokassa.Config) { c.ResultCertificate = path }, func(h *house) {
			c := h.wish(providers.Page)
			c.Ref.TwoStage = true
			h.shown(c)
			h.act(c.Ref.Order, sim.ActPay)
			if all := h.came(); len(all) != 1 || all[0].heard.Kind != providers.Fact || all[0].heard.Result.Verdict != providers.Held || all[0].heard.Ref.Order != c.Ref.Order ||
				all[0].heard.Result.External != h.object(c.Ref.Order).ID {
				h.t.Fatalf("a hold is told by %+v", all)
			}
			h.sees(c.Ref, providers.Held, "")
			part := providers.Money{Minor: 5000_00, Currency: "KZT"}
			if r := h.Capture(h.t.Context(), c.Ref, part); r.Verdict != providers.Pending {
				h.t.Errorf("a capture is %s", r.Verdict)
			}
			if r := h.sees(c.Ref, providers.Approved, ""); r.Amount != part {
				h.t.Errorf("captured are %s", r.Amount)
			}
			approved, hints := 0, 0
			for _, l := range h.came()[1:] {
				switch {
				case l.heard.Kind == providers.Fact && l.heard.Result.Verdict == providers.Approved && l.heard.Result.Amount == part:
					approved++
				case l.heard.Kind == providers.Hint && l.heard.Result.Verdict == providers.Unknown:
					hints++
				}
			}
			if approved != 1 || hints != 1 {
				h.t.Errorf("%d facts and %d hints came: %+v", approved, hints, h.letters)
			}
		})
	}
}

func TestALostAnswerToAnOperationIsSettledByALook(t *testing.T) {
	for _, kind := range []sim.FaultKind{sim.FaultActDrop, sim.FaultDrop} {
		enter(t, options(sim.RobokassaSwitches{}), nil, func(h *house) {
			hold := func() providers.Ref {
				c := h.wish(providers.Link)
				c.Ref.TwoStage = true
				h.shown(c)
				h.act(c.Ref.Order, sim.ActPay)
				c.Ref.External = h.sees(c.Ref, providers.Held, "").External
				return c.Ref
			}
			captured, released := hold(), hold()
			if _, err := h.bank.AddFault(sim.Fault{Face: "robokassa", Op: sim.OpCapture, Kind: kind}); err != nil {
				h.t.Fatal(err)
			}
			if _, err := h.bank.AddFault(sim.Fault{Face: "robokassa", Op: sim.OpVoid, Kind: kind}); err != nil {
				h.t.Fatal(err)
			}
			if r := h.Capture(h.t.Context(), captured, captured.Amount); r.Verdict != providers.Unknown {
				h.t.Errorf("a capture is %s", r.Verdict)
			}
			if r := h.Cancel(h.t.Context(), released); r.Verdict != providers.Unknown {
				h.t.Errorf("a void is %s", r.Verdict)
			}
			if kind == sim.FaultDrop {
				h.sees(captured, providers.Held, "")
				h.sees(released, providers.Held, "")
				return
			}
			h.sees(captured, providers.Approved, "")
			h.sees(released, providers.Declined, providers.Released)
		})
	}
}

var formTarget = regexp.MustCompile(`<form method="post" action="([^"]+)"`)

// pay is a payer's browser: it opens an address and presses the button on the page.
func (h *house) pay(address string) {
	h.t.Helper()
	transport := h.bank.Transport("robokassa")
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	page, err := client.Get(address)
	if err != nil {
		h.t.Fatal(err)
	}
	text, err := io.ReadAll(page.Body)
	page.Body.Close()
	target := formTarget.FindSubmatch(text)
	if err != nil || target == nil {
		h.t.Fatalf("the page has no button: %s", text)
	}
	paid, err := client.PostForm(html.UnescapeString(string(target[1])), url.Values{"act": {"pay"}})
	if err != nil {
		h.t.Fatal(err)
	}
	paid.Body.Close()
}

func TestATestPaymentIsToldAndNowhereElseSeen(t *testing.T) {
	o := options(sim.RobokassaSwitches{})
	o.ResultURL, o.TestPassword1, o.TestPassword2 = webhook, "test-1", "test-2"
	enter(t, o, func(c *robokassa.Config) {
		c.Test, c.TestPassword1, c.TestPassword2 = true, providers.NewSecret("test-1"), providers.NewSecret("test-2")
		c.Holds, c.Recurring, c.RefundBase = false, false, ""
	}, func(h *house) {
		c := h.wish(providers.Link)
		h.pay(h.Charge(h.t.Context(), c).Action.URL)
		if r := h.sees(c.Ref, providers.Unknown, providers.Ambiguous); !r.Absent {
			h.t.Error("a test payment is seen")
		}
		all := h.came()
		if len(all) != 1 || all[0].heard.Kind != providers.Fact || all[0].heard.Result.Amount != c.Ref.Amount || all[0].heard.Ref.Order != c.Ref.Order {
			h.t.Errorf("it is told by %+v", all)
		}
		live, err := robokassa.New(shopAt("http://127.0.0.1:1"), robokassa.Options{})
		if err != nil {
			h.t.Fatal(err)
		}
		if heard := live.Hear(all[0].notice); heard.Kind != providers.Noise || !heard.Forged {
			h.t.Errorf("a live gateway hears a test payment as a %s", heard.Kind)
		}
	})
}
