package freedompay

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const pageURL = "https://customer.freedompay.kz/pay.html?customer=3f1a9b77d2"

func created() reply {
	return says("pg_status", "ok", "pg_payment_id", paymentID, "pg_redirect_url", pageURL, "pg_redirect_url_type", "need data")
}

func TestAPageIsAskedForWithAllThatMustBeSaid(t *testing.T) {
	change := func(c *Config) {
		c.TestMode, c.Check, c.Language, c.PaymentMethod = true, true, "kk", "bankcard"
	}
	atDesk(t, change, []reply{created()}, func(t *testing.T, g *Gateway, d *desk) {
		began := time.Now()
		c := chargeOf(hold(pageRef(t)))
		c.Payer = providers.Payer{Phone: "+77015550142", Email: "aigerim@example.kz", Name: "Aigerim"}
		got := g.Charge(context.Background(), c)
		verdict(t, got, providers.Pending, providers.AwaitingPayer)
		if got.External != paymentID || got.Action == nil || got.Action.Kind != providers.Redirect || got.Action.URL != pageURL ||
			!got.Until.Equal(began.Add(15*time.Minute)) || !got.Action.Expires.Equal(got.Until) {
			t.Errorf("%+v, action %+v", got, got.Action)
		}
		if d.paths() != "init_payment.php" {
			t.Fatalf("asked %s", d.paths())
		}
		sent := map[string]string{}
		for _, field := range d.asked[0].fields.children {
			sent[field.name] = field.value
		}
		for _, random := range []string{fieldSalt, fieldSig} {
			if sent[random] == "" {
				t.Errorf("no %s", random)
			}
			delete(sent, random)
		}
		want := map[string]string{"pg_merchant_id": merchant, "pg_order_id": orderNumber, "pg_amount": "14500.00", "pg_currency": "KZT",
			"pg_description": "Заказ 481", "pg_auto_clearing": "0", "pg_testing_mode": "1", "pg_lifetime": "900", "pg_request_method": "POST",
			"pg_idempotency_key": orderNumber + ":create:1", "pg_result_url": notifyURL + "/result", "pg_refund_url": notifyURL + "/refund",
			"pg_capture_url": notifyURL + "/capture", "pg_check_url": notifyURL + "/check", "pg_language": "kk", "pg_payment_method": "bankcard",
			"pg_success_url": "https://shop.example.kz/back", "pg_failure_url": "https://shop.example.kz/back", "stage": "hold"}
		for name, value := range want {
			if sent[name] != value {
				t.Errorf("%s is %q, want %q", name, sent[name], value)
			}
			delete(sent, name)
		}
		if len(sent) > 0 {
			t.Errorf("sent besides: %v", sent)
		}
	})
	atDesk(t, nil, []reply{created()}, func(t *testing.T, g *Gateway, d *desk) {
		g.Charge(context.Background(), chargeOf(pageRef(t)))
		sent := d.asked[0].fields
		if sent.text("pg_auto_clearing") != "1" || sent.text("pg_testing_mode") != "0" || sent.text("pg_check_url") != "" || sent.text("stage") != "" {
			t.Errorf("sent %+v", sent)
		}
	})
}

func TestAPageLivesNoLongerThanThePayment(t *testing.T) {
	for _, c := range []struct {
		left time.Duration // until the payment ends; zero is no end
		want string        // pg_lifetime; empty is refused
	}{
		{0, "900"}, {24 * time.Hour, "900"}, {15*time.Minute + inTransit, "900"}, {15 * time.Minute, "895"}, {14*time.Minute + 59*time.Second + 900*time.Millisecond, "894"},
		{301*time.Second + inTransit, "301"}, {300*time.Second + inTransit, "300"}, {300*time.Second + inTransit - 1, ""}, {time.Second, ""}, {-time.Hour, ""},
	} {
		atDesk(t, nil, []reply{created()}, func(t *testing.T, g *Gateway, d *desk) {
			charge := chargeOf(pageRef(t))
			if c.left != 0 {
				charge.Expires = time.Now().Add(c.left)
			}
			got := g.Charge(context.Background(), charge)
			if c.want == "" {
				verdict(t, got, providers.Unserved, providers.Unsupported)
				if len(d.asked) > 0 {
					t.Errorf("%s: asked %s", c.left, d.paths())
				}
				return
			}
			verdict(t, got, providers.Pending, providers.AwaitingPayer)
			if life := d.asked[0].fields.text("pg_lifetime"); life != c.want {
				t.Errorf("%s: a life of %s, want %s", c.left, life, c.want)
			}
			if c.left != 0 && got.Until.After(charge.Expires) {
				t.Errorf("%s: until %s, the payment ends at %s", c.left, got.Until, charge.Expires)
			}
		})
	}
}

func TestWhatCannotBeSaidIsRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, change := range map[string]func(c *providers.Charge){
		"nothing":                   func(c *providers.Charge) { c.Ref.Amount.Minor = 0 },
		"less than nothing":         func(c *providers.Charge) { c.Ref.Amount.Minor = -1 },
		"more than 99999999":        func(c *providers.Charge) { c.Ref.Amount.Minor = 9999999901 },
		"another currency":          func(c *providers.Charge) { c.Ref.Amount.Currency = "UAH" },
		"no order":                  func(c *providers.Charge) { c.Ref.Order = "" },
		"a long order":              func(c *providers.Charge) { c.Ref.Order = strings.Repeat("x", 51) },
		"an order with a semicolon": func(c *providers.Charge) { c.Ref.Order = "a;b" },
		"the probe's order":         func(c *providers.Charge) { c.Ref.Order = probeOrder },
		"a QR":                      func(c *providers.Charge) { c.Ref.Method = providers.QR },
		"no method":                 func(c *providers.Charge) { c.Ref.Method = "" },
		"notices with a query":      func(c *providers.Charge) { c.NotifyURL += "?tenant=1" },
		"notices with a fragment":   func(c *providers.Charge) { c.NotifyURL += "#x" },
		"a long notice address":     func(c *providers.Charge) { c.NotifyURL = "https://x/" + strings.Repeat("y", 240) },
		"a long return address":     func(c *providers.Charge) { c.ReturnURL = "https://x/" + strings.Repeat("y", 250) },
		"a card without a token":    func(c *providers.Charge) { *c = chargeOf(cardRef(t)); c.Instrument = providers.Token{} },
		"a card of nobody":          func(c *providers.Charge) { *c = chargeOf(cardRef(t)); c.CustomerID = "" },
		"a card of a strange name":  func(c *providers.Charge) { *c = chargeOf(cardRef(t)); c.CustomerID = "aigerim@example.kz" },
		"a card too late":           func(c *providers.Charge) { *c = chargeOf(cardRef(t)); c.Expires = time.Unix(1, 0) },
	} {
		atDesk(t, nil, []reply{created()}, func(t *testing.T, g *Gateway, d *desk) {
			c := chargeOf(pageRef(t))
			change(&c)
			if got := g.Charge(context.Background(), c); got.Verdict != providers.Unserved || got.Reason != providers.Unsupported || len(d.asked) > 0 {
				t.Errorf("%s: %s %q, asked %q", name, got.Verdict, got.Reason, d.paths())
			}
		})
	}
	atDesk(t, func(c *Config) { c.Cards = false }, nil, func(t *testing.T, g *Gateway, _ *desk) {
		verdict(t, g.Charge(context.Background(), chargeOf(cardRef(t))), providers.Unserved, providers.Unsupported)
	})
}

func TestARefusedCreationIsReadByItsCode(t *testing.T) {
	for name, c := range map[string]struct {
		answer reply
		want   providers.Verdict
		reason providers.Reason
	}{
		"order not unique":     {refuses("9991"), providers.Unknown, providers.Duplicate},
		"no contract":          {refuses("9996"), providers.Unserved, providers.Misconfigured},
		"bad signature":        {reply{status: 401, body: "<response><pg_status>error</pg_status><pg_error_code>1100</pg_error_code></response>"}, providers.Unserved, providers.Misconfigured},
		"not identified":       {reply{message: refuses("9998").message, bare: true}, providers.Unserved, providers.Misconfigured},
		"no payment system":    {refuses("850"), providers.Unserved, providers.Maintenance},
		"system error":         {refuses("9999"), providers.Unknown, providers.Ambiguous},
		"already successful":   {refuses("10011"), providers.Unknown, providers.Ambiguous},
		"nobody knows":         {refuses("987654"), providers.Unknown, providers.UnknownCode},
		"no code":              {says("pg_status", "error"), providers.Unknown, providers.UnknownCode},
		"wrongly signed":       {reply{message: refuses("9996").message, spoiled: true}, providers.Unknown, providers.BadSignature},
		"ok, unsigned":         {reply{message: created().message, bare: true}, providers.Unknown, providers.BadSignature},
		"ok, wrongly signed":   {reply{message: created().message, spoiled: true}, providers.Unknown, providers.BadSignature},
		"ok without an id":     {says("pg_status", "ok", "pg_redirect_url", pageURL), providers.Unknown, providers.Unreadable},
		"ok without a page":    {says("pg_status", "ok", "pg_payment_id", paymentID), providers.Unknown, providers.Unreadable},
		"a page of a script":   {says("pg_status", "ok", "pg_payment_id", paymentID, "pg_redirect_url", "javascript:alert(1)"), providers.Unknown, providers.Unreadable},
		"a page with a user":   {says("pg_status", "ok", "pg_payment_id", paymentID, "pg_redirect_url", "https://a@b/"), providers.Unknown, providers.Unreadable},
		"HTTP 500":             {reply{status: 500}, providers.Unknown, providers.ServerError},
		"HTTP 403":             {reply{status: 403, body: string(refuses("9996").written("init_payment.php"))}, providers.Unknown, providers.Unreadable},
		"the printed answer":   {reply{body: string(read(t, "init.answer.xml"))}, providers.Pending, providers.AwaitingPayer},
		"half the printed one": {reply{body: string(read(t, "init.answer.xml")[:200])}, providers.Unknown, providers.Unreadable},
	} {
		atDesk(t, nil, []reply{c.answer}, func(t *testing.T, g *Gateway, d *desk) {
			if got := g.Charge(context.Background(), chargeOf(pageRef(t))); got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("%s: %s %q (%v), want %s %q", name, got.Verdict, got.Reason, got.Err, c.want, c.reason)
			}
			if len(d.asked) != 1 {
				t.Errorf("%s: asked %s", name, d.paths())
			}
		})
	}
}

func TestADescriptionIsMadeFitToSign(t *testing.T) {
	for text, want := range map[string]string{
		"": "Order " + orderNumber, " ;\x00; ": "Order " + orderNumber, "чай; кофе\n": "чай кофе", "a\xffb": "ab", strings.Repeat("ч", 300): strings.Repeat("ч", 255),
	} {
		atDesk(t, nil, []reply{created()}, func(t *testing.T, g *Gateway, d *desk) {
			c := chargeOf(pageRef(t))
			c.Description = text
			g.Charge(context.Background(), c)
			if got := d.asked[0].fields.text("pg_description"); got != want {
				t.Errorf("%q is sent as %q", text, got)
			}
		})
	}
}
