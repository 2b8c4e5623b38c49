package halyk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// pageObject is what the payer's browser hands to payment-api.js
// ("platezhnaya-stranica"). It carries nothing personal: an action is kept in the
// books.
type pageObject struct {
	InvoiceID       string          `json:"invoiceId"`
	Amount          number          `json:"amount"`
	Currency        string          `json:"currency"`
	Terminal        string          `json:"terminal"`
	BackLink        string          `json:"backLink,omitempty"`
	FailureBackLink string          `json:"failureBackLink,omitempty"`
	AutoBackLink    bool            `json:"autoBackLink"`
	PostLink        string          `json:"postLink,omitempty"`
	FailurePostLink string          `json:"failurePostLink,omitempty"`
	Language        string          `json:"language"`
	Description     string          `json:"description"`
	AccountID       string          `json:"accountId,omitempty"`
	CardSave        bool            `json:"cardSave,omitempty"`
	Auth            json.RawMessage `json:"auth"`
}

// offerPage makes the object that opens the bank's page. Nothing exists at the
// bank yet: its status answers 102 until the payer submits a card. The token is the
// payment's own and may pay nothing else, since it goes to a browser.
func (g *Gateway) offerPage(ctx context.Context, c providers.Charge) providers.Result {
	t, lost := g.fetch(ctx, g.paymentForm(c, payScope), g.config.Timeouts.Create)
	switch {
	case lost != nil:
		return *lost
	case t.life <= 0:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotSent, Err: errors.New("the token's life (expires_in) is not readable")}
	case t.life > g.config.PageTokenLife:
		// Handing it out would break what we claim about the end of our offers.
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured,
			Err: fmt.Errorf("the bank's tokens live %s: set page_token_life", t.life)}
	case outlives(c, t.ends):
		return cannot("the page's token would outlive the payment")
	}
	object := encode(pageObject{
		InvoiceID: c.Ref.Order, Amount: number(c.Ref.Amount), Currency: c.Ref.Amount.Currency, Terminal: g.config.TerminalID,
		BackLink: c.ReturnURL, FailureBackLink: c.ReturnURL, AutoBackLink: c.ReturnURL != "",
		PostLink: c.NotifyURL, FailurePostLink: c.NotifyURL, Language: g.config.Language, Description: describe(c),
		AccountID: c.CustomerID, CardSave: c.Save, Auth: json.RawMessage(t.object.Reveal()),
	})
	return offered(providers.Action{Kind: providers.RunWidget, URL: g.config.ScriptURL, Text: string(object), Expires: t.ends}, t.ends)
}

// offered is the Result of an offer that nobody has acted on; dead is when it is
// certainly over.
func offered(action providers.Action, dead time.Time) providers.Result {
	return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &action, Until: dead}
}

// linkRequest makes an invoice link ("invoice link API"). Left out on purpose are
// recipient_contact, recipient_contact_sms and notifier_contact_sms: the bank would
// mail the link, and an answer lost on the way would leave a live offer in
// somebody's inbox. Without them nobody but us can hand the link out, so what the
// bank's rules make an unknown outcome (a lost POST /invoice) is never shown.
type linkRequest struct {
	ShopID          string `json:"shop_id"`
	AccountID       string `json:"account_id,omitempty"`
	InvoiceID       string `json:"invoice_id"`
	Amount          number `json:"amount"`
	Currency        string `json:"currency"`
	Language        string `json:"language"`
	Description     string `json:"description"`
	ExpirePeriod    string `json:"expire_period"`
	PostLink        string `json:"post_link,omitempty"`
	FailurePostLink string `json:"failure_post_link,omitempty"`
	BackLink        string `json:"back_link,omitempty"`
	FailureBackLink string `json:"failure_back_link,omitempty"`
}

// linkAnswer has an id too, but of the link, not of a payment: it is of no use.
type linkAnswer struct {
	InvoiceURL text `json:"invoice_url"`
	InvoiceID  text `json:"invoice_id"`
}

// offerLink asks the bank for an invoice link.
func (g *Gateway) offerLink(ctx context.Context, c providers.Charge) providers.Result {
	body := encode(linkRequest{
		ShopID: g.config.ShopID, AccountID: c.CustomerID, InvoiceID: c.Ref.Order, Amount: number(c.Ref.Amount),
		Currency: c.Ref.Amount.Currency, Language: g.config.Language, Description: describe(c),
		ExpirePeriod: fmt.Sprintf("%dd", g.config.LinkDays), PostLink: c.NotifyURL, FailurePostLink: c.NotifyURL,
		BackLink: c.ReturnURL, FailureBackLink: c.ReturnURL,
	})
	var link linkAnswer
	if failed := g.create(ctx, c, allScope, "/invoice", body, &link); failed != nil {
		return *failed
	}
	switch {
	case link.InvoiceID != "" && string(link.InvoiceID) != c.Ref.Order:
		return providers.Doubt(providers.Mismatch, "", errOtherNumber)
	case !isWebAddress(string(link.InvoiceURL)):
		return providers.Doubt(providers.Unreadable, "", errors.New("no usable invoice_url"))
	}
	now := time.Now()
	dead := now.Add(g.config.LinkLife)
	if outlives(c, dead) {
		return providers.Doubt(providers.Ambiguous, "", errOutlived)
	}
	begin := now.Add(time.Duration(g.config.LinkDays) * 24 * time.Hour)
	return offered(providers.Action{Kind: providers.Redirect, URL: string(link.InvoiceURL), Expires: begin}, dead)
}

// errOutlived: the offer exists, nobody has it, and it must not be handed out.
var errOutlived = errors.New("the answer came so late that the offer would outlive the payment")

// create makes an offer with a token of the payment's own and reads the answer. No
// payer was asked, so a code that would be a decline elsewhere says only that this
// terminal will not make the offer.
func (g *Gateway) create(ctx context.Context, c providers.Charge, scope, path string, body []byte, into any) *providers.Result {
	t, lost := g.fetch(ctx, g.paymentForm(c, scope), g.config.Timeouts.Status)
	if lost != nil {
		return lost
	}
	answer := g.move(ctx, g.api(http.MethodPost, path, t, body), g.config.Timeouts.Create)
	said, failed := readCharge(answer, c.Ref.Order)
	if failed == nil && said.Code != "" {
		if m, known := meaningOf(said.Code); !known || m.class != success {
			r := refusal(said.Code)
			failed = &r
		}
	}
	if failed != nil {
		if failed.Verdict == providers.Declined {
			failed.Verdict, failed.Reason = providers.Unserved, providers.Unsupported
		}
		return failed
	}
	if err := readObject(answer.Body, into); err != nil {
		return question(providers.Doubt(providers.Unreadable, "", err))
	}
	return nil
}

// isWebAddress accepts what a browser may be sent to.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
}
