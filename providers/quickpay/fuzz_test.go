package quickpay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// Personal data and tokens that stand in answers, and must stay there.
const (
	hisEmail = "aida.saparova@example.kz"
	hisIP    = "203.0.113.7"
	hisCard  = "900000000001"
)

// seeds are payments of all kinds, and what is none.
func seeds(f *testing.F, add func(body string)) {
	f.Helper()
	person := map[string]any{"email": hisEmail, "customer_ip": hisIP}
	for _, o := range []map[string]any{
		object("initial"), linked(object("initial")), object("pending", doing("authorize", amount)), inHold("new"), paidWith(), paidWith(did("refund", 50, "20000")),
		inHold("processed", did("cancel", amount, "20000")), inHold("processed", did("capture", amount, "40002")), inHold("processed", did("capture", amount, "50300")),
		object("rejected", did("authorize", amount, "40000")), linked(object("rejected", did("authorize", amount, "40300"))),
		object("rejected", did("authorize", amount, "40003")), object("rejected", did("authorize", amount, "99999")), paidWith(did("payout", 5, "20000")),
		with(paidWith(), "test_mode", true), with(paidWith(), "balance", "150050"), with(paidWith(), "id", "714001"), with(paidWith(), "order_id", "rt-2"),
	} {
		add(text(f, with(o, "invoice_address", person)))
	}
	for _, body := range []string{"", "{", "{}", "null", "[]", "[null]", `{"operations":[{"amount":1e9}]}`, `{"id":01}`, body1, body2, body3, refusedBy("order_id"), refusedBy(),
		`{"message":"no","errors":[],"error_code":"` + hisEmail + `"}`, `{"url":"https://payment.quickpay.net/payments/x"}`, `{"token":"t"}`} {
		add(body)
	}
}

// discreet checks that nothing of the payer, the card or the keys is repeated.
func discreet(t *testing.T, r providers.Result) {
	t.Helper()
	said := fmt.Sprintf("%+v %s", r, r.Code)
	for _, secret := range []string{hisEmail, hisIP, hisCard, "sim-api-key", "sim-private-key"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is repeated in %q", secret, said)
		}
	}
	if len(r.Code) > 64 {
		t.Errorf("the code has %d bytes", len(r.Code))
	}
}

// FuzzPayment reads any payment a second time, plainly, and holds the verdict against it.
func FuzzPayment(f *testing.F) {
	seeds(f, func(body string) {
		f.Add([]byte(body), true, false)
		f.Add([]byte(body), false, true)
	})
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, direct, twoStage bool) {
		p, err := readPayment(body)
		if err != nil {
			return
		}
		ref := byLink()
		if direct {
			ref = byCard()
		}
		ref.TwoStage = twoStage
		if _, wrong := g.vouch(p, ref); wrong != nil {
			if wrong.Verdict != providers.Unknown || wrong.Absent {
				t.Errorf("%s: %+v", body, wrong)
			}
			return
		}
		plainly(t, p, ref, p.about(ref, g.view(ref, true)))
	})
}

// FuzzOperations strings operations together: three bytes choose type, code and amount.
func FuzzOperations(f *testing.F) {
	for _, steps := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x02\x00\x00", "\x00\x00\x00\x02\x00\x00\x03\x00\x01", "\x00\x04\x00\x00\x00\x00", "\x00\x00\x00\x04\x00\x00",
		"\x00\x01\x00", "\x00\x00\x00\x02\x06\x00", "\x06\x00\x00", "\x05\x01\x00"} {
		f.Add([]byte(steps), true, false, false)
		f.Add([]byte(steps), false, true, true)
	}
	kinds := []string{"authorize", "recurring", "capture", "refund", "cancel", "session", "payout", "renew"}
	results := []string{"20000", "pending", "", "20200", "40000", "40300", "40002", "40003", "50300", "47110"}
	amounts := []int{amount, 50, amount - 50, 0, amount + 1}
	states := []string{"initial", "pending", "new", "rejected", "processed"}
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, steps []byte, direct, twoStage, open bool) {
		if len(steps) > 60 {
			return
		}
		var operations []map[string]any
		for ; len(steps) >= 3; steps = steps[3:] {
			kind, result, minor := kinds[int(steps[0])%len(kinds)], results[int(steps[1])%len(results)], amounts[int(steps[2])%len(amounts)]
			if result == "pending" {
				operations = append(operations, doing(kind, minor))
			} else {
				operations = append(operations, did(kind, minor, result))
			}
		}
		ref := byLink()
		if direct {
			ref = byCard()
		}
		ref.TwoStage = twoStage
		for _, state := range states {
			said := object(state, operations...)
			if open {
				said = linked(said)
			}
			p, err := readPayment([]byte(text(t, said)))
			if err != nil {
				t.Fatal(err)
			}
			plainly(t, p, ref, p.about(ref, g.view(ref, true)))
		}
	})
}

// plainly reads the operations a second time, and holds what was made of them against it.
func plainly(t *testing.T, p payment, ref providers.Ref, got providers.Result) {
	t.Helper()
	direct := ref.Method == providers.Instrument
	discreet(t, got)
	sums := map[literal]int64{}
	waits := false
	for _, o := range all(p) {
		if o.Pending == nil || *o.Pending {
			waits = true
		} else if o.Code == "20000" {
			n, _ := o.Amount.whole()
			if o.Type == authorize || o.Type == recurring {
				sums[authorize], sums[cancel] = n, 0 // the last one counts
			} else {
				sums[o.Type] += max(n, 1)
			}
		}
	}
	switch got.Verdict {
	case providers.Approved:
		if got.Amount.Minor != sums[capture] || sums[authorize] != amount || !ref.TwoStage && sums[capture] != amount || got.Returned.Minor != sums[refund] {
			t.Errorf("%+v: %+v", all(p), got)
		}
	case providers.Held:
		if got.Amount != kroner(amount) || sums[authorize] != amount || sums[capture] != 0 || sums[cancel] != 0 {
			t.Errorf("%+v: %+v", all(p), got)
		}
	case providers.Declined, providers.Unserved:
		if sums[capture] != 0 || waits || sums[authorize] != 0 && got.Reason != providers.Released || !direct && sums[authorize] == 0 {
			t.Errorf("%+v: %+v", all(p), got)
		}
	}
	if got.Absent && (len(all(p)) != 0 || p.Link != nil || got.Verdict != providers.Unknown) {
		t.Errorf("%+v: absent", all(p))
	}
	if got.Verdict.HasMoney() && (p.TestMode == nil || *p.TestMode) {
		t.Errorf("%+v: a test is money", all(p))
	}
}

func all(p payment) []operation {
	if p.Operations == nil {
		return nil
	}
	return *p.Operations
}

// FuzzAnswers gives any answer to the last request of every call. A 5xx never means
// refused, and what is no error object never means refused either.
func FuzzAnswers(f *testing.F) {
	seeds(f, func(body string) {
		for _, status := range []int{200, 202, 204, 400, 401, 404, 409, 429, 500, 503} {
			f.Add(status, []byte(body))
		}
	})
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		first := map[string]string{"POST /payments": text(t, object("initial")), "POST /cards/" + hisCard + "/tokens": `{"token":"t-1"}`}
		w := &providertest.Scripted{Answer: func(r *http.Request) (int, []byte) {
			if answer, ok := first[r.Method+" "+r.URL.RequestURI()]; ok {
				return http.StatusCreated, []byte(answer)
			}
			return status, body
		}}
		c := least()
		c.APIBaseURL = "http://127.0.0.1"
		g, err := New(c, Options{Dial: w.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		var said errorBody
		worded := status/100 == 4 && json.Unmarshal(body, &said) == nil && strings.TrimSpace(said.Message) != ""
		for name, do := range calls(g) {
			got := do()
			discreet(t, got)
			no := got.Verdict == providers.Declined || got.Verdict == providers.Unserved
			switch {
			case status >= 500 && (got.Verdict != providers.Unknown || got.Reason != providers.ServerError || got.Absent):
				t.Errorf("%s, %d %q: %+v", name, status, body, got)
			case no && status/100 == 4 && !worded, no && status/100 == 3:
				t.Errorf("%s, %d %q: %+v", name, status, body, got)
			case got.Verdict == providers.Approved && name != "probe" && !bytes.Contains(body, []byte("20000")):
				t.Errorf("%s, %d %q: %+v", name, status, body, got)
			}
		}
	})
}

// FuzzCallback changes one byte of a signed callback: it must not be believed. What was
// signed is noise, or names the payment that stands in it.
func FuzzCallback(f *testing.F) {
	seeds(f, func(body string) { f.Add([]byte(body), uint16(7), byte(1)) })
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, at uint16, change byte) {
		n := called(privateKey, string(body))
		heard := g.Hear(n)
		discreet(t, heard.Result)
		switch p, err := readPayment(body); {
		case heard.Forged:
			t.Errorf("%q: a signed callback is forged", body)
		case heard.Kind == providers.Noise:
			if heard.Err == nil || strings.Contains(heard.Err.Error(), hisEmail) {
				t.Errorf("%q: %v", body, heard.Err)
			}
		case err != nil || heard.Ref.Order != string(p.OrderID) || heard.Ref.External != string(p.ID):
			t.Errorf("%q: heard %+v", body, heard)
		case heard.Kind == providers.Hint && heard.Result.Verdict != providers.Unknown, heard.Result.Absent:
			t.Errorf("%q: heard %+v", body, heard)
		}
		if len(body) > 0 && change != 0 {
			n.Body = bytes.Clone(body)
			n.Body[int(at)%len(body)] ^= change
			if got := g.Hear(n); got.Kind != providers.Noise || !got.Forged {
				t.Errorf("%q: heard %+v", n.Body, got)
			}
		}
		n = called(privateKey, string(body))
		sum := []byte(n.Header[signatureHeader][0])
		sum[int(at)%len(sum)] ^= max(change, 1)
		n.Header[signatureHeader] = []string{string(sum)}
		if got := g.Hear(n); got.Kind != providers.Noise || !got.Forged {
			t.Errorf("checksum %q: heard %+v", sum, got)
		}
	})
}

// FuzzStatement reads any list. A line lies in the window, and is money only if its
// operation was approved.
func FuzzStatement(f *testing.F) {
	seeds(f, func(body string) { f.Add([]byte("[" + body + "]")) })
	f.Fuzz(func(t *testing.T, body []byte) {
		c := least()
		c.APIBaseURL = "http://127.0.0.1"
		g, err := New(c, Options{Dial: (&providertest.Scripted{Answer: func(*http.Request) (int, []byte) { return http.StatusOK, body }}).Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		w := providers.Window{From: newYear, To: newYear.Add(24 * time.Hour)}
		err = g.Report(context.Background(), w, func(l providers.StatementLine) error {
			if l.At.Before(w.From) || !l.At.Before(w.To) || l.Amount.Minor < 0 || l.External == "" || strings.Contains(l.Code, hisEmail) {
				t.Errorf("%q: %+v", body, l)
			}
			if l.Verdict.HasMoney() && l.Code != "20000" {
				t.Errorf("%q: %+v", body, l)
			}
			return nil
		})
		if err != nil && strings.Contains(err.Error(), hisEmail) {
			t.Errorf("%q: %v", body, err)
		}
	})
}

// FuzzScalars reads ids, amounts and dates. What is read writes itself the same again.
func FuzzScalars(f *testing.F) {
	for _, text := range []string{"", "0", "-1", "01", "150050", "1e3", "1.0", "9223372036854775807", "9223372036854775808", "٣", "2026-01-01T00:00:00Z",
		"2026-01-01T00:00:00+05:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "yesterday"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := literal(text)
		if n, ok := l.whole(); ok && (n < 0 || fmt.Sprint(n) != text) {
			t.Errorf("%q is read as %d", text, n)
		}
		if l.isID() && strings.Trim(text, "0123456789") != "" {
			t.Errorf("%q is an id", text)
		}
		if at, ok := l.instant(); ok {
			again, err := time.Parse(time.RFC3339, text)
			if err != nil || !at.Equal(again) || at.Location() != time.UTC {
				t.Errorf("%q is read as %s", text, at)
			}
		}
		if orderly(text) && (len(text) < 4 || len(text) > 20 || strings.ContainsAny(text, " /?&#%\x00")) {
			t.Errorf("%q is an order number", text)
		}
		if word := shown(l); len(word) > 24 || strings.ContainsAny(word, " @\"<>\n") {
			t.Errorf("%q is shown as %q", text, word)
		}
	})
}
