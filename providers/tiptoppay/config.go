package tiptoppay

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Config is one terminal. The zero value of an optional field means its default.
type Config struct {
	// APIBaseURL is where requests go. Pages with plain http addresses are accepted only
	// when this is a loopback address. Default https://api.tiptoppay.kz.
	APIBaseURL string `yaml:"api_base_url"`
	// PublicID names the terminal (pk_…). Required.
	PublicID string `yaml:"public_id"`
	// APISecret is the password of requests and the key of notices. Required.
	APISecret providers.Secret `yaml:"api_secret"`
	// TestMode says that the terminal is a test one. Test and live share an address and
	// differ only in this: an answer of the other mode is never believed. Default false.
	TestMode bool `yaml:"test_mode"`
	// Check says that the terminal's Check notification goes to our webhook address with
	// /check at its end. It is what ends a page in time, so link and page are offered only
	// with it. Default false.
	Check bool `yaml:"check"`
	// LinkLife is how long a page can be paid, 2 m to 24 h. It is also how long a failover
	// of an open payment may have to wait if the page cannot be withdrawn. Default 20 m.
	LinkLife time.Duration `yaml:"link_life"`
	// Culture is the language of the page: ru-RU, en-US or kk-KZ. Default: the terminal's own.
	Culture string `yaml:"culture"`
	// OrderEmail is an address of the merchant, never of a payer, sent with every order.
	// Some terminals may want one. Default none.
	OrderEmail string `yaml:"order_email"`
	// Initiator says who starts a charge by token: cardholder (the payer is in the shop),
	// merchant (the payer is away) or scheduled (away, at a time agreed on). Default cardholder.
	Initiator string `yaml:"initiator"`
	// MaxConcurrent is how many requests the terminal may have under way at once. Default 5
	// in test mode and 30 live, which are TipTop Pay's own limits.
	MaxConcurrent int `yaml:"max_concurrent"`
	// Absent says when "not found" proves that a charge by token was never taken on.
	Absent Absent `yaml:"absent"`
	// Timeouts are those of one request each, counted from sending to the last byte. A look-up
	// makes up to four (see claims). Default 30 s for charge, 15 s for the rest.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// Absent is the rule for "Not found".
type Absent struct {
	// After is H: how long after the last possible send the first such answer counts, and a
	// refusal that a second bank might make good. A request may be at work for 5 minutes
	// (notes, section 10), so less is refused. Default 5 m.
	After time.Duration `yaml:"after"`
	// Times is how many in a row are needed, at least 2. Default 3.
	Times int `yaml:"times"`
	// Apart is the time between the first and the last, at least 30 s. Default 60 s.
	Apart time.Duration `yaml:"apart"`
}

// Initiators of a charge by token.
const (
	byCardholder = "cardholder"
	byMerchant   = "merchant"
	bySchedule   = "scheduled"
)

const (
	// shortestLife is the least that is left of a page when it is handed out: a payer
	// needs it to type a card.
	shortestLife = time.Minute
	shortestLink = 2 * time.Minute
	longestLink  = 24 * time.Hour
	// longestWork is how long TipTop Pay may be at work on a request (notes, section 10).
	longestWork = 5 * time.Minute
)

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	duration := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	if c.APIBaseURL == "" {
		c.APIBaseURL = "https://api.tiptoppay.kz"
	}
	if c.Initiator == "" {
		c.Initiator = byCardholder
	}
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = 30
		if c.TestMode {
			c.MaxConcurrent = 5
		}
	}
	if c.Absent.Times == 0 {
		c.Absent.Times = 3
	}
	duration(&c.LinkLife, 20*time.Minute)
	duration(&c.Absent.After, longestWork)
	duration(&c.Absent.Apart, time.Minute)
	duration(&c.Timeouts.Charge, 30*time.Second)
	duration(&c.Timeouts.Create, 15*time.Second)
	duration(&c.Timeouts.Status, 15*time.Second)
	duration(&c.Timeouts.Refund, 15*time.Second)
	return c
}

// validate names every field that is wrong, and the way out.
func (c Config) validate() error {
	var all []error
	wrong := func(bad bool, field, wayOut string) {
		if bad {
			all = append(all, fmt.Errorf("%s: %s", field, wayOut))
		}
	}
	if err := checkBase(c.APIBaseURL); err != nil {
		all = append(all, fmt.Errorf("api_base_url: %w", err))
	}
	wrong(c.PublicID == "" || strings.ContainsAny(c.PublicID, ": \t\r\n"), "public_id", "set the terminal's Public ID from the cabinet, such as pk_…")
	wrong(c.APISecret.Empty(), "api_secret", "set the terminal's API password, by ${NAME} or file:")
	wrong(c.LinkLife < shortestLink || c.LinkLife > longestLink, "link_life", "write a duration from 2m to 24h")
	wrong(!slices.Contains([]string{"", "ru-RU", "en-US", "kk-KZ"}, c.Culture), "culture", "write ru-RU, en-US or kk-KZ, or leave it out")
	wrong(c.OrderEmail != "" && !strings.Contains(c.OrderEmail, "@"), "order_email", "write an address such as shop@example.kz, or leave it out")
	wrong(!slices.Contains([]string{byCardholder, byMerchant, bySchedule}, c.Initiator), "initiator", "write cardholder, merchant or scheduled")
	wrong(c.MaxConcurrent < 0, "max_concurrent", "write a positive number such as 30")
	wrong(c.Absent.After < longestWork, "absent.after", "a request may be at work for 5m; write a duration of 5m or more")
	wrong(c.Absent.Times < 2, "absent.times", "one answer proves nothing; write 2 or more")
	wrong(c.Absent.Apart < 30*time.Second, "absent.apart", "write a duration of 30s or more")
	for _, limit := range []struct {
		field string
		value time.Duration
	}{
		{"timeouts.charge", c.Timeouts.Charge}, {"timeouts.create", c.Timeouts.Create},
		{"timeouts.status", c.Timeouts.Status}, {"timeouts.refund", c.Timeouts.Refund},
	} {
		wrong(limit.value < 0, limit.field, "write a positive duration such as 15s")
	}
	return errors.Join(all...)
}

var (
	errBase  = errors.New("write an address such as https://api.tiptoppay.kz, without user, query or fragment")
	errHTTPS = errors.New("write https://; plain http is for loopback addresses only")
)

func checkBase(text string) error {
	base, err := url.Parse(text)
	switch {
	case err != nil, base.Host == "", base.User != nil, base.RawQuery != "", base.Fragment != "":
		return errBase
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())):
		return errHTTPS
	}
	return nil
}

func loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
