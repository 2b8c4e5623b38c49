package wayforpay

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var payer = providers.Payer{Phone: "+77010000000", Email: "a@example.kz", Name: "Aida S", IP: "203.0.113.7"}

func invoiceCharge(t *testing.T) providers.Charge {
	t.Helper()
	return providers.Charge{Ref: link(t, "rt-000000000001", "1500.5"), Payer: payer, Description: "Order rt-000000000001",
		ReturnURL: "https://shop.example.kz/back", NotifyURL: "https://pay.example.kz/hooks/wayforpay"}
}

func TestInvoiceBecomesALinkForThePayer(t *testing.T) {
	g, d := open(t, func(c *Config) {
		c.Language, c.LinkLife, c.PaymentSystems = "RU", 30*time.Minute, []string{"card", "googlePay"}
	}, read(t, "create_invoice.answer.json"))
	got := g.Charge(t.Context(), invoiceCharge(t))
	verdict(t, got, providers.Pending, providers.AwaitingPayer)
	if got.Action == nil || got.Action.Kind != providers.Redirect || got.Action.URL != "https://secure.wayforpay.com/invoice/i0123456789ab" ||
		!got.Action.Expires.Equal(got.Until) {
		t.Errorf("action %+v, until %s", got.Action, got.Until)
	}
	golden(t, "create_invoice.request.json", d.asked[0])
	if got := signature(t, d.asked[0]); got != "1f5bb777d0708c39fa1cdda8ee960746" {
		t.Errorf("signature %s", got)
	}
}

// Else WayForPay could send the invoice to the payer itself, and a lost answer could
// not be closed as never shown.
func TestInvoiceCarriesNoMeansToContactThePayer(t *testing.T) {
	for _, method := range []providers.Method{providers.Link, providers.Page, providers.QR} {
		g, d := open(t, nil, read(t, "create_invoice.answer.json"))
		c := invoiceCharge(t)
		c.Ref.Method = method
		g.Charge(t.Context(), c)
		for _, means := range []string{"7701", "a@example.kz", "clientPhone", "clientEmail"} {
			if strings.Contains(d.asked[0], means) {
				t.Errorf("%s: %q was sent", method, means)
			}
		}
		if !g.Claims().Method(method).NeverShown {
			t.Errorf("%s claims nothing", method)
		}
	}
}

func TestQRIsAPictureOfTheSameInvoice(t *testing.T) {
	g, d := open(t, nil, read(t, "create_invoice.answer.json"), `{"reasonCode":1100,"invoiceUrl":"https://secure.wayforpay.com/invoice/i"}`)
	c := invoiceCharge(t)
	c.Ref.Method = providers.QR
	got := g.Charge(t.Context(), c)
	verdict(t, got, providers.Pending, providers.AwaitingPayer)
	if got.Action == nil || got.Action.Kind != providers.ShowQR || got.Action.URL != "https://secure.wayforpay.com/qr/?code=i0123456789ab" {
		t.Errorf("action %+v", got.Action)
	}
	verdict(t, g.Charge(t.Context(), c), providers.Unknown, providers.Unreadable) // no picture
	if kinds := d.kinds(t); kinds != "CREATE_INVOICE CREATE_INVOICE" {
		t.Errorf("asked %s", kinds)
	}
}

func TestInvoiceWithoutAUsableLinkIsDoubt(t *testing.T) {
	for text, want := range map[string]string{
		"https://secure.wayforpay.com/invoice/i1":  "https://secure.wayforpay.com/invoice/i1",
		"https://elsewhere.example/i1?a=b%20c#top": "https://elsewhere.example/i1?a=b%20c#top",
		"/invoice/i1":                        "https://secure.wayforpay.com/invoice/i1",
		"":                                   "",
		"http://secure.wayforpay.com/i1":     "",
		"javascript:alert(1)":                "",
		"https://user:word@wayforpay.com/i1": "",
		"https:///i1":                        "",
		"::":                                 "",
	} {
		body, _ := json.Marshal(map[string]any{"reasonCode": 1100, "invoiceUrl": text})
		g, _ := open(t, nil, string(body))
		got := g.Charge(t.Context(), invoiceCharge(t))
		if want == "" {
			verdict(t, got, providers.Unknown, providers.Unreadable)
		} else if got.Action == nil || got.Action.URL != want {
			t.Errorf("%q became %+v", text, got.Action)
		}
	}
	g, _ := open(t, func(c *Config) { c.SecureBaseURL = "" }, `{"reasonCode":1100,"invoiceUrl":"http://127.0.0.1:9/i1"}`)
	verdict(t, g.Charge(t.Context(), invoiceCharge(t)), providers.Pending, providers.AwaitingPayer)
}

func TestRefusedInvoiceIsDoubtBecauseNothingIsSigned(t *testing.T) {
	for code, why := range map[string]providers.Reason{
		"1109": providers.Misconfigured, "1110": providers.Misconfigured, "1113": providers.Misconfigured, "1117": providers.Misconfigured,
		"1121": providers.Misconfigured, "1118": providers.Ambiguous, "1120": providers.Ambiguous,
		"1101": providers.Ambiguous, "1112": providers.Duplicate, "1129": providers.Ambiguous, "9999": providers.UnknownCode, "": providers.UnknownCode,
	} {
		g, _ := open(t, nil, `{"reason":"no","reasonCode":"`+code+`","invoiceUrl":"https://secure.wayforpay.com/i"}`)
		got := g.Charge(t.Context(), invoiceCharge(t))
		verdict(t, got, providers.Unknown, why)
		if got.Action != nil {
			t.Errorf("%s: %+v", code, got.Action)
		}
	}
}

func TestTokenIsChargedAtOnce(t *testing.T) {
	g, d := open(t, nil, read(t, "charge.answer.json"))
	c := providers.Charge{Ref: token(t, "rt-000000000005", "250"), Payer: payer, Description: "Subscription January", Save: true,
		NotifyURL: "https://pay.example.kz/hooks/wayforpay", Instrument: providers.Token{Value: providers.NewSecret("1a2b3c4d-0000-4000-8000-00000000c0de")}}
	got := g.Charge(t.Context(), c)
	verdict(t, got, providers.Approved, "")
	if got.Amount != hryvnias(t, "250") || got.Code != "Approved 1100" {
		t.Errorf("got %+v", got)
	}
	if i := got.Instrument; i == nil || i.Value.Reveal() != "1a2b3c4d-0000-4000-8000-00000000c0de" || i.Mask != "51****5977" || i.Brand != "MasterCard" {
		t.Errorf("instrument %+v", i)
	}
	golden(t, "charge.request.json", d.asked[0])
	if got := signature(t, d.asked[0]); got != "6f2db5770b2aa6dc95ee5952a80cba29" {
		t.Errorf("signature %s", got)
	}
}

func TestTokenIsKeptOnlyIfThePayerAgreed(t *testing.T) {
	g, _ := open(t, nil, read(t, "charge.answer.json"))
	c := providers.Charge{Ref: token(t, "rt-000000000005", "250"), Instrument: providers.Token{Value: providers.NewSecret("t")}}
	if got := g.Charge(t.Context(), c); got.Instrument != nil {
		t.Errorf("instrument %+v", got.Instrument)
	}
}

func TestTwoStagesAreAskedForAsAUTH(t *testing.T) {
	held := says("WaitingAuthComplete", "1100", "rec-1", "100")
	g, d := open(t, func(c *Config) { c.HoldLife = time.Hour }, held, read(t, "create_invoice.answer.json"))
	c := providers.Charge{Ref: token(t, "rec-1", "100"), Instrument: providers.Token{Value: providers.NewSecret("t")}}
	c.Ref.TwoStage = true
	got := g.Charge(t.Context(), c)
	verdict(t, got, providers.Held, "")
	if got.Amount != hryvnias(t, "100") {
		t.Errorf("held %s", got.Amount)
	}
	c = invoiceCharge(t)
	c.Ref.TwoStage = true
	g.Charge(t.Context(), c)
	for _, body := range d.asked {
		var r request
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		if r.MerchantTransactionType != "AUTH" || r.HoldTimeout != 3600 {
			t.Errorf("%s: %s, hold %d s", r.TransactionType, r.MerchantTransactionType, r.HoldTimeout)
		}
	}
}

func TestStepUpOfATokenChargeWaitsAndIsNeverUnserved(t *testing.T) {
	g, d := open(t, nil, read(t, "check_status_3ds.answer.json"))
	c := providers.Charge{Ref: token(t, "rt-000000000005", "250"), Instrument: providers.Token{Value: providers.NewSecret("t")}}
	got := g.Charge(t.Context(), c)
	verdict(t, got, providers.Pending, providers.StepUp)
	if got.Action != nil || d.kinds(t) != "CHARGE" {
		t.Errorf("got %+v after %s", got, d.kinds(t))
	}
}

func TestChargeThatCannotBeMadeIsNotSent(t *testing.T) {
	some := providers.Token{Value: providers.NewSecret("t")}
	for name, change := range map[string]func(*providers.Charge){
		"method":            func(c *providers.Charge) { c.Ref.Method = providers.Push },
		"currency":          func(c *providers.Charge) { c.Ref.Amount.Currency = "KZT" },
		"nothing":           func(c *providers.Charge) { c.Ref.Amount.Minor = 0 },
		"less than nothing": func(c *providers.Charge) { c.Ref.Amount.Minor = -1 },
		"no order":          func(c *providers.Charge) { c.Ref.Order = "" },
		"long order":        func(c *providers.Charge) { c.Ref.Order = strings.Repeat("a", 33) },
		"order with ;":      func(c *providers.Charge) { c.Ref.Order = "a;b" },
		"probe's order":     func(c *providers.Charge) { c.Ref.Order = probeOrder },
		"token's order":     func(c *providers.Charge) { c.Ref.Order = "rec-1" },
		"no token":          func(c *providers.Charge) { c.Ref.Method = providers.Instrument },
		"too late":          func(c *providers.Charge) { c.Expires = time.Now().Add(30 * time.Second) },
		"over":              func(c *providers.Charge) { c.Expires = time.Now().Add(-time.Hour) },
		"over, token": func(c *providers.Charge) {
			c.Ref.Method, c.Instrument, c.Expires = providers.Instrument, some, time.Now()
		},
	} {
		g, d := open(t, nil)
		c := invoiceCharge(t)
		change(&c)
		got := g.Charge(t.Context(), c)
		if got.Verdict != providers.Unserved || got.Reason != providers.Unsupported || len(d.asked) > 0 {
			t.Errorf("%s: %+v after %d requests", name, got, len(d.asked))
		}
	}
}

func TestProductNameCannotBreakTheSignature(t *testing.T) {
	for text, want := range map[string]string{
		"Чай; \"чёрный\" & <зелёный>": "Чай \"чёрный\" & <зелёный>",
		"":                       "Order rt-000000000001",
		" ;;\n\t ":               "Order rt-000000000001",
		"a\xffb\x00c":            "ab c",
		strings.Repeat("ы", 300): strings.Repeat("ы", longestName),
	} {
		g, d := open(t, nil, read(t, "create_invoice.answer.json"))
		c := invoiceCharge(t)
		c.Description = text
		g.Charge(t.Context(), c)
		var r request
		if err := json.Unmarshal([]byte(d.asked[0]), &r); err != nil {
			t.Fatal(err)
		}
		if r.ProductName[0] != want {
			t.Errorf("%q was sent as %q", text, r.ProductName[0])
		}
		if r.MerchantSignature != sign(secret, r.fields()...) {
			t.Errorf("%q: the body is not what was signed", text)
		}
	}
}

// bubble serves a handler over in-memory connections, so that time is virtual.
func bubble(t *testing.T, handler http.Handler) Options {
	t.Helper()
	l := &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case l.incoming <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestInvoiceEndsWithItsLifeOrWithThePayment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked request
		options := bubble(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			time.Sleep(3 * time.Second) // the end is counted from sending, not from the answer
			w.Write([]byte(read(t, "create_invoice.answer.json")))
		}))
		g, err := New(Config{APIBaseURL: "http://127.0.0.1", MerchantAccount: account, MerchantSecret: secret, MerchantDomain: "shop.example.kz"}, options)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		for _, c := range []struct {
			left time.Duration // until Charge.Expires; 0 means no limit
			want time.Duration // life; 0 means refused
		}{
			{0, 20 * time.Minute},
			{time.Hour, 20 * time.Minute},
			{20 * time.Minute, 20 * time.Minute},
			{5*time.Minute + 999*time.Millisecond, 5 * time.Minute},
			{time.Minute, time.Minute},
			{time.Minute - time.Millisecond, 0},
			{-time.Minute, 0},
		} {
			asked = request{}
			charge := invoiceCharge(t)
			now := time.Now()
			if c.left != 0 {
				charge.Expires = now.Add(c.left)
			}
			got := g.Charge(t.Context(), charge)
			if c.want == 0 {
				verdict(t, got, providers.Unserved, providers.Unsupported)
				continue
			}
			verdict(t, got, providers.Pending, providers.AwaitingPayer)
			if asked.OrderTimeout != int64(c.want/time.Second) || !got.Until.Equal(now.Add(c.want)) {
				t.Errorf("%s left: orderTimeout %d, until %s", c.left, asked.OrderTimeout, got.Until.Sub(now))
			}
		}
	})
}
