package wayforpay

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Config is one merchant account. The zero value of an optional field means its
// default.
type Config struct {
	// APIBaseURL is where requests go, without the trailing /api.
	// Default https://api.wayforpay.com.
	APIBaseURL string `yaml:"api_base_url"`
	// SecureBaseURL is where payers pay. A relative link in an answer is taken from
	// here, and a plain http link is accepted only when this is a loopback address.
	// Default https://secure.wayforpay.com, or api_base_url when that is a loopback address.
	SecureBaseURL string `yaml:"secure_base_url"`
	// MerchantAccount is the account's name at WayForPay. Required.
	MerchantAccount string `yaml:"merchant_account"`
	// MerchantSecret signs our requests and verifies answers and notices. Required.
	MerchantSecret providers.Secret `yaml:"merchant_secret"`
	// MerchantDomain is the site registered with the account, without https://. Required.
	MerchantDomain string `yaml:"merchant_domain"`
	// Currencies are what the merchant's contract allows, as ISO 4217 codes. Default UAH.
	Currencies []string `yaml:"currencies"`
	// Language of the invoice page: UA, RU or EN. Default: WayForPay's own choice.
	Language string `yaml:"language"`
	// PaymentSystems offered on the invoice page, in WayForPay's words (card, googlePay,
	// applePay, privat24, …). Default: all that the account has.
	PaymentSystems []string `yaml:"payment_systems"`
	// LinkLife is how long an invoice can be paid, 1 m to 24 h (orderTimeout). It is also
	// how long a failover of an open payment may have to wait. Default 20 m.
	LinkLife time.Duration `yaml:"link_life"`
	// HoldLife is how long a hold lives, 1 m to 480 h (holdTimeout). Default 480 h.
	HoldLife time.Duration `yaml:"hold_life"`
	// SettleAnswer says which signature of a capture's answer is accepted: 4_fields (the
	// official SDK), 8_fields (the wiki) or either. Default either.
	SettleAnswer string `yaml:"settle_answer"`
	// Absent says when "order not found" proves that a token charge was never taken on.
	Absent Absent `yaml:"absent"`
	// RefundSettle is how long after a lost answer CHECK_STATUS may still not show a refund.
	// Nobody documents it; ours is 10 m. A refund that is believed lost is sent again, and
	// nothing at WayForPay guards against a repeat.
	RefundSettle time.Duration `yaml:"refund_settle"`
	// Timeouts are counted from sending to the last byte. Default 30 s for charge, 15 s for the rest.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// Absent is the rule for 1127, "order not found". After is 60 s by default.
type Absent = settings.Absent

// Answers of SETTLE that can be accepted.
const (
	eitherSettle = "either"
	shortSettle  = "4_fields"
	longSettle   = "8_fields"
)

// Bounds of the notes, section 4.1: one client bounds holdTimeout to 60…1 728 000 s, and a
// hold lives 21 days at most; clients send an orderTimeout of 86 400 s.
const (
	shortestLife = time.Minute
	longestLink  = 24 * time.Hour
	longestHold  = 480 * time.Hour
)

const defaultAPI = "https://api.wayforpay.com"

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	settings.Default(&c.APIBaseURL, defaultAPI)
	if base, err := url.Parse(c.APIBaseURL); err == nil && settings.Loopback(base.Hostname()) {
		settings.Default(&c.SecureBaseURL, c.APIBaseURL)
	}
	settings.Default(&c.SecureBaseURL, "https://secure.wayforpay.com")
	settings.Default(&c.SettleAnswer, eitherSettle)
	c.Currencies = slices.Clone(c.Currencies)
	if len(c.Currencies) == 0 {
		c.Currencies = []string{"UAH"}
	}
	c.PaymentSystems = slices.Clone(c.PaymentSystems)
	settings.Default(&c.LinkLife, 20*time.Minute)
	settings.Default(&c.HoldLife, longestHold)
	c.Absent = c.Absent.WithDefaults(time.Minute)
	settings.Default(&c.RefundSettle, 10*time.Minute)
	settings.DefaultTimeouts(&c.Timeouts, providers.Timeouts{Charge: 30 * time.Second, Create: 15 * time.Second, Status: 15 * time.Second, Refund: 15 * time.Second})
	return c
}

// validate names every field that is wrong, and the way out.
func (c Config) validate() error {
	var wrong settings.Errors
	wrong.Base("api_base_url", c.APIBaseURL, defaultAPI)
	wrong.Base("secure_base_url", c.SecureBaseURL, defaultAPI)
	wrong.If(c.MerchantAccount == "" || strings.Contains(c.MerchantAccount, ";"), "merchant_account", "set the account's name from the WayForPay cabinet; it has no semicolon")
	wrong.If(c.MerchantSecret.Empty(), "merchant_secret", "set the account's secret key, by ${NAME} or file:")
	wrong.If(c.MerchantDomain == "" || strings.ContainsAny(c.MerchantDomain, ";/ "), "merchant_domain", "set the site registered with the account, such as shop.example.kz")
	for _, currency := range c.Currencies {
		_, known := providers.Exponent(currency)
		wrong.If(!known, "currencies", fmt.Sprintf("%q is no currency code known here; write one such as UAH", currency))
	}
	wrong.If(!slices.Contains([]string{"", "UA", "RU", "EN"}, c.Language), "language", "write UA, RU or EN, or leave it out")
	for _, system := range c.PaymentSystems {
		wrong.If(system == "" || strings.ContainsAny(system, "; "), "payment_systems", "write one name an entry, such as card")
	}
	wrong.If(c.LinkLife < shortestLife || c.LinkLife > longestLink, "link_life", "write a duration from 1m to 24h")
	wrong.If(c.HoldLife < shortestLife || c.HoldLife > longestHold, "hold_life", "write a duration from 1m to 480h")
	wrong.If(!slices.Contains([]string{eitherSettle, shortSettle, longSettle}, c.SettleAnswer), "settle_answer", "write either, 4_fields or 8_fields")
	wrong.If(c.Absent.After < 0, "absent.after", "write a positive duration such as 60s")
	wrong.Absent(c.Absent)
	wrong.If(c.RefundSettle < 0, "refund_settle", "write a positive duration such as 10m")
	wrong.Timeouts(c.Timeouts, "15s")
	return wrong.Err()
}
