package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/freedompay"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/quickpay"
	"github.com/payrouter/payrouter/providers/robokassa"
	"github.com/payrouter/payrouter/providers/tiptoppay"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router"
)

// Settings are one provider's own, under the provider's name; exactly one is given. A
// provider is known to the service by its line here, and by nothing else.
type Settings struct {
	Kaspi      *kaspi.Config      `yaml:"kaspi"`
	Halyk      *halyk.Config      `yaml:"halyk"`
	WayForPay  *wayforpay.Config  `yaml:"wayforpay"`
	TipTopPay  *tiptoppay.Config  `yaml:"tiptoppay"`
	FreedomPay *freedompay.Config `yaml:"freedompay"`
	QuickPay   *quickpay.Config   `yaml:"quickpay"`
	Robokassa  *robokassa.Config  `yaml:"robokassa"`
}

// Dial replaces the network for one gateway, in tests.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// opener is what the settings of every provider can do.
type opener interface {
	Open(dial Dial) (providers.Provider, error)
}

// Providers lists the kinds of gateway there are.
func Providers() []string {
	var names []string
	for field := range reflect.TypeFor[Settings]().Fields() {
		names = append(names, field.Tag.Get("yaml"))
	}
	return names
}

// given are the settings that are there, by provider.
func (s Settings) given() map[string]opener {
	all := reflect.ValueOf(s)
	given := map[string]opener{}
	for i, name := range Providers() {
		if settings, ok := all.Field(i).Interface().(opener); ok && !all.Field(i).IsNil() {
			given[name] = settings
		}
	}
	return given
}

// accounts lists the gateway's accounts, that of new attempts first.
func (g Gateway) accounts() []Account { return append([]Account{g.Account}, g.Retiring...) }

// open makes the adapters of a gateway, one for each set of credentials. What kept has
// already is used as it is; kept may be nil.
func (g Gateway) open(dial Dial, kept func(Settings) providers.Provider) (router.Gateway, error) {
	made := router.Gateway{Name: g.Name}
	for i, a := range g.accounts() {
		settings, ok := a.given()[g.Provider]
		if !ok {
			return made, fmt.Errorf("gateway %s: provider %q has no settings", g.Name, g.Provider)
		}
		var adapter providers.Provider
		if kept != nil {
			adapter = kept(a.Settings)
		}
		if adapter == nil {
			var err error
			if adapter, err = settings.Open(dial); err != nil {
				return made, fmt.Errorf("gateway %s: %w", g.Name, err)
			}
		}
		one := router.Credentials{Version: a.Credentials, Provider: adapter, Issued: a.Issued.Time, Expires: a.Expire.end()}
		if i == 0 {
			made.Credentials = one
			continue
		}
		if !reflect.DeepEqual(adapter.Claims(), made.Provider.Claims()) {
			return made, fmt.Errorf("gateway %s: retiring[%d] differs in more than credentials: copy the other settings of the gateway", g.Name, i-1)
		}
		made.Retiring = append(made.Retiring, one)
	}
	return made, nil
}

// Check looks at what a configuration names beyond itself: each adapter's own settings
// and the files they name, the certificates and keys of callers, and whether health would see
// the gateways' outages. It opens no connection.
func Check(c Config) error {
	_, unread := c.Traces.secured()
	wrong := []error{unread}
	settings := c.Health.options()
	for _, g := range c.Gateways {
		made, err := g.open(nil, nil)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		settings.Gateways = append(settings.Gateways, new(App).watch(g, made.Provider))
	}
	_, unseen := health.New(settings)
	_, err := c.gate(nil)
	return errors.Join(append(wrong, unseen, err)...)
}
