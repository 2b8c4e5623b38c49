package freedompay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// Gateway is one Freedom Pay account. It holds no state of payments and is safe for
// concurrent use.
type Gateway struct {
	config Config
	claims providers.Claims
	client *exchange.Client
	// How often answers about cards were signed with each script name.
	bySegment, byNothing atomic.Int64
}

// Options are what a Gateway gets besides its configuration.
type Options struct {
	// Dial replaces the network; nil means the network itself.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// New makes a Gateway. It fills the defaults and refuses a configuration that cannot
// work; the error names each field as it stands in the YAML, and the way out.
func New(c Config, o Options) (*Gateway, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("freedompay: %w", err)
	}
	return &Gateway{config: c, claims: claims(c), client: exchange.New(exchange.Options{Dial: o.Dial})}, nil
}

// Open is New for whoever knows only that this is a configuration. A nil dial means the
// network itself.
func (c Config) Open(dial func(ctx context.Context, network, address string) (net.Conn, error)) (providers.Provider, error) {
	g, err := New(c, Options{Dial: dial})
	if err != nil {
		return nil, err
	}
	return g.Provider(), nil
}

// Close drops idle connections. Calls under way end by themselves.
func (g *Gateway) Close() { g.client.Close() }

// CardScripts counts the answers of card/init and card/direct by the script name that
// their signatures were over: the last segment of the path, which is the documented
// rule, or none, which one integrator has seen. Once one of them stays zero in
// production, the other can go.
func (g *Gateway) CardScripts() (segment, empty int64) {
	return g.bySegment.Load(), g.byNothing.Load()
}

// call is one request.
type call struct {
	path       string // below the base address, such as get_status3.php
	fields     node   // without merchant, salt and signature
	movesMoney bool   // must never leave twice
	timeout    time.Duration
	card       bool // its answer may be signed with an empty script name
}

// answer is a message of Freedom Pay's about a call: accepted (ok) or not.
type answer struct{ node }

// Values of pg_status: whether the call was accepted, not whether money moved.
const (
	statusOK    = "ok"
	statusError = "error"
)

func (a answer) ok() bool { return a.text("pg_status") == statusOK }

// ask makes one call and vouches for its answer. It reports false when there is no
// answer to judge; the Result then says how far the request got.
//
//	pg_sig    ok      error
//	right     answer  answer
//	missing   doubt   answer: a merchant who is not recognised gets no signature
//	wrong     doubt   doubt
func (g *Gateway) ask(ctx context.Context, c call) (answer, providers.Result, bool) {
	doubt := func(reason providers.Reason, code string, err error) (answer, providers.Result, bool) {
		return answer{}, providers.Doubt(reason, code, err), false
	}
	c.fields.add("pg_merchant_id", g.config.MerchantID)
	c.fields.add(fieldSalt, newSalt())
	c.fields.add(fieldSig, c.fields.sign(scriptOf(c.path), g.config.Secret))
	got := g.client.Do(ctx, exchange.Call{
		Method: http.MethodPost, URL: strings.TrimRight(g.config.BaseURL, "/") + "/" + c.path,
		ContentType: "application/x-www-form-urlencoded", Body: c.fields.writeForm(),
		Timeout: c.timeout, MovesMoney: c.movesMoney,
	})
	if result, settled := got.Settle(); settled {
		return answer{}, result, false
	}
	if got.Status != http.StatusOK && got.Status != http.StatusUnauthorized {
		return doubt(providers.Unreadable, fmt.Sprintf("http %d", got.Status), nil)
	}
	message, err := parseXML(got.Body, "response")
	if err != nil {
		return doubt(providers.Unreadable, "", err)
	}
	said := answer{message}
	word, _ := said.told("pg_status")
	_, signed := said.told(fieldSig)
	switch {
	case word != statusOK && word != statusError:
		return doubt(providers.UnknownCode, shown(word), errStatusWord)
	case signed && !g.vouch(said, c):
		return doubt(providers.BadSignature, said.code(), errBadSignature)
	case !signed && word == statusOK:
		return doubt(providers.BadSignature, said.code(), errUnsigned)
	case got.Status == http.StatusUnauthorized && said.refusal().class != setup:
		// HTTP 401 has one documented meaning: we were not recognised.
		return doubt(providers.Unreadable, "http 401", nil)
	}
	return said, providers.Result{}, true
}

var (
	errStatusWord   = errors.New("freedompay: the answer is neither ok nor error")
	errUnsigned     = errors.New("freedompay: the answer is not signed")
	errBadSignature = errors.New("freedompay: the answer's signature is wrong")
	errIncomplete   = errors.New("freedompay: the answer lacks a field or has an unreadable one")
	errForgotten    = errors.New("freedompay: a payment that was given a number is not found")
	errOther        = errors.New("freedompay: the answer is about another payment")
)

// vouch checks an answer's signature.
func (g *Gateway) vouch(a answer, c call) bool {
	switch {
	case a.signedBy(scriptOf(c.path), g.config.Secret):
		if c.card {
			g.bySegment.Add(1)
		}
		return true
	case c.card && a.signedBy("", g.config.Secret):
		g.byNothing.Add(1)
		return true
	}
	return false
}

// code is the provider's words for people: the number of an error, and nothing of its
// description, which may name a payer.
func (a answer) code() string {
	if a.ok() {
		return statusOK
	}
	return strings.TrimSpace(statusError + " " + shown(a.text("pg_error_code")))
}

// shown is a word or number that may be kept. What looks like neither is not repeated; it
// could hold anything.
func shown(text string) string {
	if text == "" || identifier(strings.ReplaceAll(text, " ", "_"), 24) {
		return text
	}
	return "?"
}
