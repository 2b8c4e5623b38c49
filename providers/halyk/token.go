package halyk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// The scopes, verbatim. A token that goes to a browser gets the narrow one.
const (
	payScope = "payment"
	allScope = "webapi usermanagement email_send verification statement statistics payment"
)

// token is one answer of the token endpoint.
type token struct {
	bearer providers.Secret
	object providers.Secret // the whole answer, which the hosted page wants as auth
	life   time.Duration    // zero when the bank did not say it readably
	ends   time.Time        // counted from when the answer came, so no earlier than the bank's own end
}

// tokenAnswer is what the endpoint says of it. expires_in is a number in the
// document and a string in the bank's SDK.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   text   `json:"expires_in"`
}

// paymentForm asks for a payment's own token, bound to its number, amount and
// terminal.
func (g *Gateway) paymentForm(c providers.Charge, scope string) url.Values {
	form := g.serviceForm()
	form.Set("scope", scope)
	form.Set("invoiceID", c.Ref.Order)
	form.Set("amount", c.Ref.Amount.Shortest())
	form.Set("currency", c.Ref.Amount.Currency)
	form.Set("secret_hash", g.secretHash(c.Ref.Order))
	if c.NotifyURL != "" {
		form.Set("postLink", c.NotifyURL)
		form.Set("failurePostLink", c.NotifyURL)
	}
	return form
}

// serviceForm asks for a token that serves look-ups and operations.
func (g *Gateway) serviceForm() url.Values {
	return url.Values{
		"grant_type":    {"client_credentials"},
		"scope":         {allScope},
		"client_id":     {g.config.ClientID},
		"client_secret": {g.config.ClientSecret.Reveal()},
		"terminal":      {g.config.TerminalID},
	}
}

// secretHash is a payment's own secret. It comes back in its notices.
func (g *Gateway) secretHash(order string) string {
	mac := hmac.New(sha256.New, []byte(g.config.NoticeKey.Reveal()))
	mac.Write([]byte(order))
	return hex.EncodeToString(mac.Sum(nil))
}

// fetch asks for a token. Without one the call it was meant for never begins, so
// every failure proves that nothing was offered and nothing charged: it is
// Unserved, even when the token's own answer was lost.
func (g *Gateway) fetch(ctx context.Context, form url.Values, limit time.Duration) (token, *providers.Result) {
	answer := g.client.Do(ctx, exchange.Call{
		Method: http.MethodPost, URL: g.config.TokenURL, Header: map[string]string{"Accept": "application/json"},
		ContentType: "application/x-www-form-urlencoded", Body: []byte(form.Encode()), Timeout: limit,
	})
	if r, settled := answer.Settle(); settled {
		return lost(r.Code, because("no token", r.Err))
	}
	switch code := strconv.Itoa(answer.Status); {
	case answer.Status == http.StatusTooManyRequests:
		return token{}, &providers.Result{Verdict: providers.Unserved, Reason: providers.Throttled, Code: code}
	case answer.Status == http.StatusBadRequest, answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		// The shape for wrong credentials is not published; OAuth says 400 or 401. Any other
		// status says nothing about us: a gateway that is down may answer 404, and must not
		// look alive to the probe.
		r := refused(code)
		r.Err = errors.New("the token endpoint refuses us: check client_id, client_secret and token_url")
		return token{}, &r
	case answer.Status != http.StatusOK:
		return lost(code, errors.New("no token: undocumented HTTP status"))
	}
	var said tokenAnswer
	err := readObject(answer.Body, &said)
	if err == nil && (said.AccessToken == "" || said.TokenType != "" && !strings.EqualFold(said.TokenType, "Bearer")) {
		err = errNotObject
	}
	if err != nil {
		return lost("", fmt.Errorf("no token: %w", err))
	}
	t := token{bearer: providers.NewSecret(said.AccessToken), object: providers.NewSecret(string(answer.Body))}
	if seconds, err := strconv.ParseUint(string(said.ExpiresIn), 10, 31); err == nil {
		t.life = time.Duration(seconds) * time.Second
	}
	t.ends = time.Now().Add(t.life)
	return t, nil
}

func lost(code string, err error) (token, *providers.Result) {
	return token{}, &providers.Result{Verdict: providers.Unserved, Reason: providers.NotSent, Code: code, Err: err}
}

// tokenCache keeps the service token and lets one caller at a time renew it.
type tokenCache struct {
	mu      sync.Mutex
	current token
	flight  singleflight.Group
}

// get returns the kept token unless it is about to end.
func (c *tokenCache) get(now time.Time) (token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	early := min(time.Minute, c.current.life/2)
	return c.current, now.Before(c.current.ends.Add(-early))
}

func (c *tokenCache) put(t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = t
}

// drop forgets a token that was refused, unless it has been replaced meanwhile.
func (c *tokenCache) drop(t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.bearer == t.bearer {
		c.current = token{}
	}
}

// renew fetches a service token and keeps it for the look-ups that follow.
func (g *Gateway) renew(ctx context.Context, limit time.Duration) (token, *providers.Result) {
	t, failed := g.fetch(ctx, g.serviceForm(), limit)
	if failed == nil {
		g.service.put(t)
	}
	return t, failed
}

// serviceToken gives the kept token or renews it. Callers who come while one is
// being fetched wait for that one; who fetches it must not give up for the others.
func (g *Gateway) serviceToken(ctx context.Context, deadline time.Time) (token, *providers.Result) {
	if t, ok := g.service.get(time.Now()); ok {
		return t, nil
	}
	type outcome struct {
		token  token
		failed *providers.Result
	}
	flight := g.service.flight.DoChan("", func() (value any, _ error) {
		defer func() {
			if recover() != nil { // in a goroutine of its own: nobody above could catch it
				_, failed := lost("", errors.New("fetching a token panicked"))
				value = outcome{failed: failed}
			}
		}()
		if t, ok := g.service.get(time.Now()); ok {
			return outcome{t, nil}, nil // it landed while we came
		}
		t, failed := g.renew(context.WithoutCancel(ctx), time.Until(deadline))
		return outcome{t, failed}, nil
	})
	select {
	case landed := <-flight:
		o, ok := landed.Val.(outcome)
		if !ok {
			return lost("", errors.New("no token"))
		}
		return o.token, o.failed
	case <-ctx.Done():
		return lost("", ctx.Err())
	}
}
