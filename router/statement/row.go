package statement

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Refused is why a file is not believed. It never quotes what stands in the file.
type Refused struct {
	Row    int64  // as an editor counts them, from 1; 0 is the file itself
	Column string // by its name; empty is the whole row
	Why    string
}

func (r *Refused) Error() string {
	switch {
	case r.Row == 0:
		return "the file is refused: " + r.Why
	case r.Column == "":
		return fmt.Sprintf("row %d: %s", r.Row, r.Why)
	}
	return fmt.Sprintf("row %d, column %q: %s", r.Row, r.Column, r.Why)
}

// reader makes lines of rows.
type reader struct {
	format Format
	zone   *time.Location
	at     map[string]int // where each column stands
	width  int
	epoch  time.Time // from which a spreadsheet counts days
}

// newReader finds the columns in the row of their names.
func newReader(f Format, names []string, row int64) (*reader, error) {
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		return nil, &Refused{Why: "the format's zone is none"}
	}
	r := &reader{format: f, zone: zone, at: map[string]int{}, width: len(names)}
	for i, name := range names {
		name = strings.TrimSpace(name)
		if _, twice := r.at[name]; twice && name != "" {
			r.at[name] = -1
			continue
		}
		r.at[name] = i
	}
	for _, name := range f.used() {
		switch i, there := r.at[name]; {
		case !there:
			return nil, &Refused{Row: row, Column: name, Why: "there is no such column"}
		case i < 0:
			return nil, &Refused{Row: row, Column: name, Why: "two columns are called so"}
		}
	}
	return r, nil
}

// used are the names of the columns that the format reads.
func (f Format) used() []string {
	c := f.Columns
	names := append([]string{c.Order, c.External, c.Refund, c.Amount, c.Currency, c.Fee, c.Kind, c.State, c.At}, slices.Sorted(maps.Keys(f.Ignore))...)
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// line reads a row. It reports false for one that tells of no payment.
func (r *reader) line(cells []cell, row int64) (providers.StatementLine, bool, error) {
	var line providers.StatementLine
	refuse := func(column, why string) (providers.StatementLine, bool, error) {
		return providers.StatementLine{}, false, &Refused{Row: row, Column: column, Why: why}
	}
	if len(cells) != r.width {
		return refuse("", fmt.Sprintf("it has %d columns, and %d are named", len(cells), r.width))
	}
	at := func(name string) cell {
		if name == "" {
			return cell{}
		}
		return cells[r.at[name]]
	}
	for name, words := range r.format.Ignore {
		if text, err := at(name).word(); err == nil && slices.Contains(words, text) {
			return line, false, nil
		}
	}
	c := r.format.Columns
	words := map[string]string{}
	for _, name := range []string{c.Order, c.External, c.Refund, c.Currency, c.Kind, c.State} {
		text, err := at(name).word()
		if err != nil {
			return refuse(name, err.Error())
		}
		words[name] = text
	}
	line.Kind, line.Verdict = providers.LineCharge, providers.Approved
	if c.Kind != "" {
		kind, known := r.format.Kinds[words[c.Kind]]
		if !known {
			return refuse(c.Kind, "the format does not know this word")
		}
		line.Kind = kind
	}
	if c.State != "" {
		state, known := r.format.States[words[c.State]]
		if !known {
			return refuse(c.State, "the format does not know this word")
		}
		line.Verdict, line.Code = verdicts[state], words[c.State]
	}
	currency := r.format.Currency
	if c.Currency != "" {
		currency = words[c.Currency]
	}
	var err error
	if line.Amount, err = r.sum(at(c.Amount), currency); err != nil {
		return refuse(c.Amount, err.Error())
	}
	if line.Amount.Minor < 0 {
		if c.Kind == "" && r.format.Negative == negativeRefund {
			line.Kind = providers.LineRefund
		}
		if line.Kind != providers.LineRefund {
			return refuse(c.Amount, "a negative sum, and no refund")
		}
		line.Amount.Minor = -line.Amount.Minor
	}
	if line.Amount.Minor == 0 {
		return refuse(c.Amount, "a sum of nothing")
	}
	if fee := at(c.Fee); !fee.blank() {
		if line.Fee, err = r.sum(fee, currency); err != nil {
			return refuse(c.Fee, err.Error())
		}
	}
	line.Order, line.External = words[c.Order], words[c.External]
	if line.Kind == providers.LineRefund && c.Refund != "" {
		line.External = words[c.Refund]
	}
	if line.Order == "" && line.External == "" {
		return refuse("", "it names neither our reference nor an id of the provider's")
	}
	if line.At, err = r.moment(at(c.At)); err != nil {
		return refuse(c.At, err.Error())
	}
	return line, true, nil
}
