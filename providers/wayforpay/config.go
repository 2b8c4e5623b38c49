package wayforpay

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
	// Timeouts are counted from sending to the last byte. Default 30 s for charge, 15 s for the rest.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// Absent is the rule for 1127, "order not found".
type Absent struct {
	// After is H: how long after the last possible send the first 1127 counts. Default 60 s.
	After time.Duration `yaml:"after"`
	// Times is how many in a row are needed, at least 2. Default 3.
	Times int `yaml:"times"`
	// Apart is the time between the first and the last, at least 30 s. Default 60 s.
	Apart time.Duration `yaml:"apart"`
}

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

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	text := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	duration := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	text(&c.APIBaseURL, "https://api.wayforpay.com")
	if base, err := url.Parse(c.APIBaseURL); err == nil && loopback(base.Hostname()) {
		text(&c.SecureBaseURL, c.APIBaseURL)
	}
	text(&c.SecureBaseURL, "https://secure.wayforpay.com")
	text(&c.SettleAnswer, eitherSettle)
	c.Currencies = slices.Clone(c.Currencies)
	if len(c.Currencies) == 0 {
		c.Currencies = []string{"UAH"}
	}
	c.PaymentSystems = slices.Clone(c.PaymentSystems)
	duration(&c.LinkLife, 20*time.Minute)
	duration(&c.HoldLife, longestHold)
	duration(&c.Absent.After, time.Minute)
	duration(&c.Absent.Apart, time.Minute)
	if c.Absent.Times == 0 {
		c.Absent.Times = 3
	}
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
	for _, base := range []struct{ field, value string }{{"api_base_url", c.APIBaseURL}, {"secure_base_url", c.SecureBaseURL}} {
		if err := checkBase(base.value); err != nil {
			all = append(all, fmt.Errorf("%s: %w", base.field, err))
		}
	}
	wrong(c.MerchantAccount == "" || strings.Contains(c.MerchantAccount, ";"), "merchant_account", "set the account's name from the WayForPay cabinet; it has no semicolon")
	wrong(c.MerchantSecret.Empty(), "merchant_secret", "set the account's secret key, by ${NAME} or file:")
	wrong(c.MerchantDomain == "" || strings.ContainsAny(c.MerchantDomain, ";/ "), "merchant_domain", "set the site registered with the account, such as shop.example.kz")
	for _, currency := range c.Currencies {
		_, known := providers.Exponent(currency)
		wrong(!known, "currencies", fmt.Sprintf("%q is no currency code known here; write one such as UAH", currency))
	}
	wrong(!slices.Contains([]string{"", "UA", "RU", "EN"}, c.Language), "language", "write UA, RU or EN, or leave it out")
	for _, system := range c.PaymentSystems {
		wrong(system == "" || strings.ContainsAny(system, "; "), "payment_systems", "write one name an entry, such as card")
	}
	wrong(c.LinkLife < shortestLife || c.LinkLife > longestLink, "link_life", "write a duration from 1m to 24h")
	wrong(c.HoldLife < shortestLife || c.HoldLife > longestHold, "hold_life", "write a duration from 1m to 480h")
	wrong(!slices.Contains([]string{eitherSettle, shortSettle, longSettle}, c.SettleAnswer), "settle_answer", "write either, 4_fields or 8_fields")
	wrong(c.Absent.After < 0, "absent.after", "write a positive duration such as 60s")
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
	errBase  = errors.New("write an address such as https://api.wayforpay.com, without user, query or fragment")
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
