package main

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func TestCreateTellsWhatThePayerMustDo(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"a code":           {[]string{"--method", "qr"}, []string{"The payer pays at kaspi-main, until", "scan "}},
		"a link":           {[]string{"--method", "link"}, []string{"The payer pays at kaspi-main, until", "open https://pay.kaspi.kz/pay/"}},
		"a ring":           {[]string{"--method", "push", "--phone", "+77011234567"}, []string{"confirm in Kaspi.kz on +7 701 *** ** 67"}},
		"a number":         {[]string{"--method", "account"}, []string{"at Qazaq Books", "type 0"}},
		"a script":         {[]string{"--method", "page"}, []string{"The payer pays at halyk-main, until", "/payform/payment-api.js in the shop's page; -o json has its argument"}},
		"a page elsewhere": {[]string{"--method", "page", "--currency", "uah"}, []string{"The payer pays at wayforpay-main, until", "open http://"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, bank: w.bank, address: w.address}
			w.payctl(append([]string{"payment", "create", "--amount", "15490"}, c.args...)...).done(c.says...).
				says("state awaiting payer", "amount 15490.00 ", "tell the payer finish it or wait, do not pay again", "pending: awaiting payer", "yes").
				lacks("77011234567")
		})
	}
}

func TestActionsThatNoGatewayHereMakesAreToldToo(t *testing.T) {
	for text, a := range map[string]*payrouterv1.Action{
		"submit the form (amount, sign) to https://pay.example/; -o json has its values": {Kind: &payrouterv1.Action_Form_{Form: &payrouterv1.Action_Form{
			Url: "https://pay.example/", Fields: map[string]string{"sign": "s", "amount": "1"}}}},
		"scan https://pay.example/qr.png":                                           {Kind: &payrouterv1.Action_Qr_{Qr: &payrouterv1.Action_Qr{Url: "https://pay.example/qr.png"}}},
		"do something that this payctl does not know: it is older than the service": {},
	} {
		if got := describeAction(a); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
}

func TestAPaymentIsFollowedToItsEnd(t *testing.T) {
	w := newWorld(t)
	p := w.create("--amount", "15490", "--method", "qr")
	w.must(w.bank.Act("kaspi", p.GetAttempts()[0].GetReference(), sim.ActPay))
	w.payctl("payment", "watch", p.GetName()).done("paid attempt 1 at kaspi-main: approved")

	// A program reads one message a line.
	r := w.payctl("payment", "watch", p.GetName(), "-o", "json").done()
	var last payrouterv1.WatchPaymentResponse
	for line := range strings.Lines(r.out) {
		w.must(protojson.Unmarshal([]byte(line), &last))
	}
	if last.GetPayment().GetState() != payrouterv1.Payment_STATE_PAID || last.GetPayment().GetName() != p.GetName() {
		t.Errorf("the stream ends with %v", last.GetPayment())
	}
	w.payctl("payment", "get", p.GetName()).done("state paid", "paid 15490.00 KZT", "approved").lacks("tell the payer", "The payer")
}

func TestADeclineIsAnAnswer(t *testing.T) {
	w := newWorld(t)
	w.payer("kaspi", sim.PayerDeclines)
	p := w.create("--amount", "15490", "--method", "qr")
	w.payctl("payment", "watch", p.GetName()).done("declined attempt 1 at kaspi-main: declined")
	w.payctl("payment", "get", p.GetName()).done("state declined", "reason ", "tell the payer use another card or method", "no: declined").
		lacks("paid ", "The payer")
}

func TestMoneyIsHeldAndCapturedInPart(t *testing.T) {
	w := newWorld(t)
	w.payer("wayforpay", sim.PayerPays)
	p := w.create("--amount", "1000", "--method", "page", "--hold")
	// A hold is not final, so the watch goes on past it: interrupting is up to the person.
	until(w, p.GetName(), payrouterv1.Payment_STATE_HELD)
	w.payctl("payment", "get", p.GetName()).done("state held", "held 1000.00 KZT").lacks("paid 1000")

	w.payctl("payment", "capture", p.GetName(), "--amount", "1000.01").fails(exitRefused, "payctl: more is to be captured than is held", "held           1000.00 KZT")
	w.payctl("payment", "capture", p.GetName(), "--amount", "600").done("state paid", "paid 600.00 KZT").lacks("held ")
	w.payctl("payment", "capture", p.GetName()).fails(exitRefused, "PAYMENT_NOT_CAPTURABLE")
}

func TestAHoldIsReleasedByCancel(t *testing.T) {
	w := newWorld(t)
	w.payer("wayforpay", sim.PayerPays)
	// A notice of the hold that comes after its release would be another story.
	_, err := w.bank.AddNotice(sim.NoticeRule{Face: "wayforpay", Mode: sim.NoticeLost})
	w.must(err)
	p := w.create("--amount", "1000", "--method", "page", "--hold")
	until(w, p.GetName(), payrouterv1.Payment_STATE_HELD)
	w.payctl("payment", "cancel", p.GetName(), "--reason", "sold out").done("cancel asked ")
	w.payctl("payment", "watch", p.GetName()).done("canceled")
	w.payctl("payment", "get", p.GetName()).done("state canceled", "tell the payer paying again is safe", "cancel asked ").
		lacks("held ", "not certain yet")
}

func TestCancelOfACodeThatCanStillBePaidIsNotCertainYet(t *testing.T) {
	w := newWorld(t)
	p := w.create("--amount", "1000", "--method", "qr")
	w.payctl("payment", "cancel", p.GetName()).done("state processing, cancel asked for", "and not certain yet", "yes, its offer dies at ",
		"tell the payer finish it or wait, do not pay again").lacks("The payer pays")
	w.payctl("payment", "list").done("processing, cancel asked for")
}

func TestAPaidPaymentIsNotCanceledButRefunded(t *testing.T) {
	w := newWorld(t)
	p := w.paid("--amount", "500")
	w.payctl("payment", "refunds", p.GetName()).done("No refund was asked for.")
	w.payctl("payment", "cancel", p.GetName()).fails(exitRefused, "payctl: the payment is paid", "Give the money back with: payctl payment refund "+p.GetName())
	w.payctl("payment", "refund", p.GetName(), "--amount", "500.01").fails(exitRefused, "REFUND_EXCEEDS_PAID", "refundable     500.00 KZT")
	w.payctl("payment", "refund", p.GetName(), "--amount", "1", "--currency", "UAH").fails(exitRefused, "payctl: --currency is not the payment's currency, KZT")

	r := read(w, &payrouterv1.Refund{}, "payment", "refund", p.GetName(), "--amount", "100", "--reason", "one book was missing")
	if r.GetAmount().GetMinorUnits() != 100_00 || r.GetState() != payrouterv1.Refund_STATE_DONE {
		t.Errorf("the refund is %v", r)
	}
	w.payctl("payment", "get", p.GetName()).done("state paid, partly refunded", "paid 500.00 KZT", "refunded 100.00 KZT")
	w.payctl("payment", "refund", p.GetName()).done("400.00 KZT wayforpay-main", "done")
	w.payctl("payment", "refunds", p.GetName()).done("100.00 KZT wayforpay-main", "one book was missing", "400.00 KZT wayforpay-main")
	w.payctl("payment", "list").done("paid, refunded")
	w.payctl("payment", "refund", p.GetName()).fails(exitRefused, "refundable     0.00 KZT")
}

func TestTheSameWishTwiceIsOnePayment(t *testing.T) {
	w := newWorld(t)
	id := uuid.NewString()
	wish := []string{"--amount", "700", "--method", "qr", "--order", "4711", "--request-id", id, "--deadline", "2100-01-01T00:00:00Z"}
	first, again := w.create(wish...), w.create(wish...)
	if first.GetName() != again.GetName() || first.GetRequestId() != id {
		t.Errorf("%s, then %s", first.GetName(), again.GetName())
	}
	w.payctl("payment", "create", "--amount", "701", "--method", "qr", "--request-id", id).
		fails(exitRefused, "REQUEST_ID_REUSED", "payctl payment get "+first.GetName())
	w.payctl("payment", "create", "--amount", "700", "--method", "qr", "--order", "4711").
		fails(exitRefused, "payctl: another payment of the order is open", "payctl payment get "+first.GetName())
}

func TestADryRunStoresNothing(t *testing.T) {
	w := newWorld(t)
	w.payctl("payment", "create", "--amount", "700", "--method", "qr", "--currency", "KZT", "--gateway", "kaspi-main", "--dry-run").
		done("kaspi-main qr taken", "halyk-main not allowed: the caller names other gateways", "Nothing was stored or sent.").
		lacks("state", "request id", "tell the payer")
	w.payctl("payment", "list").done("There are no such payments.")
	if all := read(w, &payrouterv1.ListPaymentsResponse{}, "payment", "list"); len(all.GetPayments()) != 0 {
		t.Errorf("there is %v", all)
	}
}

func TestPaymentsAreListedAndNarrowedDown(t *testing.T) {
	w := newWorld(t)
	paid := w.paid("--amount", "500", "--order", "1")
	open := w.create("--amount", "600", "--method", "qr", "--order", "2")
	id := func(p *payrouterv1.Payment) string { return last(p.GetName()) }

	w.payctl("payment", "list").done(id(paid), id(open), "500.00 KZT 1 wayforpay-main paid", "600.00 KZT 2 kaspi-main awaiting payer finish it").lacks("There are more")
	w.payctl("payment", "list", "--limit", "1").done(id(open), "There are more: raise --limit.").lacks(id(paid))
	for _, filter := range [][]string{{"--state", "awaiting-payer"}, {"--gateway", "kaspi-main"}, {"--order", "2"}, {"--at-risk"}} {
		w.payctl(append([]string{"payment", "list", "--since", "1h"}, filter...)...).done(id(open)).lacks(id(paid))
	}
	w.payctl("payment", "list", "--state", "held").done("There are no such payments.")
}

func TestSavedInstrumentsAreListedChargedAndForgotten(t *testing.T) {
	w := newWorld(t)
	w.payctl("instruments", "list", "customer-88").done("Customer customer-88 has no saved instruments.")
	instrument := w.card("customer-88")
	w.payctl("instruments", "list", "customer-88").done(last(instrument), "VISA 440563...5096 halyk-main")
	charge := []string{"payment", "create", "--amount", "7300", "--method", "instrument", "--instrument", last(instrument), "--customer", "customer-88"}
	w.payctl(charge...).done("state paid", "paid 7300.00 KZT", "wayforpay-main instrument has no token of the instrument")
	w.payctl("instruments", "delete", last(instrument)).done(instrument + " is forgotten.")
	w.payctl(charge...).fails(exitRefused, "payctl: no such instrument", "INSTRUMENT_NOT_FOUND")
	w.payctl("instruments", "delete", instrument, "-o", "json").fails(exitRefused, `"INSTRUMENT_NOT_FOUND"`)
}
