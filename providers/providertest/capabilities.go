package providertest

import (
	"fmt"
	"slices"
	"strings"
)

// Capabilities writes the records of all gateways as the one table that readers of the
// project see, in Markdown: one row an operation, one column a gateway, in the order of
// the records. A variant has no column; its questions are counted in its gateway's, and
// it is named where only it has the operation, and below the table.
func Capabilities(records ...Record) string {
	var columns []column
	for _, r := range records {
		main, variant := r.variant()
		i := slices.IndexFunc(columns, func(c column) bool { return c.main.Gateway == main })
		switch {
		case variant == "":
			columns = append(columns, column{main: r})
		case i >= 0:
			columns[i].variants = append(columns[i].variants, r)
		}
	}
	var names, others []string
	for _, c := range columns {
		names = append(names, c.main.Gateway)
		if len(c.variants) > 0 {
			others = append(others, c.main.Gateway+" ("+list(c.variants)+")")
		}
	}
	table := markdown(names, operations, func(operation string, i int) string { return columns[i].cell(operation) })
	if len(others) == 0 {
		return table
	}
	return table + "\nAsked again under other settings of the account or the bank, and counted above: " + strings.Join(others, ", ") + ".\n"
}

// column is a gateway with its variants.
type column struct {
	main     Record
	variants []Record
}

func (c column) cell(operation string) string {
	own := c.main.line(operation)
	all := own
	var having []Record
	for _, v := range c.variants {
		switch l := v.line(operation); {
		case all.How == Failed, l.How == Failed:
			all.How = Failed
		case l.How == Simulated:
			all.How, all.Questions = Simulated, all.Questions+l.Questions
			having = append(having, v)
		}
	}
	if all.How != Simulated || own.How == Simulated {
		return all.cell()
	}
	return all.cell() + " (" + list(having) + ")"
}

// list names variants as such: "own device; other spellings".
func list(variants []Record) string {
	var names []string
	for _, v := range variants {
		_, name := v.variant()
		names = append(names, name)
	}
	return strings.Join(names, "; ")
}

// variant takes the name of a record apart: "halyk, two steps" is the variant "two
// steps" of the gateway "halyk". A gateway itself has no comma in its name.
func (r Record) variant() (gateway, variant string) {
	gateway, variant, _ = strings.Cut(r.Gateway, ", ")
	return gateway, variant
}

// markdown writes a table of operations.
func markdown(columns, rows []string, cell func(row string, column int) string) string {
	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(append([]string{"operation"}, columns...)...)
	line(slices.Repeat([]string{"---"}, len(columns)+1)...)
	for _, row := range rows {
		cells := []string{row}
		for i := range columns {
			cells = append(cells, cell(row, i))
		}
		line(cells...)
	}
	return b.String()
}
