package halyk

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const toQRStatus = "GET /api/qr?billNumber=QR-778812"

func qrRef() providers.Ref {
	r := ref(providers.QR)
	r.External = "QR-778812"
	return r
}

func TestQRIsAskedForByItsBillNumber(t *testing.T) {
	script := append(status("status_unknown.json"), reply{to: toQRStatus, body: "qr_paid.json"})
	with(t, config(), script, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Lookup(t.Context(), qrRef())
		expect(t, "paid", r, providers.Approved, "")
		golden(t, "qr_lookup", b, show(r))
	})
}

func TestQRStatusSaysHowTheMoneyStands(t *testing.T) {
	for _, c := range []struct {
		what, body string
		age        time.Duration
		verdict    providers.Verdict
		reason     providers.Reason
	}{
		{"new", `{"status":"NEW"}`, time.Minute, providers.Pending, providers.AwaitingPayer},
		{"new, amount zero", `{"status":"NEW","amount":0,"currency":""}`, time.Minute, providers.Pending, providers.AwaitingPayer},
		{"scanned", `{"status":"SCANNED"}`, time.Minute, providers.Pending, providers.PayerConfirming},
		{"scanned, long ago", `{"status":"SCANNED"}`, time.Hour, providers.Pending, providers.PayerConfirming},
		{"left the app", `{"status":"RETURN"}`, time.Minute, providers.Pending, providers.AwaitingPayer},
		{"held", `{"status":"AUTH","amount":15490,"currency":"KZT"}`, time.Minute, providers.Held, ""},
		{"paid", `{"status":"PAID","amount":"15490.00","currency":"KZT"}`, time.Minute, providers.Approved, ""},
		{"paid, no amount named", `{"status":"PAID"}`, time.Minute, providers.Approved, ""},
		{"paid another amount", `{"status":"PAID","amount":1549,"currency":"KZT"}`, time.Minute, providers.Unknown, providers.Mismatch},
		{"paid nothing", `{"status":"PAID","amount":0,"currency":"KZT"}`, time.Minute, providers.Unknown, providers.Mismatch},
		{"paid in dollars", `{"status":"PAID","amount":15490,"currency":"USD"}`, time.Minute, providers.Unknown, providers.Mismatch},
		{"paid unreadably", `{"status":"PAID","amount":"a lot"}`, time.Minute, providers.Unknown, providers.Unreadable},
		{"rejected", `{"status":"REJECTED"}`, time.Minute, providers.Declined, providers.DeclinedSoft},
		{"rejected at its end", `{"status":"REJECTED"}`, 20 * time.Minute, providers.Declined, providers.Expired},
		{"rejected for a reason", `{"status":"REJECTED","retCode":465}`, time.Minute, providers.Declined, providers.DeclinedHard},
		{"blocked", `{"status":"BLOCKED"}`, time.Minute, providers.Unknown, providers.Ambiguous},
		{"closed", `{"status":"CLOSED"}`, time.Minute, providers.Unknown, providers.Ambiguous},
		{"nobody documented it", `{"status":"EXPIRED"}`, time.Minute, providers.Unknown, providers.UnknownCode},
		{"an error", `{"code":100}`, time.Minute, providers.Unknown, providers.Ambiguous},
		{"an empty object", `{}`, time.Minute, providers.Unknown, providers.Unreadable},
		{"a list", `[]`, time.Minute, providers.Unknown, providers.Unreadable},
	} {
		t.Run(c.what, func(t *testing.T) {
			script := append(status("status_unknown.json"), reply{to: toQRStatus, body: c.body})
			lookupRef(t, c.what, config(), script, qrRef(), c.age, c.verdict, c.reason)
		})
	}
}

func TestStatusOfThePaymentGoesBeforeThatOfTheQR(t *testing.T) {
	// None of these asks for the QR: the script would miss it.
	for _, c := range []struct {
		name    string
		verdict providers.Verdict
		reason  providers.Reason
	}{
		{"CHARGE", providers.Approved, ""},
		{"AUTH", providers.Held, ""},
		{"CANCEL", providers.Declined, providers.Released},
		{"NEW", providers.Pending, providers.Processing},
		{"3D", providers.Pending, providers.StepUp},
	} {
		lookupRef(t, c.name, config(), status(shown(t, c.name, `"0"`)), qrRef(), time.Minute, c.verdict, c.reason)
	}
	failing := []reply{tokenReply, {to: toStatus, status: 500}}
	lookupRef(t, "failed", config(), failing, qrRef(), time.Minute, providers.Unknown, providers.ServerError)
	unshown := ref(providers.QR) // its creation got no answer, so its bill number is not known
	lookupRef(t, "unshown", config(), status("status_unknown.json"), unshown, time.Minute, providers.Unknown, "")
}

func TestFailedTryEndsAQROnlyTogetherWithTheQR(t *testing.T) {
	failed := status("status_failed.json")
	lookupRef(t, "open", config(), append(failed, reply{to: toQRStatus, body: `{"status":"NEW"}`}), qrRef(), time.Minute, providers.Pending, providers.AwaitingPayer)
	lookupRef(t, "rejected", config(), append(failed, reply{to: toQRStatus, body: `{"status":"REJECTED"}`}), qrRef(), time.Minute, providers.Declined, providers.DeclinedSoft)
}

func TestUnansweredQRIsNotAbsent(t *testing.T) {
	// The payment's "no such number" must not count when the QR's own word is missing.
	script := append(status("status_unknown.json"), reply{to: toQRStatus, status: 503})
	lookupRef(t, "qr", config(), script, qrRef(), time.Hour, providers.Unknown, providers.ServerError)
}

func TestMoneyOfAQRIsOperatedOnByItsTransaction(t *testing.T) {
	script := append(status("status_charge.json"), tokenReply,
		reply{to: "POST /api/operation/" + payment + "/refund?amount=10&externalID=rf1", body: `{"code":0}`})
	with(t, config(), script, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Refund(t.Context(), providers.Refund{Ref: qrRef(), ID: "rf1", Amount: tenge("10")})
		expect(t, "refund", r, providers.Approved, "")
		if strings.Contains(b.log.String(), "/operation/QR-") {
			t.Error("the bill number was taken for a transaction")
		}
	})
}
