package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TamperCheck is what every face must answer for, whatever its statements look like on the wire: each kind that it can show changes
// the matched row as Wants says, and nothing else, nowhere else, for as long as it is in force.
type TamperCheck struct {
	Bank  *Bank
	Face  string
	Match string                     // the reference of a charge that has no refund
	Row   int                        // where its one row stands
	Read  func() []map[string]string // the statement, oldest row first, as the merchant reads it
	Look  func() string              // what the bank says of every payment when it is asked about it alone
	Wants map[TamperKind]map[string]string
}

// What TamperCheck.Wants says of a field besides its value.
const (
	TamperAnew = "another" // it has a value that is not the true one
	TamperGone = "gone"    // it is not there
)

// Rule is the rule of a kind as the check makes it.
func (c TamperCheck) Rule(kind TamperKind) Tamper {
	rule := Tamper{Face: c.Face, Kind: kind, Match: c.Match}
	switch kind {
	case TamperAmount, TamperFee:
		rule.Amount = 100
	case TamperCurrency:
		rule.Currency = "USD"
	case TamperLate:
		rule.By = Duration(30 * time.Minute)
	}
	return rule
}

// Run checks every kind, also inside a bubble.
func (c TamperCheck) Run(t *testing.T) {
	t.Helper()
	for kind := range c.Wants {
		if !slices.Contains(tamperable[c.Face], kind) {
			t.Errorf("the check wants %s, which the face cannot show", kind)
		}
	}
	truth, books, looks := c.Read(), c.books(), c.Look()
	id := ""
	for _, o := range c.Bank.Ledger().Objects {
		if o.Reference == c.Match {
			id = o.ID
		}
	}
	for _, kind := range tamperable[c.Face] {
		_, wanted := c.Wants[kind]
		if !wanted && kind != TamperOmit && kind != TamperAgain {
			t.Errorf("the check wants nothing of %s", kind)
		}
		once := c.Rule(kind)
		once.Times = 1
		once.ID = c.add(t, once)
		spoiled := c.Read()
		c.compare(t, kind, spoiled, truth)
		c.same(t, kind, "after one reading", c.Read(), truth)
		if used := c.Bank.Tampers()[0].Used; used != 1 {
			t.Errorf("%s was used %d times, want once", kind, used)
		}
		c.Bank.RemoveTamper(once.ID)

		always := c.Rule(kind)
		always.Match = id
		always.ID = c.add(t, always)
		first := c.Read()
		c.compare(t, kind, first, truth)
		c.same(t, kind, "on a second reading", c.Read(), first)
		if got := c.Look(); got != looks {
			t.Errorf("%s changed what is said of one payment:\n%s\nwant\n%s", kind, got, looks)
		}
		if got := c.books(); got != books {
			t.Errorf("%s changed the ledger:\n%s\nwant\n%s", kind, got, books)
		}
		c.Bank.RemoveTamper(always.ID)
		c.same(t, kind, "after it was removed", c.Read(), truth)
	}
}

func (c TamperCheck) add(t *testing.T, rule Tamper) string {
	t.Helper()
	id, err := c.Bank.AddTamper(rule)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// books are the ledger without its count of requests.
func (c TamperCheck) books() string {
	l := c.Bank.Ledger()
	return fmt.Sprintf("%+v %+v %+v", l.Entries, l.Objects, l.Violations)
}

// compare checks a spoiled statement against the truth, row by row and field by field.
func (c TamperCheck) compare(t *testing.T, kind TamperKind, got, truth []map[string]string) {
	t.Helper()
	want, at := slices.Clone(truth), c.Row
	switch kind {
	case TamperOmit:
		want, at = slices.Delete(want, at, at+1), -1
	case TamperAgain:
		want, at = slices.Insert(want, at, want[at]), -1
	case TamperDouble, TamperForeign:
		want, at = slices.Insert(want, at, want[at]), at+1
	}
	if len(got) != len(want) {
		t.Errorf("%s shows %d rows, want %d: %v", kind, len(got), len(want), got)
		return
	}
	for i, row := range want {
		expected := map[string]string{}
		if i == at {
			expected = c.Wants[kind]
		}
		for field := range mergedKeys(row, got[i], expected) {
			is, there := got[i][field]
			was := row[field]
			wish, changes := expected[field]
			switch {
			case !changes && is != was:
				t.Errorf("%s: %s of row %d is %q, want %q as ever", kind, field, i, is, was)
			case wish == TamperAnew && (!there || is == "" || is == was):
				t.Errorf("%s: %s of row %d is %q, want another value", kind, field, i, is)
			case wish == TamperGone && there:
				t.Errorf("%s: %s of row %d is %q, want none", kind, field, i, is)
			case changes && wish != TamperAnew && wish != TamperGone && (is != wish || !there):
				t.Errorf("%s: %s of row %d is %q, want %q", kind, field, i, is, wish)
			case changes && wish != TamperAnew && is == was && there:
				t.Errorf("%s: %s of row %d is %q as ever: the check shows nothing", kind, field, i, is)
			}
		}
	}
}

func mergedKeys(rows ...map[string]string) map[string]bool {
	all := map[string]bool{}
	for _, row := range rows {
		for field := range row {
			all[field] = true
		}
	}
	return all
}

func (c TamperCheck) same(t *testing.T, kind TamperKind, when string, got, want []map[string]string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %s the statement is\n%v\nwant\n%v", kind, when, got, want)
	}
}

// FlatRow writes a decoded JSON value as fields by their path: "operations.0.amount".
func FlatRow(v any) map[string]string {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]string{}
		for name, in := range v {
			maps.Copy(out, under(name, FlatRow(in)))
		}
		return out
	case []any:
		out := map[string]string{"": fmt.Sprint(len(v))}
		for i, in := range v {
			maps.Copy(out, under(fmt.Sprint(i), FlatRow(in)))
		}
		return out
	}
	return map[string]string{"": fmt.Sprint(v)}
}

func under(name string, fields map[string]string) map[string]string {
	out := map[string]string{}
	for field, value := range fields {
		out[strings.TrimSuffix(name+"."+field, ".")] = value
	}
	return out
}

// CSVRows reads the rows of a file with a head, whose cells are separated by semicolons.
func CSVRows(text string) []map[string]string {
	lines := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, "\ufeff"), "\n"), "\n")
	head := strings.Split(lines[0], ";")
	rows := []map[string]string{}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range strings.Split(line, ";") {
			row[head[i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// said writes an answer as text, with its fields in order.
func said(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}
