package statement

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Format says how the rows of one kind of file are to be read.
type Format struct {
	Separator string `yaml:"separator"` // between the columns, one character; default ","
	SkipRows  int    `yaml:"skip_rows"` // before the row with the names of the columns
	// Sheet is the one to be read of a workbook, by its name; default the first, which must
	// then be the only one that is shown.
	Sheet string `yaml:"sheet"`

	Columns Columns `yaml:"columns"`

	Decimal   string `yaml:"decimal"`   // what stands before the fraction of a sum; default "."
	Thousands string `yaml:"thousands"` // characters between digits that mean nothing, such as a space
	// Currency is that of every sum, where no column names it.
	Currency string `yaml:"currency"`

	// Dates are the layouts in which a moment may be written, as Go writes
	// 2006-01-02 15:04:05.
	Dates []string `yaml:"dates"`
	Zone  string   `yaml:"zone"` // of moments that name none, such as Asia/Almaty

	// Kinds are the words of the column of kinds: "charge" or "refund" for each. Without a
	// column of kinds every row is a charge, and one with a negative sum a refund where
	// Negative says so.
	Kinds    map[string]providers.LineKind `yaml:"kinds"`
	Negative string                        `yaml:"negative"` // "refund" or "refuse", the default
	// States are the words of the column of states: "approved", "held", "pending" or
	// "declined" for each. Without a column of states every row is approved.
	States map[string]string `yaml:"states"`
	// Ignore are rows that tell of no payment: by a column's name, the words that mark them.
	Ignore map[string][]string `yaml:"ignore"`
}

// Columns are the names of the columns, as they stand in the file. Only Amount and At must
// be there; of Order and External at least one.
type Columns struct {
	Order    string `yaml:"order"`    // our reference
	External string `yaml:"external"` // the provider's id of the payment
	Refund   string `yaml:"refund"`   // the provider's id of a refund, in rows that are one
	Amount   string `yaml:"amount"`   // the sum; required
	Currency string `yaml:"currency"` // of the sum
	Fee      string `yaml:"fee"`      // what the provider keeps of it
	Kind     string `yaml:"kind"`     // whether it is a charge or a refund
	State    string `yaml:"state"`    // how it ended
	At       string `yaml:"at"`       // when; required
}

// The words of Negative.
const (
	negativeRefund = "refund"
	negativeRefuse = "refuse"
)

// verdicts are the words of States.
var verdicts = map[string]providers.Verdict{"approved": providers.Approved, "held": providers.Held, "pending": providers.Pending, "declined": providers.Declined}

// Default fills in what was left out.
func (f Format) Default() Format {
	for _, field := range []struct {
		into  *string
		value string
	}{{&f.Separator, ","}, {&f.Decimal, "."}, {&f.Negative, negativeRefuse}} {
		if *field.into == "" {
			*field.into = field.value
		}
	}
	return f
}

// Check tells all that is wrong with a format, each by its field.
func (f Format) Check() error {
	var wrong []error
	say := func(bad bool, field, wayOut string) {
		if bad {
			wrong = append(wrong, fmt.Errorf("%s: %s", field, wayOut))
		}
	}
	c := f.Columns
	say(len([]rune(f.Separator)) != 1 || strings.ContainsAny(f.Separator, "\"\r\n"), "separator", "write one character, such as ; or a tab")
	say(f.SkipRows < 0, "skip_rows", "write how many rows stand before the names of the columns")
	say(c.Amount == "", "columns.amount", "name the column of the sum")
	say(c.At == "", "columns.at", "name the column of the moment")
	say(c.Order == "" && c.External == "", "columns.order", "name the column of our reference, or of the provider's id as external")
	say(c.Currency == "" && f.Currency == "", "currency", "write the currency of the sums, or name its column")
	if f.Currency != "" {
		_, known := providers.Exponent(f.Currency)
		say(!known, "currency", "write an ISO 4217 code such as KZT")
	}
	say(len([]rune(f.Decimal)) != 1, "decimal", "write one character, . or ,")
	say(strings.ContainsAny(f.Thousands, f.Decimal+"-+0123456789"), "thousands", "write characters that no sum needs, such as a space")
	say(len(f.Dates) == 0, "dates", `write how moments look, for example "02.01.2006 15:04:05"`)
	for _, layout := range f.Dates {
		moment := time.Date(2026, 11, 23, 14, 2, 12, 0, time.UTC)
		read, err := time.Parse(layout, moment.Format(layout))
		say(err != nil || read.Format(time.DateOnly) != moment.Format(time.DateOnly), "dates", fmt.Sprintf("%q does not say the day", layout))
	}
	_, err := time.LoadLocation(f.Zone)
	say(err != nil || f.Zone == "Local", "zone", "write a time zone such as Asia/Almaty")
	say((c.Kind == "") != (len(f.Kinds) == 0), "kinds", "say what each word of columns.kind means: charge or refund")
	for _, kind := range f.Kinds {
		say(kind != providers.LineCharge && kind != providers.LineRefund, "kinds", "write charge or refund for each word")
	}
	say(!slices.Contains([]string{negativeRefund, negativeRefuse}, f.Negative), "negative", "write refund or refuse")
	say((c.State == "") != (len(f.States) == 0), "states", "say what each word of columns.state means: approved, held, pending or declined")
	for _, state := range f.States {
		_, known := verdicts[state]
		say(!known, "states", "write approved, held, pending or declined for each word")
	}
	return errors.Join(wrong...)
}
