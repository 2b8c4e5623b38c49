package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// grid is a table for people. Columns in which nothing stands are left out. In a narrow
// terminal the last column is wrapped, and where that leaves too little of it, each row
// becomes a few lines of its own: nothing is ever cut off.
type grid struct {
	out    io.Writer
	width  int // of the terminal; 0 means endless
	header []string
	rows   [][]string
}

// leastLast is the width of a last column that can still be read.
const leastLast = 24

func (c *client) grid(header ...string) *grid {
	return &grid{out: c.out, width: c.width, header: header}
}

// row adds a row: as many cells as the header has.
func (g *grid) row(cells ...string) {
	for i := range cells {
		cells[i] = plain(cells[i])
	}
	g.rows = append(g.rows, cells)
}

// render prints the table, and nothing when it has no rows.
func (g *grid) render() {
	if len(g.rows) == 0 {
		return
	}
	var full []int // columns in which something stands
	for column := range g.rows[0] {
		if slices.ContainsFunc(g.rows, func(r []string) bool { return r[column] != "" }) {
			full = append(full, column)
		}
	}
	pick := func(cells []string) []string {
		var picked []string
		for _, column := range full {
			picked = append(picked, cells[column])
		}
		return picked
	}
	var rows [][]string
	if len(g.header) > 0 {
		rows = append(rows, pick(g.header))
	}
	for _, r := range g.rows {
		rows = append(rows, pick(r))
	}
	before, last := 0, 0 // the widths left of the last column, and of it
	for i := range full {
		widest := 0
		for _, r := range rows {
			widest = max(widest, text.StringWidth(r[i]))
		}
		if last = widest; i < len(full)-1 {
			before += widest + len(gap)
		}
	}
	room := g.width - before
	switch {
	case g.width <= 0 || last <= room:
		g.lines(rows, 0)
	case room >= min(leastLast, g.width/2), len(g.header) == 0:
		g.lines(rows, max(room, 1))
	default:
		g.records(rows[0], rows[1:])
	}
}

// sentence prints a text, wrapped at words where it is wider than the terminal.
func (c *client) sentence(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if c.width > 0 {
		said = text.WrapSoft(said, c.width)
	}
	for line := range strings.Lines(said) {
		fmt.Fprintln(c.out, strings.TrimRight(line, " \n"))
	}
}

// gap stands between columns.
const gap = "  "

// lines prints rows as lines, the last column wrapped to a width if one is given.
func (g *grid) lines(rows [][]string, wrap int) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Box.PaddingLeft, t.Style().Box.PaddingRight = "", gap
	if wrap > 0 {
		t.SetColumnConfigs([]table.ColumnConfig{{Number: len(rows[0]), WidthMax: wrap, WidthMaxEnforcer: text.WrapSoft}})
	}
	for _, r := range rows {
		cells := table.Row{}
		for _, cell := range r {
			cells = append(cells, cell)
		}
		t.AppendRow(cells)
	}
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(g.out, strings.TrimRight(line, " \n"))
	}
}

// records prints each row as a small table of names and values.
func (g *grid) records(names []string, rows [][]string) {
	for i, r := range rows {
		if i > 0 {
			fmt.Fprintln(g.out)
		}
		record := grid{out: g.out, width: g.width}
		for column, value := range r {
			if value != "" {
				record.row(strings.ToLower(names[column]), value)
			}
		}
		record.render()
	}
}

// terminalSize is how many columns and rows a terminal has; zeros where there is none.
func terminalSize(w io.Writer) (width, height int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

// plain makes a text from elsewhere harmless for a terminal: a gateway's code may hold
// anything, escape sequences and marks that reverse the writing included.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
