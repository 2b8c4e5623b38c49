package tiptoppay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// longestDescription is ours: TipTop Pay documents no limit.
const longestDescription = 250

// Charge makes a page for the payer, or charges a saved card at once. Nothing is sent that
// this terminal cannot do: that is Unserved before any request.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	now := time.Now()
	if err := g.fits(c); err != nil {
		return providers.Unable(err)
	}
	if c.Ref.Method == providers.Instrument {
		if !c.Expires.IsZero() && !now.Before(c.Expires) {
			return providers.Unable(errors.New("tiptoppay: the time to pay is over"))
		}
		return g.chargeToken(ctx, c, now)
	}
	end := g.end(c, now)
	if end.Sub(now) < shortestLife {
		return providers.Unable(errors.New("tiptoppay: less than a minute is left to pay"))
	}
	return g.page(ctx, c, now, end)
}

// fits refuses what must not or cannot be sent.
func (g *Gateway) fits(c providers.Charge) error {
	direct := c.Ref.Method == providers.Instrument
	switch {
	case g.claims.Method(c.Ref.Method).Flow == providers.Unclaimed:
		return fmt.Errorf("tiptoppay: no method %q; link and page need check", c.Ref.Method)
	case !g.claims.Carries(c.Ref.Amount.Currency):
		return fmt.Errorf("tiptoppay: currency %q is not taken", c.Ref.Amount.Currency)
	case c.Ref.Amount.Minor <= 0:
		return errors.New("tiptoppay: the amount is not positive")
	case !orderly(c.Ref.Order):
		return fmt.Errorf("tiptoppay: an order number has 1 to %d letters, digits or dashes", longestOrder)
	case !direct && strings.HasPrefix(c.Ref.Order, tokenPrefix):
		// Notices of such a number would be read as those of a token charge.
		return fmt.Errorf("tiptoppay: order number %q is kept for something else", c.Ref.Order)
	case direct && c.Instrument.Value.Empty():
		return errors.New("tiptoppay: no token to charge")
	case direct && c.CustomerID == "":
		return errors.New("tiptoppay: a token is charged in its customer's name, and none is given")
	}
	return nil
}

func orderly(order string) bool {
	for _, c := range []byte(order) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return order != "" && len(order) <= longestOrder
}

// end is when the page of a charge is over, in whole seconds. It does not depend on when
// the request is made: a repeat must be the same request.
func (g *Gateway) end(c providers.Charge, now time.Time) time.Time {
	from := c.Ref.Planned
	if from.IsZero() || from.After(now) {
		from = now
	}
	end := from.Add(g.config.LinkLife)
	if !c.Expires.IsZero() && c.Expires.Before(end) {
		end = c.Expires
	}
	return end.UTC().Truncate(time.Second)
}

// deed is the X-Request-ID of a money-moving request: all that makes it another request
// than any other.
func deed(reference, what string) string { return reference + "-" + what }

func described(c providers.Charge) string {
	if text := providers.Plain(c.Description, longestDescription, ""); text != "" {
		return text
	}
	return "Order " + c.Ref.Order
}

// page makes an order, whose page only we hand out. The payer's phone and e-mail are kept
// back: TipTop Pay must have no means to send the page to anybody, or a lost answer could
// not be closed as never shown.
func (g *Gateway) page(ctx context.Context, c providers.Charge, now, end time.Time) providers.Result {
	said, result, ok := g.ask(ctx, call{ordersCreate, orderRequest{
		Amount: json.Number(c.Ref.Amount.Decimal()), Currency: c.Ref.Amount.Currency,
		Description: described(c), InvoiceID: c.Ref.Order, AccountID: c.CustomerID, Email: g.config.OrderEmail,
		RequireConfirmation: c.Ref.TwoStage, SuccessRedirectURL: c.ReturnURL, FailRedirectURL: c.ReturnURL,
		CultureName: g.config.Culture, JSONData: note{Until: end.Unix()},
	}, deed(c.Ref.Order, "create")}, now.Add(g.config.Timeouts.Create))
	if !ok {
		return result
	}
	if said.Model == nil {
		return said.refused()
	}
	var made order
	if err := readModel(said.Model, &made); err != nil {
		return providers.Doubt(providers.Unreadable, "", err)
	}
	return g.offered(made, c.Ref, end)
}

// offered reads the model of a new order.
func (g *Gateway) offered(made order, ref providers.Ref, end time.Time) providers.Result {
	code := shown(made.Status, aWord)
	result := providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Until: end, Code: code}
	switch {
	case !namesOrder(string(made.ID)):
		return providers.Doubt(providers.Unreadable, code, errors.New("tiptoppay: the order has no usable id"))
	case made.Status != "" && made.Status != "Created":
		result = providers.Doubt(providers.UnknownCode, code, errors.New("tiptoppay: a new order is not as new"))
	case made.RequireConfirmation != "" && (made.RequireConfirmation == "true") != ref.TwoStage:
		result = providers.Doubt(providers.Mismatch, code, errors.New("tiptoppay: the order takes money in another number of stages"))
	case !time.Now().Before(end):
		result = providers.Doubt(providers.Timeout, code, errors.New("tiptoppay: the order came after its own end"))
	default:
		sum, err := providers.ParseMoney(string(made.Amount), string(made.Currency))
		link, usable := g.link(string(made.URL))
		switch {
		case err != nil:
			result = providers.Doubt(providers.Unreadable, code, errAmount)
		case sum != ref.Amount:
			result = providers.Doubt(providers.Mismatch, code, fmt.Errorf("tiptoppay: an order of %s, %s asked for", sum, ref.Amount))
		case !usable:
			result = providers.Doubt(providers.Unreadable, code, errors.New("tiptoppay: the order has no usable address"))
		default:
			result.Action = &providers.Action{Kind: providers.Redirect, URL: link, Expires: end}
		}
	}
	result.External = string(made.ID)
	return result
}

// link checks an address that a payer will open. Its host is not documented, so only the
// scheme is looked at.
func (g *Gateway) link(text string) (string, bool) {
	link, err := url.Parse(text)
	if err != nil || link.Host == "" || link.User != nil || link.Scheme != "https" && (link.Scheme != "http" || !g.local) {
		return "", false
	}
	return text, true
}

// chargeToken takes or holds the money of a saved card.
func (g *Gateway) chargeToken(ctx context.Context, c providers.Charge, now time.Time) providers.Result {
	r := tokenRequest{
		Amount: json.Number(c.Ref.Amount.Decimal()), Currency: c.Ref.Amount.Currency, AccountID: c.CustomerID,
		Token: c.Instrument.Value.Reveal(), InvoiceID: c.Ref.Order, Description: described(c), IPAddress: c.Payer.IP,
	}
	r.TrInitiatorCode, r.PaymentScheduled = initiator(g.config.Initiator)
	path := tokensCharge
	if c.Ref.TwoStage {
		path = tokensAuth
	}
	said, result, ok := g.ask(ctx, call{path, r, deed(c.Ref.Order, "charge")}, now.Add(g.config.Timeouts.Charge))
	if !ok {
		return result
	}
	if said.Model == nil {
		return said.refused()
	}
	result = g.about(c.Ref, said.Model, view{})
	if !c.Save {
		result.Instrument = nil
	}
	return result
}

// initiator is TrInitiatorCode, and PaymentScheduled where it is wanted.
func initiator(who string) (code int, scheduled *int) {
	away := func(scheduled int) (int, *int) { return 0, &scheduled }
	switch who {
	case byMerchant:
		return away(0)
	case bySchedule:
		return away(1)
	}
	return 1, nil
}

// refused reads an answer to a creation that has no model. A refusal with a text is
// documented as one before any transaction (notes, section 6.1); the text itself is not
// repeated, it may quote what we sent.
func (a answer) refused() providers.Result {
	if a.Success || a.Message == "" {
		return providers.Doubt(providers.Unreadable, "", errors.New("tiptoppay: neither a model nor a refusal"))
	}
	return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: "refused",
		Err: errors.New("tiptoppay: the request was refused before a transaction")}
}
