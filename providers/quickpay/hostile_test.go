package quickpay_test

import (
	"strconv"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/quickpay"
	"github.com/payrouter/payrouter/providers/sim"
)

// exposed is an account in front of real sockets.
func exposed(merchant int64) providertest.Exposed {
	return providertest.Exposed{
		Subject: subject("quickpay", merchant, nil),
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			return quickpay.New(quickpay.Config{APIBaseURL: base, APIKey: providers.NewSecret(sim.QuickPayDefaultAPIKey),
				PrivateKey: providers.NewSecret(sim.QuickPayDefaultPrivateKey), MerchantID: merchant, Timeouts: limits}, quickpay.Options{})
		},
		Account: strconv.FormatInt(merchant, 10),
	}
}

func TestHostilePeers(t *testing.T) {
	main, other := exposed(account), exposed(elsewhere)
	main.Other = &other
	providertest.Hostile(t, main)
}
