package robokassa

import (
	"crypto/md5"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// byHand signs a start a second time, in the order of the notes, section 3.
func byHand(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

func TestAnAddressIsComposedWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := open(t, func(c *Config) { c.PageBase, c.Language = "https://auth.robokassa.kz", "ru" }, nil)
		c := charge(providers.Page)
		c.Ref.Planned = time.Now().Add(-10 * time.Second)
		r := g.Charge(t.Context(), c)
		want(t, "a charge", r, providers.Pending, providers.AwaitingPayer)
		until := c.Ref.Planned.Add(20 * time.Minute).Truncate(time.Second)
		if !r.Until.Equal(until) || !r.Action.Expires.Equal(until) || r.Action.Kind != providers.Redirect || r.External != "" {
			t.Errorf("until %s, action %+v", r.Until, r.Action)
		}
		if !strings.HasPrefix(r.Action.URL, "https://auth.robokassa.kz/Merchant/Index.aspx?") || d.was() != "" {
			t.Errorf("the address is %s, asked was %q", r.Action.URL, d.was())
		}
		back := "https%3A%2F%2Fshop.example.kz%2Fback%3Fa%3D1"
		got := query(t, r.Action.URL)
		for name, value := range map[string]string{
			"MerchantLogin": shop, "OutSum": "1500.50", "InvId": order, "Description": "Order 1001", "Culture": "ru", "Encoding": "utf-8",
			"ExpirationDate": until.UTC().Format("2006-01-02T15:04:05") + "+00:00", "Shp_attempt": attemptOf(c.Ref),
			"SuccessUrl2": c.ReturnURL, "SuccessUrl2Method": "GET", "FailUrl2": c.ReturnURL, "FailUrl2Method": "GET",
			"SignatureValue": byHand(shop, "1500.50", order, back, "GET", back, "GET", "sim-pass-1", "Shp_attempt="+attemptOf(c.Ref)),
		} {
			if got.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, got.Get(name), value)
			}
			got.Del(name)
		}
		if len(got) != 0 {
			t.Errorf("more is said: %v", got)
		}
		time.Sleep(time.Minute) // the same attempt is the same address, whenever it is sent
		if again := g.Charge(t.Context(), c); again.Action.URL != r.Action.URL {
			t.Errorf("a second address: %s", again.Action.URL)
		}
	})
}

func TestAHoldIsSignedWithWhereItIsTold(t *testing.T) {
	g, _ := open(t, func(c *Config) { c.Holds = true }, nil)
	c := charge(providers.Link)
	c.Ref.TwoStage, c.ReturnURL, c.NotifyURL = true, "", c.NotifyURL+"/"
	got := query(t, g.Charge(t.Context(), c).Action.URL)
	if got.Get("StepByStep") != "true" || got.Get("ResultUrl2") != "https://pay.example.kz/webhooks/robokassa/result2" || got.Has("Recurring") {
		t.Errorf("%v", got)
	}
	if want := byHand(shop, "1500.50", order, "true", url.QueryEscape(got.Get("ResultUrl2")), "sim-pass-1", "Shp_attempt="+attemptOf(c.Ref)); got.Get("SignatureValue") != want {
		t.Errorf("the signature is %s, want %s", got.Get("SignatureValue"), want)
	}
}

// The receipt of the golden vector: encoded once under the signature, twice on the wire.
func TestAReceiptIsSignedEncodedOnce(t *testing.T) {
	g, _ := open(t, func(c *Config) { c.ReceiptTax = "none" }, nil)
	c := charge(providers.Link)
	c.ReturnURL = ""
	address := g.Charge(t.Context(), c).Action.URL
	got := query(t, address)
	const receipt = `%7B%22items%22%3A%5B%7B%22name%22%3A%22Order%201001%22%2C%22quantity%22%3A1%2C%22sum%22%3A1500.50%2C%22tax%22%3A%22none%22%7D%5D%7D`
	if got.Get("Receipt") != receipt || !strings.Contains(address, url.QueryEscape(receipt)) {
		t.Errorf("the receipt is %s", got.Get("Receipt"))
	}
	if want := byHand(shop, "1500.50", order, receipt, "sim-pass-1", "Shp_attempt="+attemptOf(c.Ref)); got.Get("SignatureValue") != want {
		t.Errorf("the signature is %s, want %s", got.Get("SignatureValue"), want)
	}
}

func TestAFirstPaymentIsMarkedOnlyWhereItIsAskedForAndAllowed(t *testing.T) {
	for _, c := range []struct{ allowed, save, hold, marked bool }{
		{true, true, false, true}, {true, false, false, false}, {false, true, false, false},
		{true, true, true, false}, // a hold and a first payment at once are documented nowhere
	} {
		g, _ := open(t, func(cfg *Config) { cfg.Recurring, cfg.Holds = c.allowed, true }, nil)
		wanted := charge(providers.Link)
		wanted.Save, wanted.Ref.TwoStage = c.save, c.hold
		wanted.ReturnURL, wanted.NotifyURL = "", ""
		got := query(t, g.Charge(t.Context(), wanted).Action.URL)
		if (got.Get("Recurring") == "true") != c.marked || (got.Get("Shp_save") == "1") != c.marked {
			t.Errorf("%+v: %v", c, got)
		}
		if c.marked && got.Get("SignatureValue") != byHand(shop, "1500.50", order, "sim-pass-1", "Shp_attempt="+attemptOf(wanted.Ref), "Shp_save=1") {
			t.Errorf("%+v: the signature is %s", c, got.Get("SignatureValue"))
		}
	}
}

func TestTestPaymentsAreSignedWithTheTestPair(t *testing.T) {
	g, _ := open(t, func(c *Config) {
		c.Test, c.TestPassword1, c.TestPassword2 = true, secretOf("test-1"), secretOf("test-2")
	}, nil)
	c := charge(providers.Link)
	c.ReturnURL = ""
	got := query(t, g.Charge(t.Context(), c).Action.URL)
	if want := byHand(shop, "1500.50", order, "test-1", "Shp_attempt="+attemptOf(c.Ref)); got.Get("IsTest") != "1" || got.Get("SignatureValue") != want {
		t.Errorf("%v, want the signature %s", got, want)
	}
	if g.Claims().Reference.Prefix != "9" {
		t.Errorf("test numbers may meet those of the live gateway: %+v", g.Claims().Reference)
	}
}

func TestPersonalDataStaysHere(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"url": nil, "json": func(c *Config) { c.Start = "json" }, "invoice": everything,
	} {
		g, d := open(t, change, map[string]string{toStart: `{"invoiceID":"a1","errorCode":0}`,
			toInvoice: `{"isSuccess":true,"url":"https://auth.robokassa.ru/merchant/Invoice/x","id":"i1","invId":` + order + `}`, toRecurring: "OK" + order})
		for _, m := range []providers.Method{providers.Link, providers.Instrument} {
			r := g.Charge(t.Context(), charge(m))
			said := ""
			if r.Action != nil {
				said = r.Action.URL
			}
			for _, asked := range d.asked {
				said += asked.body
			}
			for _, personal := range []string{"7011234567", "aida.saparova", "Saparova", "203.0.113.7"} {
				if strings.Contains(said, personal) {
					t.Errorf("%s, %s: %q is told", name, m, personal)
				}
			}
		}
	}
}

func TestChargesThatCannotBeMadeAreRefusedHere(t *testing.T) {
	for what, change := range map[string]func(*providers.Charge){
		"an unknown method":       func(c *providers.Charge) { c.Ref.Method = providers.QR },
		"another currency":        func(c *providers.Charge) { c.Ref.Amount.Currency = "USD" },
		"nothing":                 func(c *providers.Charge) { c.Ref.Amount.Minor = 0 },
		"less than nothing":       func(c *providers.Charge) { c.Ref.Amount.Minor = -1 },
		"no number":               func(c *providers.Charge) { c.Ref.Order = "" },
		"a number of letters":     func(c *providers.Charge) { c.Ref.Order = "r1001" },
		"a leading zero":          func(c *providers.Charge) { c.Ref.Order = "0100000000001001" },
		"a sign":                  func(c *providers.Charge) { c.Ref.Order = "+1001" },
		"zero, which is assigned": func(c *providers.Charge) { c.Ref.Order = "0" },
		"too large a number":      func(c *providers.Charge) { c.Ref.Order = "9223372036854775808" },
		"the probe's number":      func(c *providers.Charge) { c.Ref.Order = probeNumber },
		"a hold":                  func(c *providers.Charge) { c.Ref.TwoStage = true },
		"a time that is over":     func(c *providers.Charge) { c.Expires = time.Now().Add(-time.Second) },
		"half a minute":           func(c *providers.Charge) { c.Expires = time.Now().Add(30 * time.Second) },
		"no agreement to charge":  func(c *providers.Charge) { c.Ref.Method = providers.Instrument },
	} {
		g, d := open(t, nil, nil)
		c := charge(providers.Link)
		change(&c)
		want(t, what, g.Charge(t.Context(), c), providers.Unserved, providers.Unsupported)
		if d.was() != "" {
			t.Errorf("%s: asked was %s", what, d.was())
		}
	}
}

func TestDescriptionsFitRobokassasLimit(t *testing.T) {
	g, _ := open(t, nil, nil)
	for text, wanted := range map[string]string{
		"":                                    "Order " + order,
		" \n\t ":                              "Order " + order,
		"Чай\x00 и\nкофе \xff":                "Чай  и кофе",
		strings.Repeat("ә", 150):              strings.Repeat("ә", 100),
		"a & b = c # d % e + f ? <g> \"h\" '": "a & b = c # d % e + f ? <g> \"h\" '",
	} {
		c := charge(providers.Link)
		c.Description = text
		if got := query(t, g.Charge(t.Context(), c).Action.URL).Get("Description"); got != wanted {
			t.Errorf("%q is told as %q, want %q", text, got, wanted)
		}
	}
}

// Every code of the page, as Indexjson.aspx tells it (notes, section 6).
func TestRefusedStartsMeanWhatTheTableSays(t *testing.T) {
	table := map[string]meaning{"987654": strange, "-1": strange, "text": strange, "1": strange}
	for _, code := range []string{"23", "25", "26", "29", "34", "35", "42", "64", "65"} {
		table[code] = meaning{providers.Unserved, providers.Misconfigured}
	}
	for _, code := range []string{"30", "31", "53", "60"} {
		table[code] = meaning{providers.Unserved, providers.Unsupported}
	}
	for _, code := range []string{"20", "21", "22", "24", "27", "28", "32", "36", "37", "43", "500"} {
		table[code] = meaning{providers.Unknown, providers.Ambiguous}
	}
	table["33"], table["51"] = meaning{providers.Declined, providers.Expired}, meaning{providers.Declined, providers.Expired}
	table["40"], table["52"] = meaning{providers.Pending, providers.PayerConfirming}, meaning{providers.Pending, providers.PayerConfirming}
	table["41"] = meaning{providers.Unserved, providers.Maintenance}
	for code, meant := range table {
		for _, spelt := range []string{`"` + code + `"`, code} {
			if spelt == "text" {
				continue
			}
			g, _ := open(t, func(c *Config) { c.Start = "json" }, map[string]string{toStart: `{"invoiceID":null,"errorCode":` + spelt + `,"errorMessage":"Aida Saparova"}`})
			r := g.Charge(t.Context(), charge(providers.Link))
			want(t, "error "+spelt, r, meant.verdict, meant.reason)
			if strings.Contains(r.Code, "Aida") || r.Action != nil || r.Until.IsZero() != (r.Verdict != providers.Pending) {
				t.Errorf("error %s: code %q, action %+v, until %s", spelt, r.Code, r.Action, r.Until)
			}
		}
	}
}

func TestAStartThatIsAnsweredIsHandedOut(t *testing.T) {
	g, d := open(t, func(c *Config) { c.Start = "json" }, map[string]string{toStart: `{"invoiceID":"6ab0e6f1-9d1f","errorCode":0}`})
	r := g.Charge(t.Context(), charge(providers.Link))
	want(t, "a start", r, providers.Pending, providers.AwaitingPayer)
	if r.Action.URL != "http://127.0.0.1:1/Merchant/Index/6ab0e6f1-9d1f" || d.last().form(t).Get("InvId") != order {
		t.Errorf("%s, asked was %s", r.Action.URL, d.last().body)
	}
	for _, body := range []string{``, `{}`, `{"invoiceID":"a1"}`, `{"errorCode":0}`, `{"invoiceID":"../x","errorCode":0}`, `{"invoiceID":{},"errorCode":0}`, `[]`, `null`,
		`{"invoiceID":"a1","errorCode":"0"`, `<html>`, "400 x", "201 {\"invoiceID\":\"a1\",\"errorCode\":0}", "500 {\"errorCode\":29}"} {
		d.answers[toStart] = body
		if r := g.Charge(t.Context(), charge(providers.Link)); r.Verdict != providers.Unknown || r.Action != nil {
			t.Errorf("%s: it is %s %s", body, r.Verdict, r.Reason)
		}
	}
}
