package kaspi

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Scheme is the kind of access the bank granted; it fixes what can be done.
type Scheme string

// The schemes of the document.
const (
	R1 Scheme = "r1" // basic: Api-Key, no refunds by API
	R2 Scheme = "r2" // standard: client certificate, refunds need the payer's scan
	R3 Scheme = "r3" // enhanced: client certificate and our static address, everything
)

// Config describes one account at Kaspi Pay. Only what a comment calls required
// must be given.
type Config struct {
	// Scheme is r1, r2 or r3. Default r3.
	Scheme Scheme `yaml:"scheme"`
	// BaseURL is the address the bank mailed with the certificate, API version
	// included: https://qrapi-cert-ip.kaspi.kz/r3/v01. Required. Plain http is
	// accepted on a loopback host only.
	BaseURL string `yaml:"base_url"`
	// StatusVersion replaces the version of BaseURL for payment/status, whose newer
	// versions tell the amount. Default v02.
	StatusVersion string `yaml:"status_version"`

	// APIKey is the key of scheme r1; it begins with test_ or prod_. Required there.
	APIKey providers.Secret `yaml:"api_key"`
	// CertFile and KeyFile name PEM files with the client certificate (its chain
	// included) and its unencrypted key, for r2 and r3. Required with https. They
	// are read again when they change.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// CAFile names a PEM file with the roots that the bank's server is checked
	// against, read again when it changes. Default: the system's roots.
	CAFile string `yaml:"ca_file"`

	// OrganizationBIN is the merchant's 12-digit business number. Required for r3.
	OrganizationBIN string `yaml:"organization_bin"`
	// DeviceToken names the cash desk that all payments are made through. Required,
	// unless DeviceID is given.
	DeviceToken providers.Secret `yaml:"device_token"`
	// DeviceID lets the adapter register the cash desk by itself on first use, at
	// TradePointID. Latin letters, digits, - and _. Registering the same one again
	// returns the same token, so it may stay for ever.
	DeviceID string `yaml:"device_id"`
	// TradePointID is the bank's number of the shop, for DeviceID.
	TradePointID int64 `yaml:"trade_point_id"`

	// Timeouts are from send to the last byte. Defaults: charge, create and refund
	// 10 s, status 5 s.
	Timeouts providers.Timeouts `yaml:"timeouts"`
	// PollInterval is the pause between status calls where an answer names none.
	// Default 5 s.
	PollInterval time.Duration `yaml:"poll_interval"`
	// ConfirmWindow is how long a payer who has scanned may confirm, where an
	// answer does not say. Default 65 s.
	ConfirmWindow time.Duration `yaml:"confirm_window"`
	// OfferLife is the longest a QR or a link stays payable, confirm window
	// included. A payment that must end sooner is not begun. Default 245 s.
	OfferLife time.Duration `yaml:"offer_life"`
	// Margin is added to the end of a QR or a link before a look may prove it dead.
	// Default 15 s.
	Margin time.Duration `yaml:"margin"`
	// PushLife is how long an invoice on a phone stays payable. Default 24 h.
	PushLife time.Duration `yaml:"push_life"`
	// PushMargin is Margin for invoices; how one ends unpaid is not documented, so
	// it is generous. Default 1 h.
	PushMargin time.Duration `yaml:"push_margin"`
	// RefundSettle is how long after a lost answer the sum returned may still not
	// show the refund. Not documented. Default 10 min.
	RefundSettle time.Duration `yaml:"refund_settle"`

	// NoticeSources are the addresses or prefixes the bank's requests to us come
	// from; nothing else authenticates them. Default: the two published ones,
	// 194.187.247.152 and 194.187.245.108.
	NoticeSources []string `yaml:"notice_sources"`
	// Biller configures payments by account number. Off while its Service is empty.
	Biller Biller `yaml:"biller"`
}

// Biller is our side of the protocol in which the bank asks us.
type Biller struct {
	// Service is the name under which payers find us in the app's Payments list.
	Service string `yaml:"service"`
	// Secret, when set, must come as data1 in every request (agreed with the bank).
	Secret providers.Secret `yaml:"secret"`
	// Format of our answers: json or xml. Default json.
	Format string `yaml:"format"`
	// Fields are shown to the payer before paying, in this order.
	Fields []Field `yaml:"fields"`
}

// Field is one line that the app shows to the payer.
type Field struct {
	Name string `yaml:"name"` // "Shop"
	Text string `yaml:"text"` // "Qazaq Books"
}

var (
	versionShape  = regexp.MustCompile(`^v\d{2}$`)
	binShape      = regexp.MustCompile(`^\d{12}$`)
	deviceIDShape = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// withDefaults returns the configuration with every default filled in.
func (c Config) withDefaults() Config {
	if c.Scheme == "" {
		c.Scheme = R3
	}
	if c.StatusVersion == "" {
		c.StatusVersion = "v02"
	}
	if c.Biller.Format == "" {
		c.Biller.Format = formatJSON
	}
	if len(c.NoticeSources) == 0 {
		c.NoticeSources = []string{"194.187.247.152", "194.187.245.108"}
	}
	for _, d := range c.durations() {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	return c
}

type duration struct {
	name     string // yaml name
	value    *time.Duration
	fallback time.Duration
}

// durations lists every duration with its default. Public clients wait 10 to 30 s
// for an answer; the windows are those of every published example.
func (c *Config) durations() []duration {
	return []duration{
		{"timeouts.charge", &c.Timeouts.Charge, 10 * time.Second},
		{"timeouts.create", &c.Timeouts.Create, 10 * time.Second},
		{"timeouts.status", &c.Timeouts.Status, 5 * time.Second},
		{"timeouts.refund", &c.Timeouts.Refund, 10 * time.Second},
		{"poll_interval", &c.PollInterval, 5 * time.Second},
		{"confirm_window", &c.ConfirmWindow, 65 * time.Second},
		{"offer_life", &c.OfferLife, 245 * time.Second},
		{"margin", &c.Margin, 15 * time.Second},
		{"push_life", &c.PushLife, 24 * time.Hour},
		{"push_margin", &c.PushMargin, time.Hour},
		{"refund_settle", &c.RefundSettle, 10 * time.Minute},
	}
}

// validate reports everything that is wrong at once.
func (c Config) validate() error {
	var wrong []error
	bad := func(field, way string) { wrong = append(wrong, fmt.Errorf("%s: %s", field, way)) }

	secure := true
	switch base, err := url.Parse(c.BaseURL); {
	case c.BaseURL == "":
		bad("base_url", "is required; take it from the bank's letter")
	case err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil:
		bad("base_url", "is not an address such as https://host/r3/v01")
	default:
		secure = base.Scheme == "https"
		if !secure && (base.Scheme != "http" || !loopback(base.Hostname())) {
			bad("base_url", "must begin with https://; http is for a simulator on this machine")
		}
		if path := strings.TrimRight(base.Path, "/"); !versionShape.MatchString(path[strings.LastIndexByte(path, '/')+1:]) {
			bad("base_url", "must end with the API version, as in /r3/v01")
		}
	}
	if !versionShape.MatchString(c.StatusVersion) {
		bad("status_version", "must look like v02")
	}
	c.validateCredentials(secure, bad)
	for _, d := range c.durations() {
		if *d.value < 0 {
			bad(d.name, "cannot be negative")
		}
	}
	if c.OfferLife < c.ConfirmWindow {
		bad("offer_life", "must include confirm_window")
	}
	if _, err := settings.Prefixes(c.NoticeSources); err != nil {
		bad("notice_sources", err.Error()+"; write 194.187.247.152 or 194.187.244.0/22")
	}
	if f := c.Biller.Format; f != formatJSON && f != formatXML {
		bad("biller.format", "must be json or xml")
	}
	for i, f := range c.Biller.Fields {
		if f.Name == "" || f.Text == "" {
			bad(fmt.Sprintf("biller.fields[%d]", i), "needs a name and a text")
		}
	}
	return errors.Join(wrong...)
}

func (c Config) validateCredentials(secure bool, bad func(field, way string)) {
	switch c.Scheme {
	case R1:
		key := c.APIKey.Reveal()
		if !strings.HasPrefix(key, "test_") && !strings.HasPrefix(key, "prod_") {
			bad("api_key", "is required for r1 and begins with test_ or prod_")
		}
	case R2, R3:
		if secure && (c.CertFile == "" || c.KeyFile == "") {
			bad("cert_file", "and key_file are required for "+string(c.Scheme)+"; the bank issues the certificate")
		}
	default:
		bad("scheme", "must be r1, r2 or r3")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		bad("key_file", "goes together with cert_file")
	}
	if c.Scheme == R3 && !binShape.MatchString(c.OrganizationBIN) {
		bad("organization_bin", "is required for r3: 12 digits")
	}
	switch {
	case c.DeviceID == "" && c.DeviceToken.Empty():
		bad("device_token", "is required; or give device_id and trade_point_id to have it registered")
	case c.DeviceID != "" && !c.DeviceToken.Empty():
		bad("device_id", "and device_token exclude each other")
	case c.DeviceID != "" && !deviceIDShape.MatchString(c.DeviceID):
		bad("device_id", "may hold Latin letters, digits, - and _")
	case c.DeviceID != "" && c.TradePointID <= 0:
		bad("trade_point_id", "is required with device_id; the bank gives the number of each shop")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
