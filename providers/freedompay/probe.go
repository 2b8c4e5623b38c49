package freedompay

import (
	"context"

	"github.com/payrouter/payrouter/providers"
)

// probeOrder is an order number that is never used: Charge refuses it.
const probeOrder = "payrouter-probe"

// Probe asks for an order that does not exist. Being told so, under a good signature,
// needs our account and our signature to be accepted, and moves nothing.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	said, result, ok := g.ask(ctx, call{path: "get_status3.php", fields: flat("pg_order_id", probeOrder), timeout: g.config.Timeouts.Status})
	if !ok {
		return result
	}
	m := said.refusal()
	switch {
	case said.ok() && said.text("pg_payment_id") == "0", !said.ok() && m.class == missing:
		return providers.Result{Verdict: providers.Approved, Code: said.code()}
	case !said.ok() && m.class == setup:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: said.code()}
	case !said.ok() && m.class == undocumented:
		return providers.Doubt(providers.UnknownCode, said.code(), nil)
	}
	return providers.Doubt(providers.Ambiguous, said.code(), nil)
}
