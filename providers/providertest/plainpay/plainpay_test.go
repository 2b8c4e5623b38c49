// Package plainpay is the smallest adapter that is whole: of a provider that does not
// exist, for you to copy from. CONTRIBUTING.md walks through it. All its files are tests,
// so that nobody can ship it; in a real one the names have no _test.
//
//	ours      PlainPay   moves money
//	link      /create    yes (somebody can pay from then on)
//	look-up   /status    no
//	withdraw  /cancel    yes
//	refund    /refund    yes
//	probe     /ping      no
//
//	open -> paid (less what is returned) | declined | canceled | expired
//
// Begin doc.go so: what is asked by which request, what the states are, and the two or
// three things about this provider that decide the shape of the package. Here: an offer's
// end is ours to choose, and a repeated refund is a second refund.
package plainpay

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

const (
	defaultBase  = "https://api.plainpay.example"
	defaultLimit = 15 * time.Second
)

// Config is what stands in payrouter.yaml below the provider's name. Unknown keys are
// refused by whoever reads the file.
type Config struct {
	BaseURL  string             `yaml:"base_url"` // default https://api.plainpay.example
	Shop     string             `yaml:"shop"`     // required
	Key      providers.Secret   `yaml:"key"`      // required; a Secret prints as <secret> everywhere
	Timeouts providers.Timeouts `yaml:"timeouts"` // from sending to the last byte; default 15 s each
}

// Gateway is one account. It holds no state of payments: what is to be remembered is in
// the books, or lost with this process. It is safe for concurrent use.
type Gateway struct {
	config Config
	client *exchange.Client
}

// Open makes the adapter; it is all that the service knows of it. It refuses what cannot
// work, by the names of the YAML keys, and connects to nothing. Dial replaces the network
// in tests; nil is the network.
func (c Config) Open(dial func(ctx context.Context, network, address string) (net.Conn, error)) (providers.Provider, error) {
	settings.Default(&c.BaseURL, defaultBase)
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	settings.DefaultTimeouts(&c.Timeouts, providers.Timeouts{Charge: defaultLimit, Create: defaultLimit, Status: defaultLimit, Refund: defaultLimit})
	var wrong settings.Errors
	wrong.Base("base_url", c.BaseURL, defaultBase)
	wrong.If(c.Shop == "", "shop", "set the account's name at PlainPay")
	wrong.If(c.Key.Empty(), "key", "set the account's key, by ${NAME} or file:")
	wrong.Timeouts(c.Timeouts, "15s")
	if err := wrong.Err(); err != nil {
		return nil, fmt.Errorf("plainpay: %w", err)
	}
	return &Gateway{config: c, client: exchange.New(exchange.Options{Dial: dial})}, nil
}

// Close drops idle connections.
func (g *Gateway) Close() { g.client.Close() }
