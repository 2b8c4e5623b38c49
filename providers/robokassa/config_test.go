package robokassa

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

func TestConfigurationIsReadFromYAML(t *testing.T) {
	certificate := file(t, "certificate", robokassaKey())
	text := `
page_base: https://auth.robokassa.kz/
ws_base: https://auth.robokassa.ru
payment_base: https://auth.robokassa.ru
refund_base: https://services.robokassa.ru
invoice_base: https://services.robokassa.ru/
merchant_login: sim-shop
password_1: one
password_2: two
password_3: three
hash: ripemd160
result_certificate: ` + certificate + `
notice_sources: [185.59.216.65, 185.59.217.0/24]
currency: RUB
reference_prefix: "26"
start: json
language: ru
receipt_tax: none
holds: true
recurring: true
link_life: 15m
invoice_life: 1h
hold_life: 120h
refund_body: json
returned_state: any
absent: {after: 90s, times: 4, apart: 2m}
timeouts: {charge: 40s, create: 10s, status: 11s, refund: 12s}
`
	var c Config
	if err := yaml.Load([]byte(text), &c, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	want := Config{PageBase: "https://auth.robokassa.kz/", WSBase: "https://auth.robokassa.ru", PaymentBase: "https://auth.robokassa.ru",
		RefundBase: "https://services.robokassa.ru", InvoiceBase: "https://services.robokassa.ru/", MerchantLogin: shop,
		Password1: secretOf("one"), Password2: secretOf("two"), Password3: secretOf("three"), Hash: "ripemd160",
		ResultCertificate: certificate, NoticeSources: []string{"185.59.216.65", "185.59.217.0/24"}, Currency: "RUB", ReferencePrefix: "26", Start: "json",
		Language: "ru", ReceiptTax: "none", Holds: true, Recurring: true, LinkLife: 15 * time.Minute, InvoiceLife: time.Hour, HoldLife: 120 * time.Hour,
		RefundBody: "json", ReturnedState: "any", Absent: Absent{After: 90 * time.Second, Times: 4, Apart: 2 * time.Minute},
		Timeouts: providers.Timeouts{Charge: 40 * time.Second, Create: 10 * time.Second, Status: 11 * time.Second, Refund: 12 * time.Second}}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b providers.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	claims := g.Claims()
	if g.config.PageBase != "https://auth.robokassa.kz" || claims.Reference.Prefix != "26" || claims.Currencies[0] != "RUB" || claims.Capture.HoldLife != 120*time.Hour ||
		claims.Timeouts.Refund != 23*time.Second || claims.Refund.SettleWait != lastMoment || claims.Method(providers.Link).WithdrawWait != lastMoment || claims.Method(providers.Link).Margin != lastMoment+10*time.Second {
		t.Errorf("%+v", claims)
	}
}

func TestTheLeastConfigurationIsAShopInKazakhstan(t *testing.T) {
	g, err := New(least(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := g.config
	for _, base := range []string{c.PageBase, c.WSBase, c.PaymentBase} {
		if base != "https://auth.robokassa.kz" {
			t.Errorf("a base is %s", base)
		}
	}
	if wait := g.Claims().Refund.SettleWait; wait != lastMoment { // it times captures and voids too
		t.Errorf("an operation that was lost is asked for again after %s", wait)
	}
	if c.RefundBase != "" || c.InvoiceBase != "" || c.Hash != "md5" || c.Currency != "KZT" || c.Start != "url" || c.LinkLife != 20*time.Minute {
		t.Errorf("%+v", c)
	}
}

func TestEveryWrongFieldIsNamedWithTheWayOut(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"page_base":           func(c *Config) { c.PageBase = "http://auth.robokassa.kz" },
		"ws_base":             func(c *Config) { c.WSBase = "auth.robokassa.kz" },
		"payment_base":        func(c *Config) { c.PaymentBase = "https://a:b@auth.robokassa.kz" },
		"refund_base":         func(c *Config) { c.RefundBase, c.Password3 = "https://x/?a=b", secretOf("3") },
		"invoice_base":        func(c *Config) { c.InvoiceBase, c.InvoiceLife = "https://x/#a", time.Hour },
		"merchant_login":      func(c *Config) { c.MerchantLogin = "a:b" },
		"password_1":          func(c *Config) { c.Password1 = providers.Secret{} },
		"password_2":          func(c *Config) { c.Password2 = providers.Secret{} },
		"password_2: is":      func(c *Config) { c.Password2 = c.Password1 },
		"password_3":          func(c *Config) { c.RefundBase = "https://services.robokassa.ru" },
		"test_password_1":     func(c *Config) { c.Test, c.TestPassword2 = true, secretOf("t2") },
		"test_password_2":     func(c *Config) { c.Test, c.TestPassword1 = true, secretOf("t1") },
		"test_password_2: is": func(c *Config) { test(c); c.TestPassword2 = c.Password2 },
		"holds":               func(c *Config) { test(c); c.Holds = true },
		"recurring":           func(c *Config) { test(c); c.Recurring = true },
		"invoice_base: does":  func(c *Config) { test(c); c.InvoiceBase, c.InvoiceLife = "https://services.robokassa.ru", time.Hour },
		"refund_base: does":   func(c *Config) { test(c); c.RefundBase, c.Password3 = "https://services.robokassa.ru", secretOf("3") },
		"hash":                func(c *Config) { c.Hash = "crc32" },
		"notice_sources":      func(c *Config) { c.NoticeSources = []string{"robokassa.kz"} },
		"currency":            func(c *Config) { c.Currency = "tenge" },
		"reference_prefix":    func(c *Config) { c.ReferencePrefix = "01" },
		"reference_prefix: w": func(c *Config) { c.ReferencePrefix = "1234567890" },
		"start":               func(c *Config) { c.Start = "form" },
		"language":            func(c *Config) { c.Language = "kk" },
		"receipt_tax":         func(c *Config) { c.ReceiptTax = "12 %" },
		"link_life":           func(c *Config) { c.LinkLife = time.Minute },
		"invoice_life":        func(c *Config) { c.InvoiceBase = "https://services.robokassa.ru" },
		"invoice_life: write": func(c *Config) { c.InvoiceLife = -time.Hour },
		"hold_life":           func(c *Config) { c.HoldLife = 169 * time.Hour },
		"refund_body":         func(c *Config) { c.RefundBody = "xml" },
		"returned_state":      func(c *Config) { c.ReturnedState = "half" },
		"absent.after":        func(c *Config) { c.Absent.After = -1 },
		"absent.times":        func(c *Config) { c.Absent.Times = 1 },
		"absent.apart":        func(c *Config) { c.Absent.Apart = time.Second },
		"timeouts.status":     func(c *Config) { c.Timeouts.Status = -1 },
	} {
		c := least()
		change(&c)
		switch _, err := New(c, Options{}); {
		case err == nil:
			t.Errorf("%s: it is accepted", field)
		case !strings.Contains(err.Error(), field) || strings.Count(err.Error(), "\n") > 0 || strings.Contains(err.Error(), "sim-pass"):
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := New(Config{Hash: "x", Start: "y"}, Options{})
	for _, field := range []string{"merchant_login", "password_1", "password_2", "hash", "start"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
}

// test makes a configuration one of a test shop.
func test(c *Config) {
	c.Test, c.TestPassword1, c.TestPassword2 = true, secretOf("t1"), secretOf("t2")
}

func TestPlainHTTPIsForLoopbackOnly(t *testing.T) {
	for base, ok := range map[string]bool{"http://127.0.0.1:1": true, "http://[::1]": true, "http://localhost": true, "http://10.0.0.1": false, "ftp://localhost": false, "https://x.example": true} {
		c := least()
		c.PageBase = base
		if _, err := New(c, Options{}); (err == nil) != ok {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestALoopbackPageAloneMakesPlainLinksGood(t *testing.T) {
	for page, links := range map[string]map[string]bool{
		"https://auth.robokassa.kz": {"https://a.example/x": true, "http://a.example/x": false, "//a.example/x": false, "mailto:a@b": false, "": false, "https://u@a.example": false},
		"http://127.0.0.1:1":        {"http://127.0.0.1:1/x": true, "https://a.example": true, "ftp://a.example": false},
	} {
		g, _ := open(t, func(c *Config) { c.PageBase = page }, nil)
		for link, ok := range links {
			if _, got := g.link(link); got != ok {
				t.Errorf("%s: %q is %t", page, link, got)
			}
		}
	}
}

func TestTheCallersConfigurationIsNotKept(t *testing.T) {
	c := least()
	c.NoticeSources = []string{"185.59.216.65"}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.NoticeSources[0] = "0.0.0.0/0"
	if g.config.NoticeSources[0] != "185.59.216.65" || g.knows("8.8.8.8") {
		t.Error("it can be changed from outside")
	}
	var printed bytes.Buffer
	fmt.Fprintf(&printed, "%v %+v %#v", g, g, c)
	if strings.Contains(printed.String(), "sim-pass") {
		t.Error("a password is printed")
	}
}

func TestACertificateThatCannotBeReadIsNamed(t *testing.T) {
	c := least()
	c.ResultCertificate = filepath.Join(t.TempDir(), "jwtsign.cer")
	if err := os.WriteFile(c.ResultCertificate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), "result_certificate") {
		t.Error(err)
	}
}

// What a shop promises depends on its contract.
func TestClaimsFollowTheContract(t *testing.T) {
	g, _ := open(t, nil, nil)
	plain := g.Claims()
	link := plain.Method(providers.Link)
	if plain.Method(providers.Instrument).Flow != providers.Unclaimed || link.Withdraw != providers.NoWithdrawal || link.TwoStage || link.Save || link.Absent.Counts || !link.NeverShown ||
		plain.Refund.API || plain.Capture.Partial || plain.Statement != providers.StatementWalk || plain.Webhook != providers.Signed {
		t.Errorf("%+v", plain)
	}
	if rule := plain.Reference; rule.Kind != providers.Counted || rule.Length != 15 || rule.Prefix != "1" {
		t.Errorf("%+v", rule)
	}
	g, _ = open(t, everything, nil)
	full := g.Claims()
	page, token := full.Method(providers.Page), full.Method(providers.Instrument)
	if page.Withdraw != providers.Binding || !page.TwoStage || !page.Save || page.Absent.Counts || token.Flow != providers.Direct || !token.Absent.Counts || token.TwoStage || token.Save ||
		!full.Refund.API || full.Refund.OwnID || !full.Capture.Partial || full.Capture.HoldLife != 7*24*time.Hour {
		t.Errorf("%+v", full)
	}
	full.Methods[2].Schedule[0] = time.Hour
	if g.Claims().Methods[2].Schedule[0] == time.Hour {
		t.Error("claims can be changed from outside")
	}
}
