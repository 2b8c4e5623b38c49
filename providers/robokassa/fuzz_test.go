package robokassa

import (
	"encoding/xml"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// Personal data that may come back in any answer.
const (
	hisPhone = "77011234567"
	hisEmail = "aida.saparova@example.kz"
	hisName  = "Aida Saparova"
)

// discreet checks that nothing of the payer and no password is repeated.
func discreet(t *testing.T, r providers.Result) {
	t.Helper()
	said := fmt.Sprintf("%v %v", r.Code, r.Err)
	for _, secret := range []string{hisPhone, hisEmail, hisName, "sim-pass"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is repeated in %q", secret, said)
		}
	}
	if len(r.Code) > 64 || len(said) > 500 {
		t.Errorf("too much is said: %q", said)
	}
}

// amounts reports whether a text is the amount, by exact fractions.
func amounts(text string, m providers.Money) bool {
	if text = strings.TrimSpace(text); !providertest.Decimal.MatchString(text) {
		return false
	}
	value, ok := new(big.Rat).SetString(text)
	return ok && value.Cmp(big.NewRat(m.Minor, 100)) == 0
}

// seen is OpStateExt a second time, by the reader of the standard library.
type seen struct {
	XMLName xml.Name `xml:"OperationStateResponse"`
	Result  string   `xml:"Result>Code"`
	State   string   `xml:"State>Code"`
	Sum     string   `xml:"Info>OutSum"`
	Key     string   `xml:"Info>OpKey"`
}

func stateSeeds(f *testing.F) {
	f.Helper()
	for _, state := range []string{"5", "10", "20", "50", "60", "80", "100", "70", ""} {
		for _, sum := range []string{"1500.500000", "1500.5", "700", "", "1e3"} {
			f.Add([]byte(says(state, sum)))
		}
	}
	for _, code := range []string{"0", "1", "2", "3", "4", "1000", ""} {
		f.Add([]byte(refuses(code)))
	}
	for _, body := range []string{"", "<", "<a/>", "<!DOCTYPE x>", "<OperationStateResponse/>", "\xef\xbb\xbf<OperationStateResponse></OperationStateResponse>",
		"<OperationStateResponse><State><Code>100</Code></State><Result><Code>0</Code></Result></OperationStateResponse>"} {
		f.Add([]byte(body))
	}
}

// No answer to a look says more than its codes and its sum do.
func FuzzState(f *testing.F) {
	stateSeeds(f)
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseState(body)
		if err != nil {
			return
		}
		var again seen
		if err := xml.Unmarshal([]byte(strings.TrimPrefix(string(body), "\xef\xbb\xbf")), &again); err != nil {
			t.Fatalf("%q is read, and the standard library says %v", body, err)
		}
		for _, r := range []providers.Ref{ref(providers.Link), ref(providers.Instrument), held()} {
			got := g.about(s, r, now)
			discreet(t, got)
			state := strings.TrimSpace(again.State)
			if strings.TrimSpace(again.Result) != "0" {
				state = ""
			}
			paid := slices.Contains([]string{"50", "60", "100"}, state)
			switch got.Verdict {
			case providers.Approved:
				if got.Amount == (providers.Money{}) && r.TwoStage {
					got.Amount = sum // which may be what was held
				}
				if !paid || got.Amount.Currency != "KZT" || !amounts(again.Sum, got.Amount) || got.Amount.Minor > sum.Minor || !r.TwoStage && got.Amount != sum {
					t.Errorf("%q: it is approved with %s", body, got.Amount)
				}
			case providers.Held:
				if state != "20" || got.Amount != sum || !amounts(again.Sum, sum) {
					t.Errorf("%q: it is held with %s", body, got.Amount)
				}
			case providers.Declined:
				if state != "10" || r.Method == providers.Link && !r.TwoStage {
					t.Errorf("%q: it is declined", body)
				}
			case providers.Pending:
				if !slices.Contains([]string{"5", "10", "80"}, state) {
					t.Errorf("%q: it is pending", body)
				}
			case providers.Unknown:
				if got.Absent != (strings.TrimSpace(again.Result) == "3") {
					t.Errorf("%q: absent %t", body, got.Absent)
				}
			default:
				t.Errorf("%q: it is %s", body, got.Verdict)
			}
		}
	})
}

// The operations that FuzzOperations drives, and the address whose answer is fuzzed.
var operations = []struct {
	to string
	do func(t *testing.T, g *Gateway) providers.Result
}{
	{toRecurring, func(t *testing.T, g *Gateway) providers.Result {
		return g.Charge(t.Context(), charge(providers.Instrument))
	}},
	{toInvoice, func(t *testing.T, g *Gateway) providers.Result { return g.Charge(t.Context(), charge(providers.Link)) }},
	{toStart, func(t *testing.T, g *Gateway) providers.Result {
		c := charge(providers.Link)
		c.Ref.TwoStage = true
		return g.Charge(t.Context(), c)
	}},
	{toConfirm, func(t *testing.T, g *Gateway) providers.Result { return g.Capture(t.Context(), held(), tenge(700_00)) }},
	{toCancel, func(t *testing.T, g *Gateway) providers.Result { return g.Cancel(t.Context(), held()) }},
	{toDeactivate, func(t *testing.T, g *Gateway) providers.Result {
		invoice := ref(providers.Link)
		invoice.External = invoiceKey + "i1"
		return g.Cancel(t.Context(), invoice)
	}},
	{toRefund, func(t *testing.T, g *Gateway) providers.Result { return g.Refund(t.Context(), refundOf(500_25, 0)) }},
	{toRefundID, func(t *testing.T, g *Gateway) providers.Result {
		told := refundOf(500_25, 0)
		told.External = "a1"
		return g.LookupRefund(t.Context(), told)
	}},
	{toState, func(t *testing.T, g *Gateway) providers.Result { return g.Lookup(t.Context(), ref(providers.Link)) }},
	{toState, func(t *testing.T, g *Gateway) providers.Result {
		return g.LookupRefund(t.Context(), refundOf(1500_50, 0))
	}},
	{toState, func(t *testing.T, g *Gateway) providers.Result { return g.Probe(t.Context()) }},
}

// A status other than 200 decides nothing, whatever comes with it, but for the 401 that is
// documented; and no answer makes an operation say more than its words.
func FuzzOperations(f *testing.F) {
	bodies := append(slices.Clone(accepting), "OK"+order, made, created, `{"isSuccess":true}`, `{"invoiceID":"a1","errorCode":0}`, `{"invoiceID":"a1","errorCode":"29"}`,
		`{"requestId":"a1","amount":500.25,"label":"finished"}`, `{"requestId":"a1","amount":500.25,"label":"canceled"}`, `{"success":false,"message":"PartialIsNotAllowed","requestId":null}`,
		says("100", "1500.5"), says("60", "1500.5"), says("10", "1500.5"), refuses("3"), "", "<html>", hisName+" "+hisPhone+" "+hisEmail)
	for i := range operations {
		for n, body := range bodies {
			f.Add(uint8(i), uint16(200), body)
			f.Add(uint8(i), []uint16{201, 301, 400, 401, 403, 404, 429, 500, 503, 100, 0}[n%11], body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, status uint16, body string) {
		op := operations[int(which)%len(operations)]
		status %= 1000
		before := map[string]string{toCancel: says("20", "1500.5"), toDeactivate: refuses("3"), toRefund: says("100", "1500.5")}
		moved := 0
		g := behind(t, &providertest.Scripted{Answer: func(r *http.Request) (int, []byte) {
			to := r.Method + " " + r.URL.Path
			if to == op.to {
				moved++
				return int(status), []byte(body)
			}
			return http.StatusOK, []byte(before[op.to])
		}})
		r := op.do(t, g)
		discreet(t, r)
		if moved > 1 {
			t.Errorf("it was asked %d times", moved)
		}
		refused := status == http.StatusUnauthorized && op.to == toRefund
		if status != http.StatusOK && !(refused && r.Verdict == providers.Unserved && r.Reason == providers.Misconfigured) && (r.Verdict != providers.Unknown || r.Absent) {
			t.Errorf("%s with status %d and %q: it is %s %s", op.to, status, body, r.Verdict, r.Reason)
		}
		if status != http.StatusOK {
			return
		}
		text := strings.TrimSpace(body)
		switch op.to {
		case toRecurring:
			if (r.Verdict == providers.Pending) != (text == "OK"+order) || r.Verdict != providers.Pending && r.Verdict != providers.Unknown {
				t.Errorf("%q: it is %s", body, r.Verdict)
			}
		case toConfirm, toCancel:
			if accepted := r.Verdict == providers.Pending || r.Verdict == providers.Approved; accepted && !strings.Contains(strings.NewReplacer(" ", "", `"`, "").Replace(text), "{success:true}") ||
				!accepted && r.Verdict != providers.Unknown {
				t.Errorf("%q: it is %s", body, r.Verdict)
			}
		case toInvoice, toStart:
			if r.Verdict == providers.Pending && (r.Action == nil || r.Action.URL == "") || r.Verdict.HasMoney() {
				t.Errorf("%q: it is %s, action %+v", body, r.Verdict, r.Action)
			}
		case toRefund:
			if r.Verdict == providers.Approved || r.Verdict == providers.Pending && r.External == "" {
				t.Errorf("%q: it is %s", body, r.Verdict)
			}
		case toDeactivate:
			if r.Verdict != providers.Approved && r.Verdict != providers.Unknown {
				t.Errorf("%q: it is %s", body, r.Verdict)
			}
		}
	})
}

// behind makes a gateway whose network is w.
func behind(t testing.TB, w *providertest.Scripted) *Gateway {
	t.Helper()
	c := least()
	everything(&c)
	c.Start = "json"
	for _, base := range c.bases() {
		*base.value = "http://127.0.0.1"
	}
	g, err := New(c, Options{Dial: w.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return g
}
