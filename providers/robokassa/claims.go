package robokassa

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Name is the provider's name in configuration, metrics and claims.
const Name = "robokassa"

const (
	// longestOrder keeps numbers far below the greatest InvId, 9223372036854775807.
	longestOrder = 15
	// lastMoment is how long a state may lag behind what happened. It is added to an address's
	// end, also for clocks that differ: a payer who opens it in its last second is seen as
	// state 5 a moment later.
	lastMoment = 2 * time.Minute
)

// Claims says what Robokassa promises.
func (g *Gateway) Claims() providers.Claims {
	c := g.claims
	c.Currencies, c.Methods = slices.Clone(c.Currencies), slices.Clone(c.Methods)
	for i := range c.Methods {
		c.Methods[i].Schedule = slices.Clone(c.Methods[i].Schedule)
	}
	return c
}

func claims(c Config) providers.Claims {
	offer := providers.MethodClaims{
		Flow: providers.Offer,
		// OfferLife stays zero: every offer comes with its own end, and is cut to Charge.Expires.
		Margin: lastMoment,
		// Nobody but us hands an address out, and Robokassa learns neither phone nor e-mail.
		NeverShown: true,
		// Absent stays zero: an address that nobody has opened is not found, and alive.
		TwoStage: c.Holds,
		Save:     c.Recurring,
	}
	if c.InvoiceBase != "" {
		offer.Withdraw = providers.Binding // DeactivateInvoice, then OpStateExt (notes, section 5)
		offer.WithdrawWait = lastMoment    // for a payer who opened it a moment before
		offer.Margin += c.Timeouts.Create  // Robokassa counts an invoice's life from when it heard of it
	}
	var methods []providers.MethodClaims
	for _, m := range []providers.Method{providers.Link, providers.Page} {
		offer.Method = m
		methods = append(methods, offer)
	}
	if c.Recurring {
		methods = append(methods, providers.MethodClaims{
			Method: providers.Instrument,
			Flow:   providers.Direct,
			Absent: c.Absent.Rule(),
			// The answer only accepts, so the outcome is asked for soon. The official SDK asks every
			// 2 s; its limits are not documented, so we slow down (notes, section 10).
			Schedule: []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute},
		})
	}
	limits := c.Timeouts
	limits.Refund += limits.Status // a cancel and a refund look first, and both calls have their own limit
	return providers.Claims{
		Provider:   Name,
		Currencies: []string{c.Currency},
		Reference:  providers.ReferenceRule{Kind: providers.Counted, Length: longestOrder, Prefix: c.ReferencePrefix, Account: c.MerchantLogin},
		Methods:    methods,
		Capture:    providers.CaptureClaims{Partial: c.Holds, HoldLife: holdLife(c)},
		Refund:     refunds(c),
		Webhook:    providers.Signed,
		Statement:  providers.StatementWalk, // no list has all payments (doc.go)
		Timeouts:   limits,
	}
}

func holdLife(c Config) time.Duration {
	if !c.Holds {
		return 0
	}
	return c.HoldLife
}

// refunds are made by people, in the cabinet, where the service is not configured. SettleWait
// times captures, voids and withdrawals, whose outcome is a state; of a refund no look-up ever
// says that it was not made.
func refunds(c Config) providers.RefundClaims {
	api := c.RefundBase != ""
	return providers.RefundClaims{API: api, Partial: api, SettleWait: lastMoment}
}
