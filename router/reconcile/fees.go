package reconcile

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Fees is what a gateway takes for its work, by the contract: the newest entry that
// began before a movement, and is about its method and currency, counts.
type Fees []Fee

// Fee is one line of the contract.
type Fee struct {
	From     time.Time          // from when it counts; zero is always
	Methods  []providers.Method // empty is all
	Currency string             // of the sums below, and of the movements it is about

	BasisPoints int64 // hundredths of a per cent of the amount
	Fixed       int64 // besides, minor units
	Min, Max    int64 // of both together, minor units; a Max of 0 is none
	Round       Rounding
	Refunds     OnRefund
	// Tolerance is by how much a told fee may differ, minor units: providers round where
	// contracts say nothing.
	Tolerance int64
}

// Rounding is what becomes of a part of a minor unit.
type Rounding string

// The roundings. The zero value is HalfUp.
const (
	HalfUp Rounding = ""
	Up     Rounding = "up"
	Down   Rounding = "down"
)

// OnRefund is what becomes of the fee when money goes back.
type OnRefund string

// What may become of it. The zero value is that nothing does.
const (
	Kept     OnRefund = ""         // the charge's fee is gone, and the refund costs nothing
	Returned OnRefund = "returned" // the share of what goes back comes back
	Charged  OnRefund = "charged"  // the refund costs as much as a charge of its sum
)

// Expect is the fee of a movement by the contract, negative for what comes back. It
// reports false where the contract says nothing about it.
func (f Fees) Expect(kind providers.LineKind, method providers.Method, amount providers.Money, at time.Time) (providers.Money, bool) {
	fee, ok := f.of(method, amount.Currency, at)
	if !ok {
		return providers.Money{}, false
	}
	expected := providers.Money{Currency: amount.Currency}
	switch {
	case kind == providers.LineCharge, fee.Refunds == Charged:
		expected.Minor = fee.all(amount.Minor)
	case fee.Refunds == Returned:
		expected.Minor = -fee.share(amount.Minor)
	}
	return expected, true
}

// Differs reports whether a told fee is another one than the contract's.
func (f Fees) Differs(kind providers.LineKind, method providers.Method, l providers.StatementLine) bool {
	expected, known := f.Expect(kind, method, l.Amount, l.At)
	if !known || l.Fee.Currency == "" {
		return false
	}
	fee, _ := f.of(method, l.Amount.Currency, l.At)
	off := l.Fee.Minor - expected.Minor
	return l.Fee.Currency != expected.Currency || max(off, -off) > fee.Tolerance
}

func (f Fees) of(method providers.Method, currency string, at time.Time) (Fee, bool) {
	var found Fee
	ok := false
	for _, fee := range f {
		if fee.Currency == currency && !fee.From.After(at) && (len(fee.Methods) == 0 || slices.Contains(fee.Methods, method)) && (!ok || !fee.From.Before(found.From)) {
			found, ok = fee, true
		}
	}
	return found, ok
}

// all is the fee of a charge.
func (f Fee) all(minor int64) int64 {
	fee := max(f.share(minor)+f.Fixed, f.Min)
	if f.Max > 0 {
		fee = min(fee, f.Max)
	}
	return fee
}

// share is the part in basis points, rounded; exact for every amount that there is.
func (f Fee) share(minor int64) int64 {
	const whole = 10_000
	high, low := bits.Mul64(uint64(minor), uint64(f.BasisPoints))
	quotient, rest := bits.Div64(high, low, whole)
	if f.Round == Up && rest > 0 || f.Round == HalfUp && rest >= whole/2 {
		quotient++
	}
	return int64(quotient)
}

// Check tells what is wrong with a contract, each by its field.
func (f Fee) Check() error {
	var wrong []error
	say := func(bad bool, field, wayOut string) {
		if bad {
			wrong = append(wrong, fmt.Errorf("%s: %s", field, wayOut))
		}
	}
	_, known := providers.Exponent(f.Currency)
	say(!known, "currency", "write an ISO 4217 code such as KZT")
	say(f.BasisPoints < 0 || f.BasisPoints > 10_000, "percent", "write 0 to 100")
	say(f.Fixed < 0, "fixed", "write minor units, 0 or more")
	say(f.Min < 0, "minimum", "write minor units, 0 or more")
	say(f.Max < 0 || f.Max > 0 && f.Max < f.Min, "maximum", "write minor units, not less than the minimum, or 0 for none")
	say(f.Tolerance < 0, "tolerance", "write minor units, 0 or more")
	say(!slices.Contains([]Rounding{HalfUp, Up, Down}, f.Round), "round", "write up or down, or leave it out for half up")
	say(!slices.Contains([]OnRefund{Kept, Returned, Charged}, f.Refunds), "refunds", "write returned or charged, or leave it out where the fee is kept")
	for _, m := range f.Methods {
		say(!m.Valid(), "methods", "write qr, link, page, push, account or instrument")
	}
	return errors.Join(wrong...)
}

// BasisPoints reads a percentage as people write it, "0.95" or "1,5", exactly.
func BasisPoints(percent string) (int64, error) {
	m, err := providers.ParseMoney(strings.Replace(percent, ",", ".", 1), "EUR") // which has two digits after the point
	if err != nil || m.Minor < 0 || m.Minor > 10_000 {
		return 0, fmt.Errorf("no percentage of 0 to 100 with two digits after the point")
	}
	return m.Minor, nil
}
