package quickpay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Charge offers a link, or charges a saved card at once. Nothing is sent that this account
// cannot do: that is Unserved before any request.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	if err := g.fits(c, time.Now()); err != nil {
		return providers.Unable(err)
	}
	if c.Ref.Method == providers.Instrument {
		return g.chargeCard(ctx, c)
	}
	return g.offer(ctx, c)
}

var errTooLate = errors.New("quickpay: too little time is left to pay")

// fits refuses what must not or cannot be sent.
func (g *Gateway) fits(c providers.Charge, now time.Time) error {
	direct := c.Ref.Method == providers.Instrument
	switch {
	case g.claims.Method(c.Ref.Method).Flow == providers.Unclaimed:
		return fmt.Errorf("quickpay: no method %q", c.Ref.Method)
	case !g.claims.Carries(c.Ref.Amount.Currency):
		return fmt.Errorf("quickpay: currency %q is not in currencies", c.Ref.Amount.Currency)
	case c.Ref.Amount.Minor <= 0:
		return errors.New("quickpay: the amount is not positive")
	case !orderly(c.Ref.Order):
		return fmt.Errorf("quickpay: an order number has %d to %d letters, digits, dots, dashes or underscores", shortestOrder, longestOrder)
	case direct && !literal(c.Instrument.Value.Reveal()).isID():
		return errors.New("quickpay: no saved card to charge")
	case direct && !c.Expires.IsZero() && !now.Before(c.Expires), !direct && g.life(c, now) < shortestLife:
		return errTooLate
	}
	return nil
}

// orderly reports whether QuickPay takes the order number. It takes spaces too; we do not,
// because nobody sees them at the ends.
func orderly(order string) bool {
	for _, c := range []byte(order) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(order) >= shortestOrder && len(order) <= longestOrder
}

// life is how long a link that is made now can be paid, in whole seconds. One that must
// end with its payment is made to end earlier by the time it may take to arrive.
func (g *Gateway) life(c providers.Charge, now time.Time) time.Duration {
	life := g.config.LinkLife
	if !c.Expires.IsZero() {
		life = min(life, c.Expires.Sub(now)-inTransit)
	}
	return life.Truncate(time.Second)
}

// create makes the payment, which offers and charges nothing yet. It returns the id to go
// on with, or else what is known without going on.
//
// A payment that exists although this attempt is new was made by the same attempt before
// its commit was lost: the number is derived from it.
func (g *Gateway) create(ctx context.Context, c providers.Charge) (id string, known *providers.Result) {
	ours := variables{Attempt: c.Ref.Order, Method: string(c.Ref.Method)}
	if !c.Ref.TwoStage {
		ours.Capture = byItself
	}
	body, no := g.send(ctx, call{method: http.MethodPost, path: "/payments", limit: g.config.Timeouts.Create, body: newPayment{
		OrderID: c.Ref.Order, Currency: c.Ref.Amount.Currency, Variables: ours,
	}})
	switch {
	case no != nil && no.invalid && no.names("order_id"):
		return g.recover(ctx, c)
	case no != nil:
		r := no.onCharge()
		return "", &r
	}
	p, err := readPayment(body)
	if err != nil {
		r := providers.Doubt(providers.Unreadable, "", err)
		return "", &r
	}
	if _, wrong := g.vouch(p, providers.Ref{Order: c.Ref.Order, Amount: c.Ref.Amount}); wrong != nil {
		return "", wrong
	}
	if seen := p.about(c.Ref, g.view(c.Ref, true)); !seen.Absent { // new, and yet somebody was there
		r := providers.Doubt(providers.Ambiguous, p.code(), errContradicts)
		return "", &r
	}
	return string(p.ID), nil
}

var errForeign = errors.New("quickpay: the order number belongs to another payment")

// recover reads the payment that exists under our order number already. A link may be
// made anew for it; a card is never charged on it.
func (g *Gateway) recover(ctx context.Context, c providers.Charge) (string, *providers.Result) {
	p, seen := g.look(ctx, providers.Ref{Order: c.Ref.Order, Method: c.Ref.Method, Amount: c.Ref.Amount, TwoStage: c.Ref.TwoStage}, g.config.Timeouts.Status)
	duplicate := providers.Doubt(providers.Duplicate, seen.Code, seen.Err)
	duplicate.External = seen.External
	switch {
	case p.ID == "": // not found, not readable, or not ours
		return "", &duplicate
	case p.ours().Attempt != c.Ref.Order, p.ours().Method != string(c.Ref.Method):
		duplicate.Reason, duplicate.Err = providers.Mismatch, errForeign
		return "", &duplicate
	case seen.Verdict.HasMoney(), seen.Verdict == providers.Declined:
		return "", &seen
	case c.Ref.Method == providers.Instrument:
		return "", &duplicate
	case seen.Absent, seen.Verdict == providers.Pending && seen.Reason == providers.AwaitingPayer, endless(seen):
		return string(p.ID), nil
	case seen.Reason == providers.Mismatch:
		return "", &seen
	}
	// Somebody had the first link, and is at it or has been. It may have been made to live longer.
	until := time.Now().Add(g.config.LinkLife)
	if end, told := p.DeadlineAt.instant(); told && end.After(until) {
		until = end
	}
	return "", &providers.Result{Verdict: providers.Pending, Reason: providers.PayerConfirming, External: seen.External, Code: seen.Code, Until: until}
}
