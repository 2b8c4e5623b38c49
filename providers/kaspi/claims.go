package kaspi

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	// No limit is published for ExternalId. Twenty characters of the router's
	// alphabet carry 100 bits and leave room in the comment of an invoice.
	referenceLength = 20
	// A payer types an account number on a phone: ten digits.
	accountLength = 10
)

// Claims says what Kaspi promises under the account's scheme.
func (g *Gateway) Claims() providers.Claims {
	c := g.config
	claims := providers.Claims{
		Provider:   "kaspi",
		Currencies: []string{currency},
		Reference:  providers.ReferenceRule{Kind: providers.Derived, Length: referenceLength},
		Refund: providers.RefundClaims{
			API:        c.Scheme == R3,
			Partial:    c.Scheme == R3,
			SettleWait: c.RefundSettle,
		},
		Webhook:   providers.HintOnly,
		Statement: statements(c.Scheme),
		Timeouts:  limits(c),
	}
	for _, method := range []providers.Method{providers.QR, providers.Link} {
		claims.Methods = append(claims.Methods, providers.MethodClaims{
			Method: method, Flow: providers.Offer,
			OfferLife: c.OfferLife, Margin: c.Margin, NeverShown: true,
		})
	}
	if c.Scheme == R3 {
		claims.Methods = append(claims.Methods, providers.MethodClaims{
			Method: providers.Push, Flow: providers.Pushed,
			OfferLife: c.PushLife + c.ConfirmWindow, Margin: c.PushMargin, Withdraw: providers.Binding,
			// The document forbids polling an invoice at a fixed pace.
			Schedule: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour},
		})
	}
	if c.Biller.Service != "" {
		claims.Methods = append(claims.Methods, providers.MethodClaims{
			Method: providers.Account, Flow: providers.AskFirst, Withdraw: providers.Veto, NoRefund: true,
			Unasked:   true, // the bank's other system has no look-up
			Reference: providers.ReferenceRule{Kind: providers.Counted, Length: accountLength, Account: c.OrganizationBIN},
		})
	}
	return claims
}

// limits are those of our calls, which may be several requests: a refund that is
// refused as too much is looked into, and a device of our own is registered first.
func limits(c Config) providers.Timeouts {
	t := c.Timeouts
	t.Refund += t.Status
	if c.DeviceID != "" {
		t.Charge, t.Create, t.Refund = t.Charge+t.Status, t.Create+t.Status, t.Refund+t.Status
	}
	return t
}

// statements are walked where payment/details can be asked for, which tells a purchase's date
// and what was given back of it. Under r1 people import the cabinet's export.
func statements(s Scheme) providers.StatementSource {
	if s == R1 {
		return providers.StatementFile
	}
	return providers.StatementWalk
}
