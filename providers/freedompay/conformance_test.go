package freedompay_test

import (
	"flag"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/freedompay"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

// Three saved cards at the simulated Freedom Pay, and whose they are.
const (
	goodCard = "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"
	hardCard = "8d2f3c1e-6a10-4f7b-9b52-000000010037"
	softCard = "8d2f3c1e-6a10-4f7b-9b52-000000010009"
	customer = "c-88"
)

// now: the status does not lag behind captures and refunds. The notes know no bound of the
// lag; what it does to us is asked in scenario_test.go.
const now = -1

// subject is an account in front of a bank with switches, where the documents leave a
// choice.
func subject(name string, change func(*sim.FreedomPaySwitches, *freedompay.Config), methods ...providers.Method) providertest.Subject {
	token := func(value string) providers.Token { return providers.Token{Value: providers.NewSecret(value)} }
	options := sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{StatusLag: now}, Tokens: []sim.FreedomPayToken{
		{Token: goodCard, UserID: customer}, {Token: hardCard, UserID: customer, Declines: "10037"}, {Token: softCard, UserID: customer, Declines: "10009"}}}
	config := freedompay.Config{BaseURL: "http://127.0.0.1:1", MerchantID: sim.FreedomPayDefaultMerchant,
		Secret: providers.NewSecret(sim.FreedomPayDefaultSecret), Cards: true}
	if change != nil {
		change(&options.Switches, &config)
	}
	return providertest.Subject{
		Gateway: name,
		Bank:    func(providers.Method) sim.Face { return sim.FreedomPay(options) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			g, err := freedompay.New(config, freedompay.Options{Dial: dial})
			if err != nil {
				return nil, err
			}
			return g.Provider(), nil
		},
		Secrets: []string{sim.FreedomPayDefaultSecret, goodCard, hardCard, softCard},
		Card:    token(goodCard), Hard: token(hardCard), Soft: token(softCard), Customer: customer,
		Only: methods,
	}
}

var _ = flag.Bool("update", false, "write the golden files anew") // for providertest.Keep

func TestConformance(t *testing.T) {
	var records []providertest.Record
	for _, s := range []providertest.Subject{
		subject("freedompay", nil),
		subject("freedompay, other spellings", func(sw *sim.FreedomPaySwitches, c *freedompay.Config) {
			sw.ZeroID, sw.IgnoreKeys, sw.SoftUnauthorized, sw.EmptyScript = true, true, true, true
			sw.BareErrors, sw.RetryAfterDecline, sw.RefundedIsSuccess, sw.ShortAmounts, sw.NeverRejectable = true, true, true, true, true
			c.RefundCall = "g2g"
		}, providers.Link, providers.Instrument),
		subject("freedompay, pages of one try", func(sw *sim.FreedomPaySwitches, c *freedompay.Config) {
			sw.LegacyNotFound, sw.TellIncomplete, sw.UniqueOrders = true, true, true
			c.OneTry = true
		}, providers.Page),
		registered(),
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}

// registered is an account with a registry. The bubble of a question begins in the year
// 2000, when clocks in Almaty showed another hour than the simulated ones do.
func registered() providertest.Subject {
	s := subject("freedompay, with a registry", func(_ *sim.FreedomPaySwitches, c *freedompay.Config) { c.Registry = true }, providers.Instrument)
	opened := s.New
	s.New = func(dial providertest.Dial) (providers.Provider, error) {
		time.Sleep(time.Until(time.Date(2025, time.March, 3, 9, 0, 0, 0, time.UTC)))
		return opened(dial)
	}
	return s
}
