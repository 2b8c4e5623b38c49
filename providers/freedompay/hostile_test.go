package freedompay_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/freedompay"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

// Answers of Freedom Pay do not name the merchant, so there is no other account whose
// answers could be told apart but by their secret.
func TestHostilePeers(t *testing.T) {
	providertest.Hostile(t, providertest.Exposed{
		Subject: subject("freedompay", nil),
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			return freedompay.New(freedompay.Config{BaseURL: base, MerchantID: sim.FreedomPayDefaultMerchant,
				Secret: providers.NewSecret(sim.FreedomPayDefaultSecret), Cards: true, Timeouts: limits}, freedompay.Options{})
		},
	})
}
