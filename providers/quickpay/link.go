package quickpay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// offer makes a payment and a link to its window, which only we hand out. The payer's
// e-mail is kept back: QuickPay must have no means to send the link to anybody, or a lost
// answer could not be closed as never shown.
func (g *Gateway) offer(ctx context.Context, c providers.Charge) providers.Result {
	id, known := g.create(ctx, c)
	if known != nil {
		return *known
	}
	began := time.Now()
	life := g.life(c, began)
	if life < shortestLife {
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, External: id, Err: errTooLate}
	}
	body, no := g.send(ctx, call{
		method: http.MethodPut, path: "/payments/" + id + "/link", limit: g.config.Timeouts.Create,
		body: newLink{
			Amount: c.Ref.Amount.Minor, AutoCapture: !c.Ref.TwoStage, Deadline: int64(life / time.Second),
			ContinueURL: c.ReturnURL, CancelURL: c.ReturnURL, CallbackURL: c.NotifyURL,
			Language: g.config.Language, PaymentMethods: strings.Join(g.config.PaymentMethods, ","),
		},
	})
	if no != nil {
		result := no.onCharge()
		result.External = id
		return result
	}
	// QuickPay counts from when it heard of the link, which was between these two.
	first, last := began.Add(life), time.Now().Add(life)
	var said struct {
		URL literal `json:"url"`
	}
	address, ok := "", false
	if json.Unmarshal(body, &said) == nil {
		address, ok = g.window(string(said.URL))
	}
	switch {
	case !ok:
		return withheld(id, providers.Unreadable, errors.New("quickpay: the answer has no usable link"))
	case !c.Expires.IsZero() && last.After(c.Expires):
		return withheld(id, providers.Ambiguous, errors.New("quickpay: the link came so late that it may outlive the payment"))
	}
	return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: id, Until: last,
		Action: &providers.Action{Kind: providers.Redirect, URL: address, Expires: first}}
}

// withheld is doubt about a link that exists and that nobody is shown.
func withheld(id string, reason providers.Reason, err error) providers.Result {
	result := providers.Doubt(reason, "", err)
	result.External = id
	return result
}

// window checks an address that a payer will open. Accounts may have windows under names
// of their own, so only its scheme is looked at.
func (g *Gateway) window(text string) (string, bool) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.User != nil {
		return "", false
	}
	return text, address.Scheme == "https" || address.Scheme == "http" && settings.Loopback(g.api.Hostname())
}
