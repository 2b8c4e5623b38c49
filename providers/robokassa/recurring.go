package robokassa

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/payrouter/payrouter/providers"
)

var errNotAccepted = errors.New("robokassa: the charge was not accepted in the documented words")

// recur charges a saved card: the token is the number of the payment at which the payer
// agreed. "OK" and our number say that the charge was accepted and will be made; the state
// says what became of it. Any other words are Unknown: they are documented nowhere, and
// only a number that stays not found (Claims: Absent) proves that nothing was taken on.
func (g *Gateway) recur(ctx context.Context, c providers.Charge) providers.Result {
	body, result, ok := g.post(ctx, form(g.config.PaymentBase+"/Merchant/Recurring", g.recurrence(c), g.config.Timeouts.Charge))
	if !ok {
		return result
	}
	if strings.TrimSpace(string(body)) != "OK"+c.Ref.Order {
		return providers.Doubt(unaccepted(body), "", errNotAccepted)
	}
	return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: "OK"}
}

// longestRefusal is more than a refusal in words can need.
const longestRefusal = 1024

// unaccepted is why an answer accepts nothing: it is words, which are documented nowhere, or
// something else, such as a page for browsers.
func unaccepted(body []byte) providers.Reason {
	body = bytes.TrimSpace(body)
	strange := func(c rune) bool { return c == utf8.RuneError || unicode.IsControl(c) && !unicode.IsSpace(c) }
	if len(body) == 0 || len(body) > longestRefusal || body[0] == '<' || bytes.ContainsFunc(body, strange) {
		return providers.Unreadable
	}
	return providers.Ambiguous
}

// recurrence is the signed form of a recurring charge. The number of the first payment is
// not under its signature.
func (g *Gateway) recurrence(c providers.Charge) url.Values {
	order, sum, attempt := c.Ref.Order, c.Ref.Amount.Decimal(), attemptOf(c.Ref)
	fields := url.Values{
		"MerchantLogin": {g.config.MerchantLogin}, "InvoiceID": {order}, "PreviousInvoiceID": {c.Instrument.Value.Reveal()},
		"OutSum": {sum}, "Description": {about(c)}, attemptName: {attempt},
	}
	m := message{before: []string{g.config.MerchantLogin, sum, order}, own: []parameter{{attemptName, attempt}}}
	if receipt := g.receipt(c); receipt != "" {
		fields.Set("Receipt", receipt)
		m.before = append(m.before, receipt)
	}
	fields.Set("SignatureValue", m.sign(g.config.Hash, g.config.Password1))
	return fields
}
