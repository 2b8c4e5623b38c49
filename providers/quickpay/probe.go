package quickpay

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/payrouter/payrouter/providers"
)

// Probe asks GET /ping, which needs our key and moves nothing. What the answer says is
// not documented; that it is an object shows that it is no page of a proxy's.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	body, no := g.send(ctx, call{method: http.MethodGet, path: "/ping", limit: g.config.Timeouts.Status})
	if no != nil {
		return no.onCharge() // "not found" would be an address that is not QuickPay's
	}
	var pong map[string]json.RawMessage
	if json.Unmarshal(body, &pong) != nil || len(pong) == 0 {
		return providers.Doubt(providers.Unreadable, "", errNotObject)
	}
	return providers.Result{Verdict: providers.Approved}
}
