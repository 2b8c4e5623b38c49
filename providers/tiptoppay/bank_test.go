package tiptoppay_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/tiptoppay"
)

// town is a terminal, its bank and a merchant who pays heed to notices, in one bubble.
type town struct {
	t       *testing.T
	bank    *sim.Bank
	gateway *tiptoppay.Gateway

	mu    sync.Mutex
	heard []providers.Heard
}

// settle makes a town. Call it inside the bubble.
func settle(t *testing.T, switches sim.TipTopPaySwitches) *town {
	t.Helper()
	w := &town{t: t}
	w.bank = sim.New(sim.Options{Seed: 1, Client: &http.Client{Transport: w}}, sim.TipTopPay(sim.TipTopPayOptions{
		NotifyURL: providertest.NotifyURL, NotifyTypes: everyType, Switches: switches,
		Tokens: []sim.TipTopPayToken{{Token: goodCard, AccountID: customer}, {Token: hardCard, AccountID: customer, Declines: 5096}},
	}))
	g, err := tiptoppay.New(tiptoppay.Config{APIBaseURL: "http://127.0.0.1:1", PublicID: sim.TipTopPayDefaultPublicID,
		APISecret: providers.NewSecret(sim.TipTopPayDefaultSecret), TestMode: true, Check: true},
		tiptoppay.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.bank.Dial(ctx, tiptoppay.Name) }})
	if err != nil {
		t.Fatal(err)
	}
	w.gateway = g
	t.Cleanup(func() {
		g.Close()
		w.bank.Close()
	})
	return w
}

// RoundTrip hears what the bank tells, and allows everything that it asks.
func (w *town) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	h := w.gateway.Hear(providers.Notice{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/webhooks/gateway/"), Query: r.URL.RawQuery, Header: r.Header, Body: body})
	ruling := providers.Ruling{Kind: providers.Accepted, Amount: amount}
	if h.Kind == providers.Question {
		ruling.Kind = providers.Payable
	}
	w.mu.Lock()
	w.heard = append(w.heard, h)
	w.mu.Unlock()
	reply := w.gateway.Answer(h, ruling)
	return &http.Response{StatusCode: reply.Status, Header: http.Header{"Content-Type": {reply.ContentType}}, Body: io.NopCloser(bytes.NewReader(reply.Body)), Request: r}, nil
}

var amount = providers.Money{Minor: 14500_00, Currency: "KZT"}

// begin charges by a method, with a card where it is an instrument.
func (w *town) begin(m providers.Method, card string, hold bool) (providers.Ref, providers.Result) {
	w.t.Helper()
	ref := providers.Ref{Order: "kz2026000481a1", Method: m, Amount: amount, Planned: time.Now(), TwoStage: hold}
	if m == providers.Instrument {
		ref.Order = "tk-" + ref.Order
	}
	r := w.gateway.Charge(context.Background(), providers.Charge{Ref: ref, CustomerID: customer, Instrument: providers.Token{Value: providers.NewSecret(card)}})
	ref.External = r.External
	return ref, r
}

// act lets the payer of the only order do something.
func (w *town) act(act string) {
	w.t.Helper()
	objects := w.bank.Ledger().Objects
	if err := w.bank.Act(tiptoppay.Name, objects[len(objects)-1].ID, act); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) sees(ref providers.Ref, want providers.Verdict, reason providers.Reason) providers.Result {
	w.t.Helper()
	r := w.gateway.Lookup(context.Background(), ref)
	w.says(r, want, reason)
	return r
}

func (w *town) says(r providers.Result, want providers.Verdict, reason providers.Reason) {
	w.t.Helper()
	if r.Verdict != want || r.Reason != reason {
		w.t.Errorf("it is %s %q (code %q, error %v), want %s %q", r.Verdict, r.Reason, r.Code, r.Err, want, reason)
	}
}

// kinds are what was heard, in short.
func (w *town) kinds() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, h := range w.heard {
		text := h.Kind.String()
		if h.Kind == providers.Fact {
			text += " " + h.Result.Verdict.String()
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func (w *town) captured() (sum int64) {
	for _, o := range w.bank.Ledger().Objects {
		sum += o.Captured - o.Refunded
	}
	return sum
}

// The suite cannot ask this of an offer that has no end at the bank.
func TestAPayerWhoBeginsAtTheLastMomentIsWaitedForAndOneWhoComesLaterIsNot(t *testing.T) {
	for _, late := range []time.Duration{-time.Millisecond, 0, time.Hour, 240 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := settle(t, sim.TipTopPaySwitches{})
			ref, r := w.begin(providers.Link, "", false)
			w.says(r, providers.Pending, providers.AwaitingPayer)
			time.Sleep(time.Until(r.Until.Add(late)))
			w.act(sim.ActScan)
			synctest.Wait()
			if late < 0 {
				w.sees(ref, providers.Pending, providers.StepUp)
				time.Sleep(w.gateway.Claims().Method(providers.Link).Margin)
				w.sees(ref, providers.Pending, providers.StepUp) // no proof that nobody pays
				w.act(sim.ActConfirm)
				w.sees(ref, providers.Approved, "")
				return
			}
			w.act(sim.ActConfirm)
			w.act(sim.ActPay)
			w.act(sim.ActPayLate)
			synctest.Wait()
			w.sees(ref, providers.Pending, providers.AwaitingPayer)
			if w.captured() != 0 {
				t.Errorf("%s after its end the page took %d", late, w.captured())
			}
		})
	}
}

func TestTheReserveBanksMoneyIsSeen(t *testing.T) {
	switches := sim.TipTopPaySwitches{ReserveBank: sim.Duration(20 * time.Second), DeclineCode: 5096}
	t.Run("on a page", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := settle(t, switches)
			ref, _ := w.begin(providers.Page, "", false)
			w.act(sim.ActDecline)
			w.sees(ref, providers.Pending, providers.AwaitingPayer)
			time.Sleep(time.Minute)
			w.sees(ref, providers.Approved, "")
			if got := w.kinds(); got != "question, fact pending, fact approved" && got != "question, fact pending, question, fact approved" {
				t.Errorf("heard %s", got)
			}
		})
	})
	t.Run("on a card", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := settle(t, switches)
			ref, r := w.begin(providers.Instrument, hardCard, false)
			w.says(r, providers.Unknown, providers.Ambiguous)
			w.sees(ref, providers.Unknown, providers.Ambiguous)
			time.Sleep(time.Minute)
			ref.External = "2346712901" // the first transaction's
			if seen := w.sees(ref, providers.Approved, ""); seen.External == ref.External {
				t.Error("it is the declined transaction that is said to have the money")
			}
		})
	})
}

func TestARefundThatFailsAfterItWasAcceptedIsSeenAsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settle(t, sim.TipTopPaySwitches{RefundsFail: true})
		ref, _ := w.begin(providers.Instrument, goodCard, false)
		back := providers.Refund{Ref: ref, ID: "rf1", Amount: amount, Before: providers.Money{Currency: "KZT"}}
		w.says(w.gateway.Refund(context.Background(), back), providers.Approved, "")
		time.Sleep(time.Minute)
		if r := w.gateway.LookupRefund(context.Background(), back); !r.Absent || w.captured() != amount.Minor {
			t.Errorf("it is %s %s, absent %t, and the bank has %d", r.Verdict, r.Reason, r.Absent, w.captured())
		}
		began := providers.Window{From: ref.Planned, To: time.Now()}
		var failed int
		if err := w.gateway.Report(context.Background(), began, func(l providers.StatementLine) error {
			if l.Kind == providers.LineRefund && l.Verdict == providers.Declined {
				failed++
			}
			return nil
		}); err != nil || failed != 1 {
			t.Errorf("%d failed refunds in the books, error %v", failed, err)
		}
	})
}

func TestAHoldThatTheTerminalTookItselfIsCaptured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settle(t, sim.TipTopPaySwitches{AutoConfirm: sim.Duration(time.Hour)})
		ref, r := w.begin(providers.Instrument, goodCard, true)
		w.says(r, providers.Held, "")
		time.Sleep(2 * time.Hour)
		w.sees(ref, providers.Approved, "")
		w.says(w.gateway.Capture(context.Background(), ref, amount), providers.Approved, "")
		w.says(w.gateway.Capture(context.Background(), ref, providers.Money{Minor: 1, Currency: "KZT"}), providers.Declined, providers.Refused)
		if w.captured() != amount.Minor {
			t.Errorf("the bank has %d", w.captured())
		}
	})
}

// The notes, section 8: a repeat within the hour obtains the Id that got lost.
func TestARepeatedCreationBringsTheLostOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settle(t, sim.TipTopPaySwitches{})
		if _, err := w.bank.AddFault(sim.Fault{Face: tiptoppay.Name, Op: sim.OpCreate, Kind: sim.FaultActDrop, Times: 1}); err != nil {
			t.Fatal(err)
		}
		ref, r := w.begin(providers.Link, "", false)
		w.says(r, providers.Unknown, providers.Broken)
		w.says(w.gateway.Cancel(context.Background(), ref), providers.Unserved, providers.NotFound)
		again := w.gateway.Charge(context.Background(), providers.Charge{Ref: ref, CustomerID: customer})
		w.says(again, providers.Pending, providers.AwaitingPayer)
		if n := len(w.bank.Ledger().Objects); n != 1 {
			t.Errorf("there are %d orders", n)
		}
		ref.External = again.External
		w.says(w.gateway.Cancel(context.Background(), ref), providers.Approved, "")
		w.act(sim.ActPay)
		if w.captured() != 0 {
			t.Error("a withdrawn page was paid")
		}
	})
}

func TestNoticesThatAreGotAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settle(t, sim.TipTopPaySwitches{GetNotices: true, PlusForSpace: true, EmptyFields: true})
		w.begin(providers.Link, "", true)
		w.act(sim.ActPay)
		time.Sleep(time.Minute)
		if got := w.kinds(); got != "question, fact held" {
			t.Errorf("heard %s", got)
		}
		for _, d := range w.bank.Deliveries() {
			if d.State != "accepted" {
				t.Errorf("%s of our answer %q", d.State, d.Answer)
			}
		}
	})
}
