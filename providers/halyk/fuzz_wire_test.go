package halyk

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// wire is a network with one server on it that answers with any status and any bytes,
// also with those that net/http would refuse to write.
type wire struct {
	answer func(r *http.Request) (status int, body []byte)
	busy   sync.WaitGroup
}

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	w.busy.Go(func() {
		defer far.Close()
		for in := bufio.NewReader(far); ; {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			status, body := w.answer(r)
			fmt.Fprintf(far, "HTTP/1.1 %03d Fuzzed\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
			if status < 200 || status == 204 || status == 304 {
				return // what follows would be read as another answer
			}
		}
	})
	return near, nil
}

// through runs one call of a new gateway, whose tokens nobody has seen yet.
func (w *wire) through(t *testing.T, test func(*Gateway)) {
	t.Helper()
	g, err := New(config(), Options{Dial: w.dial})
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
