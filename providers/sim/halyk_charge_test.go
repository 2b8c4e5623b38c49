package sim_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// halykCharge is the body of a payment by saved card; a changed field is written as old and new text.
func halykCharge(invoice, amount string, change ...string) string {
	body := fmt.Sprintf(`{"amount":%s,"currency":"KZT","invoiceId":%q,"terminalId":%q,"description":"Order 4711","accountId":"cust-88",
		"cardId":{"id":%q},"paymentType":"cardId","postLink":%q,"failurePostLink":%q}`,
		amount, invoice, sim.HalykDefaultTerminal, halykSavedID, halykHook, halykHook+"/failed")
	return strings.NewReplacer(change...).Replace(body)
}

func (s halykShop) charge(invoice, amount string) halykAnswer {
	s.t.Helper()
	return s.post("/payments/cards/auth", s.token(invoice, amount), halykCharge(invoice, amount))
}

// cryptogram encrypts a card with the bank's key.
func (s halykShop) cryptogram(pan, expiry, cvc string) string {
	s.t.Helper()
	block, _ := pem.Decode([]byte(s.get("/public.rsa", "").Text))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(s.t, err)
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		s.t.Fatalf("public.rsa is a %T", key)
	}
	plain := fmt.Sprintf(`{"hpan":%q,"expDate":%q,"cvc":%q,"terminalId":%q}`, pan, expiry, cvc, sim.HalykDefaultTerminal)
	//nolint:staticcheck // The bank asks for this padding.
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, public, []byte(plain))
	must(s.t, err)
	return base64.StdEncoding.EncodeToString(sealed)
}

func (s halykShop) cryptopay(invoice, field, pan, expiry, cvc, more string) halykAnswer {
	s.t.Helper()
	body := fmt.Sprintf(`{"amount":100,"currency":"KZT","invoiceId":%q,"terminalId":%q,"accountId":"cust-77",%q:%q%s}`,
		invoice, sim.HalykDefaultTerminal, field, s.cryptogram(pan, expiry, cvc), more)
	return s.post("/payment/cryptopay", s.token(invoice, "100"), body)
}

func TestHalykChargesASavedCardWithinTheCall(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		a := s.charge(halykInvoice, "15490.00")
		wantEqual(t, "HTTP status", a.HTTP, 200)
		objects := s.b.Ledger().Objects
		o := objects[len(objects)-1]
		for path, want := range map[string]string{
			"id": o.ID, "invoiceId": halykInvoice, "accountId": "cust-88", "amount": "15490.00", "currency": "KZT", "status": "CHARGE",
			"cardMask": "440563...5096", "cardId": halykSavedID, "secure3D": "<nil>", "code": "0",
		} {
			wantEqual(t, path, a.at(path), want)
		}
		wantEqual(t, "style", o.Style, sim.StyleCharge)
		wantEqual(t, "account", o.Account, sim.HalykDefaultTerminal)
		s.wantNet(halykInvoice, 1549000)
		wantEqual(t, "secure", s.wantStatus(halykInvoice, "100", "CHARGE").at("transaction.secure"), "false")
		wantEqual(t, "charges", s.b.Ledger().Count("halyk", sim.OpCharge, halykInvoice), 1)
	})
}

func TestHalykRefusesAnInvoiceThatHasATransaction(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.charge(halykInvoice, "100")
		a := s.charge(halykInvoice, "100")
		s.wantError(a, "100")
		wantEqual(t, "message", a.at("message"), "invoice already used")
		s.wantNet(halykInvoice, 100_00)
		wantEqual(t, "violations", s.violations(), "I9")
	})
}

func TestHalykComparesOnlyTheLastSixDigits(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.charge("261123004711", "100")
		s.wantError(s.charge("261124004711", "100"), "100")
		s.token("261125004711", "100")
		s.act("261125004711", sim.ActPay) // nor can its page be paid
		s.wantNet("261124004711", 0)
		s.wantNet("261125004711", 0)
		if got := s.violations(); !strings.HasPrefix(got, "I11") {
			t.Errorf("violations are %q, want I11", got)
		}
		wantEqual(t, "HTTP status of a number that differs there", s.charge("261124004712", "100").HTTP, 200)
	})
}

func TestHalykRefusesChargesThatMakeNoSense(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		for _, wrong := range []struct{ old, new, code string }{
			{`"amount":100`, `"amount":"100"`, "469"},
			{`"amount":100`, `"amount":0`, "470"},
			{`"amount":100`, `"amount":101`, "469"}, // the token says 100
			{`"amount":100`, `"amount":100.001`, "469"},
			{`"KZT"`, `"USD"`, "469"},
			{sim.HalykDefaultTerminal, "elsewhere", "464"},
			{`"paymentType":"cardId"`, `"paymentType":"card"`, "469"},
			{halykSavedID, "unknown", "472"},
			{"Order 4711", strings.Repeat("x", 126), "3298"},
		} {
			a := s.post("/payments/cards/auth", s.token(halykInvoice, "100"), halykCharge(halykInvoice, "100", wrong.old, wrong.new))
			s.wantError(a, wrong.code)
		}
		short := s.token("123456", "100")
		wantEqual(t, "HTTP status with another invoice's token", s.post("/payments/cards/auth", short, halykCharge(halykInvoice, "100")).HTTP, 401)
		wantEqual(t, "HTTP status with invoiceID for invoiceId",
			s.post("/payments/cards/auth", s.token(halykInvoice, "100"), halykCharge(halykInvoice, "100", "invoiceId", "invoiceID")).HTTP, 401)
		wantEqual(t, "entries", len(s.b.Ledger().Entries), 0)
		s.wantStatus(halykInvoice, "102", "")
	})
}

func TestHalykTakesACryptogramInBothSpellings(t *testing.T) {
	wantEqual(t, "bytes of the documented spelling", fmt.Sprintf("% X", sim.HalykCyrillicCryptogram[:3]), "D1 81 72")
	wantEqual(t, "rest of it", sim.HalykCyrillicCryptogram[2:], "ryptogram")
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		for i, field := range []string{sim.HalykCyrillicCryptogram, sim.HalykLatinCryptogram} {
			a := s.cryptopay(fmt.Sprintf("26112300000%d", i), field, "5522042705066736", "0127", "775", "")
			wantEqual(t, "status", a.at("status"), "CHARGE")
			wantEqual(t, "cardMask", a.at("cardMask"), "552204...6736")
		}
		s.wantError(s.cryptopay(halykInvoice, "Cryptogram", "5522042705066736", "0127", "775", ""), "469")
	})
}

func TestHalykCanBeToldToTakeOneSpellingOfTheCryptogram(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{CryptogramField: sim.HalykCyrillicCryptogram}, func(s halykShop) {
		s.wantError(s.cryptopay("000001", sim.HalykLatinCryptogram, "5522042705066736", "0127", "775", ""), "469")
		wantEqual(t, "HTTP status", s.cryptopay("000002", sim.HalykCyrillicCryptogram, "5522042705066736", "0127", "775", "").HTTP, 200)
	})
}

func TestHalykDeclinesWhatTheIssuerDeclines(t *testing.T) {
	opt := sim.HalykOptions{Cards: []sim.HalykCard{{PAN: "4444444444446666", Expiry: "1230", CVC: "123", Decline: "484"}}}
	inHalyk(t, sim.Options{}, opt, func(s halykShop) {
		for i, card := range []struct{ pan, expiry, cvc, code string }{
			{"4003032704547597", "0920", "170", "465"}, // locked
			{"5578342710750560", "0920", "254", "465"}, // locked
			{"4444444444446666", "1230", "123", "484"},
			{"4405639704015096", "0127", "322", "472"},
			{"4405639704015097", "0127", "321", "459"},
		} {
			invoice := fmt.Sprintf("26112300000%d", i)
			s.wantError(s.cryptopay(invoice, sim.HalykLatinCryptogram, card.pan, card.expiry, card.cvc, ""), card.code)
			a := s.wantStatus(invoice, "100", "FAILED")
			wantEqual(t, "reasonCode", a.at("transaction.reasonCode"), card.code)
			s.wantNet(invoice, 0)
		}
	})
}

func TestHalykEncryptedCardMayNeed3DSecure(t *testing.T) {
	opt := sim.HalykOptions{Cards: []sim.HalykCard{{PAN: "4444444444443333", Expiry: "1230", CVC: "123", Secure: true}}}
	inHalyk(t, sim.Options{}, opt, func(s halykShop) {
		pay := func(invoice string) halykAnswer {
			a := s.cryptopay(invoice, sim.HalykLatinCryptogram, "4444444444443333", "1230", "123", "")
			wantEqual(t, "status", a.at("status"), "3D")
			return a
		}
		a := pay("000001")
		body := fmt.Sprintf(`{"ID":%q,"PaRes":"eJx","MD":%q}`, a.at("id"), a.at("secure3D.md"))
		token := s.service()
		wantEqual(t, "status", s.post("/payment/confirm", token, body).at("status"), "CHARGE")
		s.wantNet("000001", 100_00)
		s.wantError(s.post("/payment/confirm", token, body), "100")

		a = pay("000002")
		s.wantError(s.post("/payment/confirm", token, fmt.Sprintf(`{"ID":%q,"PaRes":"eJx","MD":"guess"}`, a.at("id"))), "455")
		s.wantStatus("000002", "100", "FAILED")

		pay("000003")
		s.act("000003", sim.ActConfirm)
		s.wantStatus("000003", "100", "CHARGE")
		s.wantError(s.post("/payment/confirm", token, `{"ID":"nobody"}`), "100")
	})
}

func TestHalykCardCheckMovesNoMoneyAndSavesTheCard(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		token := func(invoice string) string {
			form := halykPaymentForm(invoice, "0")
			form.Set("currency", "USD")
			return s.mustToken(form)
		}
		token("000001")
		s.act("000001", sim.ActPay)
		s.wantStatus("000001", "100", "VERIFIED")

		body := fmt.Sprintf(`{"amount":0,"currency":"USD","invoiceId":"000002","terminalId":%q,"accountId":"cust-77","cardSave":true,
			"paymentType":"cardVerification","cryptogram":%q}`, sim.HalykDefaultTerminal, s.cryptogram("5522042705066736", "0127", "775"))
		a := s.post("/payment/cryptopay", token("000002"), body)
		wantEqual(t, "status", a.at("status"), "VERIFIED")
		if list := s.get("/cards/cust-77", s.service()); a.at("cardId") == "" || !strings.Contains(list.Text, a.at("cardId")) {
			t.Errorf("card %q is not among %s", a.at("cardId"), list.Text)
		}
		for _, o := range s.b.Ledger().Objects {
			wantEqual(t, "phase of "+o.Reference, o.Phase, sim.Dead)
		}
		wantEqual(t, "entries", len(s.b.Ledger().Entries), 0)
		wantEqual(t, "violations", s.violations(), "")
	})
}

func TestHalykSavedCardsAreListedAndForgotten(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		service := s.service()
		s.wantError(s.get("/cards/cust-77", service), "1373")
		id := s.cryptopay(halykInvoice, sim.HalykLatinCryptogram, "5522042705066736", "0127", "775", `,"cardSave":true`).at("cardId")
		if list := s.get("/cards/cust-77", service); list.HTTP != 200 || !strings.Contains(list.Text, id) {
			t.Errorf("cards are %d %s", list.HTTP, list.Text)
		}
		wantEqual(t, "HTTP status", s.post("/card/deactivate/"+id, service, "").HTTP, 200)
		s.wantError(s.get("/cards/cust-77", service), "1373")
		s.wantError(s.post("/card/deactivate/"+id, service, ""), "1373")
	})
}

func TestHalykControlSavesCards(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		w := control(s.b, "POST", "/halyk/cards", `{"account":"cust-1","pan":"377514500004820"}`)
		wantEqual(t, "HTTP status", w.Code, 201)
		if got := s.get("/cards/cust-1", s.service()); !strings.Contains(got.Text, "AMEX") {
			t.Errorf("cards are %s", got.Text)
		}
		if got := control(s.b, "GET", "/halyk/cards", "").Body.String(); !strings.Contains(got, "cust-1") {
			t.Errorf("control lists %s", got)
		}
		wantEqual(t, "HTTP status of an unknown card", control(s.b, "POST", "/halyk/cards", `{"account":"a","pan":"1"}`).Code, 400)
	})
}

func TestHalykHoldsOnATwoStepTerminal(t *testing.T) {
	opt := sim.HalykOptions{Terminals: halykTerminal(func(term *sim.HalykTerminal) { term.TwoStep = true }), HoldLife: 72 * time.Hour}
	inHalyk(t, sim.Options{}, opt, func(s halykShop) {
		a := s.charge(halykInvoice, "100")
		wantEqual(t, "status", a.at("status"), "AUTH")
		s.wantStatus(halykInvoice, "100", "AUTH")
		s.wantNet(halykInvoice, 0)
		objects := s.b.Ledger().Objects
		wantEqual(t, "phase", objects[len(objects)-1].Phase, sim.Held)
		bill := s.qr("261123000009", "100")
		s.act("261123000009", sim.ActPay)
		wantEqual(t, "QR status", s.get("/qr?billNumber="+bill, s.service()).at("status"), "AUTH")
		pass(72 * time.Hour)
		s.wantStatus(halykInvoice, "100", "CANCEL_OLD")
		s.wantError(s.post("/operation/"+a.at("id")+"/charge", s.service(), ""), "100")
	})
}
