package plainpay

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	longestLife  = 20 * time.Minute // of an offer; a failover may have to wait so long
	shortestLife = time.Minute      // nobody pays in less
	longestText  = 100              // characters that PlainPay shows
)

// Charge makes an offer. Whatever this account cannot do is refused before anything is
// sent: that is proof, and lets another gateway be tried at once.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	until := time.Now().Add(longestLife)
	if !c.Expires.IsZero() && c.Expires.Before(until) {
		until = c.Expires // no offer outlives its payment
	}
	until = until.UTC().Truncate(time.Second)
	switch {
	case c.Ref.Method != providers.Link || c.Ref.TwoStage || !orderly(c.Ref.Order):
		return providers.Unable(errors.New("plainpay: there are links only, without a hold, for orders that it can carry"))
	case c.Ref.Amount.Minor <= 0 || !g.Claims().Carries(c.Ref.Amount.Currency):
		return providers.Unable(errors.New("plainpay: such a sum cannot be paid here"))
	case time.Until(until) < shortestLife:
		return providers.Unable(errors.New("plainpay: less than a minute is left to pay"))
	}
	a, result, ok := g.ask(ctx, "/create", fields{
		"order": c.Ref.Order, "amount": c.Ref.Amount.Decimal(), "currency": c.Ref.Amount.Currency, "until": until.Format(time.RFC3339),
		"text": providers.Plain(c.Description, longestText, ""), "return_url": c.ReturnURL, "notice_url": c.NotifyURL,
	}, g.config.Timeouts.Create, true, refusals{
		// The order exists: perhaps by a request of ours whose answer was lost. Never a decline.
		"409 order_exists": {Verdict: providers.Unknown, Reason: providers.Duplicate},
	})
	if !ok {
		return result
	}
	link, err := url.Parse(a.URL)
	switch result = g.about(a, c.Ref); {
	case result.Reason != providers.AwaitingPayer:
		return result
	case err != nil || link.Scheme != "https" || link.Host == "" || a.Until != until.Format(time.RFC3339):
		return providers.Doubt(providers.Unreadable, result.Code, errors.New("plainpay: the offer has no link, or another end than ours"))
	}
	result.Action = &providers.Action{Kind: providers.Redirect, URL: a.URL, Expires: until}
	result.Until = until
	return result
}

// Cancel withdraws an unpaid offer. What was paid meanwhile is refused, and stands.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	if !orderly(ref.Order) {
		return providers.Unable(errors.New("plainpay: there is no such order to cancel"))
	}
	a, result, ok := g.ask(ctx, "/cancel", fields{"order": ref.Order}, g.config.Timeouts.Refund, true, refusals{
		"404 no_such_order": {Verdict: providers.Unserved, Reason: providers.NotFound},
		"409 not_open":      {Verdict: providers.Declined, Reason: providers.Refused},
	})
	if !ok {
		return result
	}
	if result = g.about(a, ref); result.Reason == providers.Released {
		return providers.Result{Verdict: providers.Approved, Code: result.Code}
	}
	return providers.Doubt(providers.Ambiguous, result.Code, errors.New("plainpay: canceled, and yet not"))
}

// orderly reports whether PlainPay can carry the order number.
func orderly(order string) bool {
	return order != "" && len(order) <= 24 && strings.Trim(order, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
