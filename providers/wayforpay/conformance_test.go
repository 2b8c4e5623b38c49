package wayforpay_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// The public test merchant and three saved cards at the simulated WayForPay.
const (
	merchantKey = "flk3409refn54t54t*FNJRET"
	goodCard    = "1a2b3c4d-0000-4000-8000-00000000c0de"
	hardCard    = "1a2b3c4d-0000-4000-8000-000000001101"
	softCard    = "1a2b3c4d-0000-4000-8000-000000001104"
)

// subject is an account in front of a bank with switches, where the documents leave a
// choice.
func subject(name, account string, switches sim.WayForPaySwitches, methods ...providers.Method) providertest.Subject {
	token := func(value string) providers.Token { return providers.Token{Value: providers.NewSecret(value)} }
	return providertest.Subject{
		Gateway: name,
		Bank: func(providers.Method) sim.Face {
			return sim.WayForPay(sim.WayForPayOptions{Account: account, Switches: switches, Tokens: []sim.WayForPayToken{
				{Token: goodCard}, {Token: hardCard, Declines: 1101}, {Token: softCard, Declines: 1104}}})
		},
		New: func(dial providertest.Dial) (providers.Provider, error) {
			return wayforpay.New(wayforpay.Config{APIBaseURL: "http://127.0.0.1:1", MerchantAccount: account,
				MerchantSecret: providers.NewSecret(merchantKey), MerchantDomain: "shop.example.kz"}, wayforpay.Options{Dial: dial})
		},
		Secrets: []string{merchantKey, goodCard, hardCard, softCard},
		Card:    token(goodCard), Hard: token(hardCard), Soft: token(softCard), Customer: "c-88",
		Only: methods,
	}
}

func TestConformance(t *testing.T) {
	main := subject("wayforpay", "test_merch_n1", sim.WayForPaySwitches{})
	elsewhere := subject("another account", "test_merch_n2", sim.WayForPaySwitches{})
	main.Elsewhere = &elsewhere
	var records []providertest.Record
	for _, s := range []providertest.Subject{
		main,
		subject("wayforpay, other spellings", "test_merch_n1", sim.WayForPaySwitches{
			UnpaidInvoiceIs1127: true, TwoDecimals: true, TextNumbers: true, SettleSignsEight: true}, providers.Link, providers.Instrument),
		subject("wayforpay, slow refunds", "test_merch_n1", sim.WayForPaySwitches{RefundsTake: sim.Duration(time.Hour)}, providers.Instrument),
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}
