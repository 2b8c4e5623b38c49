package providertest

import (
	"fmt"
	"slices"
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
	Operation string `json:"operation"`
	How       How    `json:"how"`
	Questions int    `json:"questions,omitempty"` // how many were answered well
}

// How an operation was verified.
type How string

// The ways. A gateway without a line for an operation does not offer it.
const (
	NotOffered How = "not offered"
	NotAsked   How = "not asked" // or not offered: the questions were restricted by Subject.Only
	Simulated  How = "simulated bank"
	ByLookup   How = "by look-up" // each payment is looked up: the questions about that are counted there
	Failed     How = "FAILED"     // at least one question was not answered well
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
	for _, operation := range operations {
		if slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Operation == operation }) {
			continue
		}
		how := NotOffered
		switch {
		case len(s.subject.Only) > 0:
			how = NotAsked
		case operation == "statement" && s.provider.Claims().Statement == providers.StatementWalk:
			how = ByLookup
		}
		r.Lines = append(r.Lines, Line{Operation: operation, How: how})
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
	var names, rows []string
	for _, r := range records {
		names = append(names, r.Gateway)
		for _, l := range r.Lines {
			if !slices.Contains(rows, l.Operation) {
				rows = append(rows, l.Operation)
			}
		}
	}
	return markdown(names, rows, func(operation string, i int) string { return records[i].line(operation).cell() })
}

// line is what the record says of an operation.
func (r Record) line(operation string) Line {
	for _, l := range r.Lines {
		if l.Operation == operation {
			return l
		}
	}
	return Line{Operation: operation, How: NotOffered}
}

func (l Line) cell() string {
	switch l.How {
	case NotOffered:
		return "–"
	case Simulated:
		return fmt.Sprintf("%s, %d questions", Simulated, l.Questions)
	}
	return string(l.How)
}
