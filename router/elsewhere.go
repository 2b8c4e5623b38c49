package router

import (
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// elsewhere tells health of a payment that is now served at another gateway than it would have
// been: what the time to failover ends with. A payment that its first gateway serves costs a look
// at its attempts and nothing else.
func (r *Router) elsewhere(before, after payment.Payment) {
	for i, a := range after.Attempts {
		if !serves(a) || i < len(before.Attempts) && serves(before.Attempts[i]) {
			continue
		}
		for _, c := range a.Route {
			if !c.Taken && isHealthReason(c.Why) && c.Gateway != a.Gateway {
				r.Board.ServedElsewhere(c.Gateway, a.Planned)
			}
		}
		for _, earlier := range after.Attempts[:i] {
			if failed(earlier) {
				r.Board.ServedElsewhere(earlier.Gateway, a.Planned)
			}
		}
	}
}

// serves reports whether a gateway does its part: it has the money, or has asked the payer for it.
func serves(a payment.Attempt) bool {
	switch a.Verdict {
	case providers.Held, providers.Approved:
		return true
	case providers.Pending:
		return a.Action != nil || a.Reason == providers.AwaitingPayer || a.Reason == providers.PayerConfirming || a.Reason == providers.StepUp
	}
	return false
}

// failed reports whether an attempt was left because its gateway could not serve it then. A
// decline is an answer, and what a gateway cannot do at all is no outage.
func failed(a payment.Attempt) bool {
	return a.Closed != nil && a.Closed.Kind != payment.DeclinedFinally && a.Reason != providers.Unsupported && a.Reason != providers.Misconfigured
}
