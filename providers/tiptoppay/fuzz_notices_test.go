package tiptoppay

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// proof is the signature of the notes, section 3, written down a second time.
func proof(message string) string {
	mac := hmac.New(sha256.New, []byte("9c1f6a0d4be2478ea5f3d07b8c26e914"))
	mac.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// A notice changes something only if it is signed, and a Fact about money only if its
// own fields say so.
func FuzzHear(f *testing.F) {
	for _, kind := range []string{"check", "pay", "fail", "confirm", "refund", "cancel", "recurrent", ""} {
		f.Add(kind, payBody, true)
		f.Add(kind, told(payBody, "AuthCode", "", "Rrn", "", "Data", `{"until":4102444800}`), true)
		f.Add(kind, vectors["T3"].message, true)
		f.Add(kind, payBody, false)
	}
	for _, body := range []string{"", "{", "{}", "null", "a=%zz", "InvoiceId=a&InvoiceId=b", `{"InvoiceId":{}}`, `{"InvoiceId":"a","Amount":1e400,"Data":"{\"until\":-1}"}`} {
		f.Add("pay", body, true)
	}
	g := deaf(f, nil)
	f.Fuzz(func(t *testing.T, kind, body string, genuine bool) {
		signature := proof(body)
		if !genuine {
			signature = proof(body + "x")
		}
		for _, n := range []providers.Notice{
			{Method: http.MethodPost, Path: kind, Body: []byte(body), Header: http.Header{"Content-Hmac": {signature}}},
			{Method: http.MethodGet, Path: kind, Query: body, Header: http.Header{"Content-Hmac": {signature}}},
		} {
			h := g.Hear(n)
			check := strings.Trim(kind, "/") == "check"
			if !genuine && (h.Kind != providers.Noise || !h.Forged) || genuine && h.Forged {
				t.Errorf("genuine %t: %s, forged %t", genuine, h.Kind, h.Forged)
			}
			if h.Kind != providers.Noise && (h.Ref.Order == "" || h.Key == "" || len(h.Key) > 100) || (h.Kind == providers.Noise) != (h.Err != nil) {
				t.Errorf("%+v", h)
			}
			if h.Kind != providers.Fact && h.Result.Verdict != providers.Unknown || h.Kind == providers.Question && (!genuine || !check || h.Err != nil) {
				t.Errorf("%+v", h)
			}
			if h.Result.Verdict.HasMoney() && (strings.Trim(kind, "/") != "pay" || h.Result.Amount.Minor <= 0 || h.Result.Amount.Currency != "KZT" ||
				!strings.Contains(body, "AuthCode") || !strings.Contains(body, "TestMode")) {
				t.Errorf("%q at %q is money: %+v", body, kind, h.Result)
			}
			for _, ruling := range []providers.RulingKind{providers.TryLater, providers.Accepted, providers.Unmatched, providers.Rejected, providers.Payable, providers.Gone} {
				reply := g.Answer(h, providers.Ruling{Kind: ruling, Amount: tenge(t, "14500")})
				yes := reply.Status == http.StatusOK && string(reply.Body) == `{"code":0}`
				if yes && check && h.Kind != providers.Question {
					t.Errorf("%q at %q is acknowledged", body, kind)
				}
				if yes && (!genuine || ruling == providers.TryLater || ruling == providers.Gone || h.Kind == providers.Question && ruling != providers.Payable) {
					t.Errorf("%s, ruled %d: %s", h.Kind, ruling, reply.Body)
				}
			}
		}
	})
}

// Any changed byte of a signed notice makes it forged, under either header.
func FuzzChangedByte(f *testing.F) {
	for i, v := range []string{"T1", "T2", "T3", "T4"} {
		f.Add(v, uint16(i*17), byte('0'))
	}
	g := deaf(f, nil)
	f.Fuzz(func(t *testing.T, name string, at uint16, is byte) {
		v, ok := vectors[name]
		if !ok {
			return
		}
		body := []byte(v.message)
		i := int(at) % len(body)
		if body[i] == is {
			return
		}
		body[i] = is
		if got := g.authentic(headers("Content-HMAC", v.exact, "X-Content-HMAC", v.loose), string(body)); got != forged {
			t.Errorf("%s: byte %d is %q and it is believed", name, i, is)
		}
		// The other header is over the words alone, so another spelling of them stays genuine.
		before, _ := plainText(v.message)
		after, err := plainText(string(body))
		if got := g.authentic(headers("X-Content-HMAC", v.loose), string(body)); (got == decoded) != (err == nil && before == after) {
			t.Errorf("%s: byte %d is %q, trust %d", name, i, is, got)
		}
	})
}

// Whatever form a notice has, a field is read as it was written, and one that stands
// twice not at all.
func FuzzFields(f *testing.F) {
	f.Add("InvoiceId", "a b", "Amount", "1+1")
	f.Add("a", "&=%", "a", "")
	f.Fuzz(func(t *testing.T, one, first, other, second string) {
		if !strings.HasPrefix(one, "I") { // what begins with a brace is JSON
			return
		}
		form := url.QueryEscape(one) + "=" + url.QueryEscape(first) + "&" + url.QueryEscape(other) + "=" + url.QueryEscape(second)
		got, err := readFields(form)
		if one == other {
			if err == nil {
				t.Errorf("%q twice is %q", one, got[one])
			}
			return
		}
		if err != nil || got[one] != first || got[other] != second {
			t.Errorf("%s: %v, error %v", form, got, err)
		}
		if bytes.ContainsAny([]byte(got.key("pay")), "\n ") || got.key("pay") == got.key("fail") {
			t.Errorf("the key is %q", got.key("pay"))
		}
	})
}
