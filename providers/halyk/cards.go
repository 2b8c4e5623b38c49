package halyk

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Forget deactivates a saved card. "No saved cards" (1373) means that it is gone.
func (g *Gateway) Forget(ctx context.Context, saved providers.Token) providers.Result {
	if saved.Value.Empty() {
		return cannot("no saved card")
	}
	t, lost := g.serviceToken(ctx, time.Now().Add(g.config.Timeouts.Status))
	if lost != nil {
		return *lost
	}
	call := g.api(http.MethodPost, "/card/deactivate/"+url.PathEscape(saved.Value.Reveal()), t, nil)
	call.Timeout = g.config.Timeouts.Status
	answer := g.client.Do(ctx, call)
	if answer.Status == http.StatusUnauthorized {
		g.service.drop(t) // so that asking again works
	}
	r, said := carriedOut(answer)
	if m, known := meaningOf(said.Code); known && m.class == noCards {
		return providers.Result{Verdict: providers.Approved, Code: word(said.Code)}
	}
	return r
}
