package freedompay

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestTheLeastConfigurationWorks(t *testing.T) {
	g, err := New(Config{MerchantID: merchant, Secret: secret}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	c := g.config
	if c.BaseURL != "https://api.freedompay.kz" || c.LinkLife != 15*time.Minute || c.RefundCall != "revoke" || c.Timeouts.Charge != 30*time.Second ||
		c.Timeouts.Status != 15*time.Second || len(c.Currencies) != 1 || c.Currencies[0] != "KZT" {
		t.Errorf("the defaults are %+v", c)
	}
	if g.Claims().Method(providers.Instrument).Flow != providers.Unclaimed {
		t.Error("saved cards are claimed without a contract for them")
	}
	if _, reports := g.Provider().(providers.Reporter); reports {
		t.Error("a list is claimed, and none is documented")
	}
}

func TestAWrongFieldIsNamed(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"base_url":        func(c *Config) { c.BaseURL = "http://api.freedompay.kz" },
		"merchant_id":     func(c *Config) { c.MerchantID = "m-541027" },
		"secret":          func(c *Config) { c.Secret = providers.Secret{} },
		"currencies":      func(c *Config) { c.Currencies = []string{"KZT", "JPY"} },
		"language":        func(c *Config) { c.Language = "de" },
		"payment_method":  func(c *Config) { c.PaymentMethod = "bank card" },
		"link_life":       func(c *Config) { c.LinkLife = 299 * time.Second },
		"refund_call":     func(c *Config) { c.RefundCall = "reverse" },
		"refund_settle":   func(c *Config) { c.RefundSettle = -1 },
		"timeouts.status": func(c *Config) { c.Timeouts.Status = -1 },
	} {
		c := config()
		change(&c)
		_, err := New(c, Options{})
		if err == nil || !strings.Contains(err.Error(), field+": ") || strings.Contains(err.Error(), secret.Reveal()) {
			t.Errorf("%s: the error is %v", field, err)
		}
	}
	for _, base := range []string{"", "https://api.freedompay.uz", "http://localhost:8080", "http://[::1]:1/api"} {
		c := config()
		c.BaseURL = base
		if _, err := New(c, Options{}); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
	for _, base := range []string{"api.freedompay.kz", "https://u:p@api.freedompay.kz", "https://api.freedompay.kz?a=1", "ftp://127.0.0.1", "https://api.freedompay.kz#x"} {
		c := config()
		c.BaseURL = base
		if _, err := New(c, Options{}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}

// A hold is captured by itself after five days; nothing may be read as "then it is released".
func TestAHoldIsClaimedToTakeTheMoneyAtItsEnd(t *testing.T) {
	c := claims(config().withDefaults())
	if c.Capture.HoldLife != 5*24*time.Hour || !c.Capture.Takes || !c.Capture.Partial || c.Webhook != providers.Signed || c.WebhookFor != 2*time.Hour || c.Statement != providers.StatementWalk {
		t.Errorf("%+v", c)
	}
	for _, m := range c.Methods {
		if m.Withdraw != providers.NoWithdrawal || m.Absent.Counts || m.OfferLife != 0 {
			t.Errorf("%+v", m)
		}
	}
}
