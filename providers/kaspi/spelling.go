package kaspi

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// How Kaspi spells amounts, numbers, durations and dates. Live answers give the
// same field as a JSON number here and as a string there, so every type of this
// file reads both. Their errors never quote what was read.

// currency is the only one; it is never sent.
const currency = "KZT"

// tenge is an amount on the wire: a JSON number of tenge with two decimals.
type tenge struct {
	told  bool
	money providers.Money
}

func (t tenge) MarshalJSON() ([]byte, error) { return []byte(t.money.Decimal()), nil }

func (t *tenge) UnmarshalJSON(literal []byte) error {
	text, err := bare(literal)
	if err != nil || text == "" {
		*t = tenge{}
		return err
	}
	money, err := providers.ParseMoney(text, currency)
	if err != nil {
		return errors.New("an amount is not readable")
	}
	*t = tenge{told: true, money: money}
	return nil
}

// payable reports whether Kaspi can be asked for the amount at all.
func payable(m providers.Money) bool { return m.Currency == currency && m.Minor > 0 }

// number is one of Kaspi's ids: int64, eleven digits in production. It is sent as a
// JSON number; the empty number was not told.
type number string

func (n number) MarshalJSON() ([]byte, error) {
	if n.valid() {
		return []byte(n), nil
	}
	return nil, errors.New("not a number")
}

func (n *number) UnmarshalJSON(literal []byte) error {
	text, err := bare(literal)
	if err != nil {
		return err
	}
	if text != "" && !number(text).valid() {
		return errors.New("an id is not a number")
	}
	*n = number(text)
	return nil
}

// valid reports whether n is a positive int64 in plain digits.
func (n number) valid() bool {
	value, err := strconv.ParseInt(string(n), 10, 64)
	return err == nil && value > 0 && digits(string(n)) && n[0] != '0'
}

// seconds is a duration in whole seconds; zero means not told.
type seconds time.Duration

func (s *seconds) UnmarshalJSON(literal []byte) error {
	text, err := bare(literal)
	if err != nil || text == "" {
		*s = 0
		return err
	}
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil || value < 0 {
		return errors.New("a number of seconds is not readable")
	}
	*s = seconds(time.Duration(value) * time.Second)
	return nil
}

// or is the duration told, else the fallback.
func (s seconds) or(fallback time.Duration) time.Duration {
	if s == 0 {
		return fallback
	}
	return time.Duration(s)
}

// moment is a date; the zero time means not told.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(literal []byte) error {
	text, err := bare(literal)
	if err != nil || text == "" {
		m.Time = time.Time{}
		return err
	}
	m.Time, err = parseDate(text)
	return err
}

// almaty is Kazakhstan's one zone since March 2024, for dates without an offset.
var almaty = time.FixedZone("UTC+5", 5*60*60)

// dateLayouts: the document prints an hour-only offset, live answers a full one,
// lists none. Fractions of a second are read by each. One sample of the document
// has a day without its leading zero.
var dateLayouts = []string{"2006-1-2T15:04:05Z07:00", "2006-1-2T15:04:05Z07", "2006-1-2T15:04:05"}

func parseDate(text string) (time.Time, error) {
	for _, layout := range dateLayouts {
		if at, err := time.ParseInLocation(layout, text, almaty); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("a date is not readable")
}

// bare is the text of a JSON string or number, and nothing for null.
func bare(literal []byte) (string, error) {
	switch {
	case bytes.Equal(literal, []byte("null")):
		return "", nil
	case len(literal) > 0 && literal[0] == '"':
		var text string
		err := json.Unmarshal(literal, &text)
		return text, err
	case len(literal) > 0 && (literal[0] == '-' || literal[0] >= '0' && literal[0] <= '9'):
		return string(literal), nil
	}
	return "", errors.New("neither a number nor a string")
}

// unprintable stands in Result.Code for what should not be repeated.
const unprintable = "(unprintable)"

// word keeps a status short and free of anything but a name, for Result.Code. No
// status has a digit: what has many is a phone or a token that stands where none should.
func word(status string) string {
	if len(status) > 40 {
		return unprintable
	}
	digits := 0
	for _, c := range []byte(status) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-':
			return unprintable
		}
	}
	if digits > 6 {
		return unprintable
	}
	return status
}

// longestCode is the number of digits of the document's longest StatusCode. A phone has
// eleven, so none is ever taken for a code that nobody documented.
const longestCode = 9

// codeText is a StatusCode for Result.Code.
func codeText(code int64) string {
	text := strconv.FormatInt(code, 10)
	if len(strings.TrimPrefix(text, "-")) > longestCode {
		return unprintable
	}
	return text
}
