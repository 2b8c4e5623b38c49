package freedompay

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Name is the provider's name in configuration, metrics and claims.
const Name = "freedompay"

const (
	// pg_order_id has at most 50 characters (notes, section 4.1).
	longestOrder = 50
	// The range of pg_amount in hundredths: 0.01 to 99 999 999 (notes, section 4).
	leastAmount, mostAmount = 1, 99_999_999_00
	// A payer who begins in a page's last second may stand at the bank's page for a while, and
	// nobody has shown what a status says meanwhile. Ours: nothing is documented.
	lastMoment = 10 * time.Minute
	// A hold that is neither captured nor cancelled is captured after this (notes, section 1).
	holdLife = 5 * 24 * time.Hour
	// "A few seconds" after a capture a status still said that there was none (notes, section 4.3).
	statusLag = 10 * time.Second
	// Freedom Pay repeats an unanswered notice every 30 minutes for two hours (notes, section 7).
	noticesFor = 2 * time.Hour
)

// Claims says what Freedom Pay promises.
func (g *Gateway) Claims() providers.Claims {
	c := g.claims
	c.Currencies, c.Methods = slices.Clone(c.Currencies), slices.Clone(c.Methods)
	return c
}

func claims(c Config) providers.Claims {
	limits := []providers.Limits{}
	for _, currency := range c.Currencies {
		limits = append(limits, providers.Limits{Min: providers.Money{Minor: leastAmount, Currency: currency}, Max: providers.Money{Minor: mostAmount, Currency: currency}})
	}
	methods := []providers.MethodClaims{}
	for _, m := range []providers.Method{providers.Link, providers.Page} {
		methods = append(methods, providers.MethodClaims{
			Method: m,
			Flow:   providers.Offer,
			// OfferLife stays zero: every offer comes with its own end, and is cut to Charge.Expires.
			// The life counts from when Freedom Pay heard of it, at most a create time-out after we sent it.
			Margin: c.Timeouts.Create + lastMoment,
			// What cancel.php does to an unpaid page is not known (notes, section 4.5).
			Withdraw: providers.NoWithdrawal,
			// Freedom Pay learns neither phone nor e-mail of a page's payer, so it can contact nobody.
			NeverShown: true,
			// Absent stays zero: a page can be paid that a moment ago was "not found".
			TwoStage: true,
			Limits:   limits,
		})
	}
	if c.Cards {
		methods = append(methods, providers.MethodClaims{
			Method: providers.Instrument,
			Flow:   providers.Direct,
			// Absent stays zero: once card/init was answered the payment is found, whatever became of
			// card/direct. Where it was not answered, nothing was charged, and Charge says so.
			TwoStage: true,
			Limits:   limits,
		})
	}
	times := c.Timeouts
	// A card charge asks whether the order exists, opens it, charges it, and reads what a refusal means.
	times.Charge += times.Create + 2*times.Status
	// An operation finds the payment first, and reads what a refusal means.
	times.Refund += 2 * times.Status
	return providers.Claims{
		Provider:   Name,
		Currencies: c.Currencies,
		Reference:  providers.ReferenceRule{Kind: providers.Derived, Length: longestOrder},
		Methods:    methods,
		// A hold that nobody captures or cancels is captured by Freedom Pay (doc.go).
		Capture:    providers.CaptureClaims{Partial: true, HoldLife: holdLife, Takes: true},
		Refund:     providers.RefundClaims{API: true, Partial: true, SettleWait: c.RefundSettle},
		Webhook:    providers.Signed,
		WebhookFor: noticesFor,
		Statement:  providers.StatementWalk, // no list call is documented (notes, section 9)
		// A status shows every refund on the payment, in sum and one by one.
		StatusShowsAll: true,
		StatusLag:      statusLag,
		Timeouts:       times,
	}
}
