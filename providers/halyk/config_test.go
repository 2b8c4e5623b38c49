package halyk

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/providers"
)

func refuseDial(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

func TestConfigurationIsReadFromYAML(t *testing.T) {
	const text = `
token_url: https://epay-oauth.homebank.kz/oauth2/token
api_url: https://epay-api.homebank.kz
script_url: https://epay.homebank.kz/payform/payment-api.js
client_id: SHOP.KZ
client_secret: ${HALYK_SECRET}
terminal_id: 67e34d63-102f-4bd1-898e-370781d0074d
shop_id: shop-1
qr: true
two_stage: true
notice_key: file:/run/secrets/halyk-notice
back_sign_secret: shared
reference_prefix: "261123"
language: kaz
page_token_life: 20m
step_up_window: 10m
link_days: 3
link_life: 80h
one_try: true
timeouts: {charge: 14s, create: 13s, status: 4s, refund: 12s}
`
	var c Config
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if c.PageTokenLife != 20*time.Minute || c.LinkLife != 80*time.Hour || c.Timeouts.Refund != 12*time.Second || !c.TwoStage || !c.OneTry || !c.QR ||
		c.LinkDays != 3 || c.ClientSecret.Reveal() != "${HALYK_SECRET}" || c.NoticeKey.Reveal() != "file:/run/secrets/halyk-notice" || c.BackSignSecret.Reveal() != "shared" {
		t.Errorf("read %+v", c)
	}
	if _, err := New(c, Options{}); err != nil {
		t.Error(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "HALYK_SECRET") || strings.Contains(text, "shared") {
		t.Error("a secret is printed")
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	given := config()
	given.ReferencePrefix = ""
	given.APIURL += "/"
	g, err := New(given, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := g.config
	if c.ReferencePrefix != "100000" || c.Language != "rus" || c.PageTokenLife != 2*time.Hour || c.StepUpWindow != 15*time.Minute || c.LinkDays != 1 ||
		c.LinkLife != 50*time.Hour || c.APIURL != "http://127.0.0.1/api" ||
		c.Timeouts != (providers.Timeouts{Charge: 15 * time.Second, Create: 15 * time.Second, Status: 5 * time.Second, Refund: 15 * time.Second}) {
		t.Errorf("defaults %+v", c)
	}
	if given.Language != "" {
		t.Error("the caller's Config was changed")
	}
}

func TestErrorsNameTheFieldAndTheWayOut(t *testing.T) {
	for field, c := range map[string]struct {
		edit func(*Config)
		says string
	}{
		"token_url":        {func(c *Config) { c.TokenURL = "" }, "https://epay-oauth.homebank.kz/oauth2/token"},
		"api_url":          {func(c *Config) { c.APIURL = "http://epay-api.homebank.kz" }, "https is required"},
		"script_url":       {func(c *Config) { c.ScriptURL = "payment-api.js" }, "https://epay.homebank.kz"},
		"client_id":        {func(c *Config) { c.ClientID = "" }, "cabinet"},
		"client_secret":    {func(c *Config) { c.ClientSecret = providers.Secret{} }, "file:"},
		"terminal_id":      {func(c *Config) { c.TerminalID = "" }, "cabinet"},
		"notice_key":       {func(c *Config) { c.NoticeKey = providers.NewSecret("short") }, "openssl"},
		"reference_prefix": {func(c *Config) { c.ReferencePrefix = "26112a" }, "6 to 9 digits"},
		"language":         {func(c *Config) { c.Language = "RU" }, "rus, kaz, eng"},
		"page_token_life":  {func(c *Config) { c.PageTokenLife = -1 }, "2h"},
		"step_up_window":   {func(c *Config) { c.StepUpWindow = -1 }, "15m"},
		"link_days":        {func(c *Config) { c.LinkDays = -1; c.LinkLife = time.Hour }, "1 or 3"},
		"link_life":        {func(c *Config) { c.LinkLife = time.Hour }, "longer"},
		"timeouts.status":  {func(c *Config) { c.Timeouts.Status = -1 }, "positive"},
	} {
		given := config()
		c.edit(&given)
		_, err := New(given, Options{})
		if err == nil || !strings.Contains(err.Error(), field+": ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := New(Config{}, Options{})
	for _, field := range []string{"token_url", "api_url", "script_url", "client_id", "client_secret", "terminal_id", "notice_key"} {
		if err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("an empty configuration does not name %s: %v", field, err)
		}
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	for address, fine := range map[string]bool{
		"https://epay-api.homebank.kz": true, "http://127.0.0.1:8080/api": true, "http://localhost": true, "http://[::1]:1": true, "http://127.9.9.9": true,
		"http://epay-api.homebank.kz": false, "http://localhost.evil.kz": false, "ftp://127.0.0.1": false, "https://": false,
		"https://user:pass@epay-api.homebank.kz": false, "https://epay-api.homebank.kz?x=1": false, "//epay": false, "%": false,
	} {
		err := checkURL("api_url", address, "x")
		if (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass@") {
			t.Error("the error quotes a password")
		}
	}
}

func TestClaimsFollowTheTerminal(t *testing.T) {
	c := config()
	c.ShopID, c.QR = "", false
	claims := gateway(t, func(g *Config) { *g = c }).Claims()
	for method, flow := range map[providers.Method]providers.Flow{
		providers.Page: providers.Offer, providers.Instrument: providers.Direct,
		providers.Link: providers.Unclaimed, providers.QR: providers.Unclaimed, providers.Push: providers.Unclaimed, providers.Account: providers.Unclaimed,
	} {
		if m := claims.Method(method); m.Flow != flow || m.TwoStage {
			t.Errorf("%s: %+v", method, m)
		}
	}
	claims = gateway(t, func(g *Config) { g.TwoStage = true }).Claims()
	for method, want := range map[providers.Method]bool{providers.Page: true, providers.Link: true, providers.Instrument: true, providers.QR: false} {
		m := claims.Method(method)
		if m.TwoStage != want {
			t.Errorf("%s: two-stage %t", method, m.TwoStage)
		}
		if m.Flow == providers.Offer && (!m.NeverShown || m.Withdraw != providers.NoWithdrawal || m.Absent.Counts || m.OfferLife == 0) {
			t.Errorf("%s: %+v", method, m)
		}
	}
	rule := claims.Reference
	if rule.Kind != providers.Counted || rule.Length != 12 || rule.Prefix != "261123" || rule.Unique != 6 {
		t.Errorf("reference %+v", rule)
	}
	absent := claims.Method(providers.Instrument).Absent
	if !absent.Counts || absent.After != 2*time.Minute || absent.Times < 2 || absent.Apart < 30*time.Second {
		t.Errorf("absent %+v", absent)
	}
	if claims.Webhook != providers.HintOnly || len(claims.Idempotent) != 0 {
		t.Errorf("webhook %s, idempotent %v", claims.Webhook, claims.Idempotent)
	}
}
