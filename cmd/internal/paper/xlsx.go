package paper

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/payrouter/payrouter/providers"
)

// rowsPerSheet stays below the 1,048,576 rows that a sheet of Excel has, by a round number
// that people can reckon with.
const rowsPerSheet = 1_000_000

// exactDigits is how many digits of a number a spreadsheet keeps. A sum that has more is
// written as text: wrong in a formula is better than rounded.
const exactDigits = 1_000_000_000_000_000

// WriteXLSX writes a statement as a workbook: a sheet with its head and totals, and one
// with the operations, or several with a million each. Sums are numbers with the decimals
// of their currency, times are dates, as on a clock in the zone of the head.
//
// The rows go through temporary files: memory does not grow with them. Nothing is written
// to the writer before all of them have come.
func WriteXLSX(to io.Writer, s Statement, l Language) error { return writeXLSX(to, s, l, rowsPerSheet) }

func writeXLSX(to io.Writer, s Statement, l Language, perSheet int) (err error) {
	w, err := s.open(l)
	if err != nil {
		return err
	}
	b := &book{writer: w, file: excelize.NewFile()}
	defer func() { err = errors.Join(err, b.file.Close()) }()
	for _, step := range []func() error{b.properties, b.makeStyles, b.summary, func() error { return b.operations(perSheet) }} {
		if err := step(); err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
	}
	return b.save(to)
}

type book struct {
	*writer
	file *excelize.File

	title, label, warning, header, headerRight, day, clock int // styles

	sums [4]int // styles, by the decimals of a currency
}

// properties are what a file says about itself: the moment of the head and no other.
func (b *book) properties() error {
	created := b.Head.Created.UTC().Format(time.RFC3339)
	return b.file.SetDocProps(&excelize.DocProperties{Creator: "payrouter", LastModifiedBy: "payrouter", Title: b.say(wordTitle), Created: created, Modified: created})
}

func (b *book) makeStyles() error {
	// A font without a name is another one in each program.
	bold := &excelize.Font{Bold: true, Family: "Calibri", Size: 11}
	grey := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8ECEF"}}
	for _, s := range []struct {
		into   *int
		format string
		style  excelize.Style
	}{
		{&b.title, "", excelize.Style{Font: &excelize.Font{Bold: true, Family: "Calibri", Size: 14}}},
		{&b.label, "", excelize.Style{Font: bold}},
		{&b.warning, "", excelize.Style{Font: &excelize.Font{Bold: true, Family: "Calibri", Size: 11, Color: "B00020"}}},
		{&b.header, "", excelize.Style{Font: bold, Fill: grey, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"}}},
		{&b.headerRight, "", excelize.Style{Font: bold, Fill: grey, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center", Horizontal: "right"}}},
		{&b.day, "yyyy-mm-dd", excelize.Style{Alignment: &excelize.Alignment{Horizontal: "left"}}},
		{&b.clock, "yyyy-mm-dd hh:mm:ss", excelize.Style{Alignment: &excelize.Alignment{Horizontal: "left"}}},
		{&b.sums[0], "#,##0", excelize.Style{}},
		{&b.sums[1], "#,##0.0", excelize.Style{}},
		{&b.sums[2], "#,##0.00", excelize.Style{}},
		{&b.sums[3], "#,##0.000", excelize.Style{}},
	} {
		if s.format != "" {
			s.style.CustomNumFmt = &s.format
		}
		id, err := b.file.NewStyle(&s.style)
		if err != nil {
			return err
		}
		*s.into = id
	}
	return nil
}

func (b *book) summary() error {
	name := b.say(wordSummary)
	if err := b.file.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	out, err := b.sheet(name, 38, 24, 24, 24, 24, 24, 24, 24, 24)
	if err != nil {
		return err
	}
	lines := [][]any{{excelize.Cell{StyleID: b.title, Value: b.say(wordTitle)}}, nil}
	for _, line := range b.about() {
		lines = append(lines, []any{b.strong(b.label, line[0]), text(line[1])})
	}
	lines = append(lines,
		[]any{b.strong(b.label, b.say(wordFrom)), b.date(b.Head.From)},
		[]any{b.strong(b.label, b.say(wordTo)), b.date(b.Head.To)},
		[]any{b.strong(b.label, b.say(wordCreated)), b.moment(b.Head.Created)})
	if len(b.Head.Missing) == 0 {
		lines = append(lines, []any{b.strong(b.label, b.say(wordMissing)), b.say(wordNone)})
	} else {
		lines = append(lines, []any{b.strong(b.warning, b.say(wordIncomplete))})
		for i, day := range b.Head.Missing {
			line := []any{nil, b.date(day)}
			if i == 0 {
				line[0] = b.strong(b.warning, b.say(wordMissing))
			}
			lines = append(lines, line)
		}
	}
	lines = append(lines, nil, []any{b.strong(b.label, b.say(wordTotals))}, b.headed(b.totalColumns(), 1, 2, 3, 4, 5, 6, 7, 8))
	for _, t := range b.Totals {
		lines = append(lines, []any{text(t.Currency), t.Charges.Number, b.sum(t.Charges.Amount), t.Refunds.Number, b.sum(t.Refunds.Amount),
			b.sum(t.Fees), b.sum(t.FeesExpected), b.sum(t.Net), t.Open})
	}
	for i, line := range lines {
		if err := out.SetRow("A"+strconv.Itoa(i+1), line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (b *book) operations(perSheet int) error {
	var out *excelize.StreamWriter
	sheets, row := 0, 0 // row is the last written one of the sheet
	name := func() string {
		if sheets == 1 {
			return b.say(wordOperations)
		}
		return b.say(wordOperations) + " " + strconv.Itoa(sheets)
	}
	finish := func() error {
		if err := b.file.AutoFilter(name(), "A1:M"+strconv.Itoa(row), nil); err != nil {
			return err
		}
		return out.Flush()
	}
	begin := func() (err error) {
		if out != nil {
			if err := finish(); err != nil {
				return err
			}
		}
		sheets++
		if _, err := b.file.NewSheet(name()); err != nil {
			return err
		}
		if out, err = b.sheet(name(), 20, 12, 14, 26, 26, 26, 18, 9, 14, 22, 18, 22, 20); err != nil {
			return err
		}
		if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
			return err
		}
		row = 1
		return out.SetRow("A1", b.headed(b.columns(), 6, 8, 10))
	}
	if err := begin(); err != nil {
		return err
	}
	for r, err := range b.Rows {
		if err != nil {
			return fmt.Errorf("rows of the statement: %w", err)
		}
		if row == perSheet+1 {
			if err := begin(); err != nil {
				return err
			}
		}
		row++
		if err := out.SetRow("A"+strconv.Itoa(row), []any{b.moment(r.Time), b.date(r.Day), text(b.kind(r.Kind)), text(r.Order), text(r.Reference), text(r.External),
			b.sum(r.Amount), text(currency(r)), b.sum(r.Fee), text(b.feeSource(r)), b.sum(r.Net), text(b.state(r.State)), b.moment(r.Payout)}); err != nil {
			return err
		}
	}
	return finish()
}

// sheet begins to write one that exists, with columns so wide, to be printed on paper that
// lies on its side.
func (b *book) sheet(name string, widths ...float64) (*excelize.StreamWriter, error) {
	landscape, a4, wide, high := "landscape", 9, 1, 0 // one page wide, and as many high as it takes
	if err := b.file.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &high}); err != nil {
		return nil, err
	}
	fit := true
	if err := b.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return nil, err
	}
	out, err := b.file.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	for i, width := range widths {
		if err := out.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *book) strong(style int, text string) any { return excelize.Cell{StyleID: style, Value: text} }

// headed are the names of columns, those of numbers above where numbers stand.
func (b *book) headed(names []string, numbers ...int) []any {
	var cells []any
	for i, name := range names {
		style := b.header
		if slices.Contains(numbers, i) {
			style = b.headerRight
		}
		cells = append(cells, excelize.Cell{StyleID: style, Value: name})
	}
	return cells
}

// text is a cell of text; a table editor takes none of these for a formula.
func text(s string) any {
	if s = plain(s); s == "" {
		return nil
	}
	return s
}

func (b *book) sum(m providers.Money) any {
	exponent, known := providers.Exponent(m.Currency)
	if m.Currency == "" {
		return nil
	}
	value, err := strconv.ParseFloat(m.Decimal(), 64)
	if err != nil || !known || exponent >= len(b.sums) || m.Minor >= exactDigits || m.Minor <= -exactDigits {
		return m.Decimal()
	}
	return excelize.Cell{StyleID: b.sums[exponent], Value: value}
}

// moment is what a clock on the wall shows: a spreadsheet knows no zones.
func (b *book) moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	at = at.In(b.zone).Truncate(time.Second)
	return excelize.Cell{StyleID: b.clock, Value: time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)}
}

func (b *book) date(day string) any {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return text(day)
	}
	return excelize.Cell{StyleID: b.day, Value: at}
}

// save writes the parts of the workbook in the order of their names: the library writes
// sheets in the order of a map, which is another one each time, and the whole file into
// memory. So it writes into a temporary file, from which the parts are copied as they are.
func (b *book) save(to io.Writer) (err error) {
	spool, err := os.CreateTemp("", "statement-*.zip")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close(), os.Remove(spool.Name())) }()
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(spool) })
	if err := b.file.Write(io.Discard); err != nil {
		return err
	}
	size, err := spool.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	in, err := zip.NewReader(spool, size)
	if err != nil {
		return err
	}
	// Some readers guess the kind of a file from its first part, which is this one by custom.
	first := func(f *zip.File) string { return strings.TrimPrefix(f.Name, "[Content_Types].xml") }
	slices.SortFunc(in.File, func(a, b *zip.File) int { return cmp.Compare(first(a), first(b)) })
	out := zip.NewWriter(to)
	for _, part := range in.File {
		if err := out.Copy(part); err != nil {
			return err
		}
	}
	return out.Close()
}
