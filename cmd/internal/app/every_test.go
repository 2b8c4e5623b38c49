//go:build unix

package app_test

import (
	"database/sql"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Secrets of every gateway. They are said nowhere but here and in the one place of the
// protocol that each is for, and have what texts are escaped for.
const (
	kaspiDevice     = "cnry-kaspi+device/7c1f<6a52>"
	kaspiKey        = "test_cnry-kaspi+key/4f6a<0c9d>"
	kaspiBiller     = "cnry-kaspi+biller/steppe<wind>"
	halykSecret     = "cnry-halyk+client/yF587AV9&Ms"
	halykNoticeKey  = "cnry-halyk+notice/0123&456789"
	wayforpaySecret = "cnry-wayforpay+merchant/flk3&409"
	tiptopSecret    = "cnry-tiptop+api/93ab&72c1"
	freedomSecret   = "cnry-freedom+merchant/Xw8&q2"
	robokassa1      = "cnryRobokassaFirst8hTz"
	robokassa2      = "cnryRobokassaSecond3mQp"
	robokassa3      = "cnryRobokassaThird6vLs"
	quickpayKey     = "cnry-quickpay+api/5a1c&88d0"
	quickpayPrivate = "cnry-quickpay+private/77e2&1f"
	bodyKey         = "cnry-body+key/0123&456789abcdef"
)

// Saved cards, as the gateways know them.
var savedCards = map[string]string{
	"halyk": "c4a0e1e1-6a10-4f7b-9b52-0d7c7c1b9e2f", "wayforpay": "c4a0e1e2-0000-4000-8000-00000000c0d3", "tiptoppay": "tk_c4a0e1e3d4a9",
	"freedompay": "c4a0e1e4-6a10-4f7b-9b52-0d7c7c1b9e2e", "quickpay": "947100000000471", "robokassa": "947200000000472",
}

// hastyLimit ends every call of an adapter: nothing on loopback comes near it.
const hastyLimit = time.Second

// everyGateway configures one gateway of each provider, with everything that it can do.
const everyGateway = `
grpc: {address: 127.0.0.1:0}
webhooks: {address: 127.0.0.1:0, public_url: http://payrouter}
ops: {address: 127.0.0.1:0}
store: {url: "sqlite:{books}"}
log: {level: debug}
keys: {body: ` + bodyKey + `}
terms: {ladder: [100ms, 300ms, 1h], poll_every: 100ms, max_undecided: 100000}
health: {probe_every: 1h}
tenants:
  shop:
    rules: [{gateway: kaspi}, {gateway: halyk}, {gateway: wayforpay}, {gateway: tiptoppay}, {gateway: freedompay}, {gateway: quickpay}, {gateway: robokassa}]
gateways:
  - name: kaspi
    provider: kaspi
    observe_only: true
    max_concurrent: 1000
    kaspi:
      base_url: http://127.0.0.1:1/r3/v01
      organization_bin: "` + sim.KaspiDefaultBIN + `"
      device_token: ` + kaspiDevice + `
      api_key: ` + kaspiKey + `
      notice_sources: [127.0.0.1]
      poll_interval: 200ms
      biller: {service: Qazaq Books, secret: ` + kaspiBiller + `}
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
  - name: halyk
    provider: halyk
    observe_only: true
    max_concurrent: 1000
    halyk:
      token_url: http://127.0.0.1:1/oauth2/token
      api_url: http://127.0.0.1:1
      script_url: http://127.0.0.1:1/payform/payment-api.js
      client_id: ` + sim.HalykDefaultClient + `
      terminal_id: ` + sim.HalykDefaultTerminal + `
      shop_id: shop
      qr: true
      client_secret: ` + halykSecret + `
      notice_key: ` + halykNoticeKey + `
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
  - name: wayforpay
    provider: wayforpay
    observe_only: true
    max_concurrent: 1000
    wayforpay:
      api_base_url: http://127.0.0.1:1
      merchant_account: test_merch_n1
      merchant_domain: shop.example.kz
      merchant_secret: ` + wayforpaySecret + `
      currencies: [KZT, UAH, USD]
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
  - name: tiptoppay
    provider: tiptoppay
    observe_only: true
    max_concurrent: 1000
    tiptoppay:
      api_base_url: http://127.0.0.1:1
      public_id: ` + sim.TipTopPayDefaultPublicID + `
      api_secret: ` + tiptopSecret + `
      test_mode: true
      check: true
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
  - name: freedompay
    provider: freedompay
    observe_only: true
    max_concurrent: 1000
    freedompay:
      base_url: http://127.0.0.1:1
      merchant_id: "` + sim.FreedomPayDefaultMerchant + `"
      secret: ` + freedomSecret + `
      cards: true
      currencies: [KZT, USD]
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
  - name: quickpay
    provider: quickpay
    observe_only: true
    max_concurrent: 1000
    quickpay:
      api_base_url: http://127.0.0.1:1
      api_key: ` + quickpayKey + `
      private_key: ` + quickpayPrivate + `
      notify_url: http://payrouter/webhooks/quickpay
      currencies: [KZT, DKK, EUR]
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
  - name: robokassa
    provider: robokassa
    observe_only: true
    max_concurrent: 1000
    robokassa:
      page_base: http://127.0.0.1:1
      ws_base: http://127.0.0.1:1
      payment_base: http://127.0.0.1:1
      refund_base: http://127.0.0.1:1
      invoice_base: http://127.0.0.1:1
      merchant_login: sim-shop
      password_1: ` + robokassa1 + `
      password_2: ` + robokassa2 + `
      password_3: ` + robokassa3 + `
      start: json
      invoice_life: 24h
      holds: true
      recurring: true
      timeouts: {charge: LIMIT, create: LIMIT, status: LIMIT, refund: LIMIT}
`

// everyConfig is everyGateway with books in a file of their own.
func everyConfig(t *testing.T, books string) app.Config {
	t.Helper()
	c := parsed(t, strings.NewReplacer("{books}", books, "LIMIT", hastyLimit.String()).Replace(everyGateway))
	if len(c.Gateways) != len(app.Providers()) {
		t.Fatalf("%d gateways are configured, and there are the providers %q: give each a gateway with canaries here", len(c.Gateways), app.Providers())
	}
	return c
}

// everyBank is the bank behind all of them.
func everyBank(post *http.Client) *sim.Bank {
	const notify = "http://payrouter/webhooks/"
	return sim.New(sim.Options{Seed: 1, Client: post, TimeScale: 0.01},
		sim.Kaspi(sim.KaspiOptions{NotifyURL: notify + "kaspi", BillerURL: notify + "kaspi/biller", APIKeys: []string{kaspiKey},
			Organizations: []sim.KaspiOrganization{{BIN: sim.KaspiDefaultBIN, Name: "Qazaq Books", TradePoints: []sim.KaspiTradePoint{{ID: 1, Name: "Qazaq Books", Devices: []string{kaspiDevice}}}}}}),
		sim.Halyk(sim.HalykOptions{Terminals: []sim.HalykTerminal{{ID: sim.HalykDefaultTerminal, Client: sim.HalykDefaultClient, Secret: halykSecret}},
			SavedCards: []sim.HalykSavedCard{{ID: savedCards["halyk"], Account: shopper, PAN: "4405639704015096"}}}),
		sim.WayForPay(sim.WayForPayOptions{Key: wayforpaySecret, Currencies: []string{"KZT", "UAH", "USD"}, Tokens: []sim.WayForPayToken{{Token: savedCards["wayforpay"]}}}),
		sim.TipTopPay(sim.TipTopPayOptions{Secret: tiptopSecret, NotifyURL: notify + "tiptoppay",
			NotifyTypes: []string{sim.TipTopPayCheck, sim.TipTopPayPay, sim.TipTopPayFail, sim.TipTopPayConfirm, sim.TipTopPayRefund, sim.TipTopPayCancel},
			Tokens:      []sim.TipTopPayToken{{Token: savedCards["tiptoppay"], AccountID: shopper}}}),
		sim.FreedomPay(sim.FreedomPayOptions{Secret: freedomSecret, Currencies: []string{"KZT", "USD"}, Switches: sim.FreedomPaySwitches{StatusLag: -1},
			Tokens: []sim.FreedomPayToken{{Token: savedCards["freedompay"], UserID: shopper}}}),
		sim.QuickPay(sim.QuickPayOptions{APIKey: quickpayKey, PrivateKey: quickpayPrivate, Currencies: []string{"KZT", "DKK", "EUR"}, Cards: []sim.QuickPayCard{{ID: 947100000000471}}}),
		sim.Robokassa(sim.RobokassaOptions{Password1: robokassa1, Password2: robokassa2, Password3: robokassa3, ResultURL: notify + "robokassa",
			Tokens: []sim.RobokassaToken{{InvoiceID: savedCards["robokassa"]}}}))
}

// saveEveryCard puts the saved cards into the books, as earlier payments would have.
func saveEveryCard(t *testing.T, books string) {
	t.Helper()
	store, err := journal.Open(journal.Options{URL: "sqlite:" + books, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for gateway, token := range savedCards {
		if err := store.SaveInstrument(t.Context(), journal.Instrument{ID: cardOf[gateway], Tenant: "shop", Customer: shopper, Gateway: gateway,
			Token: providers.Token{Value: providers.NewSecret(token), Mask: "4405…5096"}, Payment: "earlier", Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

// cardOf names the saved cards, by gateway.
var cardOf = func() map[string]string {
	names := map[string]string{}
	for gateway := range savedCards {
		names[gateway] = uuid.NewSHA1(uuid.Nil, []byte(gateway)).String()
	}
	return names
}()

// adapterOf makes a gateway's adapter from its settings, as the service does.
func adapterOf(t *testing.T, g app.Gateway, dial app.Dial) providers.Provider {
	t.Helper()
	settings := reflect.ValueOf(g.Settings)
	for i, name := range app.Providers() {
		if name != g.Provider {
			continue
		}
		opener, ok := settings.Field(i).Interface().(interface {
			Open(app.Dial) (providers.Provider, error)
		})
		if !ok {
			t.Fatalf("the settings of %s open nothing", name)
		}
		adapter, err := opener.Open(dial)
		if err != nil {
			t.Fatal(err)
		}
		return adapter
	}
	t.Fatalf("no provider is called %s", g.Provider)
	return nil
}

// rows reads a query of one column from the books.
func rows(t *testing.T, books, query string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+books+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var all []string
	for found.Next() {
		var text sql.NullString
		if err := found.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text.String)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
