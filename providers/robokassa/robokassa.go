package robokassa

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Gateway is one Robokassa shop. It holds no state of payments and is safe for concurrent
// use.
type Gateway struct {
	config   Config
	claims   providers.Claims
	sources  []netip.Prefix // that notices may come from; none means any
	verifier *verifier      // of notices of holds; nil when none is configured
	client   *exchange.Client
}

var (
	_ providers.Provider = (*Gateway)(nil)
	_ providers.Capturer = (*Gateway)(nil)
	_ providers.Canceler = (*Gateway)(nil)
	_ providers.Refunder = (*Gateway)(nil)
	_ providers.Listener = (*Gateway)(nil)
	_ providers.Prober   = (*Gateway)(nil)
	_ providers.Teller   = (*Gateway)(nil)
)

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
		return nil, fmt.Errorf("robokassa: %w", err)
	}
	sources, err := settings.Prefixes(c.NoticeSources)
	if err != nil {
		return nil, fmt.Errorf("robokassa: %w", err)
	}
	verifier, err := c.certificate()
	if err != nil {
		return nil, fmt.Errorf("robokassa: %w", err)
	}
	return &Gateway{config: c, claims: claims(c), sources: sources, verifier: verifier, client: exchange.New(exchange.Options{Dial: o.Dial})}, nil
}

// Open is New for whoever knows only that this is a configuration. A nil dial means the
// network itself.
func (c Config) Open(dial func(ctx context.Context, network, address string) (net.Conn, error)) (providers.Provider, error) {
	return New(c, Options{Dial: dial})
}

// Close drops idle connections. Calls under way end by themselves.
func (g *Gateway) Close() { g.client.Close() }

// The content types of our requests.
const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	jwtType  = "application/jwt"
)

// post sends one request. It reports false when there is no answer to judge; the Result
// then says how far the request got. Any status but 200 is doubt, whatever its body says.
func (g *Gateway) post(ctx context.Context, call exchange.Call) ([]byte, providers.Result, bool) {
	got := g.client.Do(ctx, call)
	if result, settled := got.Settle(); settled {
		return nil, result, false
	}
	if got.Status != http.StatusOK {
		return nil, providers.Doubt(providers.Unreadable, httpCode(got.Status), nil), false
	}
	return got.Body, providers.Result{}, true
}

// form is a call that posts a form. It moves money unless it is told otherwise.
func form(address string, fields url.Values, timeout time.Duration) exchange.Call {
	return exchange.Call{Method: http.MethodPost, URL: address, ContentType: formType, Body: []byte(fields.Encode()),
		Timeout: timeout, MovesMoney: true}
}

// link checks an address that a payer will open. Plain http is for loopback pages only.
func (g *Gateway) link(text string) (string, bool) {
	link, err := url.Parse(text)
	page, pageErr := url.Parse(g.config.PageBase)
	if err != nil || pageErr != nil || link.Host == "" || link.User != nil {
		return "", false
	}
	return text, link.Scheme == "https" || link.Scheme == "http" && settings.Loopback(page.Hostname())
}

func httpCode(status int) string { return fmt.Sprintf("http %d", status) }
