package robokassa

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// expiration is how ExpirationDate is written: ISO 8601 with an offset in digits.
const expiration = "2006-01-02T15:04:05-07:00"

// resultPath is where notices of holds go, below the gateway's webhook address.
const resultPath = "result2"

// start is a payment that begins on the page: the signed fields of Index.aspx. The payer's
// e-mail is kept back: Robokassa must have no means to send the address to anybody, or a
// lost answer could not be closed as never shown.
func (g *Gateway) start(c providers.Charge, until time.Time) url.Values {
	order, sum, attempt := c.Ref.Order, c.Ref.Amount.Decimal(), attemptOf(c.Ref)
	fields := url.Values{
		"MerchantLogin": {g.config.MerchantLogin}, "OutSum": {sum}, "InvId": {order}, "Description": {about(c)},
		"Encoding": {"utf-8"}, "ExpirationDate": {until.UTC().Format(expiration)}, attemptName: {attempt},
	}
	if g.config.Language != "" {
		fields.Set("Culture", g.config.Language)
	}
	if g.config.Test {
		fields.Set("IsTest", "1")
	}
	m := message{before: []string{g.config.MerchantLogin, sum, order}, own: []parameter{{attemptName, attempt}}}
	signed := func(name, value, text string) {
		fields.Set(name, value)
		m.before = append(m.before, text)
	}
	if receipt := g.receipt(c); receipt != "" {
		signed("Receipt", receipt, receipt) // the form encodes it once more
	}
	switch {
	case c.Ref.TwoStage:
		signed("StepByStep", "true", "true")
		if c.NotifyURL != "" { // the success of a hold is told nowhere else
			address := strings.TrimRight(c.NotifyURL, "/") + "/" + resultPath
			signed("ResultUrl2", address, url.QueryEscape(address))
		}
	case c.Save && g.config.Recurring: // a hold and a first payment at once are documented nowhere
		fields.Set("Recurring", "true") // not signed
		fields.Set(saveName, "1")
		m.own = append(m.own, parameter{saveName, "1"})
	}
	if c.ReturnURL != "" {
		for _, way := range []string{"SuccessUrl2", "FailUrl2"} {
			signed(way, c.ReturnURL, url.QueryEscape(c.ReturnURL))
			signed(way+"Method", "GET", "GET")
		}
	}
	fields.Set("SignatureValue", m.sign(g.config.Hash, g.config.startPassword()))
	return fields
}

// receipt is the fiscal receipt of one line, URL-encoded once as it is signed; empty where
// none is asked for.
func (g *Gateway) receipt(c providers.Charge) string {
	if g.config.ReceiptTax == "" {
		return ""
	}
	type line struct {
		Name     string      `json:"name"`
		Quantity int         `json:"quantity"`
		Sum      json.Number `json:"sum"`
		Tax      string      `json:"tax"`
	}
	text, err := encode(map[string][]line{"items": {{about(c), 1, json.Number(c.Ref.Amount.Decimal()), g.config.ReceiptTax}}})
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")
}

// compose hands out the address itself. Nothing is sent.
func (g *Gateway) compose(c providers.Charge, until time.Time) providers.Result {
	return offered(g.config.PageBase+"/Merchant/Index.aspx?"+g.start(c, until).Encode(), until)
}

// begin asks Indexjson.aspx to begin the payment, and hands out the page it names.
func (g *Gateway) begin(ctx context.Context, c providers.Charge, until time.Time) providers.Result {
	body, result, ok := g.post(ctx, form(g.config.PageBase+"/Merchant/Indexjson.aspx", g.start(c, until), g.config.Timeouts.Create))
	if !ok {
		return result
	}
	var said struct {
		InvoiceID literal `json:"invoiceID"` // Robokassa's own, not our number
		ErrorCode literal `json:"errorCode"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.ErrorCode == "" {
		return providers.Doubt(providers.Unreadable, "", errors.New("robokassa: the answer to a start cannot be read"))
	}
	if code := string(said.ErrorCode); code != "0" {
		meant := onStart(code)
		result := providers.Result{Verdict: meant.verdict, Reason: meant.reason, Code: shown(code)}
		if result.Verdict == providers.Pending {
			result.Until = until
		}
		return result
	}
	if !aKey.MatchString(string(said.InvoiceID)) {
		return providers.Doubt(providers.Unreadable, "", errors.New("robokassa: the start has no usable id"))
	}
	return offered(g.config.PageBase+"/Merchant/Index/"+string(said.InvoiceID), until)
}
