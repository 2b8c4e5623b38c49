package robokassa

import (
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// All spellings of success that the notes know, section 4.3.
var accepting = []string{`{success:true}`, `{success: true}`, `{"success":true}`, " {\"success\": true}\r\n"}

// What does not accept, and why that is doubt.
var unaccepting = map[string]providers.Reason{
	`{success:false}`: providers.Ambiguous, `{"success":false}`: providers.Ambiguous, `{success:truthful}`: providers.Ambiguous, `success:true`: providers.Ambiguous,
	`{"error":"success:true"}`: providers.Ambiguous, `OK`: providers.Ambiguous, ``: providers.Unreadable, `<html>{success:true}</html>`: providers.Unreadable,
	"\x1f\x8b\x08success:true": providers.Unreadable, "500 {success:true}": providers.ServerError, "400 {success:true}": providers.Unreadable,
	"202 {success:true}": providers.Unreadable, "302 x": providers.Unreadable,
}

func TestACaptureIsAcceptedAndNotYetDone(t *testing.T) {
	for _, answer := range accepting {
		g, d := open(t, everything, map[string]string{toConfirm: answer})
		want(t, answer, g.Capture(t.Context(), held(), tenge(700_00)), providers.Pending, providers.Processing)
		got := d.last().form(t)
		if d.was() != toConfirm || got.Get("OutSum") != "700.00" || got.Get("InvoiceID") != order || got.Get("MerchantLogin") != shop ||
			got.Get("SignatureValue") != byHand(shop, "700.00", order, "sim-pass-1") {
			t.Errorf("asked was %s with %v", d.was(), got)
		}
	}
	for answer, reason := range unaccepting {
		g, _ := open(t, everything, map[string]string{toConfirm: answer})
		want(t, answer, g.Capture(t.Context(), held(), sum), providers.Unknown, reason)
	}
}

func TestNoMoreThanIsHeldIsCaptured(t *testing.T) {
	g, d := open(t, everything, nil)
	for _, amount := range []providers.Money{{}, tenge(0), tenge(-1), tenge(1500_51), {Minor: 100, Currency: "USD"}} {
		want(t, amount.String(), g.Capture(t.Context(), held(), amount), providers.Declined, providers.InvalidRequest)
	}
	if d.was() != "" {
		t.Errorf("asked was %s", d.was())
	}
}

func TestACancelDoesWhatTheStateAllows(t *testing.T) {
	link, invoice := ref(providers.Link), ref(providers.Link)
	invoice.External = invoiceKey + "i1"
	known := held()
	known.External = key
	done := `{"isSuccess":true}`
	for _, c := range []struct {
		what, state, answer string
		ref                 providers.Ref
		asked               string
		verdict             providers.Verdict
		reason              providers.Reason
	}{
		{"a hold", says("20", "1500.5"), accepting[0], held(), toCancel, providers.Approved, ""},
		{"a hold, refused", says("20", "1500.5"), `{success:false}`, held(), toCancel, providers.Unknown, providers.Ambiguous},
		{"a hold that is gone", says("10", "1500.5"), "", known, "", providers.Approved, ""},
		{"a declined try at a hold", says("10", "1500.5"), "", held(), "", providers.Unserved, providers.Unsupported},
		{"a captured hold", says("100", "1500.5"), "", held(), "", providers.Declined, providers.Refused},
		{"an address nobody opened", refuses("3"), "", link, "", providers.Unserved, providers.NotFound},
		{"an address somebody opened", says("5", "1500.5"), "", link, "", providers.Unserved, providers.Unsupported},
		{"an address without money", says("10", "1500.5"), "", link, "", providers.Unserved, providers.Unsupported},
		{"a link nobody opened", refuses("3"), done, invoice, toDeactivate, providers.Approved, ""},
		{"a link nobody opened, refused", refuses("3"), `{"isSuccess":false,"message":"no"}`, invoice, toDeactivate, providers.Unknown, providers.Ambiguous},
		{"a link somebody opened", says("5", "1500.5"), done, invoice, toDeactivate, providers.Pending, providers.Processing},
		{"a link without money", says("10", "1500.5"), done, invoice, toDeactivate, providers.Approved, ""},
		{"a link under review", says("80", "1500.5"), "", invoice, "", providers.Unserved, providers.Unsupported},
		{"a paid link", says("50", "1500.5"), "", invoice, "", providers.Declined, providers.Refused},
		{"a returned payment", says("60", "1500.5"), "", link, "", providers.Declined, providers.Refused},
		{"a saved card under way", says("5", "1500.5"), "", ref(providers.Instrument), "", providers.Unserved, providers.Unsupported},
		{"no answer", "503 x", "", invoice, "", providers.Unserved, providers.NotSent},
		{"a bad signature", refuses("1"), "", invoice, "", providers.Unserved, providers.Misconfigured},
		{"another sum", says("20", "1.5"), "", held(), "", providers.Unserved, providers.NotSent},
	} {
		g, d := open(t, everything, map[string]string{toState: c.state, toCancel: c.answer, toDeactivate: c.answer})
		want(t, c.what, g.Cancel(t.Context(), c.ref), c.verdict, c.reason)
		if asked := strings.TrimPrefix(strings.TrimPrefix(d.was(), toState), ", "); asked != c.asked {
			t.Errorf("%s: asked was %q, want %q", c.what, asked, c.asked)
		}
	}
}

func TestAVoidIsSignedWithoutTheSum(t *testing.T) {
	g, d := open(t, everything, map[string]string{toState: says("20", "1500.5"), toCancel: accepting[0]})
	g.Cancel(t.Context(), held())
	if got := d.last().form(t); got.Get("InvoiceID") != order || got.Get("SignatureValue") != byHand(shop, "", order, "sim-pass-1") {
		t.Errorf("asked was %v", got)
	}
	for answer, reason := range unaccepting {
		d.answers[toCancel] = answer
		want(t, answer, g.Cancel(t.Context(), held()), providers.Unknown, reason)
	}
}

func TestARecurringChargeIsAcceptedAndNotYetMade(t *testing.T) {
	g, d := open(t, everything, map[string]string{toRecurring: "OK" + order + "\r\n"})
	c := charge(providers.Instrument)
	want(t, "a charge", g.Charge(t.Context(), c), providers.Pending, providers.Processing)
	got := d.last().form(t)
	for name, value := range map[string]string{
		"MerchantLogin": shop, "InvoiceID": order, "PreviousInvoiceID": "100000000000900", "OutSum": "1500.50", "Description": "Order 1001", "Shp_attempt": attemptOf(c.Ref),
		"SignatureValue": byHand(shop, "1500.50", order, "sim-pass-1", "Shp_attempt="+attemptOf(c.Ref)),
	} {
		if got.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Get(name), value)
		}
	}
	for answer, reason := range map[string]providers.Reason{
		"OK": providers.Ambiguous, "OK7": providers.Ambiguous, "OK" + order + "0": providers.Ambiguous, "ok" + order: providers.Ambiguous, "ERROR 34": providers.Ambiguous,
		"declined": providers.Ambiguous, "": providers.Unreadable, "<html>OK" + order + "</html>": providers.Unreadable, "400 OK" + order: providers.Unreadable,
		"502 OK" + order: providers.ServerError, "429 slow down": providers.Unreadable, strings.Repeat("x", 2000): providers.Unreadable,
	} {
		d.answers[toRecurring] = answer
		r := g.Charge(t.Context(), charge(providers.Instrument))
		want(t, answer, r, providers.Unknown, reason)
		if r.Absent {
			t.Errorf("%s is an absence", answer)
		}
	}
}

func TestOnlyTheNumberOfAFirstPaymentIsCharged(t *testing.T) {
	g, d := open(t, everything, nil)
	for _, token := range []string{"", "0", "x", "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20", "1.5"} {
		c := charge(providers.Instrument)
		c.Instrument.Value = secretOf(token)
		want(t, token, g.Charge(t.Context(), c), providers.Unserved, providers.Unsupported)
	}
	if d.was() != "" {
		t.Errorf("asked was %s", d.was())
	}
}

func TestARecurringChargeCarriesItsReceipt(t *testing.T) {
	g, d := open(t, func(c *Config) { c.Recurring, c.ReceiptTax = true, "vat12" }, map[string]string{toRecurring: "OK" + order})
	c := charge(providers.Instrument)
	g.Charge(t.Context(), c)
	got := d.last().form(t)
	receipt := "%7B%22items%22%3A%5B%7B%22name%22%3A%22Order%201001%22%2C%22quantity%22%3A1%2C%22sum%22%3A1500.50%2C%22tax%22%3A%22vat12%22%7D%5D%7D"
	if got.Get("Receipt") != receipt || got.Get("SignatureValue") != byHand(shop, "1500.50", order, receipt, "sim-pass-1", "Shp_attempt="+attemptOf(c.Ref)) {
		t.Errorf("asked was %v", got)
	}
}
