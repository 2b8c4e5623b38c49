package wayforpay

import (
	"net/http"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// proved recomputes a signature the long way, from the fields of a body.
func proved(a answer) bool {
	for _, amount := range []string{string(a.Amount), shortestOf(a)} {
		if verifies(secret, a.MerchantSignature, []string{string(a.MerchantAccount), string(a.OrderReference), amount, string(a.Currency),
			string(a.AuthCode), string(a.CardPan), string(a.TransactionStatus), string(a.ReasonCode)}) {
			return true
		}
	}
	return false
}

func shortestOf(a answer) string {
	m, err := providers.ParseMoney(string(a.Amount), string(a.Currency))
	if err != nil {
		return string(a.Amount)
	}
	return m.Shortest()
}

func seeds(f *testing.F) {
	f.Helper()
	for _, status := range []string{"Approved", "Declined", "WaitingAuthComplete", "Expired", "Voided", "Refunded", "Created", "Sold"} {
		for _, code := range []string{"1100", "1101", "1113", "1127", "1138", "9999"} {
			f.Add([]byte(says(status, code, "rt-1", "250")))
		}
	}
	for _, body := range []string{"", "{", "{}", "null", "[]", `{"amount":1e9,"reasonCode":null}`, `{"amount":"250.0","AMOUNT":250}`, "a=b&c=d", "%7B%22a%22%3A1%7D=", `{"reasonCode":1113}`} {
		f.Add([]byte(body))
	}
}

// Nothing but a signed answer about this order may say more than "unknown".
func FuzzAnswer(f *testing.F) {
	seeds(f)
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	ref := providers.Ref{Order: "rt-1", Method: providers.Instrument, Amount: providers.Money{Minor: 25000, Currency: "UAH"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			return
		}
		doubt, ok := g.vouch(a, ref.Order, eight)
		if !ok {
			if doubt.Verdict != providers.Unknown || proved(a) && string(a.MerchantAccount) == account && a.OrderReference == "rt-1" {
				t.Errorf("%s: %+v", body, doubt)
			}
			return
		}
		if !proved(a) || string(a.MerchantAccount) != account || a.OrderReference != "rt-1" {
			t.Errorf("%s: believed", body)
		}
		got := a.about(ref, view{seen: true})
		if got.Absent != (a.ReasonCode == notFound && tellsOfNoPayment[string(a.TransactionStatus)]) {
			t.Errorf("%s: absent %t", body, got.Absent)
		}
		if got.Verdict != providers.Unknown && (a.ReasonCode == notFound || shortestOf(a) != "250" || a.Currency != "UAH") {
			t.Errorf("%s: %+v", body, got)
		}
		if got.Verdict.HasMoney() && got.Amount != ref.Amount {
			t.Errorf("%s: amount %s", body, got.Amount)
		}
	})
}

// A notice that is not signed changes nothing and is never accepted.
func FuzzHear(f *testing.F) {
	seeds(f)
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		heard := g.Hear(providers.Notice{Method: http.MethodPost, Body: body})
		reply := g.Answer(heard, providers.Ruling{Kind: providers.Accepted})
		a, err := readNotice(body)
		genuine := err == nil && proved(a) && string(a.MerchantAccount) == account && a.OrderReference != ""
		if genuine != (heard.Kind != providers.Noise) || genuine != (reply.Status == http.StatusOK) {
			t.Errorf("%q: %s, answered %d", body, heard.Kind, reply.Status)
		}
		if heard.Kind != providers.Fact && heard.Result.Verdict != providers.Unknown || heard.Forged && heard.Kind != providers.Noise {
			t.Errorf("%q: %+v", body, heard)
		}
		if heard.Result.Verdict.HasMoney() && heard.Result.Amount.Currency == "" {
			t.Errorf("%q: money without an amount", body)
		}
	})
}
