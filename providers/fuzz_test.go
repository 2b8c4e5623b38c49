package providers_test

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// power is ten to the currency's number of decimals.
func power(digits int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
}

// An amount is read exactly or not at all, whatever the currency: the result equals the
// fraction that the text spells, and what is refused is misspelt, too fine or too large.
func FuzzParseMoney(f *testing.F) {
	for _, currency := range []string{"KZT", "UAH", "JPY", "KWD", "XXX", "kzt", ""} {
		for _, text := range []string{"1500", "1500.5", "-0.01", "0", "-0", "00.50", "1.005", "1.000000000000000000000", "9223372036854775807", "92233720368547758.07", "92233720368547758.08",
			"-92233720368547758.08", "1e3", "+1", " 1", "1 ", "1,5", ".5", "5.", "--1", "0x10", "1_000", "١", "NaN", ""} {
			f.Add(text, currency)
		}
	}
	plain := regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	f.Fuzz(func(t *testing.T, text, currency string) {
		money, err := providers.ParseMoney(text, currency)
		digits, known := providers.Exponent(currency)
		if !known {
			if !errors.Is(err, providers.ErrCurrency) {
				t.Errorf("%q in %q: %s, %v", text, currency, money, err)
			}
			return
		}
		if !plain.MatchString(text) {
			if err == nil || errors.Is(err, providers.ErrCurrency) {
				t.Errorf("%q is read as %s, %v", text, money, err)
			}
			return
		}
		value, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		value.Mul(value, new(big.Rat).SetInt(power(digits)))
		switch {
		case !value.IsInt():
			if !errors.Is(err, providers.ErrPrecision) {
				t.Errorf("%q has more decimals than %s: %s, %v", text, currency, money, err)
			}
		case new(big.Int).Abs(value.Num()).Cmp(big.NewInt(math.MaxInt64)) > 0:
			if !errors.Is(err, providers.ErrRange) {
				t.Errorf("%q is too large: %s, %v", text, money, err)
			}
		case err != nil || money.Currency != currency || value.Num().Cmp(big.NewInt(money.Minor)) != 0:
			t.Errorf("%q is read as %s, %v", text, money, err)
		}
	})
}

// What is written is read back as the same amount, in its full and its shortest form.
func FuzzWrittenMoneyIsReadBack(f *testing.F) {
	for _, currency := range []string{"KZT", "JPY", "KWD", "XXX"} {
		for _, minor := range []int64{0, 1, -1, 9, 10, 100, 150050, math.MaxInt64, math.MinInt64, -100} {
			f.Add(minor, currency)
		}
	}
	f.Fuzz(func(t *testing.T, minor int64, currency string) {
		money := providers.Money{Minor: minor, Currency: currency}
		digits, known := providers.Exponent(currency)
		full, short := money.Decimal(), money.Shortest()
		value, ok := new(big.Rat).SetString(full)
		if want := new(big.Rat).SetFrac(big.NewInt(minor), power(digits)); !ok || value.Cmp(want) != 0 || strings.ContainsAny(full, "eE+") {
			t.Fatalf("%d of %q is written %s", minor, currency, full)
		}
		if _, decimals, _ := strings.Cut(full, "."); len(decimals) != digits {
			t.Errorf("%s has %d decimals", full, len(decimals))
		}
		if strings.Contains(short, ".") && strings.HasSuffix(short, "0") || len(short) > len(full) {
			t.Errorf("%s is the shortest form of %s", short, full)
		}
		if !known || minor == math.MinInt64 { // which nothing can be paid by
			return
		}
		for _, text := range []string{full, short} {
			if back, err := providers.ParseMoney(text, currency); err != nil || back != money {
				t.Errorf("%s is read back as %s, %v", text, back, err)
			}
		}
	})
}
