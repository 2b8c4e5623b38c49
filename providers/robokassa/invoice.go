package robokassa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// invoiceKey begins the id of an attempt whose link was made by CreateInvoice. Only such a
// link can be switched off, and only it has an id before anybody pays.
const invoiceKey = "invoice:"

type (
	// newInvoice is the payload of CreateInvoice.
	newInvoice struct {
		MerchantLogin  string
		InvoiceType    string
		Culture        string      `json:",omitempty"`
		InvID          json.Number `json:"InvId"`
		OutSum         json.Number
		Description    string
		InvoiceItems   []invoiceItem `json:",omitempty"`
		SuccessURLData *returnWay    `json:"SuccessUrl2Data,omitempty"`
		FailURLData    *returnWay    `json:"FailUrl2Data,omitempty"`
	}
	invoiceItem struct {
		Name     string
		Quantity int
		Cost     json.Number
		Tax      string
	}
	returnWay struct {
		URL    string `json:"Url"`
		Method string
	}
	// deadInvoice is the payload of DeactivateInvoice.
	deadInvoice struct {
		MerchantLogin string
		ID            string `json:"Id"`
	}
	// invoiceAnswer is what either answers, with HTTP 200 always.
	invoiceAnswer struct {
		IsSuccess *bool   `json:"isSuccess"`
		URL       literal `json:"url"`
		ID        literal `json:"id"`
		InvID     literal `json:"invId"`
		Message   literal `json:"message"`
	}
)

// invoiced reports whether a payment gets a link that can be switched off: not where
// CreateInvoice has no word for what is asked (a hold, a first payment), and not where the
// payment ends before the link would.
func (g *Gateway) invoiced(c providers.Charge, now time.Time) bool {
	switch {
	case g.config.InvoiceBase == "", c.Ref.TwoStage, c.Save && g.config.Recurring:
		return false
	}
	latest := now.Add(g.config.Timeouts.Create + g.config.InvoiceLife)
	return c.Expires.IsZero() || !latest.After(c.Expires)
}

// invoice makes a link that can be switched off.
func (g *Gateway) invoice(ctx context.Context, c providers.Charge) providers.Result {
	sum := json.Number(c.Ref.Amount.Decimal())
	wanted := newInvoice{MerchantLogin: g.config.MerchantLogin, InvoiceType: "OneTime", Culture: g.config.Language,
		InvID: json.Number(c.Ref.Order), OutSum: sum, Description: about(c)}
	if g.config.ReceiptTax != "" {
		wanted.InvoiceItems = []invoiceItem{{Name: about(c), Quantity: 1, Cost: sum, Tax: g.config.ReceiptTax}}
	}
	if c.ReturnURL != "" {
		back := &returnWay{URL: c.ReturnURL, Method: "GET"}
		wanted.SuccessURLData, wanted.FailURLData = back, back
	}
	said, result, ok := g.invoices(ctx, "CreateInvoice", wanted, g.config.Timeouts.Create)
	if !ok {
		return result
	}
	address, usable := g.link(string(said.URL))
	switch {
	case !*said.IsSuccess:
		return providers.Doubt(providers.Ambiguous, shown(string(said.Message)), errors.New("robokassa: no invoice was made"))
	case string(said.InvID) != c.Ref.Order:
		return providers.Doubt(providers.Mismatch, "", errors.New("robokassa: the invoice has another number"))
	case !usable || !aKey.MatchString(string(said.ID)):
		return providers.Doubt(providers.Unreadable, "", errors.New("robokassa: the invoice has no usable link or id"))
	}
	offer := offered(address, time.Now().Add(g.config.InvoiceLife)) // it began before now
	offer.External = invoiceKey + string(said.ID)
	return offer
}

// withdraw switches a link off. The answer is not signed: a look must confirm it.
func (g *Gateway) withdraw(ctx context.Context, ref providers.Ref) providers.Result {
	wanted := deadInvoice{MerchantLogin: g.config.MerchantLogin, ID: strings.TrimPrefix(ref.External, invoiceKey)}
	said, result, ok := g.invoices(ctx, "DeactivateInvoice", wanted, g.config.Timeouts.Refund)
	switch {
	case !ok:
		return result
	case !*said.IsSuccess: // its words are documented nowhere; a look tells how the link stands
		return providers.Doubt(providers.Ambiguous, shown(string(said.Message)), errors.New("robokassa: the invoice was not switched off"))
	}
	return providers.Result{Verdict: providers.Approved}
}

// invoices sends one token to the service of invoices.
func (g *Gateway) invoices(ctx context.Context, method string, payload any, timeout time.Duration) (invoiceAnswer, providers.Result, bool) {
	header := fmt.Sprintf(invoiceHeader, strings.ToUpper(g.config.Hash))
	key := providers.NewSecret(g.config.MerchantLogin + ":" + g.config.Password1.Reveal())
	signed, err := token(header, payload, hashes[g.config.Hash], key)
	if err != nil {
		return invoiceAnswer{}, providers.HeldBack(err), false
	}
	body, result, ok := g.post(ctx, exchange.Call{
		Method: http.MethodPost, URL: g.config.InvoiceBase + "/InvoiceServiceWebApi/api/" + method,
		ContentType: jsonType, Body: []byte(`"` + signed + `"`), Timeout: timeout, MovesMoney: true,
	})
	if !ok {
		return invoiceAnswer{}, result, false
	}
	var said invoiceAnswer
	if err := json.Unmarshal(body, &said); err != nil || said.IsSuccess == nil {
		return invoiceAnswer{}, providers.Doubt(providers.Unreadable, "", errors.New("robokassa: the answer about an invoice cannot be read")), false
	}
	return said, providers.Result{}, true
}
