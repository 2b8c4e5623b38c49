package tiptoppay

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Name is the provider's name in configuration, metrics and claims.
const Name = "tiptoppay"

// currency is the only one a Kazakh terminal is paid in. It is always sent: what the
// API takes for granted may be another.
const currency = "KZT"

const (
	// TipTop Pay documents no limit for our order number. We use at most 32 letters,
	// digits and dashes.
	longestOrder = 32
	// tokenPrefix begins the order numbers of token charges, and of nothing else, so that
	// a notice shows what it is about. It has a dash, which no derived reference has.
	tokenPrefix = "tk-"
	// lastMoment is between our answer to Check and the transaction that a look-up shows
	// (notes, section 10: wait 60 s before asking).
	lastMoment = time.Minute
	// A hold is cancelled by TipTop Pay after 7 days at the latest (notes, section 1).
	holdLife = 7 * 24 * time.Hour
	// Up to 100 tries, the later ones half an hour apart (notes, section 7).
	noticesFor = 48 * time.Hour
	// X-Request-ID is remembered for an hour; we stop five minutes earlier (notes, section 8).
	replayed = 55 * time.Minute
)

// Claims says what TipTop Pay promises.
func (g *Gateway) Claims() providers.Claims {
	c := g.claims
	c.Currencies, c.Methods, c.Idempotent = slices.Clone(c.Currencies), slices.Clone(c.Methods), slices.Clone(c.Idempotent)
	return c
}

func claims(c Config) providers.Claims {
	var methods []providers.MethodClaims
	repeatable := []providers.IdempotentClaim{{Operation: "charge", Window: replayed}, {Operation: "capture", Window: replayed},
		{Operation: "void", Window: replayed}, {Operation: "refund", Window: replayed}}
	if c.Check {
		for _, m := range []providers.Method{providers.Link, providers.Page} {
			methods = append(methods, providers.MethodClaims{
				Method: m,
				Flow:   providers.Offer,
				// OfferLife stays zero: every offer comes with its own end.
				Margin:       lastMoment,
				Withdraw:     providers.Binding, // /orders/cancel, confirmed by a look (notes, section 10)
				WithdrawWait: lastMoment,        // which a payment begun before it may take to show
				// TipTop Pay learns neither phone nor e-mail of a page's payer and is told to
				// send nothing, so it can contact nobody.
				NeverShown: true,
				// Absent stays zero: "Not found" is what an order without a try answers.
				TwoStage: true,
				Save:     true,
			})
		}
		// A repeated creation is the same offer, which must still be worth handing out.
		repeatable = append(repeatable, providers.IdempotentClaim{Operation: "create", Window: min(replayed, c.LinkLife-shortestLife)})
	}
	methods = append(methods, providers.MethodClaims{
		Method:    providers.Instrument,
		Flow:      providers.Direct,
		Reference: providers.ReferenceRule{Kind: providers.Derived, Length: longestOrder, Prefix: tokenPrefix},
		Absent:    c.Absent.Rule(),
		TwoStage:  true,
	})
	limits := c.Timeouts
	limits.Refund += 2 * limits.Status // an operation looks first: at most two questions, each with its own limit
	limits.Status *= 4                 // of a refund: a look, the last operation and a page of the list
	return providers.Claims{
		Provider:   Name,
		Currencies: []string{currency},
		Reference:  providers.ReferenceRule{Kind: providers.Derived, Length: longestOrder},
		Methods:    methods,
		Capture:    providers.CaptureClaims{Partial: true, HoldLife: holdLife},
		Refund:     providers.RefundClaims{API: true, Partial: true, SettleWait: c.Absent.After},
		Webhook:    providers.Signed,
		WebhookFor: noticesFor,
		Statement:  providers.StatementList,
		Idempotent: repeatable,
		Timeouts:   limits,
	}
}
