package tiptoppay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/providers"
)

func TestAWrongConfigurationNamesTheField(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"api_base_url":    func(c *Config) { c.APIBaseURL = "http://api.tiptoppay.kz" },
		"public_id":       func(c *Config) { c.PublicID = "" },
		"api_secret":      func(c *Config) { c.APISecret = providers.Secret{} },
		"link_life":       func(c *Config) { c.LinkLife = time.Minute },
		"culture":         func(c *Config) { c.Culture = "kk" },
		"order_email":     func(c *Config) { c.OrderEmail = "till" },
		"initiator":       func(c *Config) { c.Initiator = "us" },
		"max_concurrent":  func(c *Config) { c.MaxConcurrent = -1 },
		"absent.after":    func(c *Config) { c.Absent.After = 5*time.Minute - 1 },
		"absent.times":    func(c *Config) { c.Absent.Times = 1 },
		"absent.apart":    func(c *Config) { c.Absent.Apart = time.Second },
		"timeouts.charge": func(c *Config) { c.Timeouts.Charge = -1 },
		"timeouts.create": func(c *Config) { c.Timeouts.Create = -1 },
		"timeouts.status": func(c *Config) { c.Timeouts.Status = -1 },
		"timeouts.refund": func(c *Config) { c.Timeouts.Refund = -1 },
	} {
		c := least()
		change(&c)
		if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), field+": ") || strings.Contains(err.Error(), secret.Reveal()) {
			t.Errorf("%s: error %v", field, err)
		}
	}
	if _, err := New(Config{}, Options{}); err == nil || !strings.Contains(err.Error(), "public_id") || !strings.Contains(err.Error(), "api_secret") {
		t.Errorf("nothing at all: error %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for address, fine := range map[string]bool{
		"https://api.tiptoppay.kz": true, "https://api.tiptoppay.kz/": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true,
		"http://10.0.0.1": false, "https://a@b": false, "https://a?b": false, "https://a#b": false, "ftp://a": false, "api.tiptoppay.kz": false, "https://": false, "%": false,
	} {
		c := least()
		c.APIBaseURL = address
		if _, err := New(c, Options{}); (err == nil) != fine {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

func TestTheLeastConfigurationIsFilled(t *testing.T) {
	for _, test := range []bool{false, true} {
		c := Config{PublicID: publicID, APISecret: secret, TestMode: test}.withDefaults()
		limit := map[bool]int{false: 30, true: 5}[test]
		if c.APIBaseURL != "https://api.tiptoppay.kz" || c.LinkLife != 20*time.Minute || c.MaxConcurrent != limit || c.Initiator != byCardholder ||
			c.Absent != (Absent{After: 5 * time.Minute, Times: 3, Apart: time.Minute}) || c.Timeouts != (providers.Timeouts{Charge: 30 * time.Second, Create: 15 * time.Second, Status: 15 * time.Second, Refund: 15 * time.Second}) {
			t.Errorf("%+v", c)
		}
	}
}

func TestAConfigurationIsReadFromYAML(t *testing.T) {
	var c Config
	text := "public_id: pk_1\napi_secret: s3cr3t\ntest_mode: true\ncheck: true\nlink_life: 10m\nculture: kk-KZ\ninitiator: merchant\n" +
		"max_concurrent: 4\norder_email: till@example.kz\nabsent: {after: 6m, times: 4, apart: 40s}\ntimeouts: {charge: 20s}\n"
	if err := yaml.Load([]byte(text), &c, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if c.PublicID != "pk_1" || c.APISecret.Reveal() != "s3cr3t" || !c.TestMode || !c.Check || c.LinkLife != 10*time.Minute ||
		c.Culture != "kk-KZ" || c.Initiator != byMerchant || c.MaxConcurrent != 4 || c.OrderEmail != "till@example.kz" || c.Absent.Times != 4 || c.Timeouts.Charge != 20*time.Second {
		t.Errorf("%+v", c)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, g); strings.Contains(text, "s3cr3t") || strings.Contains(text, "0ld") {
			t.Errorf("%s prints a secret", verb)
		}
	}
}

func TestPagesAreClaimedOnlyWhereSomethingEndsThem(t *testing.T) {
	for _, check := range []bool{false, true} {
		g := deaf(t, func(c *Config) { c.Check = check })
		flow := map[bool]providers.Flow{false: providers.Unclaimed, true: providers.Offer}[check]
		for _, m := range []providers.Method{providers.Link, providers.Page} {
			if got := g.Claims().Method(m); got.Flow != flow || got.Save != check || (got.Withdraw == providers.Binding) != check {
				t.Errorf("check %t: %+v", check, got)
			}
		}
		if g.Claims().Method(providers.Instrument).Flow != providers.Direct || g.Claims().Method(providers.QR).Flow != providers.Unclaimed {
			t.Errorf("check %t: %+v", check, g.Claims().Methods)
		}
	}
}

// A repeat is answered like the first for an hour; a page must be worth handing out.
func TestARepeatIsClaimedForLessThanAnHour(t *testing.T) {
	for life, create := range map[time.Duration]time.Duration{20 * time.Minute: 19 * time.Minute, 2 * time.Minute: time.Minute, 24 * time.Hour: 55 * time.Minute} {
		windows := map[string]time.Duration{}
		for _, i := range deaf(t, func(c *Config) { c.LinkLife = life }).Claims().Idempotent {
			windows[i.Operation] = i.Window
		}
		for operation, want := range map[string]time.Duration{"charge": replayed, "capture": replayed, "void": replayed, "refund": replayed, "create": create} {
			if windows[operation] != want {
				t.Errorf("a link of %s: %s may be repeated for %s, want %s", life, operation, windows[operation], want)
			}
		}
	}
}
