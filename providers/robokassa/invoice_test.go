package robokassa

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// made is an answer of CreateInvoice, as in the notes, section 4.1.
const made = `{"isSuccess":true,"url":"https://auth.robokassa.ru/merchant/Invoice/AbC_d","id":"6ab0e6f1-9d1f","invId":` + order + `,"message":null}`

// payload reads the token of the last request, which is wrapped as a JSON string.
func payload(t *testing.T, d *desk) (header, body string) {
	t.Helper()
	sent := d.last()
	inside, quoted := strings.CutPrefix(sent.body, `"`)
	if sent.kind != jsonType || !quoted {
		t.Fatalf("sent was %s of %s", sent.body, sent.kind)
	}
	parts := strings.Split(strings.TrimSuffix(inside, `"`), ".")
	first, _ := base64.RawURLEncoding.DecodeString(parts[0])
	second, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(first), string(second)
}

func TestALinkIsMadeThatCanBeSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := open(t, func(c *Config) { everything(c); c.Hash, c.ReceiptTax, c.Language = "sha256", "none", "en" }, map[string]string{toInvoice: made})
		r := g.Charge(t.Context(), charge(providers.Link))
		want(t, "a link", r, providers.Pending, providers.AwaitingPayer)
		if r.External != "invoice:6ab0e6f1-9d1f" || r.Action.URL != "https://auth.robokassa.ru/merchant/Invoice/AbC_d" || !r.Until.Equal(time.Now().Add(24*time.Hour)) {
			t.Errorf("%+v, action %+v", r, r.Action)
		}
		header, body := payload(t, d)
		if header != `{"typ":"JWT","alg":"SHA256"}` || body != `{"MerchantLogin":"sim-shop","InvoiceType":"OneTime","Culture":"en","InvId":`+order+`,"OutSum":1500.50,"Description":"Order 1001",`+
			`"InvoiceItems":[{"Name":"Order 1001","Quantity":1,"Cost":1500.50,"Tax":"none"}],"SuccessUrl2Data":{"Url":"https://shop.example.kz/back?a=1","Method":"GET"},`+
			`"FailUrl2Data":{"Url":"https://shop.example.kz/back?a=1","Method":"GET"}}` {
			t.Errorf("%s %s", header, body)
		}
	})
}

func TestALinkIsSwitchedOffByItsID(t *testing.T) {
	g, d := open(t, everything, map[string]string{toState: refuses("3"), toDeactivate: `{"isSuccess":true}`})
	invoice := ref(providers.Link)
	invoice.External = invoiceKey + "6ab0e6f1-9d1f"
	want(t, "a withdrawal", g.Cancel(t.Context(), invoice), providers.Approved, "")
	if _, body := payload(t, d); body != `{"MerchantLogin":"sim-shop","Id":"6ab0e6f1-9d1f"}` {
		t.Error(body)
	}
}

// What CreateInvoice has no word for, and what must end sooner than a link does, gets an
// address with an end of its own.
func TestSomePaymentsGetAnAddressInstead(t *testing.T) {
	for what, change := range map[string]func(*providers.Charge){
		"a hold":          func(c *providers.Charge) { c.Ref.TwoStage = true },
		"a first payment": func(c *providers.Charge) { c.Save = true },
		"a short one":     func(c *providers.Charge) { c.Expires = time.Now().Add(24 * time.Hour) },
	} {
		g, d := open(t, everything, nil)
		c := charge(providers.Link)
		change(&c)
		r := g.Charge(t.Context(), c)
		want(t, what, r, providers.Pending, providers.AwaitingPayer)
		if d.was() != "" || r.External != "" || !strings.Contains(r.Action.URL, "/Merchant/Index.aspx?") {
			t.Errorf("%s: asked was %s, handed out %s", what, d.was(), r.Action.URL)
		}
	}
	g, d := open(t, everything, map[string]string{toInvoice: made})
	c := charge(providers.Link)
	c.Expires = time.Now().Add(24*time.Hour + 16*time.Second)
	if r := g.Charge(t.Context(), c); d.was() != toInvoice || r.Until.After(c.Expires) {
		t.Errorf("asked was %s, until %s", d.was(), r.Until)
	}
}

func TestAnInvoiceThatIsNotOursIsNotHandedOut(t *testing.T) {
	for answer, reason := range map[string]providers.Reason{
		`{"isSuccess":false,"url":null,"message":"Aida Saparova"}`: providers.Ambiguous,
		strings.Replace(made, order, "7", 1):                       providers.Mismatch,
		strings.Replace(made, order, "null", 1):                    providers.Mismatch,
		strings.Replace(made, "https:", "javascript:", 1):          providers.Unreadable,
		strings.Replace(made, "https://", "https://a:b@", 1):       providers.Unreadable,
		strings.Replace(made, "https://auth.robokassa.ru", "", 1):  providers.Unreadable,
		strings.Replace(made, "6ab0e6f1-9d1f", "", 1):              providers.Unreadable,
		strings.Replace(made, "true", "null", 1):                   providers.Unreadable,
		strings.Replace(made, "true", `"true"`, 1):                 providers.Unreadable,
		`<html>`:      providers.Unreadable,
		"500 " + made: providers.ServerError,
		"404 " + made: providers.Unreadable,
	} {
		g, _ := open(t, everything, map[string]string{toInvoice: answer})
		r := g.Charge(t.Context(), charge(providers.Link))
		want(t, answer, r, providers.Unknown, reason)
		if r.Action != nil || r.External != "" || strings.Contains(r.Code, "Aida") {
			t.Errorf("%s: %+v", answer, r)
		}
	}
}
