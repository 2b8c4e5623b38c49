package tiptoppay

import (
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
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

// Absent is the rule for "Not found", and After also for a refusal that a second bank might
// make good. A request may be at work for 5 minutes (notes, section 10), so After is 5 m by
// default, and less is refused.
type Absent = settings.Absent

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

const defaultBase = "https://api.tiptoppay.kz"

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	settings.Default(&c.APIBaseURL, defaultBase)
	settings.Default(&c.Initiator, byCardholder)
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = 30
		if c.TestMode {
			c.MaxConcurrent = 5
		}
	}
	settings.Default(&c.LinkLife, 20*time.Minute)
	c.Absent = c.Absent.WithDefaults(longestWork)
	settings.DefaultTimeouts(&c.Timeouts, providers.Timeouts{Charge: 30 * time.Second, Create: 15 * time.Second, Status: 15 * time.Second, Refund: 15 * time.Second})
	return c
}

// validate names every field that is wrong, and the way out.
func (c Config) validate() error {
	var wrong settings.Errors
	wrong.Base("api_base_url", c.APIBaseURL, defaultBase)
	wrong.If(c.PublicID == "" || strings.ContainsAny(c.PublicID, ": \t\r\n"), "public_id", "set the terminal's Public ID from the cabinet, such as pk_…")
	wrong.If(c.APISecret.Empty(), "api_secret", "set the terminal's API password, by ${NAME} or file:")
	wrong.If(c.LinkLife < shortestLink || c.LinkLife > longestLink, "link_life", "write a duration from 2m to 24h")
	wrong.If(!slices.Contains([]string{"", "ru-RU", "en-US", "kk-KZ"}, c.Culture), "culture", "write ru-RU, en-US or kk-KZ, or leave it out")
	wrong.If(c.OrderEmail != "" && !strings.Contains(c.OrderEmail, "@"), "order_email", "write an address such as shop@example.kz, or leave it out")
	wrong.If(!slices.Contains([]string{byCardholder, byMerchant, bySchedule}, c.Initiator), "initiator", "write cardholder, merchant or scheduled")
	wrong.If(c.MaxConcurrent < 0, "max_concurrent", "write a positive number such as 30")
	wrong.If(c.Absent.After < longestWork, "absent.after", "a request may be at work for 5m; write a duration of 5m or more")
	wrong.Absent(c.Absent)
	wrong.Timeouts(c.Timeouts, "15s")
	return wrong.Err()
}
