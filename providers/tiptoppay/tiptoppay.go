package tiptoppay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Gateway is one terminal. It holds no state of payments and is safe for concurrent use.
type Gateway struct {
	config Config
	claims providers.Claims
	api    string
	local  bool // the API is at a loopback address, so pages may be plain http
	seats  chan struct{}
	client *exchange.Client
	lists  *exchange.Client // a page of the list is larger than any other answer
}

// Options are what a Gateway gets besides its configuration.
type Options struct {
	// Dial replaces the network; nil means the network itself.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A page of 100 rows, each with what the merchant has put into JsonData: receipts, for
// instance. Few are read at once, which bounds the memory.
const (
	longestPage = 4 << 20
	listsAtOnce = 4
)

// New makes a Gateway. It fills the defaults and refuses a configuration that cannot
// work; the error names each field as it stands in the YAML, and the way out.
func New(c Config, o Options) (*Gateway, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("tiptoppay: %w", err)
	}
	base, err := url.Parse(c.APIBaseURL)
	if err != nil {
		return nil, fmt.Errorf("tiptoppay: api_base_url: %w", err)
	}
	return &Gateway{
		config: c,
		claims: claims(c),
		api:    strings.TrimRight(c.APIBaseURL, "/"),
		local:  settings.Loopback(base.Hostname()),
		seats:  make(chan struct{}, c.MaxConcurrent),
		client: exchange.New(exchange.Options{Dial: o.Dial, MaxConns: c.MaxConcurrent}),
		lists:  exchange.New(exchange.Options{Dial: o.Dial, MaxBody: longestPage, MaxConns: min(listsAtOnce, c.MaxConcurrent)}),
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

// call is one request. Body may be nil. A call with an id moves money.
type call struct {
	path string
	body any
	id   string // X-Request-ID: the same for the same deed, and for no other
}

var errCrowded = errors.New("tiptoppay: as many requests as the terminal may have are under way")

// ask makes one exchange, over by the deadline, and reads the answer's shape. It reports
// false when there is no answer to judge; the Result then says how far the request got.
func (g *Gateway) ask(ctx context.Context, c call, deadline time.Time) (answer, providers.Result, bool) {
	body, err := encode(c.body)
	if err != nil {
		return answer{}, providers.HeldBack(err), false
	}
	got := g.exchange(ctx, c, body, deadline)
	if result, settled := got.Settle(); settled {
		return answer{}, result, false
	}
	if result, refused := refusedOutright(got); refused {
		return answer{}, result, false
	}
	said, err := parseAnswer(got.Body)
	if err != nil {
		return answer{}, providers.Doubt(providers.Unreadable, "", err), false
	}
	return said, providers.Result{}, true
}

// exchange takes one of the terminal's seats and sends. Waiting for a seat may take a
// quarter of the time at most: a request that leaves too late is cut off and becomes
// doubt, while one that never leaves is free to go elsewhere.
func (g *Gateway) exchange(ctx context.Context, c call, body []byte, deadline time.Time) exchange.Answer {
	patience := time.NewTimer(time.Until(deadline) / 4)
	defer patience.Stop()
	select {
	case g.seats <- struct{}{}:
		defer func() { <-g.seats }()
	case <-ctx.Done():
		return exchange.HeldBack(ctx.Err())
	case <-patience.C:
		return exchange.HeldBack(errCrowded)
	}
	header := map[string]string{"Authorization": basic(g.config.PublicID, g.config.APISecret)}
	sent := exchange.Call{Method: http.MethodPost, URL: g.api + c.path, Header: header, Body: body, Timeout: time.Until(deadline), MovesMoney: c.id != ""}
	if body != nil {
		sent.ContentType = "application/json"
	}
	if c.id != "" {
		header["X-Request-ID"] = c.id
	}
	if c.path == operationList {
		return g.lists.Do(ctx, sent)
	}
	return g.client.Do(ctx, sent)
}

// refusedOutright reads the HTTP status. Business errors come with 200. 401 and 429 are
// documented as refused before processing (notes, section 6.1), the latter only in words:
// an empty 429, or one that does not speak of failure, could be anybody's. Any other
// status is doubt until a look-up says more.
func refusedOutright(got exchange.Answer) (providers.Result, bool) {
	code := fmt.Sprintf("http %d", got.Status)
	switch got.Status {
	case http.StatusOK:
		return providers.Result{}, false
	case http.StatusUnauthorized:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: code}, true
	case http.StatusTooManyRequests:
		if !tellsOfFailure(got.Body) {
			return providers.Doubt(providers.Throttled, code, nil), true
		}
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Throttled, Code: code}, true
	}
	return providers.Doubt(providers.Unreadable, code, nil), true
}

// tellsOfFailure reports whether a refusal's body is a text, or an envelope without success.
func tellsOfFailure(body []byte) bool {
	if !isObject(string(body)) {
		return len(bytes.TrimSpace(body)) > 0
	}
	said, err := parseAnswer(body)
	return err == nil && !said.Success && said.Model == nil
}
