package paper

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"

	"github.com/payrouter/payrouter/providers"
)

// Statement is what one gateway did in some days.
type Statement struct {
	Head Head
	// Totals are printed as they are given, one for each currency, in this order.
	Totals []Total
	// Rows are asked for once, one by one. An error ends the document: what was written
	// until then is none.
	Rows iter.Seq2[Row, error]
}

// Head says what a statement is about.
type Head struct {
	Merchant string // the legal entity, by its name
	Gateway  string
	Provider string
	Account  string // the merchant's, at the provider
	From, To string // the first and the last day, as 2026-10-01
	Zone     string // in which all times and days are told, such as Asia/Almaty
	// Missing are the days of which no statement of the provider's has been read. They
	// are printed where nobody overlooks them.
	Missing []string
	Created time.Time
}

// Row is one movement of money.
type Row struct {
	Time      time.Time
	Day       string // the provider's business day, as 2026-10-01
	Kind      providers.LineKind
	Order     string          // the merchant's
	Reference string          // ours, as the provider knows it
	External  string          // the provider's own id
	Amount    providers.Money // always positive; Kind tells the direction
	// Fee is what the provider told; with FeeExpected it told none, and Fee is what the
	// schedule of fees says. A Money without a currency is not known, and left empty.
	Fee         providers.Money
	FeeExpected bool
	Net         providers.Money // what the movement adds to what is paid out: negative for a refund
	State       string          // one of our words, such as "paid"; others are printed as they are
	Payout      time.Time
}

// Total is what a statement comes to in one currency.
type Total struct {
	Currency         string
	Charges, Refunds Sum // both positive
	Fees             providers.Money
	FeesExpected     providers.Money // the share of Fees that is by schedule, and not told
	Net              providers.Money
	Open             int64 // findings that nobody has closed
}

// Sum is so many movements, and what they come to.
type Sum struct {
	Number int64
	Amount providers.Money
}

// writer is a statement that has been looked through, and how it is written.
type writer struct {
	Statement
	tongue
	zone *time.Location
}

// open refuses what no document can be made of.
func (s Statement) open(l Language) (*writer, error) {
	t, err := tongueOf(l)
	if err != nil {
		return nil, err
	}
	zone, err := zoneOf(s.Head.Zone)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	for _, day := range append([]string{s.Head.From, s.Head.To}, s.Head.Missing...) {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return nil, fmt.Errorf("head: %q is no day like 2026-10-01", day)
		}
	}
	// Without it a document would carry the moment at which it was written, and no two
	// would be alike.
	if s.Head.Created.IsZero() {
		return nil, errors.New("head: created is not set")
	}
	if s.Rows == nil {
		s.Rows = func(func(Row, error) bool) {}
	}
	return &writer{Statement: s, tongue: t, zone: zone}, nil
}

// zoneOf finds a time zone by its name. That of the machine is none: a document must not
// depend on where it was written.
func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone like Asia/Almaty", name)
	}
	return zone, nil
}

// columns are the names of the table's columns, in CSV and XLSX.
func (w *writer) columns() []string {
	return w.all(wordTime, wordDay, wordKind, wordOrder, wordReference, wordExternal, wordAmount, wordCurrency,
		wordFee, wordFeeSource, wordNet, wordState, wordPayout)
}

// totalColumns are the names of the columns of the totals.
func (w *writer) totalColumns() []string {
	return w.all(wordCurrency, wordChargesNumber, wordChargesSum, wordRefundsNumber, wordRefundsSum, wordFees, wordFeesExpected, wordNet, wordOpen)
}

// about is the head but for its days, which each format writes in its own way.
func (w *writer) about() [][2]string {
	h := w.Head
	return [][2]string{
		{w.say(wordMerchant), plain(h.Merchant)}, {w.say(wordProvider), plain(h.Provider)}, {w.say(wordGateway), plain(h.Gateway)},
		{w.say(wordAccount), plain(h.Account)}, {w.say(wordZone), plain(h.Zone)},
	}
}

// feeSource tells whose word a fee is.
func (w *writer) feeSource(r Row) string {
	switch {
	case r.Fee.Currency == "":
		return ""
	case r.FeeExpected:
		return w.say(wordExpected)
	}
	return w.say(wordTold)
}

// local writes a moment as a clock on the wall shows it.
func (w *writer) local(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(w.zone).Format(time.DateTime)
}

// plain is a text on one line: whatever moves a cursor is a space, what is no text a mark.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
