package freedompay

import (
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Config is one merchant account. The zero value of an optional field means its default.
type Config struct {
	// BaseURL is where requests go. Default https://api.freedompay.kz; there are hosts for
	// other countries (.uz, .kg, .money), old names (api.paybox.money) and
	// https://test-api.freedompay.kz.
	BaseURL string `yaml:"base_url"`
	// MerchantID is pg_merchant_id, digits. Required.
	MerchantID string `yaml:"merchant_id"`
	// Secret signs our requests and verifies answers and notices. Required. It is not the
	// secret for payouts.
	Secret providers.Secret `yaml:"secret"`
	// TestMode asks for test payments (pg_testing_mode), and must be what notices say: test
	// money is never taken for real money. Default false.
	TestMode bool `yaml:"test_mode"`
	// Currencies are what the merchant's contract allows, as ISO 4217 codes with two
	// decimals. Default KZT.
	Currencies []string `yaml:"currencies"`
	// Language of the payment page: ru, en, kk, kg or uz. Default: Freedom Pay's own, ru.
	Language string `yaml:"language"`
	// PaymentMethod presets what the payer pays with on the page (pg_payment_method, such as
	// bankcard). Default: the payer chooses.
	PaymentMethod string `yaml:"payment_method"`
	// LinkLife is how long a page can be paid, 5 m to 168 h (pg_lifetime). There is no proven
	// way to end one early, so it is also how long a failover of an open payment waits.
	// Default 15 m.
	LinkLife time.Duration `yaml:"link_life"`
	// OneTry says that a page is over after one failed card, by Freedom Pay's word to the
	// merchant. Default false: a failed try is waited out, since nobody documents that the
	// payer cannot try again.
	OneTry bool `yaml:"one_try"`
	// Cards says that the contract has saved cards (card/init and card/direct). Default false.
	Cards bool `yaml:"cards"`
	// Check lets Freedom Pay ask us before it takes money, so that a payment that has moved
	// on can be refused in time. A question that we cannot answer ends in a refused payment.
	// Default false.
	Check bool `yaml:"check"`
	// RefundCall is revoke (Merchant API, every account) or g2g (Gateway API, tells a refund
	// id). Default revoke.
	RefundCall string `yaml:"refund_call"`
	// RefundSettle is how long after a lost answer the status may still not show a refund.
	// Nobody documents it; a few seconds were seen, ours is 10 m. A refund that is believed lost
	// is sent again, and nothing proven at Freedom Pay guards against a repeat. Default 10 m.
	RefundSettle time.Duration `yaml:"refund_settle"`
	// Registry asks get_registry.php for statements (Gateway.Provider). No document of Freedom
	// Pay has that call, so statements come from exports of the cabinet. Default false.
	Registry bool `yaml:"registry"`
	// Timeouts are counted from sending to the last byte of one request. Default 15 s for
	// status, 30 s for the rest.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// Ways to give money back.
const (
	byRevoke = "revoke"
	byG2G    = "g2g"
)

// Bounds of pg_lifetime (notes, section 4.1).
const (
	shortestLink = 300 * time.Second
	longestLink  = 604800 * time.Second
)

const defaultBase = "https://api.freedompay.kz"

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	settings.Default(&c.BaseURL, defaultBase)
	settings.Default(&c.RefundCall, byRevoke)
	c.Currencies = slices.Clone(c.Currencies)
	if len(c.Currencies) == 0 {
		c.Currencies = []string{"KZT"}
	}
	settings.Default(&c.LinkLife, 15*time.Minute)
	settings.Default(&c.RefundSettle, 10*time.Minute)
	settings.DefaultTimeouts(&c.Timeouts, providers.Timeouts{Charge: 30 * time.Second, Create: 30 * time.Second, Status: 15 * time.Second, Refund: 30 * time.Second})
	return c
}

// validate names every field that is wrong, and the way out.
func (c Config) validate() error {
	var wrong settings.Errors
	wrong.Base("base_url", c.BaseURL, defaultBase)
	wrong.If(!number(c.MerchantID), "merchant_id", "set the merchant's number from the Freedom Pay cabinet, digits only")
	wrong.If(c.Secret.Empty(), "secret", "set the merchant's secret key for payments, by ${NAME} or file:")
	for _, currency := range c.Currencies {
		decimals, known := providers.Exponent(currency)
		wrong.If(!known || decimals != 2, "currencies", fmt.Sprintf("%q is no currency with two decimals; write one such as KZT", currency))
	}
	wrong.If(!slices.Contains([]string{"", "ru", "en", "kk", "kg", "uz"}, c.Language), "language", "write ru, en, kk, kg or uz, or leave it out")
	wrong.If(c.PaymentMethod != "" && !identifier(c.PaymentMethod, 50), "payment_method", "write one of Freedom Pay's names, such as bankcard, or leave it out")
	wrong.If(c.LinkLife < shortestLink || c.LinkLife > longestLink, "link_life", "write a duration from 5m to 168h")
	wrong.If(c.RefundCall != byRevoke && c.RefundCall != byG2G, "refund_call", "write revoke or g2g")
	wrong.If(c.RefundSettle < 0, "refund_settle", "write a positive duration such as 10m")
	wrong.Timeouts(c.Timeouts, "30s")
	return wrong.Err()
}

// number reports whether the text is a number as Freedom Pay writes its ids.
func number(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != "" && len(text) <= 30 && text[0] != '0'
}

// identifier reports whether the text has 1 to limit characters of [a-zA-Z0-9_-], which is
// what Freedom Pay allows in ids of others.
func identifier(text string, limit int) bool {
	for _, c := range []byte(text) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return text != "" && len(text) <= limit
}
