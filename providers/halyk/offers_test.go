package halyk

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	toInvoice = "POST /api/invoice"
	toQR      = "POST /api/payment/qr/generate"
)

func TestPageIsAWidgetWithTheTokenOfThisPayment(t *testing.T) {
	with(t, config(), []reply{tokenReply}, func(t *testing.T, g *Gateway, b *bank) {
		c := charge(providers.Page)
		c.Save = true
		r := g.Charge(t.Context(), c)
		expect(t, "page", r, providers.Pending, providers.AwaitingPayer)
		golden(t, "page", b, show(r))
		var object struct {
			Auth map[string]any `json:"auth"`
		}
		if err := json.Unmarshal([]byte(r.Action.Text), &object); err != nil {
			t.Fatal(err)
		}
		if object.Auth["access_token"] != "ACCESS-TOKEN-1" || object.Auth["token_type"] != "Bearer" || object.Auth["refresh_token"] != "" {
			t.Errorf("auth is not the whole token object: %v", object.Auth)
		}
		for _, personal := range []string{c.Payer.Phone, c.Payer.Email, c.Payer.Name} {
			if strings.Contains(r.Action.Text, personal) {
				t.Errorf("the action, which is kept, holds %q", personal)
			}
		}
		if want := time.Now().Add(2 * time.Hour); !r.Until.Equal(want) || !r.Action.Expires.Equal(want) {
			t.Errorf("the page ends %s, its token %s", r.Until, want)
		}
	})
}

func TestLifeOfATokenIsReadFromNumberAndText(t *testing.T) {
	for _, body := range []string{"token.json", "token_number.json"} {
		with(t, config(), []reply{{to: toToken, body: body}}, func(t *testing.T, g *Gateway, _ *bank) {
			if got, failed := g.fetch(t.Context(), g.serviceForm(), time.Second); failed != nil || got.life != 7200*time.Second {
				t.Errorf("%s: life %s, failed %v", body, got.life, failed)
			}
		})
	}
}

func TestPageWhoseEndIsNotKnownIsNotOffered(t *testing.T) {
	for life, reason := range map[string]providers.Reason{
		`""`: providers.NotSent, `"soon"`: providers.NotSent, `0`: providers.NotSent, `-5`: providers.NotSent, `7200.5`: providers.NotSent, `null`: providers.NotSent,
		`7201`: providers.Misconfigured, `"86400"`: providers.Misconfigured,
	} {
		body := `{"access_token":"x","token_type":"Bearer","expires_in":` + life + `}`
		with(t, config(), []reply{{to: toToken, body: body}}, func(t *testing.T, g *Gateway, _ *bank) {
			expect(t, life, g.Charge(t.Context(), charge(providers.Page)), providers.Unserved, reason)
		})
	}
}

func TestPageAnsweredLateDoesNotOutliveThePayment(t *testing.T) {
	slow := func(w http.ResponseWriter) {
		time.Sleep(3 * time.Second)
		w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":7200}`))
	}
	with(t, config(), []reply{{to: toToken, do: slow}}, func(t *testing.T, g *Gateway, _ *bank) {
		c := charge(providers.Page)
		c.Expires = time.Now().Add(2*time.Hour + time.Second)
		expect(t, "page", g.Charge(t.Context(), c), providers.Unserved, providers.Unsupported)
	})
}

func TestLinkIsMadeWithoutTellingAnybody(t *testing.T) {
	with(t, config(), []reply{tokenReply, {to: toInvoice, body: "invoice.json"}}, func(t *testing.T, g *Gateway, b *bank) {
		c := charge(providers.Link)
		r := g.Charge(t.Context(), c)
		expect(t, "link", r, providers.Pending, providers.AwaitingPayer)
		golden(t, "link", b, show(r))
		for _, personal := range []string{c.Payer.Phone, c.Payer.Email, "recipient_contact", "notifier"} {
			if strings.Contains(b.log.String(), personal) {
				t.Errorf("the bank was told %q and may contact the payer", personal)
			}
		}
		if r.External != "" {
			t.Error("a link's id is no transaction: operations would go astray")
		}
	})
}

func TestQRIsShownWithItsBillNumberKept(t *testing.T) {
	with(t, config(), []reply{tokenReply, {to: toQR, body: "qr_generate.json"}}, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Charge(t.Context(), charge(providers.QR))
		expect(t, "qr", r, providers.Pending, providers.AwaitingPayer)
		golden(t, "qr", b, show(r))
		if r.External != "QR-778812" || !r.Until.Equal(time.Now().Add(20*time.Minute)) {
			t.Errorf("external %q, until %s", r.External, r.Until)
		}
		if strings.Contains(b.log.String(), "7701") {
			t.Error("the bank was given the payer's phone")
		}
	})
}

func TestOfferThatWasNotMadeIsReadCarefully(t *testing.T) {
	for what, c := range map[string]struct {
		answer  reply
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"cut":                         {reply{do: hangUp}, providers.Unknown, providers.Broken},
		"server error":                {reply{status: 502}, providers.Unknown, providers.ServerError},
		"refused":                     {reply{status: 401}, providers.Unserved, providers.Misconfigured},
		"forbidden":                   {reply{status: 403}, providers.Unserved, providers.Misconfigured},
		"merchant not valid":          {reply{status: 400, body: `{"code":464}`}, providers.Unknown, providers.Misconfigured},
		"terminal limit":              {reply{status: 400, body: `{"code":529}`}, providers.Unserved, providers.Unsupported},
		"a decline, though no one is": {reply{status: 400, body: "error_484.json"}, providers.Unserved, providers.Unsupported},
		"technical":                   {reply{status: 400, body: "error_100.json"}, providers.Unknown, providers.Ambiguous},
		"a code nobody documented":    {reply{status: 400, body: `{"code":12345}`}, providers.Unknown, providers.UnknownCode},
		"an error with HTTP 200":      {reply{body: `{"code":464}`}, providers.Unknown, providers.Misconfigured},
		"a page":                      {reply{body: "<html>"}, providers.Unknown, providers.Unreadable},
		"nothing usable":              {reply{body: `{"invoice_url":"javascript:alert(1)","billNumber":"1"}`}, providers.Unknown, providers.Unreadable},
	} {
		t.Run(what, func(t *testing.T) {
			for method, to := range map[providers.Method]string{providers.Link: toInvoice, providers.QR: toQR} {
				c.answer.to = to
				with(t, config(), []reply{tokenReply, c.answer}, func(t *testing.T, g *Gateway, _ *bank) {
					expect(t, string(method), g.Charge(t.Context(), charge(method)), c.verdict, c.reason)
				})
			}
		})
	}
}

func TestLinkOfAnotherNumberIsAMismatch(t *testing.T) {
	body := `{"invoice_url":"https://test-epay.epayment.kz/i/1","invoice_id":"261123004712"}`
	with(t, config(), []reply{tokenReply, {to: toInvoice, body: body}}, func(t *testing.T, g *Gateway, _ *bank) {
		expect(t, "link", g.Charge(t.Context(), charge(providers.Link)), providers.Unknown, providers.Mismatch)
	})
}

func TestOfferMadeTooLateIsNotHandedOut(t *testing.T) {
	for method, c := range map[providers.Method]struct {
		to, body string
		life     time.Duration
	}{providers.Link: {toInvoice, "invoice.json", 50 * time.Hour}, providers.QR: {toQR, "qr_generate.json", 20 * time.Minute}} {
		body := answer(t, c.body)
		slow := func(w http.ResponseWriter) { time.Sleep(4 * time.Second); w.Write([]byte(body)) }
		with(t, config(), []reply{tokenReply, {to: c.to, do: slow}}, func(t *testing.T, g *Gateway, _ *bank) {
			ask := charge(method)
			ask.Expires = time.Now().Add(c.life + time.Second)
			r := g.Charge(t.Context(), ask)
			expect(t, string(method), r, providers.Unknown, providers.Ambiguous)
			if r.Action != nil {
				t.Errorf("%s: handed out all the same", method)
			}
		})
	}
}
