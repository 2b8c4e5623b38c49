// Package accounts is one account at every gateway, as both of its sides know it: the
// settings of the real adapter, and the options of the simulated bank that agree with
// them. Tests that need several gateways at once begin here and change what they are
// about:
//
//	all := accounts.New("http://payrouter/webhooks", "c-88")
//	all.Halyk.TwoStage = true
//	bank := sim.New(options, all.Faces("kaspi", "halyk")...)
//	adapter, err := all.Open("halyk", dial)
package accounts

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/freedompay"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/quickpay"
	"github.com/payrouter/payrouter/providers/robokassa"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/tiptoppay"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// Names are the providers, which are also the names of the faces. An account's gateway is
// called as its provider with "-main" after it.
var Names = []string{"kaspi", "halyk", "wayforpay", "tiptoppay", "freedompay", "robokassa", "quickpay"}

// Gateway is the gateway's name of a provider's account.
func Gateway(provider string) string { return provider + "-main" }

// All is an account at each of them. Change the fields before Faces and Open.
type All struct {
	Kaspi      kaspi.Config
	Halyk      halyk.Config
	WayForPay  wayforpay.Config
	TipTopPay  tiptoppay.Config
	FreedomPay freedompay.Config
	Robokassa  robokassa.Config
	QuickPay   quickpay.Config

	Bank Bank
}

// Bank is the other side of All.
type Bank struct {
	Kaspi      sim.KaspiOptions
	Halyk      sim.HalykOptions
	WayForPay  sim.WayForPayOptions
	TipTopPay  sim.TipTopPayOptions
	FreedomPay sim.FreedomPayOptions
	Robokassa  sim.RobokassaOptions
	QuickPay   sim.QuickPayOptions
}

// The saved cards of the customer, by provider. Kaspi saves none.
var cards = map[string]string{
	"halyk":      "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20",
	"wayforpay":  "1a2b3c4d-0000-4000-8000-00000000c0de",
	"tiptoppay":  "tk_7f21c0d4a9",
	"freedompay": "5e0f7a11-6a10-4f7b-9b52-0d7c7c1b9e21",
	"robokassa":  "770000000000001",
	"quickpay":   "900000000001",
}

// base stands for every provider's address: the dialer goes where the bank is.
const base = "http://127.0.0.1:1"

// New makes the accounts of a merchant whose gateways' notices come to addresses below
// notices ("http://payrouter/webhooks"), and whose one customer has a saved card wherever
// cards can be saved. All are paid in tenge.
func New(notices, customer string) *All {
	at := func(provider string) string { return notices + "/" + Gateway(provider) }
	secret := providers.NewSecret
	return &All{
		Kaspi: kaspi.Config{BaseURL: base + "/r3/v01", OrganizationBIN: sim.KaspiDefaultBIN, DeviceToken: secret(sim.KaspiDefaultDevice),
			NoticeSources: []string{"127.0.0.1"}, Biller: kaspi.Biller{Service: "Qazaq Books"}},
		Halyk: halyk.Config{TokenURL: base + "/oauth2/token", APIURL: base, ScriptURL: base + "/payment-api.js", ClientID: sim.HalykDefaultClient,
			ClientSecret: secret(sim.HalykDefaultSecret), TerminalID: sim.HalykDefaultTerminal, ShopID: "shop", QR: true, NoticeKey: secret("0123456789abcdef")},
		WayForPay: wayforpay.Config{APIBaseURL: base, MerchantAccount: "test_merch_n1", MerchantSecret: secret("flk3409refn54t54t*FNJRET"),
			MerchantDomain: "shop.example.kz", Currencies: []string{"KZT"}, RefundSettle: time.Minute},
		TipTopPay: tiptoppay.Config{APIBaseURL: base, PublicID: sim.TipTopPayDefaultPublicID, APISecret: secret(sim.TipTopPayDefaultSecret),
			TestMode: true, Check: true},
		FreedomPay: freedompay.Config{BaseURL: base, MerchantID: sim.FreedomPayDefaultMerchant, Secret: secret(sim.FreedomPayDefaultSecret), Cards: true, Check: true},
		Robokassa: robokassa.Config{PageBase: base, WSBase: base, PaymentBase: base, RefundBase: base, InvoiceBase: base, MerchantLogin: "sim-shop",
			Password1: secret("sim-pass-1"), Password2: secret("sim-pass-2"), Password3: secret("sim-pass-3"), Holds: true, Recurring: true, InvoiceLife: 24 * time.Hour},
		QuickPay: quickpay.Config{APIBaseURL: base, APIKey: secret(sim.QuickPayDefaultAPIKey), PrivateKey: secret(sim.QuickPayDefaultPrivateKey),
			MerchantID: sim.QuickPayDefaultMerchant, NotifyURL: at("quickpay"), Currencies: []string{"KZT"}},
		Bank: Bank{
			Kaspi:     sim.KaspiOptions{NotifyURL: at("kaspi"), BillerURL: at("kaspi") + "/biller"},
			Halyk:     sim.HalykOptions{SavedCards: []sim.HalykSavedCard{{ID: cards["halyk"], Account: customer, PAN: "4405639704015096"}}},
			WayForPay: sim.WayForPayOptions{Currencies: []string{"KZT"}, Tokens: []sim.WayForPayToken{{Token: cards["wayforpay"]}}},
			TipTopPay: sim.TipTopPayOptions{NotifyURL: at("tiptoppay"), Tokens: []sim.TipTopPayToken{{Token: cards["tiptoppay"], AccountID: customer}},
				NotifyTypes: []string{sim.TipTopPayCheck, sim.TipTopPayPay, sim.TipTopPayFail, sim.TipTopPayConfirm, sim.TipTopPayRefund, sim.TipTopPayCancel}},
			FreedomPay: sim.FreedomPayOptions{Tokens: []sim.FreedomPayToken{{Token: cards["freedompay"], UserID: customer}}},
			Robokassa:  sim.RobokassaOptions{ResultURL: at("robokassa"), Tokens: []sim.RobokassaToken{{InvoiceID: cards["robokassa"]}}},
			QuickPay: sim.QuickPayOptions{MerchantID: sim.QuickPayDefaultMerchant, Currencies: []string{"KZT"}, CallbackURL: at("quickpay"),
				Cards: []sim.QuickPayCard{{ID: 900000000001}}},
		},
	}
}

// side is how both sides of a provider's account are made.
type side struct {
	open func(dial) (providers.Provider, error)
	face func() sim.Face
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

func (a *All) side(provider string) side {
	sides := map[string]side{
		"kaspi":      {a.Kaspi.Open, func() sim.Face { return sim.Kaspi(a.Bank.Kaspi) }},
		"halyk":      {a.Halyk.Open, func() sim.Face { return sim.Halyk(a.Bank.Halyk) }},
		"wayforpay":  {a.WayForPay.Open, func() sim.Face { return sim.WayForPay(a.Bank.WayForPay) }},
		"tiptoppay":  {a.TipTopPay.Open, func() sim.Face { return sim.TipTopPay(a.Bank.TipTopPay) }},
		"freedompay": {a.FreedomPay.Open, func() sim.Face { return sim.FreedomPay(a.Bank.FreedomPay) }},
		"robokassa":  {a.Robokassa.Open, func() sim.Face { return sim.Robokassa(a.Bank.Robokassa) }},
		"quickpay":   {a.QuickPay.Open, func() sim.Face { return sim.QuickPay(a.Bank.QuickPay) }},
	}
	s, ok := sides[provider]
	if !ok {
		panic(fmt.Sprintf("accounts: no provider is called %q: there are %q", provider, Names))
	}
	return s
}

// Open makes the real adapter of a provider, which reaches its bank by dial.
func (a *All) Open(provider string, dial dial) (providers.Provider, error) {
	return a.side(provider).open(dial)
}

// Faces are the bank's sides of the providers that are named.
func (a *All) Faces(names ...string) []sim.Face {
	var faces []sim.Face
	for _, name := range names {
		faces = append(faces, a.side(name).face())
	}
	return faces
}

// Card is the customer's card as it is saved at a provider, if it is. It is the same one
// everywhere, as its mask shows.
func Card(provider string) (card providers.Token, saved bool) {
	value, saved := cards[provider]
	return providers.Token{Value: providers.NewSecret(value), Mask: "4405…5096"}, saved
}

// BreakPromises makes every bank take money for offers that are over, for payers who pay late.
func (b *Bank) BreakPromises() {
	b.Kaspi.LateSuccess, b.Halyk.LateSuccess = true, true
	b.WayForPay.Switches.LateSuccess, b.TipTopPay.Switches.LateSuccess, b.FreedomPay.Switches.LateSuccess = true, true, true
	b.Robokassa.Switches.LateSuccess, b.QuickPay.Switches.LateSuccess = true, true
}

// Secrets are what must never be seen: keys, passwords, and the saved cards.
func (a *All) Secrets() map[string]string {
	all := map[string]string{
		"kaspi device token": a.Kaspi.DeviceToken.Reveal(), "halyk client secret": a.Halyk.ClientSecret.Reveal(), "halyk notice key": a.Halyk.NoticeKey.Reveal(),
		"wayforpay merchant secret": a.WayForPay.MerchantSecret.Reveal(), "tiptoppay api secret": a.TipTopPay.APISecret.Reveal(),
		"freedompay secret": a.FreedomPay.Secret.Reveal(), "robokassa password 1": a.Robokassa.Password1.Reveal(),
		"robokassa password 2": a.Robokassa.Password2.Reveal(), "robokassa password 3": a.Robokassa.Password3.Reveal(),
		"quickpay api key": a.QuickPay.APIKey.Reveal(), "quickpay private key": a.QuickPay.PrivateKey.Reveal(),
	}
	for provider, card := range cards {
		all[provider+" card"] = card
	}
	return all
}
