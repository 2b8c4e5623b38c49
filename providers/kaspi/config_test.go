package kaspi

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/providers"
)

func TestDefaultsAreThePublishedOnes(t *testing.T) {
	c := Config{}.withDefaults()
	want := Config{
		Scheme: R3, StatusVersion: "v02",
		Timeouts:     providers.Timeouts{Charge: 10 * time.Second, Create: 10 * time.Second, Status: 5 * time.Second, Refund: 10 * time.Second},
		PollInterval: 5 * time.Second, ConfirmWindow: 65 * time.Second, OfferLife: 245 * time.Second, Margin: 15 * time.Second,
		PushLife: 24 * time.Hour, PushMargin: time.Hour, RefundSettle: 10 * time.Minute,
		NoticeSources: []string{"194.187.247.152", "194.187.245.108"}, Biller: Biller{Format: "json"},
	}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b providers.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Error(diff)
	}
}

func TestConfigurationIsReadFromYAML(t *testing.T) {
	decoder := yaml.NewDecoder(strings.NewReader(`
scheme: r3
base_url: https://qrapi-cert-ip.kaspi.kz/r3/v01
status_version: v04
cert_file: /run/kaspi/cert.pem
key_file: /run/kaspi/key.pem
ca_file: /run/kaspi/ca.pem
organization_bin: "240540012345"
device_token: 7c1f6a52-0d3b-4a83-9a55-1f2f5f0b7e11
trade_point_id: 12345
timeouts: {charge: 12s, create: 11s, status: 4s, refund: 13s}
poll_interval: 4s
confirm_window: 60s
offer_life: 4m
margin: 20s
push_life: 23h
push_margin: 30m
refund_settle: 20m
notice_sources: [194.187.244.0/22]
biller: {service: Qazaq Books, secret: steppe, format: xml, fields: [{name: Shop, text: Qazaq Books}]}
`))
	decoder.KnownFields(true)
	var c Config
	if err := decoder.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if err := c.withDefaults().validate(); err != nil {
		t.Error(err)
	}
	if c.Timeouts.Status != 4*time.Second || c.Biller.Secret.Reveal() != "steppe" || c.Biller.Fields[0].Name != "Shop" || c.DeviceToken.Reveal() != desk {
		t.Errorf("%+v", c)
	}
}

func TestWrongConfigurationIsRefusedByName(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"scheme: ":                    func(c *Config) { c.Scheme = "r4" },
		"base_url: is required":       func(c *Config) { c.BaseURL = "" },
		"base_url: must begin with h": func(c *Config) { c.BaseURL = "http://qrapi-cert-ip.kaspi.kz/r3/v01" },
		"base_url: must begin":        func(c *Config) { c.BaseURL = "ftp://localhost/r3/v01" },
		"base_url: must end with":     func(c *Config) { c.BaseURL = "http://localhost/r3" },
		"base_url: is not an address": func(c *Config) { c.BaseURL = "http://user:word@localhost/r3/v01" },
		"status_version: ":            func(c *Config) { c.StatusVersion = "2" },
		"api_key: ":                   func(c *Config) { c.Scheme, c.APIKey = R1, providers.NewSecret("live_x") },
		"cert_file: and key_file":     func(c *Config) { c.BaseURL = "https://qrapi-cert-ip.kaspi.kz/r3/v01" },
		"cert_file: stat":             func(c *Config) { c.CertFile, c.KeyFile = "/nowhere/cert.pem", "/nowhere/key.pem" },
		"key_file: ":                  func(c *Config) { c.CertFile = "/nowhere/cert.pem" },
		"ca_file: stat":               func(c *Config) { c.CAFile = "/nowhere/ca.pem" },
		"organization_bin: ":          func(c *Config) { c.OrganizationBIN = "24054001234" },
		"device_token: is required":   func(c *Config) { c.DeviceToken = providers.Secret{} },
		"device_id: and device_token": func(c *Config) { c.DeviceID = "till-1" },
		"device_id: may hold":         func(c *Config) { c.DeviceToken, c.DeviceID = providers.Secret{}, "касса" },
		"trade_point_id: ":            func(c *Config) { c.DeviceToken, c.DeviceID = providers.Secret{}, "till-1" },
		"timeouts.status: ":           func(c *Config) { c.Timeouts.Status = -1 },
		"margin: ":                    func(c *Config) { c.Margin = -time.Second },
		"offer_life: ":                func(c *Config) { c.OfferLife = time.Minute },
		"notice_sources: ":            func(c *Config) { c.NoticeSources = []string{"kaspi.kz"} },
		"biller.format: ":             func(c *Config) { c.Biller.Format = "yaml" },
		"biller.fields[0]: ":          func(c *Config) { c.Biller.Fields = []Field{{Name: "Shop"}} },
	} {
		c := basic(R3)
		change(&c)
		_, err := New(c, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestSandboxAndProductionKeysAreKeys(t *testing.T) {
	for _, key := range []string{"test_5f1d0c", "prod_5f1d0c"} {
		c := basic(R1)
		c.APIKey = providers.NewSecret(key)
		if _, err := New(c, Options{}); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestEveryMistakeIsReportedAtOnceAndNoSecretIsQuoted(t *testing.T) {
	c := basic(R1)
	c.APIKey, c.StatusVersion, c.PollInterval = providers.NewSecret("hush-hush"), "two", -1
	_, err := New(c, Options{})
	for _, field := range []string{"api_key", "status_version", "poll_interval"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
	if strings.Contains(fmt.Sprintf("%+v %#v %v", c, c, err), "hush") {
		t.Error("the key is printed")
	}
}

func TestFilesThatAreNoCertificatesAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := basic(R3)
	c.CAFile = file
	if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Error(err)
	}
	c.CAFile, c.CertFile, c.KeyFile = "", file, file
	if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), "cert_file and key_file") {
		t.Error(err)
	}
}

func TestClaimsFollowTheSchemeAndNeverChange(t *testing.T) {
	methods := func(c providers.Claims) string {
		var names []string
		for _, m := range c.Methods {
			names = append(names, string(m.Method)+" "+m.Flow.String())
		}
		return strings.Join(names, ", ")
	}
	for scheme, want := range map[Scheme]string{
		R1: "qr offer, link offer, account ask_first",
		R2: "qr offer, link offer, account ask_first",
		R3: "qr offer, link offer, push push, account ask_first",
	} {
		g := listening(t, func(c *Config) { *c = basic(scheme) })
		claims := g.Claims()
		if got := methods(claims); got != want {
			t.Errorf("%s: %s", scheme, got)
		}
		if claims.Refund.API != (scheme == R3) || claims.Refund.OwnID || len(claims.Idempotent) > 0 || !claims.Carries("KZT") {
			t.Errorf("%s: %+v", scheme, claims)
		}
		if diff := cmp.Diff(claims, g.Claims()); diff != "" {
			t.Error(diff)
		}
	}
	claims := listening(t).Claims()
	qr, push, account := claims.Method(providers.QR), claims.Method(providers.Push), claims.Method(providers.Account)
	if !qr.NeverShown || qr.Withdraw != providers.NoWithdrawal || qr.OfferLife+qr.Margin != 260*time.Second || qr.Absent.Counts {
		t.Errorf("%+v", qr)
	}
	if push.NeverShown || push.Withdraw != providers.Binding || push.OfferLife+push.Margin != 25*time.Hour+65*time.Second || len(push.Schedule) != 4 {
		t.Errorf("%+v", push)
	}
	if account.Withdraw != providers.Veto || claims.ReferenceFor(providers.Account) != (providers.ReferenceRule{Kind: providers.Counted, Length: 10, Account: bookshop}) {
		t.Errorf("%+v", account)
	}
	if rule := claims.ReferenceFor(providers.QR); rule != (providers.ReferenceRule{Kind: providers.Derived, Length: 20}) {
		t.Errorf("%+v", rule)
	}
	without := listening(t, func(c *Config) { c.Biller.Service = "" })
	if got := without.Claims().Method(providers.Account).Flow; got != providers.Unclaimed {
		t.Errorf("without a service name: %s", got)
	}
}

// Results and their errors end in logs: whatever the bank answers, nothing secret or
// personal may be in them.
func TestNothingPersonalOrSecretIsInResults(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3, func(c *Config) { c.APIKey = providers.NewSecret("test_hush") })
		mean := fmt.Sprintf("for %s of Aigerim at desk %s", "77011234567", desk)
		quoted, _ := json.Marshal(mean)
		paths := []string{"/qr/create", "/qr/create-link", "/remote/create", "/remote/cancel", "/payment/return", "/payment/details", "/payment/status/12911004518"}
		for _, body := range []string{
			mean, `{"StatusCode":-1404,"Message":` + string(quoted) + `}`, `{"StatusCode":` + string(quoted) + `}`,
			`{"StatusCode":0,"Data":` + string(quoted) + `}`, `{"StatusCode":0,"Data":{"Status":` + string(quoted) + `,"Amount":` + string(quoted) + `}}`,
			`{"StatusCode":0,"Data":{"Status":` + string(quoted) + `,"QrPaymentId":` + string(quoted) + `}}`,
			`{"StatusCode":0,"Data":{"Status":` + string(quoted) + `}}`,
			`{"StatusCode":0,"Data":{"QrToken":"1","QrPaymentId":1,"PaymentLink":"https://%zz","ExpireDate":` + string(quoted) + `}}`,
		} {
			for _, path := range paths {
				b.says(path, 200, body)
			}
			for _, result := range []providers.Result{
				g.Charge(t.Context(), charge(providers.QR)), g.Charge(t.Context(), charge(providers.Link)), g.Charge(t.Context(), charge(providers.Push)),
				g.Cancel(t.Context(), bought(providers.Push)), g.Refund(t.Context(), refundOf(100, 0)),
				g.LookupRefund(t.Context(), refundOf(100, 0)), g.Lookup(t.Context(), bought(providers.QR)),
			} {
				text := fmt.Sprintf("%+v %v", result, result.Err)
				for _, secret := range []string{"77011234567", "Aigerim", desk, "hush"} {
					if strings.Contains(text, secret) {
						t.Errorf("%s is in %s", secret, text)
					}
				}
			}
		}
	})
}
