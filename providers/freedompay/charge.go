package freedompay

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

const (
	// longestText is what we send of a description: 1024 characters are allowed now, 255
	// were before (notes, section 4.1).
	longestText = 255
	// longestURL is Freedom Pay's limit for addresses of notices.
	longestURL = 255
	// longestUser is the limit of pg_user_id.
	longestUser = 50
	// inTransit is how long a request may be on its way: connect and TLS.
	inTransit = 5 * time.Second
)

// Charge makes a page for the payer, or charges a saved card at once. Nothing is sent
// that this account cannot do: that is Unserved before any request.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	now := time.Now()
	if err := g.fits(c); err != nil {
		return providers.Unable(err)
	}
	if c.Ref.Method == providers.Instrument {
		if !c.Expires.IsZero() && !now.Before(c.Expires) {
			return providers.Unable(errLate)
		}
		return g.chargeCard(ctx, c)
	}
	life := g.config.LinkLife
	if !c.Expires.IsZero() { // it must have ended with its payment, however late it begins
		life = min(life, c.Expires.Sub(now)-inTransit)
	}
	if life = life.Truncate(time.Second); life < shortestLink {
		return providers.Unable(errors.New("freedompay: less than five minutes are left to pay, and no page ends sooner"))
	}
	return g.page(ctx, c, now, life)
}

var (
	errLate     = errors.New("freedompay: the time to pay is over")
	errOutlives = errors.New("freedompay: the page came so late that it may outlive the payment")
)

// fits refuses what must not or cannot be sent.
func (g *Gateway) fits(c providers.Charge) error {
	direct := c.Ref.Method == providers.Instrument
	notify, err := url.Parse(c.NotifyURL)
	switch {
	case g.claims.Method(c.Ref.Method).Flow == providers.Unclaimed:
		return fmt.Errorf("freedompay: no method %q", c.Ref.Method)
	case !g.claims.Carries(c.Ref.Amount.Currency):
		return fmt.Errorf("freedompay: currency %q is not in currencies", c.Ref.Amount.Currency)
	case !g.claims.Method(c.Ref.Method).Takes(c.Ref.Amount):
		return errors.New("freedompay: an amount is from 0.01 to 99999999")
	case !identifier(c.Ref.Order, longestOrder), c.Ref.Order == probeOrder:
		return fmt.Errorf("freedompay: an order number has 1 to %d letters, digits, dashes or underscores", longestOrder)
	case err != nil, notify.RawQuery != "", notify.Fragment != "", len(c.NotifyURL)+len("/capture") > longestURL:
		// The last segment of the path is the script name of a notice's signature.
		return errors.New("freedompay: an address of notices has neither query nor fragment and at most 255 characters")
	case len(c.ReturnURL) > longestURL:
		return errors.New("freedompay: a return address has at most 255 characters")
	case direct && c.Instrument.Value.Empty():
		return errors.New("freedompay: no token to charge")
	case direct && !identifier(c.CustomerID, longestUser):
		return errors.New("freedompay: a saved card belongs to a customer id of 1 to 50 letters, digits, dashes or underscores")
	}
	return nil
}

// order is what a page and a card charge have in common. The payer's phone and e-mail are
// kept back: Freedom Pay must have no means to send a page to anybody, or a lost answer
// could not be closed as never shown.
func (g *Gateway) order(c providers.Charge) node {
	text := providers.Plain(c.Description, longestText, ";")
	if text == "" {
		text = "Order " + c.Ref.Order
	}
	m := flat(
		"pg_order_id", c.Ref.Order,
		"pg_amount", c.Ref.Amount.Decimal(),
		"pg_currency", c.Ref.Amount.Currency,
		"pg_description", text,
		// Without it the cabinet's setting would decide whether money is taken or held.
		"pg_auto_clearing", flag(!c.Ref.TwoStage),
		"pg_testing_mode", flag(g.config.TestMode),
		"pg_request_method", "POST",
		// What a repeat under the same key returns is not known; no claim rests on it.
		"pg_idempotency_key", c.Ref.Order+":create:1",
	)
	if base := strings.TrimRight(c.NotifyURL, "/"); base != "" {
		m.add("pg_result_url", base+"/"+string(resultNotice))
		m.add("pg_refund_url", base+"/"+string(refundNotice))
		m.add("pg_capture_url", base+"/"+string(captureNotice))
		if g.config.Check {
			m.add("pg_check_url", base+"/"+string(checkNotice))
		}
	}
	if c.Ref.TwoStage {
		m.add(ownStage, stageHold)
	}
	return m
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// page makes a hosted page that only we hand out.
func (g *Gateway) page(ctx context.Context, c providers.Charge, now time.Time, life time.Duration) providers.Result {
	m := g.order(c)
	m.add("pg_lifetime", strconv.FormatInt(int64(life/time.Second), 10))
	m.offer("pg_language", g.config.Language)
	m.offer("pg_payment_method", g.config.PaymentMethod)
	m.offer("pg_success_url", c.ReturnURL)
	m.offer("pg_failure_url", c.ReturnURL)
	said, result, ok := g.ask(ctx, call{path: "init_payment.php", fields: m, movesMoney: true, timeout: g.config.Timeouts.Create})
	switch {
	case !ok:
		return result
	case !said.ok():
		return said.refusal().onCreate(said.code())
	}
	id, address := said.text("pg_payment_id"), said.text("pg_redirect_url")
	if !number(id) || !g.payable(address) {
		return providers.Doubt(providers.Unreadable, said.code(), errIncomplete)
	}
	// Freedom Pay counts from when it heard of the page, which was between these two.
	first, last := now.Add(life), time.Now().Add(life)
	if !c.Expires.IsZero() && last.After(c.Expires) {
		result := providers.Doubt(providers.Ambiguous, said.code(), errOutlives)
		result.External = id
		return result
	}
	return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: id, Until: last, Code: said.code(),
		Action: &providers.Action{Kind: providers.Redirect, URL: address, Expires: first}}
}

// payable checks an address that a payer will open. Plain http is for a simulated Freedom
// Pay on this machine.
func (g *Gateway) payable(address string) bool {
	link, err := url.Parse(address)
	if err != nil || link.Host == "" || link.User != nil {
		return false
	}
	base, err := url.Parse(g.config.BaseURL)
	return link.Scheme == "https" || link.Scheme == "http" && err == nil && settings.Loopback(base.Hostname())
}
