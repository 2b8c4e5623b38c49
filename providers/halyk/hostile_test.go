package halyk_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

// otherTerminal is another terminal of the same client.
const otherTerminal = "0f4d1c2b-5a39-4e8e-8f63-7d2b9c1e0a44"

// exposed is a terminal in front of real sockets.
func exposed(terminal string, twoStage bool, methods ...providers.Method) providertest.Exposed {
	var options sim.HalykOptions
	var config halyk.Config
	s := subject("halyk", func(o *sim.HalykOptions, c *halyk.Config) {
		c.TerminalID, c.TwoStage = terminal, twoStage
		options, config = *o, *c
	})
	s.Only = methods
	s.Bank = func(m providers.Method) sim.Face {
		o := options
		o.Terminals = []sim.HalykTerminal{{ID: terminal, Client: sim.HalykDefaultClient, Secret: sim.HalykDefaultSecret,
			TwoStep: twoStage, NoPage: m != providers.Page}}
		return sim.Halyk(o)
	}
	return providertest.Exposed{
		Subject: s,
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			c := config
			c.TokenURL, c.APIURL, c.Timeouts = base+"/oauth2/token", base, limits
			return halyk.New(c, halyk.Options{})
		},
		Account: terminal,
	}
}

func TestHostilePeers(t *testing.T) {
	other := exposed(otherTerminal, false)
	for name, e := range map[string]providertest.Exposed{
		"one step":  exposed(sim.HalykDefaultTerminal, false),
		"two steps": exposed(sim.HalykDefaultTerminal, true, providers.Instrument),
	} {
		t.Run(name, func(t *testing.T) {
			if !e.Holds {
				e.Other = &other
			}
			providertest.Hostile(t, e)
		})
	}
}
