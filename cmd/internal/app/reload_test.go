package app_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/cmd/internal/app"
)

// rotation is the least configuration on its way from one secret to the next.
const rotation = `    provider: wayforpay
    credentials: "2027"
    credentials_expire: 2028-01-31
    wayforpay: {merchant_account: shop, merchant_secret: the next secret, merchant_domain: shop.example.kz}
    retiring:
      - credentials: "2026"
        credentials_expire: 2027-02-28
        wayforpay: {merchant_account: shop, merchant_secret: secret, merchant_domain: shop.example.kz}
`

func parsed(t *testing.T, text string) app.Config {
	t.Helper()
	c, err := app.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// replaced is the least configuration with something else in it.
func replaced(t *testing.T, old, new string) string {
	t.Helper()
	text := strings.Replace(least, old, new, 1)
	if text == least {
		t.Fatalf("the configuration has no %q", old)
	}
	return text
}

// rotated is the least configuration with the rotation in it.
func rotated() string { return least[:strings.Index(least, "    provider: wayforpay")] + rotation }

func TestNewCredentialsAreTakenUpWithoutARestart(t *testing.T) {
	service := serve(t, parsed(t, replaced(t, "provider: wayforpay", "provider: wayforpay\n    credentials: \"2026\"\n    credentials_expire: 2027-02-28")))
	speaking := func() map[string]any {
		g, _ := service.Router().Gateway("way")
		found := map[string]any{}
		for _, c := range g.Valid() {
			found[c.Version] = c.Provider
		}
		return found
	}
	before := speaking()
	next := parsed(t, rotated())
	free(&next)
	next.Store = service.Config().Store
	if err := service.Reload(next); err != nil {
		t.Fatal(err)
	}
	after := speaking()
	if len(after) != 2 || after["2026"] != before["2026"] {
		t.Errorf("before %v, after %v: the old adapter must go on speaking", before, after)
	}
	if g, _ := service.Router().Gateway("way"); g.Version != "2027" {
		t.Errorf("new attempts begin with %q", g.Version)
	}
	text := get(t, "http://"+service.OpsAddr()+"/metrics")
	for _, want := range []string{
		`payrouter_credentials_expiry_timestamp_seconds{credentials="2027",gateway="way"} 1.832976e+09`,
		`payrouter_credentials_expiry_timestamp_seconds{credentials="2026",gateway="way"} 1.8038592e+09`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestAReloadChangesCredentialsAndNothingElse(t *testing.T) {
	service := serve(t, parsed(t, least))
	for key, text := range map[string]string{
		"(changed: tenants":   replaced(t, "rules: [{gateway: way}]", "rules: [{gateway: way, max: 5}]"),
		"gateways":            replaced(t, "provider: wayforpay", "provider: wayforpay\n    max_concurrent: 5"),
		"(changed: log.level": replaced(t, "keys:", "log: {level: debug}\nkeys:"),
	} {
		c := parsed(t, text)
		free(&c)
		c.Store = service.Config().Store
		if err := service.Reload(c); !errors.Is(err, app.ErrRestart) || !strings.HasSuffix(err.Error(), key+")") {
			t.Errorf("%s: %v", key, err)
		}
	}
	c := parsed(t, replaced(t, "merchant_secret: secret", "merchant_secret: secret, currencies: [USD]"))
	free(&c)
	c.Store = service.Config().Store
	if err := service.Reload(c); err == nil || !strings.Contains(err.Error(), "restart") {
		t.Errorf("other currencies: %v", err)
	}
}

func TestTwoSetsOfCredentialsNeedNamesOfTheirOwnAndTheSameAccount(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"one name for two", `credentials: "2026"`, `credentials: "2027"`, `gateways[0].retiring[0].credentials: "2027" appears twice`},
		{"a name that is no label", `credentials: "2026"`, `credentials: "the old ones"`, "gateways[0].retiring[0].credentials"},
		{"no day", "2027-02-28", "28.02.2027", "is no day; write it as 2027-11-30"},
		{"another provider's", "      - credentials: \"2026\"\n        credentials_expire: 2027-02-28\n        wayforpay: {merchant_account: shop, merchant_secret: secret, merchant_domain: shop.example.kz}",
			"      - credentials: \"2026\"\n        halyk: {shop_id: shop}", "gateways[0].retiring[0]: the settings of provider wayforpay"},
		{"an unknown key", `credentials: "2026"`, `credential: "2026"`, "credential"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(rotated(), c.old, c.new, 1)
			if text == rotated() {
				t.Fatal("the test changes nothing")
			}
			_, err := app.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
	other := parsed(t, strings.Replace(rotated(), "merchant_secret: secret,", "merchant_secret: secret, currencies: [USD],", 1))
	if err := app.Check(other); err == nil || !strings.Contains(err.Error(), "retiring[0] differs in more than credentials") {
		t.Errorf("other currencies: %v", err)
	}
}

func TestSecretsOfRetiringCredentialsAreResolved(t *testing.T) {
	t.Setenv("OLD_SECRET", "from the environment")
	c := parsed(t, strings.Replace(rotated(), "merchant_secret: secret,", `merchant_secret: "${OLD_SECRET}",`, 1))
	if got := c.Gateways[0].Retiring[0].WayForPay.MerchantSecret.Reveal(); got != "from the environment" {
		t.Errorf("secret %q", got)
	}
}
