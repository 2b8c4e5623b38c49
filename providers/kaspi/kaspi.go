package kaspi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Options are what a Gateway needs besides its configuration.
type Options struct {
	// Dial replaces the network in tests; nil means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Gateway is one account at Kaspi Pay. It is safe for concurrent use.
type Gateway struct {
	config     Config
	base       string // no slash at the end
	statusBase string // base with the version of payment/status
	sources    []netip.Prefix
	door       *door
	device     *device
	names      *rate.Limiter
}

var (
	_ providers.Provider = (*Gateway)(nil)
	_ providers.Canceler = (*Gateway)(nil)
	_ providers.Refunder = (*Gateway)(nil)
	_ providers.Listener = (*Gateway)(nil)
	_ providers.Prober   = (*Gateway)(nil)
	_ providers.Teller   = (*Gateway)(nil)
)

// New makes a Gateway. It reads the certificate files but touches no network. Its
// errors name the field of the configuration and the way out.
func New(c Config, o Options) (*Gateway, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("kaspi: %w", err)
	}
	sources, err := settings.Prefixes(c.NoticeSources)
	if err != nil {
		return nil, fmt.Errorf("kaspi: notice_sources: %w", err)
	}
	door, err := newDoor(c.CertFile, c.KeyFile, c.CAFile, exchange.Options{Dial: o.Dial})
	if err != nil {
		return nil, fmt.Errorf("kaspi: %w", err)
	}
	base := strings.TrimRight(c.BaseURL, "/")
	return &Gateway{
		config:     c,
		base:       base,
		statusBase: base[:strings.LastIndexByte(base, '/')+1] + c.StatusVersion,
		sources:    sources,
		door:       door,
		device:     newDevice(c),
		names:      newNameLimiter(),
	}, nil
}

// Open is New for whoever knows only that this is a configuration. A nil dial means the
// network itself.
func (c Config) Open(dial func(ctx context.Context, network, address string) (net.Conn, error)) (providers.Provider, error) {
	return New(c, Options{Dial: dial})
}

// Close drops idle connections.
func (g *Gateway) Close() { g.door.close() }

// Expires is the end of the client certificate in use; zero without one. Device tokens and
// API keys do not tell theirs.
func (g *Gateway) Expires() time.Time { return g.door.expires() }

// Probe asks the bank's ping (scheme r1, r2, r3).
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	result, ok := g.do(ctx, call{
		method: http.MethodGet, url: g.base + "/health/ping", timeout: g.config.Timeouts.Status, codes: settingUp,
	}, nil)
	if !ok {
		return result
	}
	return providers.Result{Verdict: providers.Approved}
}
