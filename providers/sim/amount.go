package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errAmount     = errors.New("not a decimal amount")
	errAmountFine = errors.New("more decimals than the currency has")
)

// parseMinor reads decimal text such as "15490.5" into minor units with two decimals, digit by digit.
// An exponent, a sign other than a leading minus, an empty text and anything above 15 digits are refused.
func parseMinor(text string) (int64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, frac, dotted := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 15 || dotted && frac == "" || !isDigits(whole) || frac != "" && !isDigits(frac) {
		return 0, fmt.Errorf("%q: %w", text, errAmount)
	}
	if len(frac) > 2 {
		return 0, fmt.Errorf("%q: %w", text, errAmountFine)
	}
	minor, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", text, errAmount)
	}
	if negative {
		minor = -minor
	}
	return minor, nil
}

// major prints minor units with two decimals: 1549000 is "15490.00".
func major(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

// shortMajor prints minor units in the shortest decimal form: 150050 is "1500.5", 10000 is "100".
func shortMajor(minor int64) string {
	text := major(minor)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
