package quickpay

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestLeastConfigurationWorks(t *testing.T) {
	g, err := New(least(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := least()
	want.APIBaseURL = "https://api.quickpay.net"
	want.Currencies = []string{"DKK", "EUR", "SEK", "NOK", "USD", "GBP"}
	want.LinkLife, want.OpenWindow, want.StatementReach = 20*time.Minute, 10*time.Minute, 720*time.Hour
	want.Absent = Absent{After: 2 * time.Minute, Times: 3, Apart: time.Minute}
	want.Timeouts = providers.Timeouts{Charge: time.Minute, Create: 15 * time.Second, Status: 15 * time.Second, Refund: time.Minute}
	if !reflect.DeepEqual(g.config, want) {
		t.Errorf("got %+v, want %+v", g.config, want)
	}
}

func TestWrongConfigurationIsRefusedByTheFieldsName(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"api_base_url":    func(c *Config) { c.APIBaseURL = "http://api.quickpay.net" },
		"api_key":         func(c *Config) { c.APIKey = providers.Secret{} },
		"private_key":     func(c *Config) { c.PrivateKey = providers.NewSecret("") },
		"merchant_id":     func(c *Config) { c.MerchantID = -1 },
		"currencies":      func(c *Config) { c.Currencies = []string{"DKK", "dkk"} },
		"notify_url":      func(c *Config) { c.NotifyURL = "https://shop.example.kz/\r\nX: y" },
		"language":        func(c *Config) { c.Language = "Danish" },
		"payment_methods": func(c *Config) { c.PaymentMethods = []string{"creditcard,mobilepay"} },
		"link_life":       func(c *Config) { c.LinkLife = time.Second },
		"open_window":     func(c *Config) { c.OpenWindow = -1 },
		"statement_reach": func(c *Config) { c.StatementReach = -1 },
		"absent.after":    func(c *Config) { c.Absent.After = -1 },
		"absent.times":    func(c *Config) { c.Absent.Times = 1 },
		"absent.apart":    func(c *Config) { c.Absent.Apart = time.Second },
		"timeouts.charge": func(c *Config) { c.Timeouts.Charge = -1 },
		"timeouts.create": func(c *Config) { c.Timeouts.Create = -1 },
		"timeouts.status": func(c *Config) { c.Timeouts.Status = -1 },
		"timeouts.refund": func(c *Config) { c.Timeouts.Refund = -1 },
	} {
		c := least()
		change(&c)
		_, err := New(c, Options{})
		if err == nil || !strings.Contains(err.Error(), field+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for _, base := range []string{"api.quickpay.net", "https://", "https://a:b@api.quickpay.net", "https://api.quickpay.net?x=1", "https://api.quickpay.net#x",
		"ftp://127.0.0.1", "http://10.0.0.1", "http://localhost.example.kz"} {
		c := least()
		c.APIBaseURL = base
		if _, err := New(c, Options{}); err == nil {
			t.Errorf("%s is accepted", base)
		}
	}
	for _, base := range []string{"https://api.quickpay.net/", "http://127.0.0.1:8080", "http://[::1]", "http://LOCALHOST"} {
		c := least()
		c.APIBaseURL = base
		if _, err := New(c, Options{}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestClaimsFollowTheConfiguration(t *testing.T) {
	c := least()
	c.OpenWindow, c.Currencies = time.Minute, []string{"KZT"}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	claims := g.Claims()
	link := claims.Method(providers.Link)
	if link.Withdraw != providers.NoWithdrawal || link.WithdrawWait != 0 || link.Margin != time.Minute+inTransit || !link.NeverShown || link.Absent.Counts {
		t.Errorf("a link claims %+v", link)
	}
	if card := claims.Method(providers.Instrument); card.Flow != providers.Direct || !card.Absent.Counts || card.Save || link.Save {
		t.Errorf("a saved card claims %+v", card)
	}
	if rule := claims.ReferenceFor(providers.Page); rule != (providers.ReferenceRule{Length: 20, Prefix: "rt-"}) {
		t.Errorf("the rule for order numbers is %+v", rule)
	}
	if !claims.Carries("KZT") || claims.Carries("DKK") || claims.Provider != Name {
		t.Errorf("claimed are %v by %s", claims.Currencies, claims.Provider)
	}
	c.WithdrawLinks = true
	if g, err = New(c, Options{}); err != nil {
		t.Fatal(err)
	}
	if page := g.Claims().Method(providers.Page); page.Withdraw != providers.Binding || page.WithdrawWait != time.Minute+inTransit {
		t.Errorf("with withdraw_links a page claims %+v", page)
	}
}
