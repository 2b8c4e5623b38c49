package tiptoppay

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// behind makes a gateway whose network is w.
func behind(t testing.TB, w *providertest.Scripted) *Gateway {
	t.Helper()
	c := least()
	c.APIBaseURL = "http://127.0.0.1"
	g, err := New(c, Options{Dial: w.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Personal data and tokens that stand in every answer.
const (
	hisPhone = "77011234567"
	hisEmail = "aida.saparova@example.kz"
	hisName  = "Aida Saparova"
	hisToken = "tk_1a2b3c4d0000c0de"
)

// discreet checks that nothing of the payer, the token or the secret is repeated.
func discreet(t *testing.T, texts ...any) {
	t.Helper()
	said := fmt.Sprint(texts...)
	for _, kept := range []string{hisPhone, hisEmail, hisName, hisToken, secret.Reveal()} {
		if strings.Contains(said, kept) {
			t.Errorf("%q is repeated in %q", kept, said)
		}
	}
	if len(said) > 500 {
		t.Errorf("too much is said: %d bytes", len(said))
	}
}

// composed is a transaction as the fuzzer writes it, and what the notes make of it,
// written down a second time.
type composed struct {
	id, original, kind, order, terminal, mode, amount, currency, status, statusCode, reason string
}

func (c composed) body(success bool, numbers bool) []byte {
	model := providertest.Object(map[string]string{
		"TransactionId": c.id, "OriginalTransactionId": c.original, "Type": c.kind, "InvoiceId": c.order, "PublicId": c.terminal, "TestMode": c.mode,
		"Amount": c.amount, "Currency": c.currency, "Status": c.status, "StatusCode": c.statusCode, "ReasonCode": c.reason,
		"Name": hisName, "Email": hisEmail, "Token": hisToken, "AccountId": hisPhone, "Description": hisName, "CreatedDateIso": "2026-03-14T09:21:07",
	}, numbers)
	return fmt.Appendf(nil, `{"Model":%s,"Success":%t,"Message":%q}`, model, success, hisName+" "+hisPhone)
}

// ours reports whether the transaction is a payment of the order on this terminal.
func (c composed) ours(order string) bool {
	return c.order == order && (c.terminal == "" || c.terminal == publicID) && c.mode == "true" &&
		(c.kind == "" || c.kind == "0") && (c.original == "" || c.original == "0")
}

// is reports whether a text is the amount, by exact fractions.
func is(text string, m providers.Money) bool {
	if !providertest.Decimal.MatchString(text) {
		return false
	}
	value, ok := new(big.Rat).SetString(text)
	return ok && value.Cmp(big.NewRat(m.Minor, 100)) == 0
}

func valid(text string) string { return strings.ToValidUTF8(text, "?") }

func (c composed) valid() composed {
	for _, field := range []*string{&c.id, &c.original, &c.kind, &c.order, &c.terminal, &c.mode, &c.amount, &c.currency, &c.status, &c.statusCode, &c.reason} {
		*field = valid(*field)
	}
	return c
}

// A charge or a look-up says what its answer says about our payment, and of anything
// else nothing.
func FuzzTransaction(f *testing.F) {
	for _, status := range []string{"AwaitingAuthentication", "Authorized", "Completed", "Cancelled", "Declined", "Sold", ""} {
		for _, reason := range []string{"0", "5051", "5096", "987654", ""} {
			f.Add(uint16(200), txID, "", "0", tokenOrder, publicID, "true", "14500.00", "KZT", status, "", reason, true, false)
		}
	}
	f.Add(uint16(500), txID, "", "0", tokenOrder, publicID, "true", "14500", "KZT", "Declined", "5", "5051", false, true)
	f.Add(uint16(200), txID, "7", "1", tokenOrder, "", "1", "1e4", "RUB", "Completed", "3", "0", true, true)
	f.Add(uint16(200), "-1", "0", "", orderNumber, "pk_other", "false", "14500.000", "", "Completed", "5", "", true, false)
	w := &providertest.Scripted{}
	g := behind(f, w)
	f.Fuzz(func(t *testing.T, status uint16, id, original, kind, order, terminal, mode, amount, currency, state, stateCode, reason string, success, numbers bool) {
		c := composed{id, original, kind, order, terminal, mode, amount, currency, state, stateCode, reason}.valid()
		status %= 1000
		body := c.body(success, numbers)
		w.Answer = func(*http.Request) (int, []byte) { return int(status), body }
		ref := saved(t)
		ref.External = ""
		for what, r := range map[string]providers.Result{
			"charge":  g.Charge(t.Context(), wish(t, ref)),
			"look-up": g.Lookup(t.Context(), ref),
		} {
			discreet(t, r.Code, r.Err, fmt.Sprintf("%+v", r))
			if status != 200 && status != 401 && status != 429 && (r.Verdict != providers.Unknown || r.Absent) {
				t.Errorf("%s, HTTP %d: %s %s", what, status, r.Verdict, r.Reason)
			}
			if r.Absent {
				t.Errorf("%s: a transaction is found and absent", what)
			}
			if status != 200 || r.Verdict == providers.Unknown {
				continue
			}
			if !c.ours(tokenOrder) || r.External != c.id || !is(c.amount, ref.Amount) || c.currency != "KZT" {
				t.Errorf("%s: %s %s of %s", what, r.Verdict, r.Reason, body)
			}
			money := c.reason == "" || c.reason == "0"
			allowed := map[string][]providers.Verdict{
				"AwaitingAuthentication": {providers.Pending}, "Authorized": {providers.Held}, "Completed": {providers.Approved},
				"Cancelled": {providers.Declined}, "Declined": {providers.Declined, providers.Unserved},
			}[c.status]
			ok := false
			for _, v := range allowed {
				ok = ok || r.Verdict == v
			}
			if !ok || r.Verdict.HasMoney() && (!money || r.Amount != ref.Amount) || c.status == "Declined" && money {
				t.Errorf("%s: %s %s of %s", what, r.Verdict, r.Reason, body)
			}
		}
	})
}

// Whatever comes instead of an answer, no deed is refused by it but by documented words,
// and a server error never is one.
func FuzzAnswer(f *testing.F) {
	for _, status := range []uint16{200, 204, 302, 400, 401, 404, 429, 500, 503} {
		for _, body := range []string{"", "{}", "null", "[]", done, refusal, notFound, created, `{"Success":false,"Message":"Amount is required"}`, "<html>declined</html>",
			`{"Success":false,"Model":{"Status":"Declined","ReasonCode":5051}}`, `{"Model":{"TransactionId":1,"AcsUrl":"x"},"Success":false}`, `{"Success":1}`, `{"success":true,"SUCCESS":false}`} {
			f.Add(status, []byte(body))
		}
	}
	w := &providertest.Scripted{}
	g := behind(f, w)
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		status %= 1000
		var envelope struct {
			Success *bool
			Message any
			Model   any
		}
		readable := json.Unmarshal(body, &envelope) == nil && envelope.Success != nil
		look := map[string]string{paymentsFind: found(orderNumber, "Authorized")}
		w.Answer = func(r *http.Request) (int, []byte) {
			if answer, ok := look[r.URL.Path]; ok {
				return 200, []byte(answer)
			}
			return int(status), body
		}
		offer, token := wish(t, page(t)), wish(t, saved(t))
		ref := page(t)
		ref.TwoStage = true
		results := map[string]providers.Result{
			"create": g.Charge(t.Context(), offer), "charge": g.Charge(t.Context(), token),
			"capture": g.Capture(t.Context(), ref, ref.Amount), "void": g.Cancel(t.Context(), ref), "probe": g.Probe(t.Context()),
		}
		look[paymentsFind] = notFound
		results["withdraw"] = g.Cancel(t.Context(), ref)
		look[paymentsFind] = found(orderNumber, "Completed")
		results["refund"] = g.Refund(t.Context(), back(t, ref, "5000", "0"))
		for what, r := range results {
			discreet(t, r.Code)
			if status >= 500 && r.Verdict != providers.Unknown || r.Absent {
				t.Errorf("%s, HTTP %d: %s %s", what, status, r.Verdict, r.Reason)
			}
			switch r.Verdict {
			case providers.Approved:
				if !readable || !*envelope.Success || status != 200 {
					t.Errorf("%s is approved by HTTP %d %q", what, status, body)
				}
			case providers.Unserved:
				refused := status == 200 && readable && !*envelope.Success && envelope.Message != nil
				if status != 401 && status != 429 && !refused {
					t.Errorf("%s is unserved by HTTP %d %q", what, status, body)
				}
			case providers.Declined:
				if what != "charge" || status != 200 || envelope.Model == nil {
					t.Errorf("%s is declined by HTTP %d %q", what, status, body)
				}
			}
		}
	})
}

// A date is read to the second it says, in UTC, or not at all.
func FuzzDate(f *testing.F) {
	for _, text := range []string{"2026-03-14T09:21:07", "2026-03-14T09:21:07.123", "2026-03-14T09:21:07Z", "2026-02-30T00:00:00", "0001-01-01T00:00:00", "/Date(1773480060000)/", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := readDate(literal(text))
		if err != nil {
			return
		}
		if len(text) < 19 || at.UTC().Format("2006-01-02T15:04:05") != text[:19] || at.Location() != time.UTC || len(text) > 19 && text[19] != '.' && text[19] != ',' {
			t.Errorf("%q is read as %s", text, at)
		}
	})
}
