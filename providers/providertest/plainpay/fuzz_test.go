package plainpay

import (
	"net/http"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

const paid = `{"shop":"plain","order":"4711","id":"p1","state":"paid","amount":"15490.00","currency":"KZT","returned":"0.00"}`

// Whatever is answered, a look-up says no more than it proves, and repeats nothing strange.
func FuzzAnswers(f *testing.F) {
	for _, status := range []int{200, 201, 302, 404, 409, 503} {
		for _, body := range []string{paid, strings.ReplaceAll(paid, "paid", "aida@example.kz"), `{"error":"no_such_order"}`, `{"error":"aida@example.kz"}`, "null", "{"} {
			f.Add(status, body)
		}
	}
	bank := &providertest.Scripted{}
	g, err := account("plain").New(bank.Dial)
	if err != nil {
		f.Fatal(err)
	}
	ref := providers.Ref{Order: "4711", Method: providers.Link, Amount: providers.Money{Minor: 1549000, Currency: "KZT"}}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		bank.Answer = func(*http.Request) (int, []byte) { return status, []byte(body) }
		r := g.Lookup(t.Context(), ref)
		switch {
		case status != http.StatusOK && r.Verdict != providers.Unknown, status != http.StatusNotFound && r.Absent, r.Verdict == providers.Unserved:
			t.Errorf("%d %q is %+v", status, body, r)
		case r.Verdict.HasMoney() && (r.Amount != ref.Amount || r.Returned.Minor < 0 || r.Returned.Minor > ref.Amount.Minor):
			t.Errorf("%q is %+v", body, r)
		case strings.Contains(r.Code, "@") || r.Err != nil && strings.Contains(r.Err.Error(), "@"):
			t.Errorf("%q is repeated in %q, %v", body, r.Code, r.Err)
		}
	})
}

// A notice without the right signature is nothing, whatever stands in it.
func FuzzForgedNotices(f *testing.F) {
	f.Add(paid, "")
	f.Add(paid, strings.Repeat("0", 64))
	g := &Gateway{config: Config{Shop: "plain", Key: providers.NewSecret(key)}}
	f.Fuzz(func(t *testing.T, body, signature string) {
		h := g.Hear(providers.Notice{Header: http.Header{"Plainpay-Signature": {signature}}, Body: []byte(body)})
		if h.Kind != providers.Noise || !h.Forged || g.Answer(h, providers.Ruling{Kind: providers.Accepted}).Status < 300 {
			t.Errorf("%q under %q is heard as %+v", body, signature, h)
		}
	})
}
