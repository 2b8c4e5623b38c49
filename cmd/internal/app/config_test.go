package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// least is the smallest configuration that is good.
const least = `
keys:
  body: 0123456789abcdef
tenants:
  shop:
    rules: [{gateway: way}]
gateways:
  - name: way
    provider: wayforpay
    wayforpay: {merchant_account: shop, merchant_secret: secret, merchant_domain: shop.example.kz}
`

func TestTheShippedExampleIsGood(t *testing.T) {
	for _, name := range []string{"PAYROUTER_BODY_KEY", "KASPI_DEVICE_TOKEN", "HALYK_CLIENT_SECRET", "HALYK_NOTICE_KEY", "WAYFORPAY_SECRET",
		"FREEDOMPAY_SECRET", "TIPTOPPAY_SECRET", "ROBOKASSA_PASSWORD_1", "ROBOKASSA_PASSWORD_2", "QUICKPAY_API_KEY", "QUICKPAY_PRIVATE_KEY"} {
		t.Setenv(name, strings.ToLower(name)+" 0123456789abcdef")
	}
	c := parsed(t, housed(identitytest.New(t), read(t, "deploy/payrouter.yaml")))
	if err := app.Check(c); err == nil || strings.Count(err.Error(), "gateway ") != 1 || !strings.Contains(err.Error(), "gateway kaspi-main") {
		t.Errorf("%v, and only kaspi's certificate is not here", err)
	}
	if len(c.Gateways) != len(app.Providers()) || c.Gateways[0].SlowAfter != 5*time.Second || c.Keys.Body.Reveal() != "payrouter_body_key 0123456789abcdef" {
		t.Errorf("read as %+v", c)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	c, err := app.Parse([]byte(least))
	if err != nil {
		t.Fatal(err)
	}
	if c.GRPC.Address != "127.0.0.1:7070" || c.GRPC.DefaultTenant != "shop" || c.Store.URL.Reveal() != "sqlite:payrouter.db" {
		t.Errorf("read as %+v", c)
	}
}

func TestSecretsComeFromFilesAndTheEnvironmentAndCannotChangeTheDocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("a: b # not YAML\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BODY_KEY", `x: "y" # z 0123456`)
	text := strings.Replace(least, "0123456789abcdef", "${BODY_KEY}", 1)
	text = strings.Replace(text, "merchant_secret: secret", "merchant_secret: file:"+file, 1)
	c, err := app.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Keys.Body.Reveal(); got != `x: "y" # z 0123456` {
		t.Errorf("body key %q", got)
	}
	if got := c.Gateways[0].WayForPay.MerchantSecret.Reveal(); got != "a: b # not YAML" {
		t.Errorf("merchant secret %q", got)
	}
}

func TestABadConfigurationNamesTheKeyAndTheWayOut(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "keys:", "kays: {}\nkeys:", "kays"},
		{"unknown key of a provider", "merchant_account:", "merchant_acount: x, merchant_account:", "merchant_acount"},
		{"short body key", "0123456789abcdef", "short", "keys.body"},
		{"missing environment", "0123456789abcdef", "${NOBODY_SETS_THIS}", "keys.body: the environment has no NOBODY_SETS_THIS"},
		{"expanded where nothing is", "merchant_account: shop", "merchant_account: \"${ACCOUNT}\"", "gateways[0].wayforpay.merchant_account: ${ACCOUNT} is not expanded here"},
		{"missing file", "merchant_secret: secret", "merchant_secret: file:/nowhere/at/all", "gateways[0].wayforpay.merchant_secret"},
		{"unknown provider", "provider: wayforpay", "provider: wayforpey", `gateways[0].provider: "wayforpey" is unknown`},
		{"another provider's settings", "provider: wayforpay", "provider: kaspi", "gateways[0]: the settings of provider kaspi"},
		{"rule for nobody", "gateway: way", "gateway: weigh", `tenants.shop.rules[0].gateway: "weigh"`},
		{"unknown method", "gateway: way", "gateway: way, methods: [cash]", "tenants.shop.rules[0].methods"},
		{"unknown currency", "gateway: way", "gateway: way, currencies: [KZX]", "tenants.shop.rules[0].currencies"},
		{"limits crossed", "gateway: way", "gateway: way, min: 5, max: 4", "min above max"},
		{"no tenants", "shop:\n    rules: [{gateway: way}]", "", "tenants: at least one"},
		{"bad duration", "keys:", "terms: {resolve_limit: 3 weeks}\nkeys:", "3 weeks"},
		{"a look at the database without a pause", "keys:", "terms: {poll_every: -500ms}\nkeys:", "terms.poll_every: -500ms is less than nothing"},
		{"a look-up without a pause", "keys:", "terms: {ladder: [2s, 0s]}\nkeys:", "terms.ladder[1]: 0s is no pause"},
		{"no time for a commit", "keys:", "store: {commit_timeout: -5s}\nkeys:", "store.commit_timeout: -5s is less than nothing"},
		{"bad name", "name: way", "name: Way Main", "gateways[0].name"},
		{"open to the network", "keys:", "grpc: {address: 0.0.0.0:7070}\nkeys:", "grpc.address: 0.0.0.0:7070 is not loopback, and other machines need grpc.tls, and identities"},
		{"plain text for everybody", "keys:", "grpc: {address: 0.0.0.0:7070, allow_plaintext: true}\nkeys:", "allow_plaintext"},
		{"not an address", "keys:", "ops: {address: nowhere}\nkeys:", "ops.address"},
		{"bad proxy", "keys:", "webhooks: {trusted_proxies: [proxy]}\nkeys:", "webhooks.trusted_proxies[0]"},
		{"bad level", "keys:", "log: {level: loud}\nkeys:", "log.level"},
		{"money is kept for five years", "keys:", "retention: {payments: 1826d}\nkeys:", "retention.payments: 1826d is too short: records of money are kept for 5 years, which are 1827d"},
		{"money is kept for ever", "keys:", "retention: {payments: 1827d}\nkeys:", "retention.payments: 1827d is not offered yet"},
		{"no term", "keys:", "retention: {payments: 5y}\nkeys:", `retention.payments: "5y" is no number of days`},
		{"notices are kept for 30 days", "keys:", "retention: {notices: 29d}\nkeys:", "retention.notices: 29d is too short: banks ask for every notice as it came for 30d"},
		{"payers are kept while a charge may be disputed", "keys:", "retention: {personal: 179d}\nkeys:", "retention.personal: 179d is too short"},
		{"notices hold payers", "keys:", "retention: {personal: 200d, notices: 201d}\nkeys:", "retention.notices: 201d is too long"},
		{"notices without an end", "keys:", "retention: {notices: forever}\nkeys:", "is no number of days; write it as 400d"},
		{"notices without a day", "keys:", "retention: {notices: 0d}\nkeys:", "is no number of days; write it as 400d"},
		{"histories that are in use", "keys:", "retention: {archive_after: 30d}\nkeys:", "retention.archive_after: 30d is too short: something happens to payments for 31d"},
		{"no rest", "keys:", "retention: {archive_after: 0}\nkeys:", `"0" is no number of days; write it as 400d, or as never`},
		{"bad schedule", "keys:", "retention: {schedule: at night}\nkeys:", `retention.schedule: "at night"`},
		{"no collector's address", "keys:", "traces: {endpoint: \"http://collector:4317\"}\nkeys:", "traces.endpoint: \"http://collector:4317\" is not host:port"},
		{"spans over the network in the open", "keys:", "traces: {endpoint: \"collector:4317\", insecure: true}\nkeys:", "traces.insecure: collector:4317 is not on this machine: leave insecure out"},
		{"a certificate that nobody looks at", "keys:", "traces: {endpoint: \"127.0.0.1:4317\", insecure: true, ca_file: ca.pem}\nkeys:", "traces.ca_file: insecure means"},
		{"plaintext for nothing", "keys:", "traces: {endpoint: \"127.0.0.1:4317\", allow_plaintext: true}\nkeys:", "traces.allow_plaintext: means nothing"},
		{"more than all traces", "keys:", "traces: {endpoint: \"127.0.0.1:4317\", share: 10001}\nkeys:", "traces.share: 10001 is not between 1 and 10000"},
		{"no name of a service", "keys:", "traces: {endpoint: \"127.0.0.1:4317\", service: pay router}\nkeys:", "traces.service: \"pay router\" is not a name"},
		{"a share of nothing", "keys:", "traces: {share: 100}\nkeys:", "name a collector's host:port, or leave traces out"},
		{"two documents", "gateways:", "---\ngateways:", "more than one document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(least, c.old, c.new, 1)
			if text == least {
				t.Fatal("the test changes nothing")
			}
			_, err := app.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
}

func TestCheckLooksAtTheFilesThatAnAdapterNeeds(t *testing.T) {
	text := strings.Replace(least, "provider: wayforpay", "provider: kaspi", 1)
	text = text[:strings.Index(text, "    wayforpay:")] + `    kaspi: {base_url: "https://bank.example/r3/v01", organization_bin: "240540012345", device_token: token, cert_file: /nowhere/kaspi.crt, key_file: /nowhere/kaspi.key}
`
	c, err := app.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(c); err == nil || !strings.Contains(err.Error(), "gateway way") || !strings.Contains(err.Error(), "cert_file") {
		t.Errorf("error %v", err)
	}
}

// A service that is started with what was checked must not stop at it.
func TestCheckLooksWhetherHealthWouldSeeAnOutage(t *testing.T) {
	for settings, want := range map[string]string{"{window: 1s}": "window 1s is shorter", "{ramp: [5, 50]}": "the ramp ends at 50 %", "{probe_every: -15s}": "probe_every: -15s"} {
		c, err := app.Parse([]byte(strings.Replace(least, "keys:", "health: "+settings+"\nkeys:", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := app.Check(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that names %q", settings, err, want)
		}
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := app.Parse([]byte("log: {level: loud}\nops: {address: nowhere}\n"))
	for _, want := range []string{"log.level", "ops.address", "keys.body", "tenants", "gateways"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told: %v", want, err)
		}
	}
}

func TestTheShortestTermsAreTaken(t *testing.T) {
	c, err := app.Parse([]byte(strings.Replace(least, "keys:", "retention: {payments: forever, notices: 30d, personal: 180d, archive_after: 31d, schedule: \"off\"}\nkeys:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Retention; r.Notices.Duration != 30*24*time.Hour || r.Personal.Duration != 180*24*time.Hour || r.ArchiveAfter.Duration != 31*24*time.Hour || r.Schedule != "off" {
		t.Errorf("read as %+v", r)
	}
}

func TestWhatABankIsToldOfUsIsChecked(t *testing.T) {
	c, err := app.Parse([]byte(least + "    credentials_issued: 2026-02-28\n    credentials_expire: 2027-02-28\nreadiness:\n  egress: [203.0.113.7, \"2001:db8::/64\"]\n"))
	if err != nil || len(c.Readiness.Egress) != 2 || c.Gateways[0].Issued.Format(time.DateOnly) != "2026-02-28" {
		t.Errorf("read as %+v, %v", c.Readiness, err)
	}
	_, err = app.Parse([]byte(least + "    credentials_issued: 2027-03-01\n    credentials_expire: 2027-02-28\nreadiness:\n  egress: [203.0.113.7, shop.example.kz]\n"))
	for _, want := range []string{`readiness.egress[1]: "shop.example.kz" is neither an address nor a CIDR block`, "gateways[0].credentials_issued: 2027-03-01 is after credentials_expire"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
}
