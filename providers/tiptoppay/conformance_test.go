package tiptoppay_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/tiptoppay"
)

// Three saved cards at the simulated TipTop Pay, and whose they are.
const (
	customer = "u-7781"
	goodCard = "tk_7f21c0d4a9"
	hardCard = "tk_7f21c05043"
	softCard = "tk_7f21c05051"
)

var cards = []sim.TipTopPayToken{
	{Token: goodCard, AccountID: customer}, {Token: hardCard, AccountID: customer, Declines: 5043}, {Token: softCard, AccountID: customer, Declines: 5051},
}

var everyType = []string{sim.TipTopPayCheck, sim.TipTopPayPay, sim.TipTopPayFail, sim.TipTopPayConfirm, sim.TipTopPayRefund, sim.TipTopPayCancel}

// subject is a terminal in front of a bank with switches, where the documents leave a
// choice. One that is live asks nothing, and therefore has no pages.
func subject(name, account string, live bool, switches sim.TipTopPaySwitches, methods ...providers.Method) providertest.Subject {
	token := func(value string) providers.Token { return providers.Token{Value: providers.NewSecret(value)} }
	options := sim.TipTopPayOptions{
		PublicID: account, Live: live, NotifyURL: providertest.NotifyURL, NotifyTypes: everyType, Switches: switches,
		Tokens: cards,
	}
	if live {
		options.NotifyTypes = nil
	}
	return providertest.Subject{
		Gateway: name,
		Bank:    func(providers.Method) sim.Face { return sim.TipTopPay(options) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			return tiptoppay.New(config("http://127.0.0.1:1", account, live, providers.Timeouts{}), tiptoppay.Options{Dial: dial})
		},
		Secrets: []string{sim.TipTopPayDefaultSecret, goodCard, hardCard, softCard},
		Card:    token(goodCard), Hard: token(hardCard), Soft: token(softCard), Customer: customer,
		Only: methods,
	}
}

func config(base, account string, live bool, limits providers.Timeouts) tiptoppay.Config {
	return tiptoppay.Config{APIBaseURL: base, PublicID: account, APISecret: providers.NewSecret(sim.TipTopPayDefaultSecret),
		TestMode: !live, Check: !live, Timeouts: limits}
}

func TestConformance(t *testing.T) {
	var records []providertest.Record
	for _, s := range []providertest.Subject{
		subject("tiptoppay", sim.TipTopPayDefaultPublicID, false, sim.TipTopPaySwitches{}),
		subject("tiptoppay, asks nothing", sim.TipTopPayDefaultPublicID, true, sim.TipTopPaySwitches{}),
		subject("tiptoppay, other spellings", sim.TipTopPayDefaultPublicID, true, sim.TipTopPaySwitches{
			FoundIsSuccess: true, ShortAmounts: true, RefundedAtFirstPartial: true, ListsAwaiting: true, JSONNotices: true, EmptyFields: true}),
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}
