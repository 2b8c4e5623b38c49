package wayforpay

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func held(t *testing.T) providers.Ref {
	t.Helper()
	ref := token(t, "rt-000000000003", "100")
	ref.TwoStage = true
	return ref
}

// The wiki and the official SDK disagree on what a SETTLE answer signs.
func TestCaptureAcceptsTheSettleAnswerOfTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		setting, file string
		want          providers.Verdict
		why           providers.Reason
	}{
		{"", "settle_4_fields", providers.Approved, ""},
		{"", "settle_8_fields", providers.Approved, ""},
		{"4_fields", "settle_4_fields", providers.Approved, ""},
		{"4_fields", "settle_8_fields", providers.Unknown, providers.BadSignature},
		{"8_fields", "settle_4_fields", providers.Unknown, providers.BadSignature},
		{"8_fields", "settle_8_fields", providers.Approved, ""},
	} {
		g, d := open(t, func(config *Config) { config.SettleAnswer = c.setting }, read(t, c.file+".answer.json"))
		got := g.Capture(t.Context(), held(t), hryvnias(t, "100"))
		verdict(t, got, c.want, c.why)
		if c.want == providers.Approved && got.Amount != hryvnias(t, "100") {
			t.Errorf("captured %s", got.Amount)
		}
		golden(t, "settle.request.json", d.asked[0])
		if got := signature(t, d.asked[0]); got != "fad40cfb1888dcf8bf077224c7b0a9f3" {
			t.Errorf("signature %s", got)
		}
	}
}

func TestCaptureOfAnotherSumIsMismatch(t *testing.T) {
	g, _ := open(t, nil,
		saysShort("Approved", "1100", "rt-000000000003", "amount", "100"),
		saysShort("Approved", "1100", "rt-000000000003", "amount", "60.00", "currency", "USD"),
		saysShort("Approved", "1100", "rt-000000000003", "amount", "60.00"),
		saysShort("Approved", "1100", "rt-000000000003"))
	verdict(t, g.Capture(t.Context(), held(t), hryvnias(t, "60")), providers.Unknown, providers.Mismatch)
	verdict(t, g.Capture(t.Context(), held(t), hryvnias(t, "60")), providers.Unknown, providers.Mismatch)
	verdict(t, g.Capture(t.Context(), held(t), hryvnias(t, "60")), providers.Approved, "")
	verdict(t, g.Capture(t.Context(), held(t), hryvnias(t, "60")), providers.Approved, "")
}

func TestCaptureThatIsNoPartOfTheHoldIsNotSent(t *testing.T) {
	g, d := open(t, nil)
	for _, amount := range []providers.Money{{Minor: 10001, Currency: "UAH"}, {Minor: 0, Currency: "UAH"}, {Minor: 100, Currency: "USD"}} {
		verdict(t, g.Capture(t.Context(), held(t), amount), providers.Declined, providers.InvalidRequest)
	}
	if len(d.asked) > 0 {
		t.Errorf("asked %s", d.kinds(t))
	}
}

func TestOtherStatusesOfACaptureAreDoubt(t *testing.T) {
	for status, why := range map[string]providers.Reason{
		"WaitingAuthComplete": providers.Ambiguous, "InProcessing": providers.Ambiguous, "Voided": providers.Ambiguous,
		"Refunded": providers.Ambiguous, "Settled": providers.UnknownCode, "": providers.Ambiguous,
	} {
		g, _ := open(t, nil, saysShort(status, "1100", "rt-000000000003"))
		verdict(t, g.Capture(t.Context(), held(t), hryvnias(t, "100")), providers.Unknown, why)
	}
}

func TestCancelReleasesAHold(t *testing.T) {
	g, d := open(t, nil, read(t, "check_status_held.answer.json"), read(t, "void.answer.json"))
	verdict(t, g.Cancel(t.Context(), held(t)), providers.Approved, "")
	if kinds := d.kinds(t); kinds != "CHECK_STATUS REFUND" {
		t.Fatalf("asked %s", kinds)
	}
	golden(t, "void.request.json", d.asked[1])
}

func TestVoidAnswers(t *testing.T) {
	for _, c := range []struct {
		status, code string
		want         providers.Verdict
		why          providers.Reason
	}{
		{"Voided", "1100", providers.Approved, ""},
		{"RefundInProcessing", "1138", providers.Pending, providers.Processing},
		{"Refunded", "1100", providers.Unknown, providers.Ambiguous}, // it had been captured
		{"Voided", "1131", providers.Unknown, providers.Ambiguous},
		{"Voided", "9999", providers.Unknown, providers.UnknownCode},
		{"Gone", "1100", providers.Unknown, providers.UnknownCode},
	} {
		g, _ := open(t, nil, read(t, "check_status_held.answer.json"), saysShort(c.status, c.code, "rt-000000000003"))
		verdict(t, g.Cancel(t.Context(), held(t)), c.want, c.why)
	}
}

func TestCancelWithdrawsAnInvoiceNobodyPays(t *testing.T) {
	for _, seen := range []string{
		says("Created", "1131", "rt-1", "250"),
		says("Declined", "1101", "rt-1", "250"), // one card was declined; the page is still open
		says("Declined", "1127", "rt-1", "250"),
	} {
		g, d := open(t, nil, seen, read(t, "remove_invoice.answer.json"))
		ref := link(t, "rt-1", "250")
		ref.TwoStage = true
		verdict(t, g.Cancel(t.Context(), ref), providers.Approved, "")
		if kinds := d.kinds(t); kinds != "CHECK_STATUS REMOVE_INVOICE" {
			t.Fatalf("asked %s", kinds)
		}
		golden(t, "remove_invoice.request.json", d.asked[1])
	}
}

// A REFUND of what was captured gives money back, and an invoice is not pulled away
// from under a payer: Cancel acts only on what a look shows to be unpaid.
func TestCancelLeavesAloneWhatItMustNotTouch(t *testing.T) {
	for _, c := range []struct {
		name, seen string
		method     providers.Method
		want       providers.Verdict
		why        providers.Reason
	}{
		{"paid invoice", says("Approved", "1100", "rt-1", "250"), providers.Link, providers.Declined, providers.Refused},
		{"paid token", says("Approved", "1100", "rt-1", "250"), providers.Instrument, providers.Declined, providers.Refused},
		{"refunded", says("Refunded", "1100", "rt-1", "250"), providers.Link, providers.Declined, providers.Refused},
		{"payer confirms", says("InProcessing", "1131", "rt-1", "250"), providers.Link, providers.Unserved, providers.Unsupported},
		{"under review", says("Pending", "1134", "rt-1", "250"), providers.Page, providers.Unserved, providers.Unsupported},
		{"token under way", says("InProcessing", "1131", "rt-1", "250"), providers.Instrument, providers.Unserved, providers.Unsupported},
		{"token unknown", says("Declined", "1127", "rt-1", "250"), providers.Instrument, providers.Unserved, providers.NotFound},
		{"over", says("Expired", "1124", "rt-1", "250"), providers.QR, providers.Approved, ""},
		{"released", says("Voided", "1100", "rt-1", "250"), providers.Link, providers.Approved, ""},
		{"declined token", says("Declined", "1101", "rt-1", "250"), providers.Instrument, providers.Approved, ""},
		{"cannot be asked", "http 502", providers.Link, providers.Unserved, providers.NotSent},
		{"other amount", says("Created", "1131", "rt-1", "251"), providers.Link, providers.Unserved, providers.NotSent},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, d := open(t, nil, c.seen)
			ref := link(t, "rt-1", "250")
			ref.Method = c.method
			verdict(t, g.Cancel(t.Context(), ref), c.want, c.why)
			if kinds := d.kinds(t); kinds != "CHECK_STATUS" {
				t.Errorf("asked %s", kinds)
			}
		})
	}
}
