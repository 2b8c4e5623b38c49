package quickpay

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Name is the provider's name in configuration, metrics and claims.
const Name = "quickpay"

const (
	// order_id has 4 to 20 characters and is unique in the account (notes, section 8).
	shortestOrder = 4
	longestOrder  = 20
	// orderPrefix marks our payments among those that a shop makes in the same account.
	orderPrefix = "rt-"
	// inTransit is how long a request may be on its way: connect and TLS. QuickPay counts a
	// link's life from when it hears of the link.
	inTransit = 5 * time.Second
	// An unanswered callback is repeated up to 24 times, in the quickest version hourly
	// (notes, section 7).
	callbacksFor = 24 * time.Hour
)

// Claims says what QuickPay promises.
func (g *Gateway) Claims() providers.Claims {
	c := g.claims
	c.Currencies, c.Methods = slices.Clone(c.Currencies), slices.Clone(c.Methods)
	return c
}

func claims(c Config) providers.Claims {
	withdraw, wait := providers.NoWithdrawal, time.Duration(0)
	if c.WithdrawLinks {
		withdraw, wait = providers.Binding, inTransit+c.OpenWindow
	}
	methods := []providers.MethodClaims{}
	for _, m := range []providers.Method{providers.Link, providers.Page} {
		methods = append(methods, providers.MethodClaims{
			Method: m,
			Flow:   providers.Offer,
			// OfferLife stays zero: every offer comes with its own end, and is cut to Charge.Expires.
			Margin:       inTransit + c.OpenWindow,
			Withdraw:     withdraw,
			WithdrawWait: wait, // a payer who began before the deletion may take as long as one who began before the end
			// QuickPay is told neither e-mail nor phone of a link's payer, so it can contact nobody.
			NeverShown: true,
			// Absent stays zero: a payment without a link may get it by a request that is on its way.
			TwoStage: true,
		})
	}
	methods = append(methods, providers.MethodClaims{
		Method:   providers.Instrument,
		Flow:     providers.Direct,
		Absent:   c.Absent.Rule(),
		TwoStage: true,
	})
	one := c.Timeouts
	return providers.Claims{
		Provider:   Name,
		Currencies: c.Currencies,
		Reference:  providers.ReferenceRule{Kind: providers.Derived, Length: longestOrder, Prefix: orderPrefix},
		Methods:    methods,
		// Of a partial capture the rest is not released but left to lapse; when, depends on the acquirer.
		Capture:        providers.CaptureClaims{Partial: true},
		Refund:         providers.RefundClaims{API: true, Partial: true, SettleWait: c.Absent.After},
		Webhook:        providers.Signed,
		WebhookFor:     callbacksFor,
		Statement:      providers.StatementList,
		StatusShowsAll: true,
		Timeouts: providers.Timeouts{
			Charge: 2*one.Create + one.Charge + one.Status, // payment, token, authorize, and a look where it was refused
			Create: 2*one.Create + one.Status,              // payment, a look where it existed, link
			Status: one.Status,
			Refund: one.Refund + 2*one.Status, // a look before, and one where it was refused
		},
	}
}
