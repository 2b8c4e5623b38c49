package quickpay

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Config is one QuickPay account. The zero value of an optional field means its default.
type Config struct {
	// APIBaseURL is where requests go. Plain http, also of payment windows, is accepted for
	// loopback addresses only. Default https://api.quickpay.net.
	APIBaseURL string `yaml:"api_base_url"`
	// APIKey is that of an API user with the permissions of the notes, section 3. Required.
	APIKey providers.Secret `yaml:"api_key"`
	// PrivateKey is the account's (Settings, Integration); callbacks are signed with it. Required.
	PrivateKey providers.Secret `yaml:"private_key"`
	// MerchantID is the account's number. Answers and callbacks of another one are not
	// believed. Default: not compared.
	MerchantID int64 `yaml:"merchant_id"`
	// TestMode says that this is a test: only payments with test cards count. Without it
	// only real ones do; what differs is doubt, never money. Default false.
	TestMode bool `yaml:"test_mode"`
	// Currencies are what the acquirers settle, as ISO 4217 codes.
	// Default DKK, EUR, SEK, NOK, USD, GBP.
	Currencies []string `yaml:"currencies"`
	// NotifyURL is where callbacks of captures, voids and refunds go: this gateway's webhook
	// address. Default: the account-wide address that is set at QuickPay.
	NotifyURL string `yaml:"notify_url"`
	// Language of the payment window, two letters. Default: QuickPay's own choice.
	Language string `yaml:"language"`
	// PaymentMethods offered in the window, in QuickPay's words (creditcard, mobilepay, …).
	// Default: all that the account has.
	PaymentMethods []string `yaml:"payment_methods"`
	// LinkLife is how long a link can be paid, 1 m to 24 h. It is also how long a failover of
	// an open payment may have to wait. Default 20 m.
	LinkLife time.Duration `yaml:"link_life"`
	// OpenWindow is how long a payer who is in the window when the link ends or is deleted may
	// take to finish there. A link counts as dead that much later. Not documented. Default 10 m.
	OpenWindow time.Duration `yaml:"open_window"`
	// WithdrawLinks says that QuickPay has confirmed that nobody can begin to pay once a link is
	// deleted, not even in a window that is open. Deleting then ends an offer, and a look after
	// open_window confirms it; without it an offer ends by its own clock alone. Default false.
	WithdrawLinks bool `yaml:"withdraw_links"`
	// Absent says when "no such payment", or a payment without any operation, proves that a
	// saved card was never charged.
	Absent Absent `yaml:"absent"`
	// StatementReach is how long before a statement's window the payments begin that are read
	// for it: a refund stands on the payment it belongs to. Default 720h, 30 days.
	StatementReach time.Duration `yaml:"statement_reach"`
	// Timeouts of one request each, from sending to the last byte. Charge and refund wait for
	// the acquirer. Default 60 s for charge and refund, 15 s for create and status.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// Absent is the rule for charges of which QuickPay knows no operation. After is 2 m by
// default.
type Absent = settings.Absent

// Our own bounds of a link's life: QuickPay documents none.
const (
	shortestLife = time.Minute
	longestLife  = 24 * time.Hour
)

const defaultBase = "https://api.quickpay.net"

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	settings.Default(&c.APIBaseURL, defaultBase)
	c.Currencies = slices.Clone(c.Currencies)
	if len(c.Currencies) == 0 {
		c.Currencies = []string{"DKK", "EUR", "SEK", "NOK", "USD", "GBP"}
	}
	c.PaymentMethods = slices.Clone(c.PaymentMethods)
	settings.Default(&c.LinkLife, 20*time.Minute)
	settings.Default(&c.OpenWindow, 10*time.Minute)
	settings.Default(&c.StatementReach, 30*24*time.Hour)
	c.Absent = c.Absent.WithDefaults(2 * time.Minute)
	settings.DefaultTimeouts(&c.Timeouts, providers.Timeouts{Charge: time.Minute, Create: 15 * time.Second, Status: 15 * time.Second, Refund: time.Minute})
	return c
}

var (
	aLanguage = regexp.MustCompile(`^[a-z]{2}$`)
	aMethod   = regexp.MustCompile(`^!?[0-9a-z][0-9a-z-]*$`)
)

// validate names every field that is wrong, and the way out.
func (c Config) validate() error {
	var wrong settings.Errors
	wrong.Base("api_base_url", c.APIBaseURL, defaultBase)
	wrong.If(c.APIKey.Empty(), "api_key", "set the key of an API user, by ${NAME} or file:")
	wrong.If(c.PrivateKey.Empty(), "private_key", "set the account's private key (Settings, Integration), by ${NAME} or file:")
	wrong.If(c.MerchantID < 0, "merchant_id", "write the account's number, or leave it out")
	for _, currency := range c.Currencies {
		_, known := providers.Exponent(currency)
		wrong.If(!known, "currencies", fmt.Sprintf("%q is no currency code known here; write one such as DKK", currency))
	}
	wrong.If(c.NotifyURL != "" && !web(c.NotifyURL), "notify_url", "write this gateway's webhook address, such as https://pay.example.kz/webhooks/quickpay-main, or leave it out")
	wrong.If(c.Language != "" && !aLanguage.MatchString(c.Language), "language", "write two letters such as da, or leave it out")
	for _, method := range c.PaymentMethods {
		wrong.If(!aMethod.MatchString(method), "payment_methods", "write one name an entry, such as creditcard")
	}
	wrong.If(c.LinkLife < shortestLife || c.LinkLife > longestLife, "link_life", "write a duration from 1m to 24h")
	wrong.If(c.OpenWindow < 0, "open_window", "write a positive duration such as 10m")
	wrong.If(c.StatementReach < 0, "statement_reach", "write a positive duration such as 720h")
	wrong.If(c.Absent.After < 0, "absent.after", "write a positive duration such as 2m")
	wrong.Absent(c.Absent)
	wrong.Timeouts(c.Timeouts, "15s")
	return wrong.Err()
}

// web reports whether a text is an address that QuickPay could call. It goes into a
// header, so control characters have no place in it; url.Parse refuses them.
func web(text string) bool {
	address, err := url.Parse(text)
	return err == nil && address.Host != "" && (address.Scheme == "https" || address.Scheme == "http")
}
