package statement

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// cell is what stands in a row at a column, without blanks around it.
type cell struct {
	text string
	as   kind
}

// kind is what a file says that a cell is. Files of separated values know texts only.
type kind int

const (
	isText    kind = iota
	isNumber       // in the way of XML: a point before the fraction, perhaps an exponent
	isDate         // in the way of ISO 8601
	isFormula      // whatever it came to when the file was saved
	isFault        // an error of the spreadsheet's own, such as #N/A
)

func (c cell) blank() bool { return c == cell{} }

// What is wrong with a cell, without a word of what stands in it.
var (
	errSum      = errors.New("no sum that can be read exactly")
	errCurrency = errors.New("its currency is none that is known")
	errMoment   = errors.New("no moment in a layout of the format")
	errWord     = errors.New("neither a text nor a whole number of up to 15 digits, after which a spreadsheet rounds")
	errFormula  = errors.New("a formula, and not what the provider wrote")
	errFault    = errors.New("an error of the spreadsheet's own")
)

// given refuses what nobody wrote.
func (c cell) given() error {
	switch c.as {
	case isFormula:
		return errFormula
	case isFault:
		return errFault
	}
	return nil
}

// exactDigits is what a spreadsheet keeps of a number: fifteen digits. Whatever is larger
// has lost its end, and is no id, and no sum.
var exactDigits = big.NewInt(1_000_000_000_000_000)

// word reads a text, or a number that was one until a spreadsheet took it for a number: an id
// of digits.
func (c cell) word() (string, error) {
	if err := c.given(); err != nil {
		return "", err
	}
	switch c.as {
	case isText:
		return c.text, nil
	case isNumber:
		if n, ok := decimal(c.text); ok && n.IsInt() && n.Num().CmpAbs(exactDigits) < 0 {
			return n.Num().String(), nil
		}
	}
	return "", errWord
}

// sum reads a decimal exactly: no digit is rounded away.
func (r *reader) sum(c cell, currency string) (providers.Money, error) {
	if err := c.given(); err != nil {
		return providers.Money{}, err
	}
	exponent, known := providers.Exponent(currency)
	switch {
	case !known:
		return providers.Money{}, errCurrency
	case c.as == isNumber:
		return stored(c.text, currency, exponent)
	case c.as != isText:
		return providers.Money{}, errSum
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
	}, c.text)
	m, err := providers.ParseMoney(plain, currency)
	if err != nil {
		return providers.Money{}, errSum
	}
	return m, nil
}

// nearly is how far a number may be from a sum that it is taken for: a spreadsheet computes in
// binary, and may store 15490.1 as 15490.099999999999. Half a tiyn is five thousand times that.
var nearly = big.NewRat(1, 1_000_000)

// stored reads a number of a spreadsheet as the sum that was typed into it, or refuses it.
func stored(number, currency string, exponent int) (providers.Money, error) {
	value, ok := decimal(number)
	if !ok {
		return providers.Money{}, errSum
	}
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil))
	minor := nearest(new(big.Rat).Mul(value, scale))
	off := new(big.Rat).Quo(new(big.Rat).SetInt(minor), scale)
	if off.Sub(off, value).Abs(off).Cmp(nearly) > 0 || minor.CmpAbs(exactDigits) >= 0 {
		return providers.Money{}, errSum
	}
	return providers.Money{Minor: minor.Int64(), Currency: currency}, nil
}

// nearest is the whole number next to a value; a half goes up.
func nearest(value *big.Rat) *big.Int {
	up := new(big.Rat).Add(value, big.NewRat(1, 2))
	return new(big.Int).Div(up.Num(), up.Denom()) // Euclid's, so downwards below nothing too
}

// decimal reads a number as XML writes it, exactly: 15490.1 or 1.54901E4.
func decimal(text string) (*big.Rat, bool) {
	const longest = 40 // a spreadsheet writes seventeen digits
	if len(text) > longest || strings.ContainsFunc(text, func(c rune) bool { return !strings.ContainsRune("+-.0123456789eE", c) }) {
		return nil, false
	}
	if _, exponent, there := strings.Cut(strings.ToLower(text), "e"); there {
		// An exponent is a short way to ask for a number that fills the memory.
		if n, err := strconv.Atoi(exponent); err != nil || n < -longest || n > longest {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

// moment reads a date and time, in the format's zone where it names none.
func (r *reader) moment(c cell) (time.Time, error) {
	if err := c.given(); err != nil {
		return time.Time{}, err
	}
	layouts := r.format.Dates
	if c.as == isDate {
		layouts = []string{"2006-01-02T15:04:05", time.DateOnly, time.RFC3339}
	}
	// A number may be of a layout such as 20060102: days of this century, which have no more
	// than five digits, are never mistaken for it.
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, c.text, r.zone); err == nil {
			return at.UTC(), nil
		}
	}
	if c.as == isNumber {
		return r.serial(c.text)
	}
	return time.Time{}, errMoment
}

// serial reads a moment as spreadsheets store it: days since their epoch, of which the
// fraction is the time of the day on a clock of the format's zone. It is read to the
// millisecond; the number holds hardly more. Other centuries than this one are refused, as
// they are other numbers: of a row, or of seconds.
func (r *reader) serial(text string) (time.Time, error) {
	days, ok := decimal(text)
	if !ok || days.Sign() < 0 || days.Cmp(big.NewRat(100_000, 1)) > 0 {
		return time.Time{}, errMoment
	}
	const day = 24 * 60 * 60 * 1000
	passed := nearest(days.Mul(days, big.NewRat(day, 1))).Int64()
	at := r.epoch.AddDate(0, 0, int(passed/day)).Add(time.Duration(passed%day) * time.Millisecond)
	if at.Year() < 2000 || at.Year() > 2099 {
		return time.Time{}, errMoment
	}
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), r.zone).UTC(), nil
}
