package plainpay

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Claims are the provider's promises as data. The router believes each of them: claim only
// what the documents say. A promise left zero costs some waiting; a wait left zero, such as
// Margin, is itself a promise.
func (g *Gateway) Claims() providers.Claims {
	return providers.Claims{
		Provider:   "plainpay",
		Currencies: []string{"KZT"},
		Reference:  providers.ReferenceRule{Kind: providers.Derived, Length: 24},
		Methods: []providers.MethodClaims{{
			Method: providers.Link,
			Flow:   providers.Offer,
			// Their clock may be behind ours by so much: until then an offer is not called dead.
			Margin: time.Minute,
			// "From then on nobody can pay it." So WithdrawWait stays zero as well.
			Withdraw: providers.Binding,
			// We send neither phone nor e-mail, so that only we can hand the link out.
			NeverShown: true,
			// Absent stays zero: nothing says that no_such_order is true forever.
		}},
		// OwnID stays false: the comment is for people. So a refund whose answer was lost is told
		// by the sum returned, once a minute has passed.
		Refund:     providers.RefundClaims{API: true, Partial: true, SettleWait: time.Minute},
		Webhook:    providers.Signed,
		WebhookFor: 24 * time.Hour,
		Timeouts:   g.config.Timeouts,
	}
}
