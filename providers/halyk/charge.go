package halyk

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// descriptionLimit is in bytes; a longer one is refused with code 3298.
const descriptionLimit = 125

// Charge starts the attempt by its method.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	if refusal := g.refuse(c, time.Now()); refusal != nil {
		return *refusal
	}
	switch c.Ref.Method {
	case providers.Page:
		return g.offerPage(ctx, c)
	case providers.Link:
		return g.offerLink(ctx, c)
	case providers.QR:
		return g.offerQR(ctx, c)
	default:
		return g.chargeCard(ctx, c)
	}
}

// refuse says what cannot work before anything is sent.
func (g *Gateway) refuse(c providers.Charge, now time.Time) *providers.Result {
	method := g.claims.Method(c.Ref.Method)
	because := func(format string, args ...any) *providers.Result {
		r := cannot(format, args...)
		return &r
	}
	switch n := len(c.Ref.Order); {
	case method.Flow == providers.Unclaimed:
		return because("the terminal does not offer method %q", c.Ref.Method)
	case n < 6 || n > 15 || !allDigits(c.Ref.Order):
		return because("an order number has 6 to 15 digits")
	case c.Ref.Amount.Currency != currency:
		return because("paid in %s only", currency)
	case c.Ref.Amount.Minor <= 0:
		return &providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest}
	case c.Ref.TwoStage && !method.TwoStage:
		return because("the terminal takes no holds by method %q (two_stage)", c.Ref.Method)
	case method.Flow == providers.Offer && outlives(c, now.Add(method.OfferLife)), outlives(c, now):
		return because("an offer lives %s, longer than the payment", method.OfferLife)
	case c.Ref.Method == providers.Instrument && c.Instrument.Value.Empty():
		return because("no saved card")
	case c.Ref.Method == providers.QR && c.NotifyURL == "":
		return because("a QR needs the address for notices (postLink)")
	}
	return nil
}

// outlives reports whether an offer that ends then would outlive its payment.
func outlives(c providers.Charge, end time.Time) bool {
	return !c.Expires.IsZero() && end.After(c.Expires)
}

// describe is the payer's text, within the bank's limit.
func describe(c providers.Charge) string {
	if text := cut(c.Description, descriptionLimit); text != "" {
		return text
	}
	return c.Ref.Order
}

// cardRequest charges a saved card ("platezh-po-sokhranennoi-karte").
type cardRequest struct {
	Amount          number `json:"amount"`
	Currency        string `json:"currency"`
	InvoiceID       string `json:"invoiceId"`
	TerminalID      string `json:"terminalId"`
	Description     string `json:"description"`
	AccountID       string `json:"accountId,omitempty"`
	CardID          cardID `json:"cardId"`
	PaymentType     string `json:"paymentType"`
	PostLink        string `json:"postLink,omitempty"`
	FailurePostLink string `json:"failurePostLink,omitempty"`
	Email           string `json:"email,omitempty"`
	Phone           string `json:"phone,omitempty"`
	Name            string `json:"name,omitempty"`
}

type cardID struct {
	ID string `json:"id"`
}

// cardAnswer is the answer to it, or an API error with only code and message.
type cardAnswer struct {
	ID          text `json:"id"`
	InvoiceID   text `json:"invoiceId"`
	Amount      text `json:"amount"`
	AmountBonus text `json:"amountBonus"`
	Currency    text `json:"currency"`
	Terminal    text `json:"terminal"`
	Status      text `json:"status"`
	Code        text `json:"code"`
}

// chargeCard charges a saved card. There is no 3-D Secure step: the answer is the
// outcome, as far as it can be trusted.
func (g *Gateway) chargeCard(ctx context.Context, c providers.Charge) providers.Result {
	t, failed := g.fetch(ctx, g.paymentForm(c, payScope), g.config.Timeouts.Status)
	if failed != nil {
		return *failed
	}
	body := encode(cardRequest{
		Amount: number(c.Ref.Amount), Currency: c.Ref.Amount.Currency, InvoiceID: c.Ref.Order, TerminalID: g.config.TerminalID,
		Description: describe(c), AccountID: c.CustomerID, CardID: cardID{c.Instrument.Value.Reveal()}, PaymentType: "cardId",
		PostLink: c.NotifyURL, FailurePostLink: c.NotifyURL, Email: c.Payer.Email, Phone: c.Payer.Phone, Name: latin(c.Payer.Name),
	})
	answer := g.move(ctx, g.api(http.MethodPost, "/payments/cards/auth", t, body), g.config.Timeouts.Charge)
	said, result := readCharge(answer, c.Ref.Order)
	if result != nil {
		return *result
	}
	return g.judgeCharge(c.Ref, said)
}

// latin passes a name in Latin letters, which is all the bank takes.
func latin(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' || r < ' ' }) {
		return ""
	}
	return name
}

// readCharge reads the answer to anything that makes an offer or charges, as far
// as it settles the matter without the payment's own fields. Errors name no payment,
// but one that names another payment's number says nothing about ours.
func readCharge(answer exchange.Answer, order string) (cardAnswer, *providers.Result) {
	var said cardAnswer
	settled := func(r providers.Result) (cardAnswer, *providers.Result) { return said, &r }
	if r, done := answer.Settle(); done {
		return settled(r)
	}
	code := strconv.Itoa(answer.Status)
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return settled(refused(code))
	case http.StatusOK, http.StatusBadRequest:
	default:
		return settled(providers.Doubt(providers.Unreadable, code, errors.New("undocumented HTTP status")))
	}
	if err := readObject(answer.Body, &said); err != nil {
		return settled(providers.Doubt(providers.Unreadable, code, err))
	}
	if said.InvoiceID != "" && string(said.InvoiceID) != order {
		return settled(providers.Doubt(providers.Mismatch, word(said.Status), errOtherNumber))
	}
	if answer.Status != http.StatusOK {
		return settled(refusal(said.Code))
	}
	return said, nil
}

// judgeCharge reads HTTP 200 of a saved card's charge. Money is believed when
// everything matches and no code contradicts; a refusal when its code is final;
// for all else the status is asked.
func (g *Gateway) judgeCharge(ref providers.Ref, said cardAnswer) providers.Result {
	t := transaction{ID: said.ID, InvoiceID: said.InvoiceID, Amount: said.Amount, AmountBonus: said.AmountBonus,
		Currency: said.Currency, TerminalID: said.Terminal, StatusName: said.Status, ReasonCode: said.Code}
	if strings.Trim(string(t.TerminalID), "0123456789") == "" {
		// The bank's sample names no terminal, and its status means a number by that word.
		// Neither tells which terminal it was; our request did.
		t.TerminalID = text(g.config.TerminalID)
	}
	m, known := meaningOf(said.Code)
	switch standings[said.Status] {
	case held, charged, moving, stepUp:
		if known && m.class == success {
			return g.judge(ref, t, time.Now())
		}
		return doubt(said.Code)
	case failed:
		return refusal(said.Code)
	case unheard:
		if said.Status != "" {
			return providers.Doubt(providers.UnknownCode, word(said.Status), nil)
		}
		if said.Code != "" {
			return refusal(said.Code)
		}
		return providers.Doubt(providers.Unreadable, "", errNotObject)
	}
	return providers.Doubt(providers.Ambiguous, word(said.Status), nil)
}
