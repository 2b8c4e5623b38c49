package quickpay_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/quickpay"
	"github.com/payrouter/payrouter/providers/sim"
)

// The saved cards at the simulated QuickPay: one that pays, and two that decline.
const (
	goodCard, hardCard, softCard = 900000000001, 900000000002, 900000000003

	account, elsewhere = 1234, 5678
)

func card(id string) providers.Token { return providers.Token{Value: providers.NewSecret(id)} }

// subject is an account in front of a bank with switches, where the documents leave a
// choice.
func subject(name string, merchant int64, change func(*sim.QuickPayOptions, *quickpay.Config), methods ...providers.Method) providertest.Subject {
	options := sim.QuickPayOptions{MerchantID: merchant, Cards: []sim.QuickPayCard{
		{ID: goodCard}, {ID: hardCard, Code: "40300"}, {ID: softCard, Code: "40000"}}}
	config := quickpay.Config{APIBaseURL: "http://127.0.0.1:1", APIKey: providers.NewSecret(sim.QuickPayDefaultAPIKey),
		PrivateKey: providers.NewSecret(sim.QuickPayDefaultPrivateKey), MerchantID: merchant, NotifyURL: providertest.NotifyURL}
	if change != nil {
		change(&options, &config)
	}
	return providertest.Subject{
		Gateway: name,
		Bank:    func(providers.Method) sim.Face { return sim.QuickPay(options) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			return quickpay.New(config, quickpay.Options{Dial: dial})
		},
		Secrets: []string{sim.QuickPayDefaultAPIKey, sim.QuickPayDefaultPrivateKey, "900000000001", "900000000002", "900000000003"},
		Card:    card("900000000001"), Hard: card("900000000002"), Soft: card("900000000003"), Customer: "c-88",
		Only: methods,
	}
}

func TestConformance(t *testing.T) {
	main := subject("quickpay", account, nil)
	other := subject("another account", elsewhere, nil)
	main.Elsewhere = &other
	var records []providertest.Record
	for _, s := range []providertest.Subject{
		main,
		subject("quickpay, other spellings", account, func(o *sim.QuickPayOptions, _ *quickpay.Config) {
			o.Switches = sim.QuickPaySwitches{SynchronizedIs202: true, NumericCodes: true, PendingHasCode: true, PendingCallbacks: true,
				CancelHasAmount: true, BusyIs409: true, NewerStateText: true, TimesAreUpdates: true}
		}, providers.Instrument),
		subject("quickpay, test cards and windows that outlive their link", account, func(o *sim.QuickPayOptions, c *quickpay.Config) {
			o.TestMode, c.TestMode, o.Switches.WindowOutlivesLink = true, true, true
		}, providers.Page),
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}
