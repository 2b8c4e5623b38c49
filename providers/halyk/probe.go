package halyk

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Probe fetches a token and asks for the status of a number that is never used:
// the counter of our numbers begins at 1. "No such number" is what shows that both
// the token endpoint and the API work for us.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	if _, failed := g.renew(ctx, g.config.Timeouts.Status); failed != nil {
		return *failed
	}
	status, failed := g.inquire(ctx, deadline, g.config.ReferencePrefix+"000000")
	if failed != nil {
		if failed.Reason == providers.Misconfigured {
			failed.Verdict = providers.Unserved
		}
		return *failed
	}
	code := word(status.ResultCode)
	switch status.ResultCode {
	case "100", "101", "102", "107":
		return providers.Result{Verdict: providers.Approved, Code: code}
	case "104", "106", "109":
		return refused(code)
	}
	return providers.Doubt(providers.Ambiguous, code, nil)
}
