package wayforpay_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// exposed is an account in front of real sockets.
func exposed(account string) providertest.Exposed {
	return providertest.Exposed{
		Subject: subject("wayforpay", account, sim.WayForPaySwitches{}),
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			return wayforpay.New(wayforpay.Config{APIBaseURL: base, MerchantAccount: account, MerchantSecret: providers.NewSecret(merchantKey),
				MerchantDomain: "shop.example.kz", Timeouts: limits}, wayforpay.Options{})
		},
		Account: account,
	}
}

func TestHostilePeers(t *testing.T) {
	main, other := exposed("test_merch_n1"), exposed("test_merch_n2")
	main.Other = &other
	providertest.Hostile(t, main)
}
