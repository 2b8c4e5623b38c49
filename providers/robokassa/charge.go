package robokassa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Charge makes an address or a link for the payer, or charges a saved card. Nothing is
// sent that this shop cannot do: that is Unserved before any request.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	now := time.Now()
	if err := g.fits(c); err != nil {
		return providers.Unable(err)
	}
	switch {
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return providers.Unable(errors.New("robokassa: the time to pay is over"))
	case c.Ref.Method == providers.Instrument:
		return g.recur(ctx, c)
	case g.invoiced(c, now):
		return g.invoice(ctx, c)
	}
	until := g.end(c, now)
	if until.Sub(now) < shortestLife {
		return providers.Unable(errors.New("robokassa: less than a minute is left to pay"))
	}
	if g.config.Start == startJSON {
		return g.begin(ctx, c, until)
	}
	return g.compose(c, until)
}

// fits refuses what must not or cannot be sent.
func (g *Gateway) fits(c providers.Charge) error {
	method := g.claims.Method(c.Ref.Method)
	switch {
	case method.Flow == providers.Unclaimed:
		return fmt.Errorf("robokassa: no method %q", c.Ref.Method)
	case !g.claims.Carries(c.Ref.Amount.Currency):
		return fmt.Errorf("robokassa: currency %q is not that of the shop", c.Ref.Amount.Currency)
	case c.Ref.Amount.Minor <= 0:
		return errors.New("robokassa: the amount is not positive")
	case !isNumber(c.Ref.Order) || c.Ref.Order == probeNumber:
		return errors.New("robokassa: the order number is not an integer from 1 on, or is kept for probes")
	case c.Ref.TwoStage && !method.TwoStage:
		return errors.New("robokassa: no hold by this method")
	case c.Ref.Method == providers.Instrument && !isNumber(c.Instrument.Value.Reveal()):
		return errors.New("robokassa: no first payment to charge after")
	}
	return nil
}

// begun is when the life of an offer is counted from: the plan, so that the same attempt
// has the same end whenever it is sent and looked at.
func begun(ref providers.Ref, now time.Time) time.Time {
	if ref.Planned.IsZero() || ref.Planned.After(now) {
		return now
	}
	return ref.Planned
}

// end is when an address stops being payable, to the second, which is what ExpirationDate
// is written to.
func (g *Gateway) end(c providers.Charge, now time.Time) time.Time {
	until := begun(c.Ref, now).Add(g.config.LinkLife)
	if !c.Expires.IsZero() && c.Expires.Before(until) {
		until = c.Expires
	}
	return until.Truncate(time.Second)
}

// about is what the payer reads.
func about(c providers.Charge) string {
	if text := providers.Plain(c.Description, longestDescription, ""); text != "" {
		return text
	}
	return "Order " + c.Ref.Order
}

// offered is an offer that the payer can be handed.
func offered(address string, until time.Time) providers.Result {
	return providers.Result{
		Verdict: providers.Pending, Reason: providers.AwaitingPayer, Until: until,
		Action: &providers.Action{Kind: providers.Redirect, URL: address, Expires: until},
	}
}
