package tiptoppay_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/tiptoppay"
)

// exposed is a terminal in front of real sockets. Its bank tells nobody anything: behind
// them nobody would hear the question either.
func exposed(account string) providertest.Exposed {
	s := subject("tiptoppay", account, false, sim.TipTopPaySwitches{})
	s.Bank = func(providers.Method) sim.Face {
		return sim.TipTopPay(sim.TipTopPayOptions{PublicID: account, Tokens: cards})
	}
	return providertest.Exposed{
		Subject: s,
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			return tiptoppay.New(config(base, account, false, limits), tiptoppay.Options{})
		},
		Account: account,
	}
}

func TestHostilePeers(t *testing.T) {
	main, other := exposed(sim.TipTopPayDefaultPublicID), exposed("pk_00000000000000000000000000000")
	main.Other = &other
	providertest.Hostile(t, main)
}
