package wayforpay

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Name is the provider's name in configuration, metrics and claims.
const Name = "wayforpay"

const (
	// WayForPay documents no limit; real references seen have 8 to 24 characters
	// (notes, section 8). We use at most 32 of letters, digits and dashes.
	longestOrder = 32
	// tokenPrefix begins the order numbers of token charges, and of nothing else. It
	// has a dash, which no derived reference has.
	tokenPrefix = "rec-"
	// A payer who begins in an invoice's last second, before its end or its removal, is
	// seen as InProcessing a moment later; and WayForPay counts the life from when it heard
	// of the invoice, which may be a whole create time-out after we sent it.
	lastMoment = time.Minute
	// WayForPay repeats an unanswered notice for up to 4 days (notes, section 7).
	noticesFor = 4 * 24 * time.Hour
)

// Claims says what WayForPay promises.
func (g *Gateway) Claims() providers.Claims {
	c := g.claims
	c.Currencies, c.Methods = slices.Clone(c.Currencies), slices.Clone(c.Methods)
	return c
}

func claims(c Config) providers.Claims {
	methods := []providers.MethodClaims{}
	for _, m := range []providers.Method{providers.QR, providers.Link, providers.Page} {
		methods = append(methods, providers.MethodClaims{
			Method: m,
			Flow:   providers.Offer,
			// OfferLife stays zero: every offer comes with its own end, and is cut to Charge.Expires.
			Margin: c.Timeouts.Create + lastMoment,
			// REMOVE_INVOICE, then CHECK_STATUS (notes, section 5): the look must come after a
			// payment that began before the removal has had the time to show.
			Withdraw:     providers.Binding,
			WithdrawWait: lastMoment,
			// WayForPay learns neither phone nor e-mail of an invoice's payer, so it can contact nobody.
			NeverShown: true,
			// Absent stays zero: an invoice that nobody has opened may answer 1127 and be paid later.
			TwoStage: true,
			Save:     true,
		})
	}
	methods = append(methods, providers.MethodClaims{
		Method:    providers.Instrument,
		Flow:      providers.Direct,
		Reference: providers.ReferenceRule{Kind: providers.Derived, Length: longestOrder, Prefix: tokenPrefix},
		Absent:    c.Absent.Rule(),
		TwoStage:  true,
		Save:      true,
	})
	limits := c.Timeouts
	limits.Refund += limits.Status // a cancel looks first, and both calls have their own limit
	return providers.Claims{
		Provider:   Name,
		Currencies: c.Currencies,
		Reference:  providers.ReferenceRule{Kind: providers.Derived, Length: longestOrder},
		Methods:    methods,
		Capture:    providers.CaptureClaims{Partial: true, HoldLife: c.HoldLife},
		Refund:     providers.RefundClaims{API: true, Partial: true, SettleWait: c.RefundSettle},
		Webhook:    providers.Signed,
		WebhookFor: noticesFor,
		Statement:  providers.StatementList,
		Timeouts:   limits,
	}
}
