package halyk

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Config is one terminal at Halyk ePay, as it stands in the configuration file.
type Config struct {
	// TokenURL is the OAuth token endpoint, whole. Required. Production:
	// https://epay-oauth.homebank.kz/oauth2/token.
	TokenURL string `yaml:"token_url"`
	// APIURL is what API paths are appended to; the older test host has a prefix
	// (/api). Required. Production: https://epay-api.homebank.kz.
	APIURL string `yaml:"api_url"`
	// ScriptURL is payment-api.js, which the payer's browser loads. Required.
	// Production: https://epay.homebank.kz/payform/payment-api.js.
	ScriptURL string `yaml:"script_url"`
	// ClientID names us at the token endpoint. Required.
	ClientID string `yaml:"client_id"`
	// ClientSecret proves it. Required.
	ClientSecret providers.Secret `yaml:"client_secret"`
	// TerminalID is the terminal's UUID; every answer must be about it. Required.
	TerminalID string `yaml:"terminal_id"`
	// ShopID is the shop for invoice links. Without it links are not offered.
	ShopID string `yaml:"shop_id"`
	// QR says that the bank enabled the terminal for QR. Default false: not offered.
	QR bool `yaml:"qr"`
	// TwoStage says that the terminal is in the bank's two-step (DMS) mode, where
	// a payment is a hold until it is captured. Default false.
	TwoStage bool `yaml:"two_stage"`
	// NoticeKey makes each payment's secret, which the bank echoes in its notices:
	// hex HMAC-SHA256(notice_key, number). At least 16 bytes. Required.
	NoticeKey providers.Secret `yaml:"notice_key"`
	// BackSignSecret, when set, also demands the header X-Back-Sign, hex
	// HMAC-SHA512 of the body, on every notice. Seen in one project only, so the
	// default is off; ask the bank before setting it.
	BackSignSecret providers.Secret `yaml:"back_sign_secret"`
	// ReferencePrefix begins every payment number, before a six-digit counter: 6 to
	// 9 digits. Systems that share a terminal need different ones, and must share
	// out the counter too, since the bank also wants the last six digits unique.
	// Default "100000".
	ReferencePrefix string `yaml:"reference_prefix"`
	// Language of the bank's pages: rus, kaz or eng. Default rus.
	Language string `yaml:"language"`
	// PageTokenLife is the longest life of the bank's payment tokens. A page can be
	// paid as long, and no call ends it sooner; an answer with a longer life is not
	// offered to anybody. Default 2 h, which is what the bank documents.
	PageTokenLife time.Duration `yaml:"page_token_life"`
	// StepUpWindow is how long after an offer's end a payer who began in time may
	// still be at the 3-D Secure page. Only after it does status 3D count as
	// failed. Default 15 min.
	StepUpWindow time.Duration `yaml:"step_up_window"`
	// LinkDays is the life asked for invoice links, in the bank's days. The
	// documents show 1 and 3. Default 1.
	LinkDays int `yaml:"link_days"`
	// LinkLife is when an invoice link is certainly dead. No document says whether a
	// day is 24 hours or ends with a calendar day, nor what becomes of a page opened
	// at the last moment. Default: one day more than link_days, and page_token_life.
	LinkLife time.Duration `yaml:"link_life"`
	// OneTry says that the bank confirmed that a number whose payment failed cannot
	// be paid again. Then a failed try on a page, link or QR ends the offer at once;
	// by default it counts only when the offer has ended. Default false.
	OneTry bool `yaml:"one_try"`
	// Timeouts are our limits for one call. Defaults: charge, create and refund
	// 15 s, status (and tokens) 5 s.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// qrLife is the bank's own: "a QR without a final status 20 minutes after
// creation is cancelled and becomes REJECTED" (QR by API).
const qrLife = 20 * time.Minute

func (c Config) withDefaults() Config {
	c.ReferencePrefix = cmp.Or(c.ReferencePrefix, "100000")
	c.Language = cmp.Or(c.Language, "rus")
	c.PageTokenLife = cmp.Or(c.PageTokenLife, 2*time.Hour)
	c.StepUpWindow = cmp.Or(c.StepUpWindow, 15*time.Minute)
	c.LinkDays = cmp.Or(c.LinkDays, 1)
	c.LinkLife = cmp.Or(c.LinkLife, time.Duration(c.LinkDays+1)*24*time.Hour+c.PageTokenLife)
	c.Timeouts.Charge = cmp.Or(c.Timeouts.Charge, 15*time.Second)
	c.Timeouts.Create = cmp.Or(c.Timeouts.Create, 15*time.Second)
	c.Timeouts.Status = cmp.Or(c.Timeouts.Status, 5*time.Second)
	c.Timeouts.Refund = cmp.Or(c.Timeouts.Refund, 15*time.Second)
	c.APIURL = strings.TrimRight(c.APIURL, "/")
	return c
}

// validate reports everything that is wrong, each by its field and the way out.
func (c Config) validate() error {
	var wrong []error
	demand := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	wrong = append(wrong,
		checkURL("token_url", c.TokenURL, "https://epay-oauth.homebank.kz/oauth2/token"),
		checkURL("api_url", c.APIURL, "https://epay-api.homebank.kz"),
		checkURL("script_url", c.ScriptURL, "https://epay.homebank.kz/payform/payment-api.js"))
	demand(c.ClientID != "", "client_id: missing; take it from the bank's letter or the cabinet")
	demand(!c.ClientSecret.Empty(), "client_secret: missing; take it from the bank's letter, by ${NAME} or file:")
	demand(c.TerminalID != "", "terminal_id: missing; take the terminal's UUID from the cabinet")
	demand(len(c.NoticeKey.Reveal()) >= 16, "notice_key: shorter than 16 bytes; make one up (openssl rand -hex 32)")
	demand(allDigits(c.ReferencePrefix) && len(c.ReferencePrefix) >= 6 && len(c.ReferencePrefix) <= 9,
		"reference_prefix: %q is not 6 to 9 digits; with the six-digit counter a number has 12 to 15", c.ReferencePrefix)
	demand(slices.Contains([]string{"rus", "kaz", "eng"}, c.Language), "language: %q is none of rus, kaz, eng", c.Language)
	demand(c.PageTokenLife > 0, "page_token_life: %s; give the life of the bank's tokens, such as 2h", c.PageTokenLife)
	demand(c.StepUpWindow > 0, "step_up_window: %s; give a positive duration, such as 15m", c.StepUpWindow)
	demand(c.LinkDays > 0, "link_days: %d; give 1 or 3", c.LinkDays)
	demand(c.LinkLife >= time.Duration(c.LinkDays)*24*time.Hour,
		"link_life: %s is shorter than link_days (%d); leave it out or make it longer", c.LinkLife, c.LinkDays)
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"charge", c.Timeouts.Charge}, {"create", c.Timeouts.Create}, {"status", c.Timeouts.Status}, {"refund", c.Timeouts.Refund}} {
		demand(t.value > 0, "timeouts.%s: %s; give a positive duration or leave it out", t.name, t.value)
	}
	return errors.Join(wrong...)
}

// checkURL demands https, except towards this machine.
func checkURL(field, text, production string) error {
	if text == "" {
		return fmt.Errorf("%s: missing; in production it is %s", field, production)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s: not a plain URL with a host; in production it is %s", field, production)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s: https is required unless the host is this machine; in production it is %s", field, production)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func allDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
