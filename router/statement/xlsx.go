package statement

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// The ends of a sheet of Excel.
const (
	lastRow    = 1 << 20
	lastColumn = 1 << 14
)

// mostLooked is how often a row is looked at for being merged, which cells that overlap could
// have done without end; those of a sheet that can be do not come near it.
const mostLooked = 1 << 28

// ReadXLSX reads a workbook as [ReadCSV] reads a file of separated values, with the same
// refusals. The row with the names of the columns is the first one that is not blank, after
// as many rows as the format skips; blank rows after it tell nothing.
//
// A number is taken as it is stored, whatever it looks like: as a sum only if it is one of
// the currency within a millionth; as a moment if it counts the days of this century; as an
// id if it is whole and has no more than the fifteen digits that a spreadsheet keeps. Texts
// are read as the format says. A column that the format reads must hold no formula: what it
// comes to is not what the provider wrote. Nor must it hold cells that are merged, as all
// but one of them look blank. Rows that are hidden, by a filter for example, are read.
//
// Memory holds one row, and the texts that cells share, 128 MiB at most; a file that was
// made to fill it is refused. Nothing of a workbook is run, and nothing outside of it read.
func ReadXLSX(ctx context.Context, file io.ReaderAt, size int64, f Format, line func(row int64, l providers.StatementLine) error) error {
	w, err := openWorkbook(&source{ReaderAt: file}, size)
	if err != nil {
		return err
	}
	s, err := w.sheet(f.Sheet)
	if err != nil {
		return err
	}
	if err := w.readTexts(ctx); err != nil {
		return err
	}
	part, err := w.open(s.part, largestSheet)
	if err != nil {
		return err
	}
	defer part.Close()
	p := &page{ctx: ctx, book: w, format: f.Default(), tell: line, in: newTokens(part)}
	if err := p.read(); err != nil {
		return err
	}
	if p.rows == nil {
		return &Refused{Why: "it has no row with the names of the columns"}
	}
	return nil
}

// page is a sheet while it is read.
type page struct {
	ctx    context.Context
	book   *workbook
	format Format
	tell   func(row int64, l providers.StatementLine) error
	in     *tokens
	rows   *reader // once the names of the columns are known

	row   int64 // the last that began
	cells []cell
	// told are the rows that told of a payment, a bit for each: cells that are merged are
	// listed after all rows.
	told   []uint64
	looked int
}

// read goes through the sheet to its end, beyond the rows too: only there does the zip show
// that nothing is damaged.
func (p *page) read() error {
	within := false
	for {
		token, err := p.in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.book.damaged(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch name := token.Name.Local; {
			case name == "sheetData":
				within = true
			case name == "row" && within: // pictures stand in rows, too
				err = p.readRow(token)
			case name == "mergeCell":
				err = p.checkMerged(attribute(token, "ref"))
			}
		case xml.EndElement:
			within = within && token.Name.Local != "sheetData"
		}
		if err != nil {
			return err
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (p *page) refuse(why string) error { return &Refused{Row: p.row, Why: why} }

// readRow reads the cells of a row, and what they tell.
func (p *page) readRow(start xml.StartElement) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	at := p.row + 1
	if number := attribute(start, "r"); number != "" {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < at {
			return p.refuse("the row after it has no number that follows")
		}
		at = n
	}
	if p.row = at; at > lastRow {
		return p.refuse("a sheet has no such row")
	}
	clear(p.cells)
	p.cells = p.cells[:0]
	for {
		token, err := p.in.next()
		if err != nil {
			return p.book.damaged(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "c" {
				if err := p.readCell(token); err != nil {
					return err
				}
			}
		case xml.EndElement:
			if token.Name.Local == "row" {
				return p.take()
			}
		}
	}
}

// readCell reads one cell to its place in the row.
func (p *page) readCell(start xml.StartElement) error {
	column := len(p.cells)
	if ref := attribute(start, "r"); ref != "" {
		c, row, ok := place(ref)
		if !ok || row != p.row || c < column {
			return p.refuse("a cell of it stands in no place that follows")
		}
		column = c
	}
	if column >= lastColumn {
		return p.refuse("a sheet has no such column")
	}
	c, err := p.content(attribute(start, "t"))
	if err != nil {
		return err
	}
	for len(p.cells) < column {
		p.cells = append(p.cells, cell{})
	}
	p.cells = append(p.cells, c)
	return nil
}

// place reads a reference such as AB12: the column, from 0, and the row.
func place(ref string) (column int, row int64, ok bool) {
	digits := strings.TrimLeft(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	letters := ref[:len(ref)-len(digits)]
	if letters == "" || len(letters) > 3 {
		return 0, 0, false
	}
	for _, c := range []byte(letters) {
		column = column*26 + int(c-'A') + 1
	}
	row, err := strconv.ParseInt(digits, 10, 64)
	return column - 1, row, err == nil && row > 0
}

// content reads what stands in a cell of a type, to the cell's end.
func (p *page) content(as string) (cell, error) {
	var inline, value []byte
	var within letters
	computed, inValue := false, false
	for {
		token, err := p.in.next()
		if err != nil {
			return cell{}, p.book.damaged(err)
		}
		inline = append(inline, within.of(token)...)
		switch token := token.(type) {
		case xml.StartElement:
			computed = computed || token.Name.Local == "f"
			inValue = token.Name.Local == "v"
		case xml.CharData:
			if inValue {
				value = append(value, token...)
			}
		case xml.EndElement:
			if token.Name.Local == "c" {
				c, err := p.typed(as, strings.TrimSpace(string(value)), string(inline))
				if err == nil && computed {
					c.as = isFormula
				}
				return c, err
			}
			inValue = false
		}
		if len(inline)+len(value) > longestRow {
			return cell{}, p.book.damaged(errLong)
		}
	}
}

// typed is a cell of a type of the file's.
func (p *page) typed(as, value, inline string) (cell, error) {
	c := cell{text: value}
	switch as {
	case "s":
		i, err := strconv.Atoi(value)
		shared, there := p.book.texts.at(i)
		if err != nil || !there {
			return cell{}, p.refuse("a cell of it has a text that the file does not hold")
		}
		c.text = spelt(shared)
	case "inlineStr":
		c.text = spelt(inline)
	case "str":
		c.text = spelt(value)
	case "b":
		c.text = map[string]string{"0": "FALSE", "1": "TRUE"}[value]
	case "e":
		c.as = isFault
	case "d":
		c.as = isDate
	case "", "n":
		c.as = isNumber
	default:
		return cell{}, p.refuse("a cell of it is of no type that is known")
	}
	if c.text == "" && c.as != isFault {
		c.as = isText
	}
	return c, nil
}

// escape is how a spreadsheet writes a character that XML cannot hold, and its own underscore
// where a text looks like that (ECMA-376, part 1, section 22.9.2.19).
var escape = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// spelt is a text as it was typed, without blanks around it.
func spelt(text string) string {
	if strings.Contains(text, "_x") {
		text = escape.ReplaceAllStringFunc(text, func(code string) string {
			c, err := strconv.ParseUint(code[2:6], 16, 16)
			if err != nil {
				return code
			}
			return string(rune(c))
		})
	}
	return strings.TrimSpace(text)
}

// take reads the row that is complete.
func (p *page) take() error {
	for len(p.cells) > 0 && p.cells[len(p.cells)-1].blank() {
		p.cells = p.cells[:len(p.cells)-1]
	}
	if len(p.cells) == 0 || p.row <= int64(p.format.SkipRows) {
		return nil
	}
	if p.rows == nil {
		return p.name()
	}
	for len(p.cells) < p.rows.width { // a file need not write blank cells
		p.cells = append(p.cells, cell{})
	}
	l, tells, err := p.rows.line(p.cells, p.row)
	if err != nil || !tells {
		return err
	}
	p.told[p.row/64] |= 1 << (p.row % 64)
	return p.tell(p.row, l)
}

// name reads the row with the names of the columns.
func (p *page) name() (err error) {
	var names []string
	for _, c := range p.cells {
		names = append(names, c.text)
	}
	p.rows, err = newReader(p.format, names, p.row)
	if err != nil {
		return err
	}
	p.rows.epoch = p.book.epoch
	p.told = make([]uint64, lastRow/64+1)
	return nil
}

// checkMerged refuses cells that are merged where a payment was read.
func (p *page) checkMerged(ref string) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	from, to, _ := strings.Cut(ref, ":")
	left, top, ok := place(from)
	right, bottom, ok2 := place(to)
	if !ok || !ok2 || right < left || bottom < top || bottom > lastRow || p.looked > mostLooked {
		return &Refused{Why: "its merged cells are none that can be"}
	}
	if p.rows == nil {
		return nil
	}
	names := p.format.used()
	i := slices.IndexFunc(names, func(name string) bool { return left <= p.rows.at[name] && p.rows.at[name] <= right })
	if i < 0 {
		return nil
	}
	for row := top; row <= bottom; row++ {
		p.looked++
		switch bits := p.told[row/64]; {
		case bits == 0:
			row |= 63 // none of the others either
		case bits&(1<<(row%64)) != 0:
			return &Refused{Row: row, Column: names[i], Why: "it is merged with other cells"}
		}
	}
	return nil
}
