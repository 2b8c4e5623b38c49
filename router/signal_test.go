package router

import (
	"testing"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Only what a gateway could not do at that moment makes a move part of its outage, and only what
// is of use to a payer ends it.
func TestADeclineIsNoOutageAndNoService(t *testing.T) {
	closed := func(kind payment.EvidenceKind) *payment.Evidence { return &payment.Evidence{Kind: kind} }
	for _, c := range []struct {
		name           string
		a              payment.Attempt
		failed, serves bool
	}{
		{"never sent", payment.Attempt{Verdict: providers.Unserved, Reason: providers.NotSent, Closed: closed(payment.NotSent)}, true, false},
		{"an offer that nobody saw", payment.Attempt{Verdict: providers.Unknown, Reason: providers.Timeout, Closed: closed(payment.NeverShown)}, true, false},
		{"nobody knows", payment.Attempt{Verdict: providers.Unknown, Reason: providers.Timeout}, false, false},
		{"a soft decline", payment.Attempt{Verdict: providers.Declined, Reason: providers.DeclinedSoft, Closed: closed(payment.DeclinedFinally)}, false, false},
		{"a currency it does not take", payment.Attempt{Verdict: providers.Unserved, Reason: providers.Unsupported, Closed: closed(payment.RefusedByGate)}, false, false},
		{"our credentials", payment.Attempt{Verdict: providers.Unserved, Reason: providers.Misconfigured, Closed: closed(payment.RefusedByGate)}, false, false},
		{"paid", payment.Attempt{Verdict: providers.Approved}, false, true},
		{"an offer", payment.Attempt{Verdict: providers.Pending, Action: &providers.Action{}}, false, true},
		{"an invoice on a phone", payment.Attempt{Verdict: providers.Pending, Reason: providers.AwaitingPayer}, false, true},
		{"in the works", payment.Attempt{Verdict: providers.Pending, Reason: providers.Processing}, false, false},
	} {
		if failed(c.a) != c.failed || serves(c.a) != c.serves {
			t.Errorf("%s: failed %t, serves %t", c.name, failed(c.a), serves(c.a))
		}
	}
}

// A gateway that says "too many requests" is slowed down for, whether or not it says that
// it did nothing.
func TestAGatewayThatAsksForAPauseGetsOne(t *testing.T) {
	for _, r := range []providers.Result{{Verdict: providers.Unserved, Reason: providers.Throttled}, providers.Doubt(providers.Throttled, "429", nil)} {
		if s := signal(r); s != health.Throttled {
			t.Errorf("%s %s gives the signal %d", r.Verdict, r.Reason, s)
		}
	}
}
