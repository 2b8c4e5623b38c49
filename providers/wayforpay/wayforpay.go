package wayforpay

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// Gateway is one WayForPay account. It holds no state of payments and is safe for
// concurrent use.
type Gateway struct {
	config Config
	claims providers.Claims
	api    string
	secure *url.URL
	client *exchange.Client
	lists  *exchange.Client // TRANSACTION_LIST has no pages, so its answers are large
}

// Options are what a Gateway gets besides its configuration.
type Options struct {
	// Dial replaces the network; nil means the network itself.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A day of 100,000 rows of 500 bytes, and some.
const longestList = 64 << 20

// New makes a Gateway. It fills the defaults and refuses a configuration that cannot
// work; the error names each field as it stands in the YAML, and the way out.
func New(c Config, o Options) (*Gateway, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("wayforpay: %w", err)
	}
	secure, err := url.Parse(c.SecureBaseURL)
	if err != nil {
		return nil, fmt.Errorf("wayforpay: secure_base_url: %w", err)
	}
	return &Gateway{
		config: c,
		claims: claims(c),
		api:    strings.TrimRight(c.APIBaseURL, "/") + "/api",
		secure: secure,
		client: exchange.New(exchange.Options{Dial: o.Dial}),
		lists:  exchange.New(exchange.Options{Dial: o.Dial, MaxBody: longestList, MaxConns: 1}),
	}, nil
}

// Open is New for whoever knows only that this is a configuration. A nil dial means the
// network itself.
func (c Config) Open(dial func(ctx context.Context, network, address string) (net.Conn, error)) (providers.Provider, error) {
	return New(c, Options{Dial: dial})
}

// Close drops idle connections. Calls under way end by themselves.
func (g *Gateway) Close() {
	g.client.Close()
	g.lists.Close()
}

// ask makes one exchange and reads the answer's shape. It reports false when there is
// no answer to judge; the Result then says how far the request got.
func (g *Gateway) ask(ctx context.Context, r request, timeout time.Duration) (answer, providers.Result, bool) {
	body, result, ok := g.post(ctx, g.client, r, timeout)
	if !ok {
		return answer{}, result, false
	}
	said, err := parseAnswer(body)
	if err != nil {
		return answer{}, providers.Doubt(providers.Unreadable, "", err), false
	}
	return said, providers.Result{}, true
}

// post sends one request. Business errors come with status 200; any other status is
// doubt, whatever its body says: a 4xx must be confirmed by a look-up.
func (g *Gateway) post(ctx context.Context, client *exchange.Client, r request, timeout time.Duration) ([]byte, providers.Result, bool) {
	body, err := r.encode()
	if err != nil {
		return nil, providers.HeldBack(err), false
	}
	got := client.Do(ctx, exchange.Call{
		Method: http.MethodPost, URL: g.api, ContentType: "application/json", Body: body,
		Timeout: timeout, MovesMoney: r.movesMoney(),
	})
	if result, settled := got.Settle(); settled {
		return nil, result, false
	}
	if got.Status != http.StatusOK {
		return nil, providers.Doubt(providers.Unreadable, fmt.Sprintf("http %d", got.Status), nil), false
	}
	return got.Body, providers.Result{}, true
}
