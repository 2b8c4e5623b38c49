package wayforpay

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// What a notice may tell the router. Token and brand are not under the signature and
// are left out: a notice is their only source.
type lesson struct {
	kind     providers.HeardKind
	order    string
	verdict  providers.Verdict
	reason   providers.Reason
	amount   providers.Money
	returned providers.Money
	key      string
}

func learnt(h providers.Heard) lesson {
	return lesson{h.Kind, h.Ref.Order, h.Result.Verdict, h.Result.Reason, h.Result.Amount, h.Result.Returned, h.Key}
}

// Whatever byte of a signed notice is changed, it is refused; and whatever is changed
// around what is signed, it tells nothing else than before.
func FuzzChangedNotice(f *testing.F) {
	for field := range uint8(9) {
		f.Add("Approved", "1100", "250", "541963", field, uint16(0), byte(1))
		f.Add("Declined", "1101", "250.50", "", field, uint16(3), byte(0x20))
		f.Add("WaitingAuthComplete", "1100", "00.10", "123456", field, uint16(1), byte(0x1d))
		f.Add("Refunded", "1100", "250.0", "7;7", field, uint16(2), byte(0x0b))
	}
	g := behind(f, &providertest.Scripted{})
	hear := func(body []byte) providers.Heard {
		return g.Hear(providers.Notice{Method: http.MethodPost, Body: body})
	}
	f.Fuzz(func(t *testing.T, state, code, amount, auth string, field uint8, position uint16, change byte) {
		s := told{account: account, order: "rec-rt1", amount: valid(amount), currency: "UAH", auth: valid(auth), pan: "41****8217",
			state: valid(state), code: valid(code), returned: "250"}
		signature := s.eight()
		genuine := s.body(signature, true)
		first := hear(genuine)
		if first.Kind == providers.Noise || first.Forged {
			t.Fatalf("a signed notice is refused: %v", first.Err)
		}
		if !first.Result.Returned.IsZero() {
			t.Errorf("%s returned, says what nobody signed", first.Result.Returned)
		}
		if first.Kind == providers.Fact && first.Result.Verdict.HasMoney() && !amounts(s.amount, first.Result.Amount) {
			t.Errorf("%s heard of %q", first.Result.Amount, s.amount)
		}
		if change == 0 {
			return
		}

		other, forged := s, signature
		values := []*string{&other.account, &other.order, &other.amount, &other.currency, &other.auth, &other.pan, &other.state, &other.code, &forged}
		if value := values[field%9]; *value != "" {
			changed := []byte(*value)
			changed[int(position)%len(changed)] ^= change
			*value = valid(string(changed))
			same := strings.EqualFold(forged, signature) && other == s ||
				field%9 == 2 && equal(other.amount, s.amount) // 250 and 0250
			if h := hear(other.body(forged, true)); !same && (h.Kind != providers.Noise || h.Result.Verdict != providers.Unknown || h.Ref.Order != "") {
				t.Errorf("a %s by %+v, signed as %+v", h.Kind, other, s)
			}
		}

		around := bytes.Clone(genuine)
		around[int(position)%len(around)] ^= change
		rest := bytes.TrimPrefix(genuine, []byte("{"))
		for name, body := range map[string][]byte{
			"one byte":     around,
			"twice":        fmt.Appendf(nil, "{%s,%s", bytes.TrimSuffix(rest, []byte("}")), rest),
			"another last": fmt.Appendf(nil, `{%s,"amount":1,"transactionStatus":"Approved"}`, bytes.TrimSuffix(rest, []byte("}"))),
			"upper case":   fmt.Appendf(nil, `{%s,"AMOUNT":1,"REASONCODE":"1100"}`, bytes.TrimSuffix(rest, []byte("}"))),
			"more fields":  fmt.Appendf(nil, `{"status":"accept","%x":[1,{"amount":1}],%s`, position, rest),
		} {
			h := hear(body)
			if h.Kind != providers.Noise && learnt(h) != learnt(first) {
				t.Errorf("%s: %+v is heard instead of %+v", name, learnt(h), learnt(first))
			}
			if (name == "twice" || name == "more fields") && h.Kind == providers.Noise {
				t.Errorf("%s: refused, %v", name, h.Err)
			}
			discreet(t, h.Err)
		}
	})
}
