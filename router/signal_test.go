package router

import (
	"testing"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
)

// A gateway that says "too many requests" is slowed down for, whether or not it says that
// it did nothing.
func TestAGatewayThatAsksForAPauseGetsOne(t *testing.T) {
	for _, r := range []providers.Result{{Verdict: providers.Unserved, Reason: providers.Throttled}, providers.Doubt(providers.Throttled, "429", nil)} {
		if s := signal(r); s != health.Throttled {
			t.Errorf("%s %s gives the signal %d", r.Verdict, r.Reason, s)
		}
	}
}
