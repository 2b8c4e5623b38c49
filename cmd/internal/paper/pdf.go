package paper

import (
	"bytes"
	_ "embed" // the licence of the fonts
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"

	"github.com/payrouter/payrouter/providers"
)

// FontLicence is what must go with every copy of the fonts that are part of this package:
// a program that contains them must be able to show it.
//
//go:embed LICENSE-DejaVu.txt
var FontLicence string

// PDFRows is how many operations a PDF lists: some 500 pages, which is more than anybody
// reads and as much as a mail takes. A statement with more has its head and totals, and
// says that the operations are in the XLSX file.
const PDFRows = 20_000

// WritePDF writes a statement to be printed and signed: the head, the days that are
// missing, the totals, and the operations if there are no more than [PDFRows]. References
// that are too long for their column are wrapped, and shortened after three lines: the
// whole ones are in the other formats.
func WritePDF(to io.Writer, s Statement, l Language) error { return writePDF(to, s, l, PDFRows) }

func writePDF(to io.Writer, s Statement, l Language, most int) error {
	w, err := s.open(l)
	if err != nil {
		return err
	}
	p := w.pdfHead()
	// The smallest text that can be read on paper, as twelve columns must find room.
	t := &table{pages: p, points: 6, lines: 3, columns: operationColumns}
	n, expected := 0, false
	for r, err := range w.Rows {
		if err != nil {
			return fmt.Errorf("rows of the statement: %w", err)
		}
		if n++; n > most {
			// The pages so far are thrown away.
			p = w.pdfHead()
			p.paragraph(boldFont, 9, red, fmt.Sprintf(w.say(wordTooMany), most))
			return p.write(to)
		}
		if n == 1 {
			p.heading(w.say(wordOperations))
			t.head()
		}
		fee := w.grouped(r.Fee)
		if r.FeeExpected && fee != "" {
			fee += "*"
			expected = true
		}
		t.row(plainFont, black, w.local(r.Time), r.Day, w.kind(r.Kind), r.Order, r.Reference, r.External,
			w.grouped(r.Amount), currency(r), fee, w.grouped(r.Net), w.state(r.State), w.local(r.Payout))
	}
	switch {
	case n == 0:
		p.paragraph(plainFont, 9, black, w.say(wordNoOperations))
	case expected:
		p.Ln(2)
		p.paragraph(plainFont, 7, black, w.say(wordExpectedNote))
	}
	return p.write(to)
}

// foot names the document on every page.
func (h Head) foot() string {
	parts := []string{plain(h.Gateway), h.From + " – " + h.To}
	if h.Merchant != "" {
		parts = append([]string{plain(h.Merchant)}, parts...)
	}
	return strings.Join(parts, " · ")
}

// pdfHead begins a document with all but the operations.
func (w *writer) pdfHead() *pages {
	h := w.Head
	p := newPages(w.tongue, w.say(wordTitle), h.foot(), h.Created)
	p.paragraph(boldFont, 15, black, w.say(wordTitle))
	p.Ln(1)
	for _, line := range w.about() {
		p.labelled(line[0], line[1])
	}
	p.labelled(w.say(wordPeriod), w.spelt(h.From)+" – "+w.spelt(h.To))
	p.labelled(w.say(wordCreated), w.tongue.spell(h.Created.In(w.zone))+", "+h.Created.In(w.zone).Format(time.TimeOnly))
	if len(h.Missing) == 0 {
		p.labelled(w.say(wordMissing), w.say(wordNone))
	} else {
		p.Ln(2)
		p.paragraph(boldFont, 10, red, w.say(wordIncomplete))
		p.paragraph(boldFont, 10, red, strings.Join(h.Missing, ", "))
	}
	p.heading(w.say(wordTotals))
	t := &table{pages: p, points: 8, lines: 3, shaded: wordOpen, columns: totalColumns}
	t.head()
	for _, sum := range w.Totals {
		shade := black
		if sum.Open > 0 {
			shade = red
		}
		t.row(boldFont, shade, sum.Currency, w.count(sum.Charges.Number), w.grouped(sum.Charges.Amount), w.count(sum.Refunds.Number), w.grouped(sum.Refunds.Amount),
			w.grouped(sum.Fees), w.grouped(sum.FeesExpected), w.grouped(sum.Net), w.count(sum.Open))
	}
	return p
}

func (w *writer) spelt(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return w.tongue.spell(at)
}

// count writes a number with its thousands apart, as a sum of a currency without decimals.
func (t tongue) count(n int64) string {
	return t.grouped(providers.Money{Minor: n, Currency: "JPY"})
}

// The styles of the one font family, and the colours of text.
const (
	plainFont = ""
	boldFont  = "B"

	family = "dejavu"
	margin = 10.0 // millimetres, on all sides
	// allPages stands for the number of pages until it is known.
	allPages = "{pages}"
)

type colour struct{ r, g, b int }

var (
	black = colour{0, 0, 0}
	red   = colour{176, 0, 32}
	green = colour{0, 100, 50}
	brown = colour{140, 84, 0}
	grey  = colour{96, 96, 96}
)

// pages are a document of A4 pages that lie on their side.
type pages struct {
	*fpdf.Fpdf
	tongue
	width, bottom float64
}

// newPages begins a document; foot stands below each page.
func newPages(t tongue, title, foot string, created time.Time) *pages {
	pdf := fpdf.New("L", "mm", "A4", "")
	// The library may write into the bytes of a font, and others may be using them.
	pdf.AddUTF8FontFromBytes(family, plainFont, bytes.Clone(dejavusans.TTF))
	pdf.AddUTF8FontFromBytes(family, boldFont, bytes.Clone(dejavusansbold.TTF))
	pdf.AliasNbPages(allPages)
	pdf.SetCreationDate(created.UTC())
	pdf.SetModificationDate(created.UTC())
	pdf.SetCatalogSort(true)
	pdf.SetTitle(title, true)
	pdf.SetLang(string(Languages()[t]))
	pdf.SetProducer("payrouter", true)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(false, margin)
	pdf.SetCellMargin(0.7)
	wide, high := pdf.GetPageSize()
	p := &pages{Fpdf: pdf, tongue: t, width: wide - 2*margin, bottom: high - margin - 5}
	pdf.SetFooterFunc(func() {
		p.font(plainFont, 7, black)
		p.SetXY(margin, high-margin-3)
		p.CellFormat(p.width-50, 3, p.wrap(foot, p.width-50, 1)[0], "", 0, "L", false, 0, "")
		// Set from the left, so that the number that comes later moves nothing.
		p.CellFormat(0, 3, fmt.Sprintf(t.say(wordPage), p.PageNo(), allPages), "", 0, "L", false, 0, "")
	})
	p.AddPage()
	return p
}

// write ends the document.
func (p *pages) write(to io.Writer) error {
	if err := p.Output(to); err != nil {
		return fmt.Errorf("pdf: %w", err)
	}
	return nil
}

func (p *pages) font(style string, points float64, c colour) {
	p.SetFont(family, style, points)
	p.SetTextColor(c.r, c.g, c.b)
}

// room begins a new page where so much does not fit any more, and tells whether it did.
// The font stays what it is.
func (p *pages) room(height float64) bool {
	if p.GetY()+height <= p.bottom {
		return false
	}
	p.AddPage()
	return true
}

// line is the height of a line of text, with a little air.
func line(points float64) float64 { return points * 0.3528 * 1.3 } // a point is 0.3528 mm

func (p *pages) paragraph(style string, points float64, c colour, text string) {
	p.font(style, points, c)
	for _, l := range p.wrap(text, p.width, 1000) {
		p.room(line(points))
		p.CellFormat(p.width, line(points), l, "", 1, "L", false, 0, "")
	}
}

func (p *pages) heading(text string) {
	p.room(25) // not the last line of a page
	p.Ln(3)
	p.paragraph(boldFont, 10, black, text)
	p.Ln(1)
}

// labelled writes a line of the head.
func (p *pages) labelled(label, value string) {
	const wide = 72.0
	p.font(plainFont, 9, black)
	for i, l := range p.wrap(value, p.width-wide, 3) {
		if i > 0 {
			label = ""
		}
		p.CellFormat(wide, line(9), label, "", 0, "L", false, 0, "")
		p.CellFormat(p.width-wide, line(9), l, "", 1, "L", false, 0, "")
	}
}

// wrap cuts a text into lines of a width in the font that is set: between words, or within
// one that is longer than a line, such as a reference. What does not fit into so many lines
// is left out, which an ellipsis tells.
func (p *pages) wrap(text string, width float64, most int) []string {
	text = drawable(text)
	width -= 2 * p.GetCellMargin()
	if text == "" || p.GetStringWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	for rest := []rune(text); len(rest) > 0; {
		n := p.fit(rest, width)
		if n == len(rest) {
			return append(lines, string(rest))
		}
		if len(lines) == most-1 {
			return append(lines, strings.TrimRight(string(rest[:p.fit(rest, width-p.GetStringWidth("…"))]), " ")+"…")
		}
		for i := n; i > 0; i-- {
			if rest[i] == ' ' {
				n = i
				break
			}
		}
		lines = append(lines, string(rest[:n]))
		for rest = rest[n:]; len(rest) > 0 && rest[0] == ' '; rest = rest[1:] {
		}
	}
	return lines
}

// fit is how many runes have room in a width: at least one, so that every text ends.
func (p *pages) fit(text []rune, width float64) int {
	used := 0.0
	for i, c := range text {
		if used += p.GetStringWidth(string(c)); used > width && i > 0 {
			return i
		}
	}
	return len(text)
}

// drawable replaces what the library cannot draw: runes beyond the plane that its tables hold.
func drawable(text string) string {
	return strings.Map(func(c rune) rune {
		if c >= 0xFFFE {
			return '\uFFFD'
		}
		return c
	}, plain(text))
}

// column is one of a table: what stands above it, its width in millimetres, and where its
// cells stand, L or R.
type column struct {
	name  word
	width float64
	align string
}

// The columns of the tables: together as wide as a page between its margins.
var (
	operationColumns = []column{
		{wordTime, 24.5, "L"}, {wordDay, 14.5, "L"}, {wordKind, 15, "L"}, {wordOrder, 33.5, "L"}, {wordReference, 34, "L"}, {wordExternal, 34, "L"},
		{wordAmount, 24, "R"}, {wordCurrency, 12.5, "L"}, {wordFee, 17.5, "R"}, {wordNet, 24, "R"}, {wordState, 19, "L"}, {wordPayout, 24.5, "L"}}
	totalColumns = []column{
		{wordCurrency, 16, "L"}, {wordChargesNumber, 25, "R"}, {wordChargesSum, 37, "R"}, {wordRefundsNumber, 25, "R"}, {wordRefundsSum, 37, "R"},
		{wordFees, 32, "R"}, {wordFeesExpected, 33, "R"}, {wordNet, 38, "R"}, {wordOpen, 34, "R"}}
	itemColumns = []column{
		{wordNumber, 8, "R"}, {wordItem, 70, "L"}, {wordState, 28, "L"}, {wordValue, 41, "L"}, {wordNeeded, 41, "L"}, {wordEvidence, 56, "L"}, {wordTime, 33, "L"}}
)

// table writes rows, and the names of the columns on every page again.
type table struct {
	*pages
	columns []column
	points  float64 // the size of its text
	lines   int     // of a cell, at most
	shaded  word    // the column that a row's colour is for; the others are black
}

func (t *table) head() {
	var names []string
	for _, c := range t.columns {
		names = append(names, t.say(c.name))
	}
	t.draw(boldFont, black, true, t.cut(boldFont, names))
}

func (t *table) row(style string, c colour, cells ...string) {
	lines := t.cut(style, cells)
	if t.room(t.height(lines)) {
		t.head()
	}
	t.draw(style, c, false, lines)
}

// The text below a row: small and grey, and no longer than it is worth on paper.
const (
	notePoints = 6.0
	noteLines  = 5
)

// noted writes a row and a text below it, as wide as the page, on one page with it.
func (t *table) noted(c colour, note string, cells ...string) {
	below := t.wrapped(note, notePoints, noteLines)
	rows := t.cut(plainFont, cells)
	high := float64(len(below)) * line(notePoints)
	if t.room(t.height(rows) + high) {
		t.head()
	}
	t.cells(plainFont, c, rows)
	indent := t.columns[0].width
	t.font(plainFont, notePoints, grey)
	for _, l := range below {
		t.SetX(margin + indent)
		t.CellFormat(t.width-indent, line(notePoints), l, "", 1, "L", false, 0, "")
	}
	if len(below) > 0 {
		t.Ln(0.6)
	}
	t.rule()
}

// wrapped cuts the text below a row into lines; none where there is no text.
func (t *table) wrapped(note string, points float64, most int) []string {
	if note == "" {
		return nil
	}
	t.font(plainFont, points, grey)
	return t.wrap(note, t.width-t.columns[0].width, most)
}

// cut wraps every cell of a row to its column.
func (t *table) cut(style string, cells []string) [][]string {
	t.font(style, t.points, black)
	var all [][]string
	for i, cell := range cells {
		all = append(all, t.wrap(cell, t.columns[i].width, t.lines))
	}
	return all
}

func (t *table) height(cells [][]string) float64 {
	most := 1
	for _, lines := range cells {
		most = max(most, len(lines))
	}
	return float64(most)*line(t.points) + 0.8
}

func (t *table) draw(style string, c colour, filled bool, cells [][]string) {
	if filled {
		t.SetFillColor(232, 236, 239)
		t.Rect(margin, t.GetY(), t.width, t.height(cells), "F")
	}
	t.cells(style, c, cells)
	t.rule()
}

// cells writes what stands in a row.
func (t *table) cells(style string, c colour, cells [][]string) {
	height, x, y := t.height(cells), margin, t.GetY()
	for i, lines := range cells {
		shade := black
		if t.columns[i].name == t.shaded {
			shade = c
		}
		t.font(style, t.points, shade)
		for n, l := range lines {
			t.SetXY(x, y+0.4+float64(n)*line(t.points))
			t.CellFormat(t.columns[i].width, line(t.points), l, "", 0, t.columns[i].align, false, 0, "")
		}
		x += t.columns[i].width
	}
	t.SetXY(margin, y+height)
}

// rule draws a line where the next row begins.
func (t *table) rule() {
	t.SetDrawColor(200, 205, 210)
	t.SetLineWidth(0.1)
	t.Line(margin, t.GetY(), margin+t.width, t.GetY())
}
