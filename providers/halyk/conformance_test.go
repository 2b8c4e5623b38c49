package halyk_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

const (
	noticeKey = "0123456789abcdef0123456789abcdef"
	customer  = "c-88"
	goodCard  = "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"
	hardCard  = "8d2f3c1e-6a10-4f7b-9b52-000000000465"
	softCard  = "8d2f3c1e-6a10-4f7b-9b52-000000000484"
)

// subject is a terminal in front of the simulated bank.
func subject(name string, change func(*sim.HalykOptions, *halyk.Config)) providertest.Subject {
	token := func(value string) providers.Token { return providers.Token{Value: providers.NewSecret(value)} }
	options := sim.HalykOptions{
		Cards: []sim.HalykCard{{PAN: "4400000000000484", Decline: "484"}},
		SavedCards: []sim.HalykSavedCard{{ID: goodCard, Account: customer, PAN: "4405639704015096"},
			{ID: hardCard, Account: customer, PAN: "4003032704547597"}, {ID: softCard, Account: customer, PAN: "4400000000000484"}},
	}
	config := halyk.Config{
		TokenURL: "http://127.0.0.1:1/oauth2/token", APIURL: "http://127.0.0.1:1", ScriptURL: "http://127.0.0.1:1/payform/payment-api.js",
		ClientID: sim.HalykDefaultClient, ClientSecret: providers.NewSecret(sim.HalykDefaultSecret), TerminalID: sim.HalykDefaultTerminal,
		ShopID: "shop", QR: true, NoticeKey: providers.NewSecret(noticeKey), ReferencePrefix: "261123",
	}
	if change != nil {
		change(&options, &config)
	}
	return providertest.Subject{
		Gateway: name,
		Bank: func(m providers.Method) sim.Face {
			// Only a terminal that shows pages takes a payment's token for an offer.
			o := options
			o.Terminals = []sim.HalykTerminal{{ID: sim.HalykDefaultTerminal, Client: sim.HalykDefaultClient, Secret: sim.HalykDefaultSecret,
				TwoStep: config.TwoStage, NoPage: m != providers.Page}}
			return sim.Halyk(o)
		},
		New: func(dial providertest.Dial) (providers.Provider, error) {
			return halyk.New(config, halyk.Options{Dial: dial})
		},
		Secrets: []string{sim.HalykDefaultSecret, noticeKey, goodCard, hardCard, softCard},
		Card:    token(goodCard), Hard: token(hardCard), Soft: token(softCard), Customer: customer,
		Holds:        config.TwoStage,
		Inert:        []providers.Method{providers.Page}, // its creating call is the token's
		Wordless:     true,                               // "success: HTTP 200, body not specified"
		HidesRefunds: !options.RefundRows,
	}
}

func TestConformance(t *testing.T) {
	var records []providertest.Record
	for _, s := range []providertest.Subject{
		subject("halyk", nil),
		only(subject("halyk, refunds listed", func(o *sim.HalykOptions, _ *halyk.Config) { o.RefundRows = true }), providers.QR, providers.Instrument),
		only(subject("halyk, other spellings", func(o *sim.HalykOptions, _ *halyk.Config) {
			o.OtherSpellings, o.NumericExpiry, o.BlankFailures, o.RefundAtFirstPartial, o.PagesFromZero, o.OperationNotices = true, true, true, true, true, true
		}), providers.Page, providers.Instrument),
		only(subject("halyk, two steps", func(_ *sim.HalykOptions, c *halyk.Config) { c.TwoStage = true }), providers.Page, providers.Instrument),
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}

// only restricts the questions, where two banks differ in little.
func only(s providertest.Subject, methods ...providers.Method) providertest.Subject {
	s.Only = methods
	return s
}
