package quickpay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// chargeCard takes the money of a saved card. Until the authorize leaves nothing has been
// charged: the payment was made by this very call, so nobody else can have charged it.
func (g *Gateway) chargeCard(ctx context.Context, c providers.Charge) providers.Result {
	began := time.Now()
	id, known := g.create(ctx, c)
	if known != nil {
		return *known
	}
	token, no := g.token(ctx, c.Instrument)
	if no != nil {
		no.External = id
		return *no
	}
	body, refused := g.send(ctx, call{
		method: http.MethodPost, path: "/payments/" + id + "/authorize?synchronized", limit: g.config.Timeouts.Charge, notify: c.NotifyURL,
		body: newAuthorize{Amount: c.Ref.Amount.Minor, Card: cardToken{token.Reveal()}, AutoCapture: !c.Ref.TwoStage},
	})
	ref := c.Ref
	ref.External = id
	if refused != nil {
		return g.refusedCharge(ctx, ref, refused, began.Add(g.claims.Timeouts.Charge))
	}
	p, err := readPayment(body)
	if err != nil {
		return withheld(id, providers.Unreadable, err)
	}
	p, wrong := g.vouch(p, ref)
	if wrong != nil {
		wrong.External = id
		return *wrong
	}
	result := p.about(ref, g.view(ref, false))
	result.External = id
	return result
}

// token makes the one-time token that stands for a saved card in one authorize. Whatever
// fails here fails before the charge.
func (g *Gateway) token(ctx context.Context, card providers.Token) (providers.Secret, *providers.Result) {
	body, no := g.send(ctx, call{method: http.MethodPost, path: "/cards/" + card.Value.Reveal() + "/tokens", limit: g.config.Timeouts.Create, body: nothing{}})
	if no != nil {
		result := no.result
		switch {
		case no.invalid, result.Reason == providers.NotFound: // no such card, or one that was never accepted
			result = providers.Unable(errors.New("quickpay: the saved card cannot be used"))
		case result.Verdict != providers.Unserved:
			result = providers.Unsent(errors.Join(errors.New("quickpay: no token, so nothing was charged"), result.Err))
		}
		return providers.Secret{}, &result
	}
	var said struct {
		Token literal `json:"token"`
	}
	if json.Unmarshal(body, &said) != nil || said.Token == "" {
		result := providers.Unsent(errors.New("quickpay: the answer has no token, so nothing was charged"))
		return providers.Secret{}, &result
	}
	return providers.NewSecret(string(said.Token)), nil
}

// refusedCharge reads a refused authorize. What QuickPay found invalid was not carried
// out if a look shows no operation either (notes, section 6.2).
func (g *Gateway) refusedCharge(ctx context.Context, ref providers.Ref, no *refusal, deadline time.Time) providers.Result {
	result := no.result
	if left := time.Until(deadline); no.invalid && left > 0 {
		if _, seen := g.look(ctx, ref, min(left, g.config.Timeouts.Status)); seen.Absent {
			result = no.onCharge()
		}
	} else if !no.invalid {
		result = no.onCharge()
	}
	result.External = ref.External
	return result
}
