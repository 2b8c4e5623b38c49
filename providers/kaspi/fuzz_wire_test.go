package kaspi

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// through runs one call of a new gateway, which may ask for a name again.
func through(t *testing.T, w *providertest.Scripted, scheme Scheme, test func(*Gateway)) {
	t.Helper()
	c := basic(scheme)
	g, err := New(c, Options{Dial: w.Dial})
	if err != nil {
		t.Fatal(err)
	}
	test(g)
	g.Close()
}

// told is one answer that fits every operation: each reads the fields it knows.
type told struct {
	code, id, state, amount, left string
	expires                       time.Time
	window                        string // seconds
}

// body writes the envelope; many wraps Data in a list.
func (s told) body(numbers, many bool) []byte {
	date := ""
	if !s.expires.IsZero() {
		date = s.expires.In(almaty).Format("2006-01-02T15:04:05.000Z07")
	}
	options := `{"StatusPollingInterval":5,"QrCodeScanWaitTimeout":180,"PaymentConfirmationTimeout":` + s.window + "}"
	if !providertest.JSONNumber.MatchString(s.window) {
		options = "null"
	}
	data := providertest.Object(map[string]string{"Status": s.state, "Amount": s.amount, "TotalAmount": s.amount, "AvailableReturnAmount": s.left, "QrPaymentId": s.id,
		"PaymentId": s.id, "QrReturnId": s.id, "ReturnOperationId": s.id, "QrToken": "57120334908127745519", "PaymentLink": "https://pay.kaspi.kz/pay/1234",
		"ExpireDate": date, "TransactionDate": date, "ClientName": hisName, "DeviceToken": desk, "TradePointName": hisName + " " + hisPhone}, numbers)
	data = strings.TrimSuffix(data, "}") + `,"QrPaymentBehaviorOptions":` + options + `,"QrReturnBehaviorOptions":{}}`
	if many {
		data = "[" + data + "]"
	}
	return []byte(strings.TrimSuffix(providertest.Object(map[string]string{"StatusCode": s.code, "Message": hisName + " " + hisPhone}, true), "}") + `,"Data":` + data + "}")
}

// amounts reports whether a text is so many tiyn, by exact fractions.
func amounts(text string, minor int64) bool {
	if !providertest.Decimal.MatchString(text) {
		return false
	}
	value, ok := new(big.Rat).SetString(text)
	return ok && value.Cmp(big.NewRat(minor, 100)) == 0
}

const (
	hisPhone = "77011234567"
	hisEmail = "aigerim@example.kz"
	hisName  = "Aigerim Serikova"
)

// discreet checks that nothing of the payer or of our credentials is repeated.
func discreet(t *testing.T, r providers.Result) {
	t.Helper()
	said := fmt.Sprint(r.Code, " ", r.Err)
	for _, secret := range []string{hisPhone, hisEmail, hisName, desk} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is repeated in %q", secret, said)
		}
	}
	if len(said) > 500 {
		t.Errorf("too much is said: %d bytes", len(said))
	}
}
