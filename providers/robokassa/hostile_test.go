package robokassa_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/robokassa"
	"github.com/payrouter/payrouter/providers/sim"
)

// exposed is a shop in front of real sockets.
func exposed(change func(*robokassa.Config), methods ...providers.Method) providertest.Exposed {
	return providertest.Exposed{
		Subject: subject("robokassa", sim.RobokassaSwitches{}, change, methods...),
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			g, err := robokassa.New(shopAt(base, change, func(c *robokassa.Config) { c.Timeouts = limits }), robokassa.Options{})
			return &patient{Gateway: g, cards: map[string]providers.Token{}}, err
		},
	}
}

func TestHostilePeers(t *testing.T) {
	t.Run("with invoices", func(t *testing.T) {
		providertest.Hostile(t, exposed(func(*robokassa.Config) {}, providers.Link, providers.Instrument))
	})
	t.Run("with starts", func(t *testing.T) {
		providertest.Hostile(t, exposed(func(c *robokassa.Config) { c.InvoiceBase, c.Holds, c.RefundBase = "", false, "" }, providers.Link))
	})
}
