package robokassa

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/settings"
)

// Config is one shop. The zero value of an optional field means its default. The five
// addresses are those of hosts, without the paths that Robokassa documents.
type Config struct {
	// PageBase is where payers pay, and where Indexjson.aspx is asked.
	// Default https://auth.robokassa.kz.
	PageBase string `yaml:"page_base"`
	// WSBase is where states are asked (WebService). Default https://auth.robokassa.kz.
	WSBase string `yaml:"ws_base"`
	// PaymentBase is where saved cards are charged and holds confirmed and canceled.
	// Default https://auth.robokassa.kz.
	PaymentBase string `yaml:"payment_base"`
	// RefundBase is where refunds are made, such as https://services.robokassa.ru. Default
	// none: refunds are made by people in the cabinet. Kazakhstan's documents have no such service.
	RefundBase string `yaml:"refund_base"`
	// InvoiceBase is where links are made that can be switched off, such as
	// https://services.robokassa.ru. Default none. Kazakhstan's documents have no such service.
	InvoiceBase string `yaml:"invoice_base"`

	// MerchantLogin is the shop's name at Robokassa. Required.
	MerchantLogin string `yaml:"merchant_login"`
	// Password1 signs starts, recurring charges, holds and invoices. Required unless test.
	Password1 providers.Secret `yaml:"password_1"`
	// Password2 signs look-ups and verifies notices. Required, in test mode too: look-ups
	// are signed with it.
	Password2 providers.Secret `yaml:"password_2"`
	// Password3 signs refunds. Required where refund_base is set.
	Password3 providers.Secret `yaml:"password_3"`
	// Test makes test payments (IsTest=1), signed with the test pair of passwords. Robokassa
	// stores none of them: look-ups find nothing, and only notices tell of success.
	Test bool `yaml:"test"`
	// TestPassword1 and TestPassword2 are the test pair. Required in test mode.
	TestPassword1 providers.Secret `yaml:"test_password_1"`
	TestPassword2 providers.Secret `yaml:"test_password_2"`
	// Hash is the shop's algorithm: md5, ripemd160, sha1, sha256, sha384 or sha512. Default md5.
	Hash string `yaml:"hash"`
	// ResultCertificate is the file with Robokassa's certificate or public key (jwtsign.cer), PEM
	// or DER, that verifies notices of holds. Default none: such notices only wake a look-up.
	ResultCertificate string `yaml:"result_certificate"`
	// NoticeSources are the IP addresses or prefixes that notices may come from. Default: any.
	// Robokassa documents 185.59.216.65 and 185.59.217.65.
	NoticeSources []string `yaml:"notice_sources"`

	// Currency is the currency of the shop's sums, as an ISO 4217 code. Default KZT.
	Currency string `yaml:"currency"`
	// ReferencePrefix begins every number of a payment: up to 9 digits, the first of them not 0.
	// Gateways that share a merchant_login need different ones, also one after the other: a
	// gateway that was renamed, or whose database was begun anew, counts from the beginning.
	// Default 1, and 9 in test mode.
	ReferencePrefix string `yaml:"reference_prefix"`
	// Start says how a payment begins: url (the payer is handed a signed address, no call is
	// made) or json (Indexjson.aspx is asked first, so that a refusal is known). Default url.
	Start string `yaml:"start"`
	// Language of the page: ru or en. Default: Robokassa's own choice.
	Language string `yaml:"language"`
	// ReceiptTax is the tax of the one line of the fiscal receipt: none, vat0, vat5, vat12 or
	// vat16 in Kazakhstan. Default: no receipt is sent.
	ReceiptTax string `yaml:"receipt_tax"`
	// Holds says that the shop may hold money on cards (StepByStep), by its contract. Default no.
	Holds bool `yaml:"holds"`
	// Recurring says that the shop may charge saved cards, by its contract. Default no.
	Recurring bool `yaml:"recurring"`
	// LinkLife is how long an address can be paid, 2 m to 24 h (ExpirationDate). It is also how
	// long a failover of an open payment may have to wait. Default 20 m.
	LinkLife time.Duration `yaml:"link_life"`
	// InvoiceLife is how long a link of CreateInvoice can be paid at most, as Robokassa has told
	// the shop: nothing is documented, and a link that outlives it may be paid after the payment
	// has gone elsewhere. Payments that end sooner get an address instead. Required where
	// invoice_base is set.
	InvoiceLife time.Duration `yaml:"invoice_life"`
	// HoldLife is how long a hold lives, 1 h to 168 h. Default 168 h.
	HoldLife time.Duration `yaml:"hold_life"`
	// RefundBody is how a refund's token is sent: jwt (raw) or json (as a JSON string). Default jwt.
	RefundBody string `yaml:"refund_body"`
	// ReturnedState says what state 60 means: whole (everything was returned) or any (something
	// was, and nobody can tell how much). Default whole.
	ReturnedState string `yaml:"returned_state"`
	// Absent says when "operation not found" proves that a recurring charge was never taken on.
	Absent Absent `yaml:"absent"`
	// Timeouts are counted from sending to the last byte. Default 30 s for charge, 15 s for the rest.
	Timeouts providers.Timeouts `yaml:"timeouts"`
}

// Absent is the rule for code 3, "operation not found". After is 60 s by default.
type Absent = settings.Absent

// The words of start, refund_body and returned_state.
const (
	startURL  = "url"
	startJSON = "json"
	bodyJWT   = "jwt"
	bodyJSON  = "json"
	wholeBack = "whole"
	anyBack   = "any"
)

const (
	shortestLife = time.Minute     // what must be left of an offer when it is handed out
	shortestLink = 2 * time.Minute // counted from the plan, so some of it is over by then
	longestLink  = 24 * time.Hour
	shortestHold = time.Hour
	longestHold  = 7 * 24 * time.Hour // notes, section 1
)

const defaultBase = "https://auth.robokassa.kz"

// withDefaults returns a copy that shares nothing with c.
func (c Config) withDefaults() Config {
	settings.Default(&c.PageBase, defaultBase)
	settings.Default(&c.WSBase, defaultBase)
	settings.Default(&c.PaymentBase, defaultBase)
	for _, base := range c.bases() {
		*base.value = strings.TrimRight(*base.value, "/")
	}
	settings.Default(&c.Hash, "md5")
	settings.Default(&c.Currency, "KZT")
	if c.Test {
		settings.Default(&c.ReferencePrefix, "9")
	}
	settings.Default(&c.ReferencePrefix, "1")
	settings.Default(&c.Start, startURL)
	settings.Default(&c.RefundBody, bodyJWT)
	settings.Default(&c.ReturnedState, wholeBack)
	c.NoticeSources = slices.Clone(c.NoticeSources)
	settings.Default(&c.LinkLife, 20*time.Minute)
	settings.Default(&c.HoldLife, longestHold)
	c.Absent = c.Absent.WithDefaults(time.Minute)
	settings.DefaultTimeouts(&c.Timeouts, providers.Timeouts{Charge: 30 * time.Second, Create: 15 * time.Second, Status: 15 * time.Second, Refund: 15 * time.Second})
	return c
}

type base struct {
	field string
	value *string
}

func (c *Config) bases() []base {
	return []base{{"page_base", &c.PageBase}, {"ws_base", &c.WSBase}, {"payment_base", &c.PaymentBase},
		{"refund_base", &c.RefundBase}, {"invoice_base", &c.InvoiceBase}}
}

var (
	aLogin  = regexp.MustCompile(`^[^:\s\pC]{1,64}$`) // a colon would make the string to sign ambiguous
	aPrefix = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
	aTax    = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
)

// validate names every field that is wrong, and the way out.
func (c Config) validate() error {
	var wrong settings.Errors
	for _, base := range c.bases() {
		if *base.value != "" {
			wrong.Base(base.field, *base.value, defaultBase)
		}
	}
	wrong.If(!aLogin.MatchString(c.MerchantLogin), "merchant_login", "set the shop's identifier from the Robokassa cabinet")
	c.checkSecrets(&wrong)
	wrong.If(hashes[c.Hash] == nil, "hash", "write the algorithm that the cabinet shows: md5, ripemd160, sha1, sha256, sha384 or sha512")
	if _, err := settings.Prefixes(c.NoticeSources); err != nil {
		wrong.If(true, "notice_sources", err.Error())
	}
	_, known := providers.Exponent(c.Currency)
	wrong.If(!known, "currency", fmt.Sprintf("%q is no currency code known here; write one such as KZT", c.Currency))
	wrong.If(!aPrefix.MatchString(c.ReferencePrefix), "reference_prefix", "write 1 to 9 digits, the first of them not 0")
	wrong.If(c.Start != startURL && c.Start != startJSON, "start", "write url or json")
	wrong.If(!slices.Contains([]string{"", "ru", "en"}, c.Language), "language", "write ru or en, or leave it out")
	wrong.If(c.ReceiptTax != "" && !aTax.MatchString(c.ReceiptTax), "receipt_tax", "write a tax such as none or vat12, or leave it out")
	wrong.If(c.LinkLife < shortestLink || c.LinkLife > longestLink, "link_life", "write a duration from 2m to 24h")
	wrong.If(c.InvoiceLife < 0 || c.InvoiceBase != "" && c.InvoiceLife < shortestLife, "invoice_life",
		"write how long the shop's invoices can be paid at most, 1m or more; ask Robokassa, or leave invoice_base out")
	wrong.If(c.HoldLife < shortestHold || c.HoldLife > longestHold, "hold_life", "write a duration from 1h to 168h")
	wrong.If(c.RefundBody != bodyJWT && c.RefundBody != bodyJSON, "refund_body", "write jwt or json")
	wrong.If(c.ReturnedState != wholeBack && c.ReturnedState != anyBack, "returned_state", "write whole or any")
	wrong.If(c.Absent.After < 0, "absent.after", "write a positive duration such as 60s")
	wrong.Absent(c.Absent)
	wrong.Timeouts(c.Timeouts, "15s")
	return wrong.Err()
}

// checkSecrets looks at the passwords, and at what a test shop cannot do (notes, section 2).
func (c Config) checkSecrets(wrong *settings.Errors) {
	same := func(a, b providers.Secret) bool { return !a.Empty() && a.Reveal() == b.Reveal() }
	wrong.If(!c.Test && c.Password1.Empty(), "password_1", "set the shop's password #1, by ${NAME} or file:")
	wrong.If(c.Password2.Empty(), "password_2", "set the shop's password #2, by ${NAME} or file:")
	wrong.If(same(c.Password1, c.Password2), "password_2", "is the same as password_1; the cabinet shows two different ones")
	wrong.If(c.RefundBase != "" && c.Password3.Empty(), "password_3", "refunds are signed with it; ask Robokassa for it, or leave refund_base out")
	wrong.If(c.Test && c.TestPassword1.Empty(), "test_password_1", "set the first password of the test pair, or leave test out")
	wrong.If(c.Test && c.TestPassword2.Empty(), "test_password_2", "set the second password of the test pair, or leave test out")
	wrong.If(c.Test && same(c.TestPassword2, c.Password2), "test_password_2", "is the same as password_2; test notices would pass for real ones")
	for _, off := range []struct {
		asked bool
		field string
	}{
		{c.Holds, "holds"}, {c.Recurring, "recurring"}, {c.RefundBase != "", "refund_base"}, {c.InvoiceBase != "", "invoice_base"},
	} {
		wrong.If(c.Test && off.asked, off.field, "does not work in test mode; leave it out, or leave test out")
	}
}

// startPassword signs starts.
func (c Config) startPassword() providers.Secret {
	if c.Test {
		return c.TestPassword1
	}
	return c.Password1
}

// noticePassword verifies notices. A test payment is told under the test pair.
func (c Config) noticePassword() providers.Secret {
	if c.Test {
		return c.TestPassword2
	}
	return c.Password2
}

// certificate reads the key that notices of holds are signed with.
func (c Config) certificate() (*verifier, error) {
	if c.ResultCertificate == "" {
		return nil, nil //nolint:nilnil // none is configured, and none is wrong
	}
	text, err := os.ReadFile(c.ResultCertificate)
	if err != nil {
		return nil, fmt.Errorf("result_certificate: %w", err)
	}
	v, err := newVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("result_certificate: %w", err)
	}
	return v, nil
}
