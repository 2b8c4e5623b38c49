package statement

import (
	"errors"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// What is wrong with a cell, without a word of what stands in it.
var (
	errSum      = errors.New("no sum that can be read exactly")
	errCurrency = errors.New("its currency is none that is known")
	errMoment   = errors.New("no moment in a layout of the format")
)

// sum reads a decimal exactly: no digit is rounded away.
func (r *reader) sum(text, currency string) (providers.Money, error) {
	if _, known := providers.Exponent(currency); !known {
		return providers.Money{}, errCurrency
	}
	plain := strings.Map(func(c rune) rune {
		switch {
		case strings.ContainsRune(r.format.Thousands, c):
			return -1
		case string(c) == r.format.Decimal:
			return '.'
		case c == '.':
			return ' ' // a dot that is no decimal sign makes no sum
		}
		return c
	}, text)
	m, err := providers.ParseMoney(plain, currency)
	if err != nil {
		return providers.Money{}, errSum
	}
	return m, nil
}

// moment reads a date and time, in the format's zone where it names none.
func (r *reader) moment(text string) (time.Time, error) {
	for _, layout := range r.format.Dates {
		if at, err := time.ParseInLocation(layout, text, r.zone); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errMoment
}
