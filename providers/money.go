package providers

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Money is an amount in the minor unit of its currency: 1549000 KZT is 15 490
// tenge. It is never a fraction and never a binary floating-point number.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // ISO 4217 alphabetic code, upper case
}

// Errors of ParseMoney, for callers that must tell them apart.
var (
	ErrCurrency  = errors.New("unknown currency")
	ErrAmount    = errors.New("not a decimal amount")
	ErrPrecision = errors.New("more decimals than the currency has")
	ErrRange     = errors.New("amount out of range")
)

// exponents is ISO 4217 (list one of 2026) for the currencies a merchant in the
// region can be paid in, plus those with unusual exponents. CLDR differs from
// ISO for several of them (UZS, AMD, COP), so no text library is asked.
var exponents = map[string]int{
	"KZT": 2, "UAH": 2, "USD": 2, "EUR": 2, "RUB": 2, "GBP": 2, "CHF": 2, "CNY": 2, "TRY": 2, "PLN": 2,
	"UZS": 2, "KGS": 2, "TJS": 2, "TMT": 2, "AZN": 2, "GEL": 2, "AMD": 2, "BYN": 2, "MDL": 2, "MNT": 2,
	"AED": 2, "SAR": 2, "INR": 2, "CZK": 2, "HUF": 2, "RON": 2, "BGN": 2, "SEK": 2, "NOK": 2, "DKK": 2,
	"CAD": 2, "AUD": 2, "NZD": 2, "ILS": 2, "THB": 2, "SGD": 2, "HKD": 2, "MYR": 2, "ZAR": 2, "BRL": 2,
	"MXN": 2, "COP": 2, "IDR": 2, "PKR": 2, "RSD": 2, "EGP": 2,
	"JPY": 0, "KRW": 0, "VND": 0, "ISK": 0, "CLP": 0, "PYG": 0, "XAF": 0, "XOF": 0,
	"KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3, "IQD": 3, "LYD": 3,
}

// Exponent returns how many decimals the currency has and whether it is known.
func Exponent(currency string) (int, bool) {
	e, ok := exponents[currency]
	return e, ok
}

// ParseMoney reads a plain decimal ("1500", "1500.5", "-0.01") exactly. Digits
// beyond the currency's exponent are refused unless they are zeros; signs,
// spaces, exponents and separators other than the dot are refused.
func ParseMoney(text, currency string) (Money, error) {
	exp, ok := exponents[currency]
	if !ok {
		return Money{}, fmt.Errorf("%w %q", ErrCurrency, currency)
	}
	return parseMinor(text, currency, exp)
}

func parseMinor(text, currency string, exp int) (Money, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, frac, dotted := strings.Cut(digits, ".")
	if whole == "" || (dotted && frac == "") {
		return Money{}, fmt.Errorf("%w: %q", ErrAmount, text)
	}
	if trimmed := strings.TrimRight(frac, "0"); len(trimmed) > exp {
		if !allDigits(frac) {
			return Money{}, fmt.Errorf("%w: %q", ErrAmount, text)
		}
		return Money{}, fmt.Errorf("%w: %q has over %d", ErrPrecision, text, exp)
	}
	for len(frac) < exp {
		frac += "0"
	}
	var minor int64
	for i, c := range []byte(whole + frac) {
		if c < '0' || c > '9' {
			return Money{}, fmt.Errorf("%w: %q", ErrAmount, text)
		}
		if i >= len(whole)+exp {
			continue // only zeros stand here
		}
		if minor > (math.MaxInt64-int64(c-'0'))/10 {
			return Money{}, fmt.Errorf("%w: %q", ErrRange, text)
		}
		minor = minor*10 + int64(c-'0')
	}
	if negative {
		minor = -minor
	}
	return Money{Minor: minor, Currency: currency}, nil
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// Decimal writes the amount with all the currency's decimals: "1500.50". An
// unknown currency is written in minor units.
func (m Money) Decimal() string {
	exp := exponents[m.Currency]
	minor, sign := uint64(m.Minor), ""
	if m.Minor < 0 {
		minor, sign = -minor, "-"
	}
	digits := fmt.Sprintf("%0*d", exp+1, minor)
	if exp == 0 {
		return sign + digits
	}
	cut := len(digits) - exp
	return sign + digits[:cut] + "." + digits[cut:]
}

// Shortest writes the amount without trailing zeros: "1500.5", "100".
func (m Money) Shortest() string {
	text := m.Decimal()
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// String is for people: "1500.50 KZT".
func (m Money) String() string { return m.Decimal() + " " + m.Currency }

// PartOf reports whether the amount is some or all of whole: more than nothing, and of the
// same currency.
func (m Money) PartOf(whole Money) bool {
	return m.Currency == whole.Currency && m.Minor > 0 && m.Minor <= whole.Minor
}

// IsZero reports whether there is no amount at all, whatever the currency.
func (m Money) IsZero() bool { return m.Minor == 0 }
