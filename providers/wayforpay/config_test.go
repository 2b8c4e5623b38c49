package wayforpay

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

var (
	_ providers.Provider = (*Gateway)(nil)
	_ providers.Capturer = (*Gateway)(nil)
	_ providers.Canceler = (*Gateway)(nil)
	_ providers.Refunder = (*Gateway)(nil)
	_ providers.Listener = (*Gateway)(nil)
	_ providers.Prober   = (*Gateway)(nil)
	_ providers.Reporter = (*Gateway)(nil)
)

func least() Config {
	return Config{MerchantAccount: account, MerchantSecret: secret, MerchantDomain: "shop.example.kz"}
}

func TestConfigurationIsReadFromYAML(t *testing.T) {
	text := `
api_base_url: https://api.example.kz/wayforpay/
secure_base_url: https://pay.example.kz
merchant_account: test_merch_n1
merchant_secret: one
merchant_domain: shop.example.kz
currencies: [UAH, USD]
language: UA
payment_systems: [card, privat24]
link_life: 15m
hold_life: 72h
settle_answer: 8_fields
absent: {after: 90s, times: 4, apart: 2m}
refund_settle: 20m
timeouts: {charge: 40s, create: 10s, status: 11s, refund: 12s}
`
	var c Config
	if err := yaml.Load([]byte(text), &c, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	want := Config{APIBaseURL: "https://api.example.kz/wayforpay/", SecureBaseURL: "https://pay.example.kz", MerchantAccount: account,
		MerchantSecret: providers.NewSecret("one"), MerchantDomain: "shop.example.kz",
		Currencies: []string{"UAH", "USD"}, Language: "UA", PaymentSystems: []string{"card", "privat24"}, LinkLife: 15 * time.Minute,
		HoldLife: 72 * time.Hour, SettleAnswer: "8_fields", Absent: Absent{After: 90 * time.Second, Times: 4, Apart: 2 * time.Minute},
		RefundSettle: 20 * time.Minute,
		Timeouts:     providers.Timeouts{Charge: 40 * time.Second, Create: 10 * time.Second, Status: 11 * time.Second, Refund: 12 * time.Second}}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b providers.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if g.api != "https://api.example.kz/wayforpay/api" {
		t.Errorf("requests go to %s", g.api)
	}
}

func TestDefaultsAreFilledAndTheCallersConfigStays(t *testing.T) {
	c := least()
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(least(), c, cmp.Comparer(func(a, b providers.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
	claims := g.Claims()
	if diff := cmp.Diff(providers.Timeouts{Charge: 30 * time.Second, Create: 15 * time.Second, Status: 15 * time.Second, Refund: 30 * time.Second}, claims.Timeouts); diff != "" {
		t.Error(diff)
	}
	if g.api != "https://api.wayforpay.com/api" || g.secure.String() != "https://secure.wayforpay.com" || !claims.Carries("UAH") || claims.Carries("KZT") {
		t.Errorf("api %s, secure %s, currencies %v", g.api, g.secure, claims.Currencies)
	}
	if absent := claims.Method(providers.Instrument).Absent; absent != (providers.AbsentRule{Counts: true, After: time.Minute, Times: 3, Apart: time.Minute}) {
		t.Errorf("absent %+v", absent)
	}
	if wait := claims.Refund.SettleWait; wait != 10*time.Minute {
		t.Errorf("a refund may show after %s", wait)
	}
	claims.Currencies[0], claims.Methods[0].Flow = "KZT", providers.Unclaimed
	if again := g.Claims(); again.Currencies[0] != "UAH" || again.Methods[0].Flow != providers.Offer {
		t.Error("claims can be changed from outside")
	}
}

func TestWrongConfigurationNamesFieldAndWayOut(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"api_base_url: write https":    func(c *Config) { c.APIBaseURL = "http://api.wayforpay.com" },
		"api_base_url: write an":       func(c *Config) { c.APIBaseURL = "api.wayforpay.com" },
		"secure_base_url: write https": func(c *Config) { c.SecureBaseURL = "http://10.0.0.1" },
		"secure_base_url: write an":    func(c *Config) { c.SecureBaseURL = "https://me:secret@wayforpay.com" },
		"merchant_account: set":        func(c *Config) { c.MerchantAccount = "" },
		"merchant_account: set the":    func(c *Config) { c.MerchantAccount = "a;b" },
		"merchant_secret: set":         func(c *Config) { c.MerchantSecret = providers.Secret{} },
		"merchant_domain: set":         func(c *Config) { c.MerchantDomain = "https://shop.example.kz" },
		`currencies: "uah"`:            func(c *Config) { c.Currencies = []string{"UAH", "uah"} },
		"language: write":              func(c *Config) { c.Language = "KZ" },
		"payment_systems: write":       func(c *Config) { c.PaymentSystems = []string{"card;privat24"} },
		"link_life: write":             func(c *Config) { c.LinkLife = 59 * time.Second },
		"link_life: write a":           func(c *Config) { c.LinkLife = 25 * time.Hour },
		"hold_life: write":             func(c *Config) { c.HoldLife = 481 * time.Hour },
		"settle_answer: write":         func(c *Config) { c.SettleAnswer = "both" },
		"absent.after: write":          func(c *Config) { c.Absent.After = -1 },
		"absent.times: one":            func(c *Config) { c.Absent.Times = 1 },
		"absent.apart: write":          func(c *Config) { c.Absent.Apart = 29 * time.Second },
		"refund_settle: write":         func(c *Config) { c.RefundSettle = -1 },
		"timeouts.charge: write":       func(c *Config) { c.Timeouts.Charge = -1 },
		"timeouts.refund: write":       func(c *Config) { c.Timeouts.Refund = -1 },
	} {
		c := least()
		change(&c)
		_, err := New(c, Options{})
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
		if err != nil && strings.Contains(err.Error(), secret.Reveal()) {
			t.Errorf("%s: the error tells the secret", field)
		}
	}
	if _, err := New(Config{}, Options{}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("an empty configuration lacks three things: %v", err)
	}
	for _, base := range []string{"http://127.0.0.1:8080", "http://localhost/wayforpay", "http://[::1]:1"} {
		c := least()
		c.APIBaseURL = base
		if g, err := New(c, Options{}); err != nil || g.secure.String() != base {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestSecretsAndPayersNeverReachResults(t *testing.T) {
	private := []string{secret.Reveal(), "77010000000", "a@example.kz", "Aida", "203.0.113.7", "the-token", "1a2b3c4d"}
	for _, answer := range []string{
		`{"transactionStatus":"Aida S","reasonCode":"a@example.kz","merchantSignature":"77010000000"}`,
		`{"amount":["Aida"]}`, `{"amount":"77010000000"`, "Aida a@example.kz 77010000000", "http 500",
		says("Approved", "1100", "rec-1", "77010000000"),
		says("77010000000a@example.kz+the-token", "the-token", "rec-1", "250"),
		read(t, "charge.answer.json"),
	} {
		g, _ := open(t, nil, answer, answer)
		c := providers.Charge{Ref: token(t, "rec-1", "250"), Payer: payer, Save: true, Instrument: providers.Token{Value: providers.NewSecret("the-token")}}
		results := []providers.Result{g.Charge(t.Context(), c), g.Lookup(t.Context(), c.Ref)}
		heard := g.Hear(posted(answer))
		var seen bytes.Buffer
		for _, r := range results {
			fmt.Fprintf(&seen, "%s %s %v %+v %#v\n", r.Code, r.Reason, r.Err, r, r.Instrument)
		}
		fmt.Fprintf(&seen, "%v %+v %v %+v %#v", heard.Err, heard.Detail, g, g, g)
		for _, word := range private {
			if word == "77010000000" && strings.Contains(answer, `"amount":"77010000000"`) {
				continue // a sum that looks like a phone is told as a sum
			}
			if strings.Contains(seen.String(), word) {
				t.Errorf("%q is told after %s:\n%s", word, answer, &seen)
			}
		}
	}
}
