package quickpay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// Gateway is one QuickPay account. It holds no state of payments and is safe for
// concurrent use.
type Gateway struct {
	config Config
	claims providers.Claims
	api    *url.URL
	client *exchange.Client
	lists  *exchange.Client // a page of a statement is larger than any other answer
}

// Options are what a Gateway gets besides its configuration.
type Options struct {
	// Dial replaces the network; nil means the network itself.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A page of 100 payments with dozens of operations each.
const longestPage = 16 << 20

// New makes a Gateway. It fills the defaults and refuses a configuration that cannot
// work; the error names each field as it stands in the YAML, and the way out.
func New(c Config, o Options) (*Gateway, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("quickpay: %w", err)
	}
	api, err := url.Parse(strings.TrimRight(c.APIBaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("quickpay: api_base_url: %w", err)
	}
	return &Gateway{
		config: c,
		claims: claims(c),
		api:    api,
		client: exchange.New(exchange.Options{Dial: o.Dial}),
		lists:  exchange.New(exchange.Options{Dial: o.Dial, MaxBody: longestPage, MaxConns: 1}),
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

// call is one request.
type call struct {
	method string
	path   string // below the base, with the query
	body   any    // nil for none
	notify string // where the callback of the operation goes; empty is the account-wide address
	limit  time.Duration
}

// send makes one exchange. Exactly one of the two results is meant: the body of an
// answer with a documented 2xx, or why there is none.
func (g *Gateway) send(ctx context.Context, c call) ([]byte, *refusal) {
	got, no := g.exchange(ctx, g.client, c)
	return got.Body, no
}

// Only these say that a request was accepted (notes, section 6.2).
var accepted = []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}

func (g *Gateway) exchange(ctx context.Context, client *exchange.Client, c call) (exchange.Answer, *refusal) {
	wanted := exchange.Call{
		Method: c.method, URL: g.api.String() + c.path, Timeout: c.limit, MovesMoney: c.method != http.MethodGet,
		Header: map[string]string{
			// The user name is empty (notes, section 3).
			"Authorization":  "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+g.config.APIKey.Reveal())),
			"Accept-Version": "v10",
			"Accept":         "application/json",
		},
	}
	if c.notify != "" {
		wanted.Header["QuickPay-Callback-Url"] = c.notify
	}
	if c.body != nil {
		body, err := json.Marshal(c.body)
		if err != nil {
			return exchange.Answer{}, &refusal{result: providers.HeldBack(errors.New("quickpay: the request cannot be written"))}
		}
		wanted.Body, wanted.ContentType = body, "application/json"
	}
	got := client.Do(ctx, wanted)
	if result, settled := got.Settle(); settled {
		return got, &refusal{result: result}
	}
	if !slices.Contains(accepted, got.Status) {
		no := readRefusal(got.Status, got.Body)
		return got, &no
	}
	return got, nil
}
