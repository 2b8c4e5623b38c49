package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// Dial replaces the network for one gateway, in tests.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Providers lists the kinds of gateway there are.
func Providers() []string { return []string{"kaspi", "halyk", "wayforpay"} }

// given lists the providers whose settings a gateway carries.
func (g Gateway) given() []string {
	var names []string
	for name, is := range map[string]bool{"kaspi": g.Kaspi != nil, "halyk": g.Halyk != nil, "wayforpay": g.WayForPay != nil} {
		if is {
			names = append(names, name)
		}
	}
	return names
}

// Check looks at what a configuration names beyond itself: each adapter's own settings
// and the files they name. It opens no connection.
func Check(c Config) error {
	var wrong []error
	for _, g := range c.Gateways {
		if _, err := g.open(nil); err != nil {
			wrong = append(wrong, fmt.Errorf("gateway %s: %w", g.Name, err))
		}
	}
	return errors.Join(wrong...)
}

// open makes the adapter of a gateway.
func (g Gateway) open(dial Dial) (providers.Provider, error) {
	switch g.Provider {
	case "kaspi":
		return kaspi.New(*g.Kaspi, kaspi.Options{Dial: dial})
	case "halyk":
		return halyk.New(*g.Halyk, halyk.Options{Dial: dial})
	case "wayforpay":
		return wayforpay.New(*g.WayForPay, wayforpay.Options{Dial: dial})
	}
	return nil, fmt.Errorf("gateway %s: unknown provider %q", g.Name, g.Provider)
}
