package halyk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// Options are what a Gateway is given besides its Config. All may be left zero.
type Options struct {
	// Dial replaces the network in tests; nil means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Gateway is one terminal at Halyk ePay. It is safe for concurrent use.
type Gateway struct {
	config  Config
	claims  providers.Claims
	client  *exchange.Client
	service tokenCache
}

var (
	_ providers.Provider  = (*Gateway)(nil)
	_ providers.Capturer  = (*Gateway)(nil)
	_ providers.Canceler  = (*Gateway)(nil)
	_ providers.Refunder  = (*Gateway)(nil)
	_ providers.Listener  = (*Gateway)(nil)
	_ providers.Prober    = (*Gateway)(nil)
	_ providers.Forgetter = (*Gateway)(nil)
	_ providers.Reporter  = (*Gateway)(nil)
)

// New makes a Gateway. It fills the defaults of c and refuses what cannot work,
// naming every field that is wrong.
func New(c Config, o Options) (*Gateway, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("halyk: %w", err)
	}
	return &Gateway{config: c, claims: claims(c), client: exchange.New(exchange.Options{Dial: o.Dial})}, nil
}

// Open is New for whoever knows only that this is a configuration. A nil dial means the
// network itself.
func (c Config) Open(dial func(ctx context.Context, network, address string) (net.Conn, error)) (providers.Provider, error) {
	return New(c, Options{Dial: dial})
}

// Close drops idle connections.
func (g *Gateway) Close() { g.client.Close() }

// Claims says what ePay promises; see claims.go for the reasons. The copy shares
// nothing with what the adapter itself goes by.
func (g *Gateway) Claims() providers.Claims {
	c := g.claims
	c.Currencies, c.Methods = slices.Clone(c.Currencies), slices.Clone(c.Methods)
	return c
}

// api makes a call to an API path with a token.
func (g *Gateway) api(method, path string, t token, body []byte) exchange.Call {
	call := exchange.Call{Method: method, URL: g.config.APIURL + path, Body: body, Header: map[string]string{
		"Authorization": "Bearer " + t.bearer.Reveal(),
		"Accept":        "application/json",
	}}
	if body != nil {
		call.ContentType = "application/json"
	}
	return call
}

// move sends a call that makes an offer or moves money: once, whatever happens.
func (g *Gateway) move(ctx context.Context, call exchange.Call, limit time.Duration) exchange.Answer {
	call.Timeout, call.MovesMoney = limit, true
	return g.client.Do(ctx, call)
}

// ask makes a read-only API call with the service token. A token that was refused
// although it should live is replaced, once. The answer is one of the documented
// shapes, HTTP 200 or 400; anything else is a failed question, which proves
// nothing about the payment.
func (g *Gateway) ask(ctx context.Context, deadline time.Time, method, path string, body []byte) (exchange.Answer, *providers.Result) {
	for repeated := false; ; repeated = true {
		t, failed := g.serviceToken(ctx, deadline)
		if failed != nil {
			return exchange.Answer{}, question(*failed)
		}
		call := g.api(method, path, t, body)
		call.Timeout = time.Until(deadline)
		answer := g.client.Do(ctx, call)
		if r, settled := answer.Settle(); settled {
			return answer, question(r)
		}
		code := strconv.Itoa(answer.Status)
		switch answer.Status {
		case http.StatusOK:
			return answer, nil
		case http.StatusBadRequest:
			g.service.drop(t) // one client saw 400 for a token that had ended
			return answer, nil
		case http.StatusUnauthorized:
			g.service.drop(t)
			if !repeated {
				continue
			}
			return answer, question(refused(code))
		case http.StatusForbidden:
			return answer, question(refused(code))
		case http.StatusTooManyRequests:
			r := providers.Doubt(providers.Throttled, code, nil)
			if seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16); err == nil {
				r.AskIn = time.Duration(seconds) * time.Second
			}
			return answer, &r
		}
		return answer, question(providers.Doubt(providers.Unreadable, code, errors.New("undocumented HTTP status")))
	}
}

// question is the Result of a question that got no answer: whatever stopped it,
// how the payment stands is unknown.
func question(r providers.Result) *providers.Result {
	r.Verdict = providers.Unknown
	return &r
}

// refused is the Result of HTTP 401 and 403: our credentials or set-up, nothing
// was carried out.
func refused(code string) providers.Result {
	return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: code}
}

// because says what failed, and why if that is known.
func because(what string, err error) error {
	if err == nil {
		return errors.New(what)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// cannot refuses before anything is sent what this terminal cannot do.
func cannot(format string, args ...any) providers.Result {
	return providers.Unable(fmt.Errorf("halyk: "+format, args...))
}
