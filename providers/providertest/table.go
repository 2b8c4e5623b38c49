package providertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// Record says what was verified of one gateway, and how.
type Record struct {
	Gateway string
	Lines   []Line
}

// Line is one operation of a gateway.
type Line struct {
	Operation string
	How       How
	Questions int // how many were answered well
}

// How an operation was verified.
type How string

// The ways. A gateway without a line for an operation does not offer it.
const (
	NotOffered How = "not offered"
	NotAsked   How = "not asked" // or not offered: the questions were restricted by Subject.Only
	Simulated  How = "simulated bank"
	Failed     How = "FAILED" // at least one question was not answered well
)

// note counts a question about an operation.
func (r *Record) note(operation string, t *testing.T) {
	i := slices.IndexFunc(r.Lines, func(l Line) bool { return l.Operation == operation })
	if i < 0 {
		i = len(r.Lines)
		r.Lines = append(r.Lines, Line{Operation: operation, How: Simulated})
	}
	switch {
	case t.Failed():
		r.Lines[i].How = Failed
	case !t.Skipped():
		r.Lines[i].Questions++
	}
}

// The operations that every table has, in this order, offered or not.
var operations = []string{
	string(providers.QR), string(providers.Link), string(providers.Page), string(providers.Push), string(providers.Account), string(providers.Instrument),
	"look-up", "withdraw", "hold", "capture", "void", "refund", "notices", "probe", "forget", "statement",
}

// fill adds the operations that were not asked about, and puts all in order.
func (r *Record) fill(s *suite) {
	how := NotOffered
	if len(s.subject.Only) > 0 {
		how = NotAsked
	}
	for _, operation := range operations {
		if !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Operation == operation }) {
			r.Lines = append(r.Lines, Line{Operation: operation, How: how})
		}
	}
	slices.SortStableFunc(r.Lines, func(a, b Line) int { return rank(a) - rank(b) })
}

func rank(l Line) int {
	if i := slices.Index(operations, l.Operation); i >= 0 {
		return i
	}
	return len(operations)
}

// Table writes records side by side in Markdown: one row an operation, one column a
// gateway, and in each cell how it was verified.
func Table(records ...Record) string {
	var rows []string
	for _, r := range records {
		for _, l := range r.Lines {
			if !slices.Contains(rows, l.Operation) {
				rows = append(rows, l.Operation)
			}
		}
	}
	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	head, rule := []string{"operation"}, []string{"---"}
	for _, r := range records {
		head, rule = append(head, r.Gateway), append(rule, "---")
	}
	line(head...)
	line(rule...)
	for _, operation := range rows {
		cells := []string{operation}
		for _, r := range records {
			cells = append(cells, r.cell(operation))
		}
		line(cells...)
	}
	return b.String()
}

func (r Record) cell(operation string) string {
	i := slices.IndexFunc(r.Lines, func(l Line) bool { return l.Operation == operation })
	switch {
	case i < 0 || r.Lines[i].How == NotOffered:
		return "–"
	case r.Lines[i].How == Simulated:
		return fmt.Sprintf("%s, %d questions", Simulated, r.Lines[i].Questions)
	}
	return string(r.Lines[i].How)
}
