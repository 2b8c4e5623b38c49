package halyk

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// through runs one call of a new gateway, whose tokens nobody has seen yet.
func through(t *testing.T, w *providertest.Scripted, test func(*Gateway)) {
	t.Helper()
	g, err := New(config(), Options{Dial: w.Dial})
	if err != nil {
		t.Fatal(err)
	}
	test(g)
	g.Close()
}

// told is one answer that fits every operation: each reads the fields it knows.
type told struct {
	number, id, terminal, amount, bonus, currency, state, code, result string
}

const (
	hisPhone = "77011234567"
	hisEmail = "aigerim@example.kz"
	hisName  = "AIGERIM K"
	hisCard  = "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"
)

func (s told) body(numbers bool) []byte {
	transaction := map[string]string{"id": s.id, "invoiceID": s.number, "terminalID": s.terminal, "amount": s.amount, "amountBonus": s.bonus,
		"currency": s.currency, "statusName": s.state, "reasonCode": s.code, "cardID": hisCard, "email": hisEmail, "name": hisName, "phone": "+" + hisPhone}
	top := map[string]string{"id": s.id, "invoiceId": s.number, "invoice_id": s.number, "terminal": s.terminal, "amount": s.amount, "amountBonus": s.bonus,
		"currency": s.currency, "status": s.state, "code": s.code, "retCode": s.code, "resultCode": s.result,
		"message": hisName + " " + hisPhone, "billNumber": "BILL-1", "qrcode": "000201", "invoice_url": "https://epay.homebank.kz/i/1", "externalID": "rf-1"}
	inner := providertest.Object(transaction, numbers)
	if s.result == "102" {
		inner = "null"
	}
	return []byte(strings.TrimSuffix(providertest.Object(top, numbers), "}") + `,"transaction":` + inner + "}")
}

// total reports whether the texts add up to the amount, by exact fractions; an absent
// bonus is none.
func total(amount, bonus string, m providers.Money) bool {
	sum := new(big.Rat)
	for _, text := range []string{amount, bonus} {
		if text == "" && amount != "" {
			continue
		}
		value, ok := new(big.Rat).SetString(text)
		if !ok || !providertest.Decimal.MatchString(text) || value.Sign() < 0 {
			return false
		}
		sum.Add(sum, value)
	}
	return sum.Cmp(big.NewRat(m.Minor, 100)) == 0
}

// discreet checks that nothing of the payer, a card or a credential is repeated.
func discreet(t *testing.T, texts ...any) {
	t.Helper()
	said := fmt.Sprint(texts...)
	for _, secret := range []string{hisPhone, hisEmail, hisName, hisCard, "yF587AV9Ms94qN2QShFzVR3vFnWkhjbAK3sG", "ACCESS-TOKEN-1", hashOf(order)[:32]} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is repeated in %q", secret, said)
		}
	}
	if len(said) > 500 {
		t.Errorf("too much is said: %d bytes", len(said))
	}
}
