package tiptoppay

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// wish is a charge in the words of the notes' examples.
func wish(t *testing.T, ref providers.Ref) providers.Charge {
	t.Helper()
	ref.External = ""
	return providers.Charge{Ref: ref, CustomerID: "u-7781", Description: "Заказ 481", ReturnURL: "https://shop.example.kz/ok",
		NotifyURL:  "https://pay.example.kz/webhooks/tiptoppay-main",
		Payer:      providers.Payer{Phone: "+77015550142", Email: "aigerim@example.kz", Name: "Aigerim Seitkali", IP: "203.0.113.9"},
		Instrument: providers.Token{Value: providers.NewSecret("tk_7f21c0d4a9")}}
}

const created = `{"Model":{"Id":"hV7tq3XnB0s5LkQz","Number":50213,"Amount":14500.00,"Currency":"KZT","CurrencyCode":4,"Email":null,"RequireConfirmation":false,
"Url":"https://orders.tiptoppay.example/d/hV7tq3XnB0s5LkQz","CreatedDateIso":"2026-03-14T09:21:00","StatusCode":0,"Status":"Created","InternalId":91827364},"Success":true,"Message":null}`

func TestAPageIsMadeAsTheNotesSay(t *testing.T) {
	g, d := open(t, func(c *Config) { c.Culture, c.LinkLife, c.OrderEmail = "ru-RU", 24*time.Hour, "till@example.kz" }, created)
	c := wish(t, page(t))
	c.Expires = time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	r := g.Charge(t.Context(), c)
	verdict(t, r, providers.Pending, providers.AwaitingPayer)
	if r.External != orderID || r.Action == nil || r.Action.Kind != providers.Redirect || r.Action.URL != "https://orders.tiptoppay.example/d/hV7tq3XnB0s5LkQz" ||
		!r.Until.Equal(c.Expires) || !r.Action.Expires.Equal(c.Expires) {
		t.Errorf("%+v, action %+v", r, r.Action)
	}
	if d.paths() != ordersCreate || d.asked[0].id != orderNumber+"-create" {
		t.Errorf("asked %+v", d.asked)
	}
	golden(t, "create.json", strings.Replace(d.asked[0].body, itoa(c.Expires.Unix()), "1773480060", 1))
	for _, personal := range []string{"7015550142", "aigerim", "Seitkali"} {
		if strings.Contains(d.asked[0].body, personal) {
			t.Errorf("%s was sent, and the page could be sent to the payer", personal)
		}
	}
}

func TestATokenIsChargedAsTheNotesSay(t *testing.T) {
	for name, c := range map[string]struct {
		initiator string
		hold      bool
		path      string
	}{
		"charge.json":           {"", false, tokensCharge},
		"charge-merchant.json":  {byMerchant, false, tokensCharge},
		"charge-scheduled.json": {bySchedule, true, tokensAuth},
	} {
		status := map[bool]string{false: "Completed", true: "Authorized"}[c.hold]
		g, d := open(t, func(config *Config) { config.Initiator, config.Check = c.initiator, false }, found(tokenOrder, status))
		ref := saved(t)
		ref.TwoStage = c.hold
		r := g.Charge(t.Context(), wish(t, ref))
		verdict(t, r, map[bool]providers.Verdict{false: providers.Approved, true: providers.Held}[c.hold], providers.NoReason)
		if r.External != txID || r.Amount != ref.Amount || r.Instrument != nil {
			t.Errorf("%+v", r)
		}
		if d.paths() != c.path || d.asked[0].id != tokenOrder+"-charge" {
			t.Errorf("asked %+v", d.asked)
		}
		golden(t, name, d.asked[0].body)
	}
}

// A repeat under one X-Request-ID must be the same request.
func TestARepeatedCreationIsTheSameRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, line := scripted(t, nil, func(string) (int, string) { return 200, created })
		c := wish(t, page(t))
		first := g.Charge(t.Context(), c)
		time.Sleep(7 * time.Minute)
		second := g.Charge(t.Context(), c)
		if len(line.asked) != 2 || line.asked[0] != line.asked[1] || !first.Until.Equal(second.Until) {
			t.Errorf("asked %+v, until %s and %s", line.asked, first.Until, second.Until)
		}
	})
}

func TestAnOrderThatComesAfterItsOwnEndIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := scripted(t, func(c *Config) { c.Timeouts.Create = 2 * time.Minute }, func(string) (int, string) {
			time.Sleep(61 * time.Second)
			return 200, created
		})
		c := wish(t, page(t))
		c.Expires = time.Now().Add(time.Minute)
		r := g.Charge(t.Context(), c)
		verdict(t, r, providers.Unknown, providers.Timeout)
		if r.Action != nil || r.External != orderID {
			t.Errorf("%+v", r)
		}
	})
}

func TestWhatAnswersToACreationMean(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(created, old) {
			t.Fatalf("no %q to change", old)
		}
		return strings.Replace(created, old, new, 1)
	}
	for name, c := range map[string]struct {
		answer string
		want   providers.Verdict
		reason providers.Reason
	}{
		"refused":                      {`{"Success":false,"Message":"Amount is required"}`, providers.Unserved, providers.Unsupported},
		"refused, an empty model":      {`{"Success":false,"Message":"Invalid Amount value","Model":null}`, providers.Unserved, providers.Unsupported},
		"refused without a word":       {refusal, providers.Unknown, providers.Unreadable},
		"a success without a model":    {done, providers.Unknown, providers.Unreadable},
		"another amount":               {change("14500.00", "1450.00"), providers.Unknown, providers.Mismatch},
		"another currency":             {change(`"KZT"`, `"RUB"`), providers.Unknown, providers.Mismatch},
		"no currency":                  {change(`"KZT"`, `null`), providers.Unknown, providers.Unreadable},
		"more decimals":                {change("14500.00", "14500.001"), providers.Unknown, providers.Unreadable},
		"short decimals":               {change("14500.00", "14500"), providers.Pending, providers.AwaitingPayer},
		"an amount as text":            {change("14500.00", `"14500.00"`), providers.Pending, providers.AwaitingPayer},
		"two stages, one asked for":    {change(`"RequireConfirmation":false`, `"RequireConfirmation":true`), providers.Unknown, providers.Mismatch},
		"no link":                      {change(`"Url"`, `"Uri"`), providers.Unknown, providers.Unreadable},
		"a link that runs":             {change("https://orders", "javascript://orders"), providers.Unknown, providers.Unreadable},
		"a link with a user":           {change("https://orders", "https://a@orders"), providers.Unknown, providers.Unreadable},
		"no id":                        {change(`"Id":"hV7tq3XnB0s5LkQz"`, `"Id":null`), providers.Unknown, providers.Unreadable},
		"an id that leads elsewhere":   {change(`"Id":"hV7tq3XnB0s5LkQz"`, `"Id":"../x"`), providers.Unknown, providers.Unreadable},
		"an id of a transaction":       {change(`"Id":"hV7tq3XnB0s5LkQz"`, `"Id":2346712901`), providers.Unknown, providers.Unreadable},
		"a paid order":                 {change(`"Created"`, `"Paid"`), providers.Unknown, providers.UnknownCode},
		"a status nobody knows":        {change(`"Created"`, `"Sold"`), providers.Unknown, providers.UnknownCode},
		"a model of another kind":      {`{"Success":true,"Model":[1]}`, providers.Unknown, providers.Unreadable},
		"success as a word":            {change(`"Success":true`, `"Success":"true"`), providers.Unknown, providers.Unreadable},
		"no success":                   {change(`"Success":true,`, ``), providers.Unknown, providers.Unreadable},
		"another currency code is not": {change(`"CurrencyCode":4`, `"CurrencyCode":398`), providers.Pending, providers.AwaitingPayer},
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := open(t, nil, c.answer)
			r := g.Charge(t.Context(), wish(t, page(t)))
			verdict(t, r, c.want, c.reason)
			if r.Verdict == providers.Unknown && r.Action != nil {
				t.Error("there is nothing to show")
			}
		})
	}
}

func TestWhatAnswersToATokenChargeMean(t *testing.T) {
	const stepUp = `{"Model":{"TransactionId":2346712955,"PaReq":"eJxVUstugzAQ","GoReq":null,"AcsUrl":"https://acs.bank.example/pareq","ThreeDsCallbackId":"5c2f0d7e9ab14c1e"},"Success":false,"Message":null}`
	for name, c := range map[string]struct {
		answer   string
		want     providers.Verdict
		reason   providers.Reason
		external string
	}{
		"refused":                 {`{"Success":false,"Message":"Token is invalid"}`, providers.Unserved, providers.Unsupported, ""},
		"declined, not a success": {found(tokenOrder, "Declined", "ReasonCode", "5051"), providers.Declined, providers.DeclinedSoft, txID},
		"declined, no code":       {found(tokenOrder, "Declined", "ReasonCode", "0"), providers.Unknown, providers.Ambiguous, ""},
		"a code nobody knows":     {found(tokenOrder, "Declined", "ReasonCode", "987654"), providers.Unknown, providers.UnknownCode, ""},
		"a Russian code":          {found(tokenOrder, "Declined", "ReasonCode", "6018"), providers.Unknown, providers.UnknownCode, ""},
		"a technical refusal":     {found(tokenOrder, "Declined", "ReasonCode", "5096"), providers.Unknown, providers.Ambiguous, ""},
		"a limit":                 {found(tokenOrder, "Declined", "ReasonCode", "5303"), providers.Unserved, providers.Unsupported, txID},
		"3-D Secure":              {stepUp, providers.Pending, providers.StepUp, "2346712955"},
		"3-D Secure of nothing":   {strings.Replace(stepUp, "2346712955", "null", 1), providers.Unknown, providers.Unreadable, ""},
		"money held, not taken":   {found(tokenOrder, "Authorized"), providers.Held, providers.NoReason, txID},
		"Success is not a status": {strings.Replace(found(tokenOrder, "Completed"), `"Success":true`, `"Success":false`, 1), providers.Approved, providers.NoReason, txID},
		"another order":           {found(orderNumber, "Completed"), providers.Unknown, providers.Mismatch, ""},
		"another terminal":        {found(tokenOrder, "Completed", "PublicId", `"pk_other"`), providers.Unknown, providers.Mismatch, ""},
		"live money, test asked":  {found(tokenOrder, "Completed", "TestMode", "false"), providers.Unknown, providers.Mismatch, ""},
		"no mode":                 {found(tokenOrder, "Completed", "TestMode", ""), providers.Unknown, providers.Unreadable, ""},
		"another amount":          {found(tokenOrder, "Completed", "Amount", "14500.01"), providers.Unknown, providers.Mismatch, ""},
		"less than asked for":     {found(tokenOrder, "Completed", "Amount", "14499"), providers.Unknown, providers.Mismatch, ""},
		"no amount":               {found(tokenOrder, "Completed", "Amount", ""), providers.Unknown, providers.Unreadable, ""},
		"an amount in waves":      {found(tokenOrder, "Completed", "Amount", "1.45e4"), providers.Unknown, providers.Unreadable, ""},
		"a code beside money":     {found(tokenOrder, "Completed", "ReasonCode", "5051"), providers.Unknown, providers.UnknownCode, ""},
		"two statuses":            {found(tokenOrder, "Completed", "StatusCode", "5"), providers.Unknown, providers.Ambiguous, ""},
		"a status nobody knows":   {found(tokenOrder, "Sold"), providers.Unknown, providers.UnknownCode, ""},
		"a refund":                {found(tokenOrder, "Completed", "Type", "1"), providers.Unknown, providers.Mismatch, ""},
		"a refund of a payment":   {found(tokenOrder, "Completed", "OriginalTransactionId", "2346712900"), providers.Unknown, providers.Mismatch, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil, c.answer)
			r := g.Charge(t.Context(), wish(t, saved(t)))
			verdict(t, r, c.want, c.reason)
			if r.External != c.external || len(d.asked) != 1 || r.Action != nil {
				t.Errorf("external %q, %d requests, action %+v", r.External, len(d.asked), r.Action)
			}
		})
	}
}

func TestWhatCannotBeServedIsNotSent(t *testing.T) {
	for name, change := range map[string]func(*providers.Charge){
		"another currency":            func(c *providers.Charge) { c.Ref.Amount.Currency = "USD" },
		"nothing":                     func(c *providers.Charge) { c.Ref.Amount.Minor = 0 },
		"a number with a space":       func(c *providers.Charge) { c.Ref.Order = "a b" },
		"a number that is too long":   func(c *providers.Charge) { c.Ref.Order = strings.Repeat("a", 33) },
		"a QR":                        func(c *providers.Charge) { c.Ref.Method = providers.QR },
		"a page under a token's name": func(c *providers.Charge) { c.Ref.Order = tokenOrder },
		"a page for half a minute":    func(c *providers.Charge) { c.Expires = time.Now().Add(30 * time.Second) },
		"a page planned long ago":     func(c *providers.Charge) { c.Ref.Planned = time.Now().Add(-time.Hour) },
		"no token": func(c *providers.Charge) {
			c.Ref.Method, c.Ref.Order, c.Instrument = providers.Instrument, tokenOrder, providers.Token{}
		},
		"a token of nobody": func(c *providers.Charge) {
			c.Ref.Method, c.Ref.Order, c.CustomerID = providers.Instrument, tokenOrder, ""
		},
		"a token whose time is over": func(c *providers.Charge) {
			c.Ref.Method, c.Ref.Order, c.Expires = providers.Instrument, tokenOrder, time.Now()
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil)
			c := wish(t, page(t))
			change(&c)
			verdict(t, g.Charge(t.Context(), c), providers.Unserved, providers.Unsupported)
			if len(d.asked) != 0 {
				t.Errorf("asked %s", d.paths())
			}
		})
	}
	g, d := open(t, func(c *Config) { c.Check = false })
	verdict(t, g.Charge(t.Context(), wish(t, page(t))), providers.Unserved, providers.Unsupported)
	if len(d.asked) != 0 {
		t.Error("a page was made that nothing ends")
	}
}

func TestATokenThatWasAskedForIsSaved(t *testing.T) {
	for _, save := range []bool{false, true} {
		g, _ := open(t, nil, found(tokenOrder, "Completed", "Token", `"tk_new"`))
		c := wish(t, saved(t))
		c.Save = save
		r := g.Charge(t.Context(), c)
		if (r.Instrument != nil) != save {
			t.Fatalf("asked %t, got %+v", save, r.Instrument)
		}
		if save && (r.Instrument.Value.Reveal() != "tk_new" || r.Instrument.Mask != "400005******5556" || r.Instrument.Brand != "Visa") {
			t.Errorf("%+v", r.Instrument)
		}
	}
}
