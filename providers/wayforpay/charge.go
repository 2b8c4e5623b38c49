package wayforpay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// The longest texts we send. WayForPay documents no limits; these are ours.
const (
	longestName    = 200
	longestComment = 250
)

// Charge creates an invoice for the payer, or charges a saved card at once. Nothing is
// sent that this account cannot do: that is Unserved before any request.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	now := time.Now()
	if err := g.fits(c); err != nil {
		return providers.Unable(err)
	}
	if c.Ref.Method == providers.Instrument {
		if !c.Expires.IsZero() && !now.Before(c.Expires) {
			return providers.Unable(errors.New("wayforpay: the time to pay is over"))
		}
		return g.chargeToken(ctx, c, now)
	}
	life := g.config.LinkLife.Truncate(time.Second)
	if !c.Expires.IsZero() {
		life = min(life, c.Expires.Sub(now).Truncate(time.Second))
	}
	if life < shortestLife {
		return providers.Unable(errors.New("wayforpay: less than a minute is left to pay"))
	}
	return g.invoice(ctx, c, now, life)
}

// fits refuses what must not or cannot be sent.
func (g *Gateway) fits(c providers.Charge) error {
	direct := c.Ref.Method == providers.Instrument
	switch {
	case g.claims.Method(c.Ref.Method).Flow == providers.Unclaimed:
		return fmt.Errorf("wayforpay: no method %q", c.Ref.Method)
	case !g.claims.Carries(c.Ref.Amount.Currency):
		return fmt.Errorf("wayforpay: currency %q is not in currencies", c.Ref.Amount.Currency)
	case c.Ref.Amount.Minor <= 0:
		return errors.New("wayforpay: the amount is not positive")
	case !orderly(c.Ref.Order):
		return fmt.Errorf("wayforpay: an order number has 1 to %d letters, digits or dashes", longestOrder)
	case c.Ref.Order == probeOrder, !direct && strings.HasPrefix(c.Ref.Order, tokenPrefix):
		// Notices of such a number would be read as those of a token charge.
		return fmt.Errorf("wayforpay: order number %q is kept for something else", c.Ref.Order)
	case direct && c.Instrument.Value.Empty():
		return errors.New("wayforpay: no token to charge")
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

// order is what an invoice and a token charge have in common.
func (g *Gateway) order(kind string, c providers.Charge, now time.Time) request {
	date := c.Ref.Planned
	if date.IsZero() {
		date = now
	}
	name := providers.Plain(c.Description, longestName, ";")
	if name == "" {
		name = "Order " + c.Ref.Order
	}
	amount := json.Number(c.Ref.Amount.Shortest())
	r := request{
		TransactionType: kind, MerchantAccount: g.config.MerchantAccount, MerchantAuthType: "SimpleSignature",
		MerchantDomainName: g.config.MerchantDomain, MerchantTransactionType: oneStage, APIVersion: 1,
		ServiceURL: c.NotifyURL, OrderReference: c.Ref.Order, OrderDate: date.Unix(),
		Amount: amount, Currency: c.Ref.Amount.Currency,
		ProductName: []string{name}, ProductCount: []json.Number{"1"}, ProductPrice: []json.Number{amount},
	}
	if c.Ref.TwoStage {
		r.MerchantTransactionType = twoStage
		r.HoldTimeout = int64(g.config.HoldLife / time.Second)
	}
	first, last, _ := strings.Cut(providers.Plain(c.Payer.Name, longestName, ";"), " ")
	r.ClientFirstName, r.ClientLastName = first, strings.TrimSpace(last)
	return r
}

// invoice makes a page that only we hand out. The payer's phone and e-mail are kept
// back: WayForPay must have no means to send the invoice to anybody, or a lost answer
// could not be closed as never shown.
func (g *Gateway) invoice(ctx context.Context, c providers.Charge, now time.Time, life time.Duration) providers.Result {
	r := g.order(createInvoice, c, now)
	r.Language = g.config.Language
	r.ReturnURL = c.ReturnURL
	r.OrderTimeout = int64(life / time.Second)
	r.PaymentSystems = strings.Join(g.config.PaymentSystems, ";")
	said, result, ok := g.ask(ctx, r.signed(g.config.MerchantSecret), g.config.Timeouts.Create)
	if !ok {
		return result
	}
	if said.ReasonCode != okCode {
		// The answer is not signed, so a refusal proves nothing by itself; but nobody was shown
		// anything, and a person must hear what our set-up is blamed for.
		meant := said.onCharge()
		if meant.class == ours {
			return providers.Doubt(providers.Misconfigured, said.code(), nil)
		}
		return providers.Doubt(meant.doubt(), said.code(), nil)
	}
	until := now.Add(life)
	action := &providers.Action{Kind: providers.Redirect, Expires: until}
	address := said.InvoiceURL
	if c.Ref.Method == providers.QR {
		action.Kind, address = providers.ShowQR, said.QRCode
	}
	if action.URL, ok = g.link(string(address)); !ok {
		return providers.Doubt(providers.Unreadable, said.code(), errors.New("wayforpay: the invoice has no usable link"))
	}
	return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: action, Until: until, Code: said.code()}
}

// link checks an address that a payer will open. Its shape is not documented, so only
// the scheme is looked at.
func (g *Gateway) link(text string) (string, bool) {
	if text == "" {
		return "", false
	}
	link, err := g.secure.Parse(text)
	if err != nil || link.Host == "" || link.User != nil {
		return "", false
	}
	if link.Scheme != "https" && (link.Scheme != "http" || !settings.Loopback(g.secure.Hostname())) {
		return "", false
	}
	if parsed, err := url.Parse(text); err == nil && parsed.IsAbs() {
		return text, true // as it came, to the byte
	}
	return link.String(), true
}

// chargeToken takes the money of a saved card. Nobody is there to confirm, hence NON3DS.
func (g *Gateway) chargeToken(ctx context.Context, c providers.Charge, now time.Time) providers.Result {
	r := g.order(charge, c, now)
	r.MerchantTransactionSecureType = "NON3DS"
	r.RecToken = c.Instrument.Value.Reveal()
	r.ClientEmail = c.Payer.Email
	r.ClientPhone = strings.TrimPrefix(c.Payer.Phone, "+")
	r.ClientIPAddress = c.Payer.IP
	said, result, ok := g.ask(ctx, r.signed(g.config.MerchantSecret), g.config.Timeouts.Charge)
	if !ok {
		return result
	}
	if doubt, ok := g.vouch(said, c.Ref.Order, eight); !ok {
		return doubt
	}
	result = said.about(c.Ref, view{})
	if !c.Save {
		result.Instrument = nil
	}
	return result
}
