package wayforpay

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// behind makes a gateway whose network is w.
func behind(t testing.TB, w *providertest.Scripted) *Gateway {
	t.Helper()
	c := least()
	c.APIBaseURL = "http://127.0.0.1"
	c.SecureBaseURL = "https://secure.wayforpay.com"
	g, err := New(c, Options{Dial: w.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// kindOf is the transactionType of a request.
func kindOf(r *http.Request) string {
	var asked struct {
		Kind string `json:"transactionType"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return err.Error()
	}
	return asked.Kind
}

// told is an answer or a notice as the fuzzer composes it, and what the notes make of
// it, written down a second time.
type told struct {
	account, order, amount, currency, auth, pan, state, code, returned string
}

// The signatures of the notes, section 3, written down a second time.
func (s told) eight() string {
	return hmacMD5(s.account, s.order, s.amount, s.currency, s.auth, s.pan, s.state, s.code)
}
func (s told) four() string { return hmacMD5(s.account, s.order, s.state, s.code) }

func hmacMD5(fields ...string) string {
	mac := hmac.New(md5.New, []byte("flk3409refn54t54t*FNJRET"))
	for i, field := range fields {
		if i > 0 {
			mac.Write([]byte{';'})
		}
		mac.Write([]byte(field))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Personal data and tokens that stand in every request and come back in every answer.
const (
	hisPhone = "77011234567"
	hisEmail = "aida.saparova@example.kz"
	hisName  = "Aida Saparova"
	hisToken = "1a2b3c4d-0000-4000-8000-00000000c0de"
)

// body writes the answer. Extra fields repeat what a real one knows of the payer.
func (s told) body(signature string, numbers bool) []byte {
	fields := map[string]string{
		"merchantAccount": s.account, "orderReference": s.order, "amount": s.amount, "currency": s.currency, "authCode": s.auth,
		"cardPan": s.pan, "transactionStatus": s.state, "reasonCode": s.code, "refundAmount": s.returned, "merchantSignature": signature,
		"phone": hisPhone, "email": hisEmail, "clientName": hisName, "recToken": hisToken, "reason": hisName + " " + hisPhone,
		"invoiceUrl": "https://secure.wayforpay.com/invoice/i0123456789ab", "qrCode": "https://secure.wayforpay.com/qr/?code=i0123456789ab",
	}
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		quoted, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		if numbers && providertest.JSONNumber.MatchString(value) {
			quoted = []byte(value)
		}
		fmt.Fprintf(&b, `%c"%s":%s`, "{,"[min(i, 1)], name, quoted)
	}
	return []byte(b.String() + "}")
}

// amounts reports whether a text is the amount, by exact fractions.
func amounts(text string, m providers.Money) bool {
	value, ok := fraction(text)
	return ok && value.Cmp(big.NewRat(m.Minor, 100)) == 0
}

// equal reports whether two texts are the same number.
func equal(a, b string) bool {
	x, ok := fraction(a)
	y, also := fraction(b)
	return ok && also && x.Cmp(y) == 0
}

// equalScaled is equal for a number that the test itself wrote with an exponent.
func equalScaled(own, text string) bool {
	x, ok := new(big.Rat).SetString(own)
	y, also := fraction(text)
	return ok && also && x.Cmp(y) == 0
}

func fraction(text string) (*big.Rat, bool) {
	if !providertest.Decimal.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// discreet checks that nothing of the payer, the token or the secret is repeated.
func discreet(t *testing.T, texts ...any) {
	t.Helper()
	said := fmt.Sprint(texts...)
	for _, secret := range []string{hisPhone, hisEmail, hisName, hisToken, "flk3409refn54t54t"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is repeated in %q", secret, said)
		}
	}
	if len(said) > 500 {
		t.Errorf("too much is said: %d bytes", len(said))
	}
}
