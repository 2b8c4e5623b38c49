package statement

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/payrouter/payrouter/providers"
)

// The parts of a workbook with one sheet, as a spreadsheet writes them.
const (
	sheetPart = "xl/worksheets/sheet1.xml"
	textsPart = "xl/sharedStrings.xml"
	bookPart  = "xl/workbook.xml"
	linksPart = "xl/_rels/workbook.xml.rels"

	official = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
)

var bookParts = map[string]string{
	"_rels/.rels": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + official + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	bookPart:      `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + official + `"><workbookPr/><sheets><sheet name="Отчёт" sheetId="1" r:id="rId1"/></sheets></workbook>`,
	linksPart:     `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + official + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + official + `/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>`,
	textsPart:     `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Purchase</t></si><si><r><rPr><b/></rPr><t xml:space="preserve"> Ret</t></r><r><t>urn</t></r><rPh sb="0" eb="1"><t>spoken</t></rPh></si><si><t>Payout</t></si><si/></sst>`,
}

// packed is a workbook with these parts instead of its own, or beside them.
func packed(t testing.TB, parts map[string]string) *bytes.Reader {
	t.Helper()
	all := maps.Clone(bookParts)
	maps.Copy(all, parts)
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(w, all[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(file.Bytes())
}

const kaspiHead = `<row r="1">` +
	`<c r="A1" t="inlineStr"><is><t>operation_date</t></is></c><c r="B1" t="inlineStr"><is><t>operation_type</t></is></c><c r="C1" t="inlineStr"><is><t>qr_payment_id</t></is></c><c r="D1" t="inlineStr"><is><t>return_operation_id</t></is></c>` +
	`<c r="E1" t="inlineStr"><is><t>external_id</t></is></c><c r="F1" t="inlineStr"><is><t>amount</t></is></c><c r="G1" t="inlineStr"><is><t>fee</t></is></c><c r="H1" t="inlineStr"><is><t>product_type</t></is></c></row>`

// purchase is the second row, in parts that tests replace.
const purchase = `<row r="2"><c r="A2" s="1"><v>46349.006944444445</v></c><c r="B2" t="s"><v>0</v></c><c r="C2"><v>7001</v></c><c r="E2" t="inlineStr"><is><t>b2uj5vopt6</t></is></c><c r="F2"><v>15490</v></c><c r="G2"><v>147.16</v></c><c r="H2" t="str"><v>Gold</v></c></row>`

// sheetOf is a sheet with the names of Kaspi's columns and these rows.
func sheetOf(rows string) string {
	return `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cols><col min="1" max="8"/></cols><sheetData>` + kaspiHead + rows + `</sheetData></worksheet>`
}

func readXLSX(t testing.TB, file *bytes.Reader, f Format) ([]providers.StatementLine, error) {
	t.Helper()
	var all []providers.StatementLine
	err := ReadXLSX(t.Context(), file, file.Size(), f, func(_ int64, l providers.StatementLine) error {
		all = append(all, l)
		return nil
	})
	return all, err
}

// one is the line of a file with one, or why it is refused.
func one(t testing.TB, sheet string, f Format) (providers.StatementLine, error) {
	t.Helper()
	all, err := readXLSX(t, packed(t, map[string]string{sheetPart: sheet}), f)
	if err == nil && len(all) != 1 {
		t.Fatalf("%d lines", len(all))
	}
	if err != nil {
		return providers.StatementLine{}, err
	}
	return all[0], nil
}

// The export of the notes on Kaspi, as its cabinet writes it for a spreadsheet: dates and sums
// are numbers, some texts are shared, blank cells are left out.
func TestAWorkbookTellsWhatTheSameExportTellsInCSV(t *testing.T) {
	want, err := read(t, kaspiFile, kaspi)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readXLSX(t, packed(t, map[string]string{sheetPart: sheetOf(purchase +
		`<row r="3" hidden="1"><c r="A3"><v>46349.584861111114</v></c><c r="B3" t="s"><v>1</v></c><c r="C3"><v>7001</v></c><c r="D3"><v>9001</v></c><c r="E3" t="inlineStr"><is><t> b2uj5vopt6 </t></is></c><c r="F3"><v>-5000.5</v></c><c r="G3"><v>0</v></c><c r="H3" t="s"><v>3</v></c></row>` +
		`<row r="4"/><row r="6"><c r="B6" t="s"><v>2</v></c><c r="F6"><f>SUM(F2:F5)</f><v>10489.5</v></c></row>`),
		"xl/media/image1.png": "no picture"}), kaspi)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestANumberIsASumOnlyWhereItIsOneOfTheCurrency(t *testing.T) {
	for _, c := range []struct {
		number, currency string
		want             int64 // 0 is refused
	}{
		{"15490", "KZT", 1549000},
		{"15490.1", "KZT", 1549010},
		{"15490.099999999999", "KZT", 1549010},
		{"15490.100000000001", "KZT", 1549010},
		{"1.5490099999999999E4", "KZT", 1549010},
		{"1E+2", "KZT", 10000},
		{"1E-2", "KZT", 1},
		{"0.01", "KZT", 1},
		{".5", "KZT", 50},
		{"9999999999999.99", "KZT", 999999999999999},
		{"7", "JPY", 7},
		{"6.9999999999999", "JPY", 7},
		{"1.234", "KWD", 1234},
		{"15490.1000009", "KZT", 1549010},
		{"15490.100002", "KZT", 0},
		{"15490.105", "KZT", 0},
		{"0.005", "KZT", 0},
		{"0.0000001", "KZT", 0}, // a sum of nothing
		{"7.5", "JPY", 0},
		{"1.2345", "KWD", 0},
		{"10000000000000", "KZT", 0}, // the sixteenth digit is lost
		{"1E20", "KZT", 0},
		{"1E400", "KZT", 0},
		{"1E999999999", "KZT", 0},
		{"1e-999999999", "KZT", 0},
		{"1" + strings.Repeat("0", 60), "KZT", 0},
		{"NaN", "KZT", 0}, {"Inf", "KZT", 0}, {"0x10", "KZT", 0}, {"1/2", "KZT", 0}, {"1_0", "KZT", 0}, {"1,5", "KZT", 0}, {"15 490", "KZT", 0}, {"--1", "KZT", 0}, {"-1", "KZT", 0}, {"", "KZT", 0},
	} {
		f := kaspi
		f.Currency = c.currency
		got, err := one(t, sheetOf(strings.Replace(strings.Replace(purchase, "15490", c.number, 1), "147.16", "0", 1)), f)
		var refused *Refused
		switch {
		case c.want == 0 && (!errors.As(err, &refused) || refused.Row != 2 || refused.Column != "amount"):
			t.Errorf("%s %s is read as %v, %v", c.number, c.currency, got.Amount, err)
		case c.want != 0 && (err != nil || got.Amount.Minor != c.want):
			t.Errorf("%s %s is read as %v, %v", c.number, c.currency, got.Amount, err)
		}
	}
}

// In a text a point may part thousands; in a number it never does.
func TestATextIsReadAsTheFormatSaysAndANumberAsItIsStored(t *testing.T) {
	f := kaspi
	f.Thousands, f.Decimal = ".", ","
	for cell, want := range map[string]int64{
		`<c r="F2" t="inlineStr"><is><t>1.234</t></is></c>`:    123400,
		`<c r="F2" t="str"><v>1.234,5</v></c>`:                 123450,
		`<c r="F2"><v>1.23</v></c>`:                            123,
		`<c r="F2" t="n"><v>1234.5</v></c>`:                    123450,
		`<c r="F2"><v>1.234</v></c>`:                           0,
		`<c r="F2" t="inlineStr"><is><t>1234.56</t></is></c>`:  12345600,
		`<c r="F2" t="inlineStr"><is><t>1,5E3</t></is></c>`:    0,
		`<c r="F2" t="b"><v>1</v></c>`:                         0,
		`<c r="F2" t="d"><v>2026-11-23</v></c>`:                0,
		`<c r="F2" t="e"><v>#N/A</v></c>`:                      0,
		`<c r="F2" t="e"/>`:                                    0,
		`<c r="F2"/>`:                                          0,
		``:                                                     0,
		`<c r="F2"><f>1+1</f><v>2</v></c>`:                     0,
		`<c r="F2"><f>1+1</f></c>`:                             0,
		`<c r="F2" t="str"><f t="shared" si="0"/><v>2</v></c>`: 0,
	} {
		got, err := one(t, sheetOf(strings.Replace(strings.Replace(purchase, `<c r="F2"><v>15490</v></c>`, cell, 1), "147.16", "0", 1)), f)
		var refused *Refused
		if want == 0 && (!errors.As(err, &refused) || refused.Column != "amount") || want != 0 && (err != nil || got.Amount.Minor != want) {
			t.Errorf("%s is read as %v, %v", cell, got.Amount, err)
		}
	}
}

func TestAFormulaIsNoMatterWhereNobodyReads(t *testing.T) {
	if _, err := one(t, sheetOf(strings.Replace(purchase, `t="str"><v>Gold`, `t="str"><f>A1</f><v>Gold`, 1)), kaspi); err != nil {
		t.Error(err)
	}
	for _, column := range []string{"A", "B", "C", "E", "G"} {
		at := strings.Index(purchase, `<c r="`+column+`2"`)
		end := at + strings.Index(purchase[at:], ">") + 1
		var refused *Refused
		if _, err := one(t, sheetOf(purchase[:end]+"<f>X</f>"+purchase[end:]), kaspi); !errors.As(err, &refused) || refused.Row != 2 || refused.Column == "" {
			t.Errorf("column %s: %v", column, err)
		}
	}
}

func TestDaysAreCountedFromTheEpochOfTheFile(t *testing.T) {
	almaty, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	at := func(y int, m time.Month, d, h, min, s, ms int) time.Time {
		return time.Date(y, m, d, h, min, s, ms*1e6, almaty).UTC()
	}
	book1904 := strings.Replace(bookParts[bookPart], "<workbookPr/>", `<workbookPr date1904="1"/>`, 1)
	digits := kaspi
	digits.Dates = append([]string{"20060102"}, kaspi.Dates...)
	for _, c := range []struct {
		name, cell, book string
		format           Format
		want             time.Time // zero is refused
	}{
		{"a day", `<c r="A2"><v>46349</v></c>`, "", kaspi, at(2026, 11, 23, 0, 0, 0, 0)},
		{"a day and a time", `<c r="A2"><v>46349.584861111114</v></c>`, "", kaspi, at(2026, 11, 23, 14, 2, 12, 0)},
		{"fifteen digits", `<c r="A2"><v>46349.5848611111</v></c>`, "", kaspi, at(2026, 11, 23, 14, 2, 12, 0)},
		{"a millisecond", `<c r="A2"><v>46349.584861122684</v></c>`, "", kaspi, at(2026, 11, 23, 14, 2, 12, 1)},
		{"the end of a day", `<c r="A2"><v>46349.999988425923</v></c>`, "", kaspi, at(2026, 11, 23, 23, 59, 59, 0)},
		{"midnight, stored too low", `<c r="A2"><v>46348.999999999996</v></c>`, "", kaspi, at(2026, 11, 23, 0, 0, 0, 0)},
		{"an exponent", `<c r="A2"><v>4.6349E4</v></c>`, "", kaspi, at(2026, 11, 23, 0, 0, 0, 0)},
		{"from 1904", `<c r="A2"><v>44887.5</v></c>`, book1904, kaspi, at(2026, 11, 23, 12, 0, 0, 0)},
		{"ISO 8601", `<c r="A2" t="d"><v>2026-11-23T14:02:12.001</v></c>`, "", kaspi, at(2026, 11, 23, 14, 2, 12, 1)},
		{"ISO 8601, a day", `<c r="A2" t="d"><v>2026-11-23</v></c>`, "", kaspi, at(2026, 11, 23, 0, 0, 0, 0)},
		{"ISO 8601 with a zone", `<c r="A2" t="d"><v>2026-11-23T14:02:12Z</v></c>`, "", kaspi, time.Date(2026, 11, 23, 14, 2, 12, 0, time.UTC)},
		{"a text", `<c r="A2" t="inlineStr"><is><t>2026-11-23 14:02:12</t></is></c>`, "", kaspi, at(2026, 11, 23, 14, 2, 12, 0)},
		{"digits with a layout", `<c r="A2"><v>20261123</v></c>`, "", digits, at(2026, 11, 23, 0, 0, 0, 0)},
		{"days beside such a layout", `<c r="A2"><v>46349</v></c>`, "", digits, at(2026, 11, 23, 0, 0, 0, 0)},
		{"digits without a layout", `<c r="A2"><v>20261123</v></c>`, "", kaspi, time.Time{}},
		{"seconds since 1970", `<c r="A2"><v>1795000000</v></c>`, "", kaspi, time.Time{}},
		{"the number of a row", `<c r="A2"><v>17</v></c>`, "", kaspi, time.Time{}},
		{"a day that never was", `<c r="A2"><v>60</v></c>`, "", kaspi, time.Time{}},
		{"nothing", `<c r="A2"><v>0</v></c>`, "", kaspi, time.Time{}},
		{"less than nothing", `<c r="A2"><v>-46349</v></c>`, "", kaspi, time.Time{}},
		{"another century", `<c r="A2"><v>73051</v></c>`, "", kaspi, time.Time{}},
		{"a number without end", `<c r="A2"><v>1E40</v></c>`, "", kaspi, time.Time{}},
		{"a text of a number", `<c r="A2" t="inlineStr"><is><t>46349</t></is></c>`, "", kaspi, time.Time{}},
		{"a time alone", `<c r="A2"><v>0.5</v></c>`, "", kaspi, time.Time{}},
		{"yes", `<c r="A2" t="b"><v>1</v></c>`, "", kaspi, time.Time{}},
		{"none", "", "", kaspi, time.Time{}},
	} {
		parts := map[string]string{sheetPart: sheetOf(strings.Replace(purchase, `<c r="A2" s="1"><v>46349.006944444445</v></c>`, c.cell, 1))}
		if c.book != "" {
			parts[bookPart] = c.book
		}
		got, err := readXLSX(t, packed(t, parts), c.format)
		var refused *Refused
		switch {
		case c.want.IsZero() && (!errors.As(err, &refused) || refused.Column != "operation_date"):
			t.Errorf("%s: %v, %v", c.name, got, err)
		case !c.want.IsZero() && (err != nil || !got[0].At.Equal(c.want)):
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

// An id of sixteen digits has lost its last one when a spreadsheet took it for a number.
func TestAnIdThatIsANumberIsReadUnlessItsEndIsLost(t *testing.T) {
	for number, want := range map[string]string{
		"7001": "7001", "7.001E3": "7001", "7001.0": "7001", "999999999999999": "999999999999999",
		"1000000000000000": "", "1.23456789012346E+17": "", "7001.5": "", "7e-1": "",
	} {
		got, err := one(t, sheetOf(strings.Replace(purchase, "<v>7001</v>", "<v>"+number+"</v>", 1)), kaspi)
		var refused *Refused
		if want == "" && (!errors.As(err, &refused) || refused.Column != "qr_payment_id") || want != "" && (err != nil || got.External != want) {
			t.Errorf("%s is read as %q, %v", number, got.External, err)
		}
	}
}

func TestATextIsReadAsItWasTyped(t *testing.T) {
	for stored, want := range map[string]string{"a_x000D_&#10;": "a", "_x005F_x0041_": "_x0041_", "_x0041_": "A", "_x41_": "_x41_", "a_xb": "a_xb", "&lt;&#x20B8;&gt;": "<₸>"} {
		if got, err := one(t, sheetOf(strings.Replace(purchase, "b2uj5vopt6", stored, 1)), kaspi); err != nil || got.Order != want {
			t.Errorf("%s is read as %q, %v", stored, got.Order, err)
		}
	}
}

// What is refused whole, by the row where one is at fault, and nothing quoted.
func TestAWorkbookIsRefusedAndNothingInItIsQuoted(t *testing.T) {
	row := func(old, changed string) map[string]string {
		if !strings.Contains(purchase, old) {
			t.Fatalf("no %s", old)
		}
		return map[string]string{sheetPart: sheetOf(purchase + strings.NewReplacer(`r="2"`, `r="3"`, `2"`, `3"`).Replace(strings.Replace(purchase, old, changed, 1)))}
	}
	merged := func(ref string) map[string]string {
		return map[string]string{sheetPart: strings.Replace(sheetOf(purchase+strings.ReplaceAll(purchase, `2"`, `3"`)), "</sheetData>", `</sheetData><mergeCells count="1"><mergeCell ref="`+ref+`"/></mergeCells>`, 1)}
	}
	for name, c := range map[string]struct {
		parts  map[string]string
		row    int64
		column string
	}{
		"a sum that is a name":          {row(`<c r="F2"><v>15490</v></c>`, `<c r="F2" t="inlineStr"><is><t>Aida</t></is></c>`), 3, "amount"},
		"another word":                  {row(`t="s"><v>0</v>`, `t="inlineStr"><is><t>Aida</t></is>`), 3, "operation_type"},
		"a column too many":             {row(`</row>`, `<c r="I2" t="inlineStr"><is><t>Aida</t></is></c></row>`), 3, ""},
		"a text that is not there":      {row(`t="s"><v>0</v>`, `t="s"><v>4</v>`), 3, ""},
		"a text of no number":           {row(`t="s"><v>0</v>`, `t="s"><v>Aida</v>`), 3, ""},
		"a text before the first":       {row(`t="s"><v>0</v>`, `t="s"><v>-1</v>`), 3, ""},
		"a type that is none":           {row(`t="s"><v>0</v>`, `t="Aida"><v>0</v>`), 3, ""},
		"a cell twice":                  {row(`r="B2"`, `r="A2"`), 3, ""},
		"a cell of another row":         {row(`r="B2"`, `r="B9"`), 3, ""},
		"a cell without a row":          {row(`r="B2"`, `r="B"`), 3, ""},
		"a cell of no column":           {row(`r="B2"`, `r="ZZZZ2"`), 3, ""},
		"a column that no sheet has":    {row(`<c r="H2" t="str"><v>Gold</v></c>`, `<c r="XFE2"><v>1</v></c>`), 3, ""},
		"neither number nor id":         {row(`<c r="C2"><v>7001</v></c><c r="E2" t="inlineStr"><is><t>b2uj5vopt6</t></is></c>`, ""), 3, ""},
		"merged sums":                   {merged("F2:F3"), 2, "amount"},
		"merged ids beside each other":  {merged("B3:C3"), 3, "qr_payment_id"},
		"merged cells of no sheet":      {merged("A1:B2000000"), 0, ""},
		"merged cells of nowhere":       {merged("Aida"), 0, ""},
		"rows that go backwards":        {map[string]string{sheetPart: sheetOf(purchase + purchase)}, 2, ""},
		"a row that is no number":       {map[string]string{sheetPart: sheetOf(purchase + `<row r="Aida"/>`)}, 2, ""},
		"a row that no sheet has":       {map[string]string{sheetPart: sheetOf(purchase + `<row r="1048577"/>`)}, 1048577, ""},
		"a sheet that breaks off":       {map[string]string{sheetPart: strings.TrimSuffix(sheetOf(purchase), "</worksheet>")}, 0, ""},
		"a sheet of broken XML":         {map[string]string{sheetPart: strings.Replace(sheetOf(purchase), "</sheetData>", "<Aida</sheetData>", 1)}, 0, ""},
		"a sheet that is no text":       {map[string]string{sheetPart: strings.Replace(sheetOf(purchase), "Gold", "\xca\xe0", 1)}, 0, ""},
		"texts of broken XML":           {map[string]string{sheetPart: sheetOf(purchase), textsPart: "<sst><si>"}, 0, ""},
		"elements without end":          {map[string]string{sheetPart: strings.Replace(sheetOf(purchase), "<sheetData>", strings.Repeat("<a>", 1e5)+strings.Repeat("</a>", 1e5)+"<sheetData>", 1)}, 0, ""},
		"a cell without end":            {row("Gold", strings.Repeat("Aida", 20_000)), 0, ""},
		"a cell in many pieces":         {row("Gold", strings.Repeat("Aida<!-- -->", 20_000)), 0, ""},
		"a missing column":              {map[string]string{sheetPart: strings.Replace(sheetOf(purchase), "<t>amount", "<t>sum", 1)}, 1, "amount"},
		"two columns of one name":       {map[string]string{sheetPart: strings.Replace(sheetOf(purchase), "<t>product_type", "<t>amount", 1)}, 1, "amount"},
		"no rows at all":                {map[string]string{sheetPart: `<worksheet><sheetData/></worksheet>`}, 0, ""},
		"no sheet at all":               {map[string]string{sheetPart: sheetOf(""), bookPart: `<workbook><sheets/></workbook>`}, 0, ""},
		"a sheet that is not there":     {nil, 0, ""},
		"a workbook of broken XML":      {map[string]string{sheetPart: sheetOf(""), bookPart: `<workbook>Aida`}, 0, ""},
		"no workbook":                   {map[string]string{"_rels/.rels": `<Relationships/>`}, 0, ""},
		"a part twice":                  {map[string]string{sheetPart: sheetOf(purchase), "xl/worksheets/SHEET1.xml": ""}, 0, ""},
		"a workbook that fills memory":  {map[string]string{bookPart: strings.Repeat(" ", largestPart+1)}, 0, ""},
		"a chart and no sheet":          {map[string]string{linksPart: strings.ReplaceAll(bookParts[linksPart], "/worksheet\"", "/chartsheet\"")}, 0, ""},
		"sheets that are all hidden":    {map[string]string{sheetPart: sheetOf(purchase), bookPart: strings.Replace(bookParts[bookPart], "sheetId", `state="veryHidden" sheetId`, 1)}, 0, ""},
		"a second sheet that is shown":  {map[string]string{sheetPart: sheetOf(purchase), bookPart: strings.Replace(bookParts[bookPart], "</sheets>", `<sheet name="Aida" sheetId="2" r:id="rId1"/></sheets>`, 1)}, 0, ""},
		"a path that leaves the folder": {map[string]string{linksPart: strings.Replace(bookParts[linksPart], "worksheets/sheet1.xml", "../../../../etc/passwd", 1)}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readXLSX(t, packed(t, c.parts), kaspi)
			var refused *Refused
			if !errors.As(err, &refused) || refused.Row != c.row || refused.Column != c.column {
				t.Fatalf("got %v, want a refusal of row %d, column %q", err, c.row, c.column)
			}
			if strings.Contains(err.Error(), "Aida") || strings.Contains(err.Error(), "15490") {
				t.Errorf("the refusal quotes the file: %s", err)
			}
		})
	}
}

func TestTheSheetOfTheFormatIsRead(t *testing.T) {
	parts := map[string]string{
		"xl/worksheets/sheet2.xml": sheetOf(strings.Replace(purchase, "7001", "7002", 1)),
		sheetPart:                  sheetOf(purchase),
		bookPart:                   strings.Replace(bookParts[bookPart], "</sheets>", `<sheet name="Second" sheetId="2" r:id="rId3"/></sheets>`, 1),
		linksPart:                  strings.Replace(bookParts[linksPart], "</Relationships>", `<Relationship Id="rId3" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet" Target="worksheets/sheet2.xml"/></Relationships>`, 1),
	}
	hidden := maps.Clone(parts)
	hidden[bookPart] = strings.Replace(parts[bookPart], `name="Second"`, `name="Second" state="hidden"`, 1)
	for _, c := range []struct {
		parts    map[string]string
		name, id string
	}{{parts, "Отчёт", "7001"}, {parts, "Second", "7002"}, {hidden, "", "7001"}, {hidden, "Second", "7002"}, {parts, "Third", ""}} {
		f := kaspi
		f.Sheet = c.name
		got, err := readXLSX(t, packed(t, c.parts), f)
		var refused *Refused
		if c.id == "" && !errors.As(err, &refused) || c.id != "" && (err != nil || got[0].External != c.id) {
			t.Errorf("%q: %v, %v", c.name, got, err)
		}
	}
}

// A title in merged cells, a line of a person's, names of columns that are numbers, and cells
// that say not where they stand: all that is left to the writer of a file.
func TestWhatStandsAboveTheTableIsSkippedOver(t *testing.T) {
	f := kaspi
	f.SkipRows = 2
	names := kaspiHead
	for _, column := range "ABCDEFGH" {
		names = strings.Replace(names, fmt.Sprintf(` r="%c1"`, column), "", 1)
	}
	got, err := one(t, `<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData><x:row r="2"><x:c r="A2"><x:v>15490</x:v></x:c></x:row>`+
		strings.NewReplacer(`<row r="1">`, `<x:row r="4">`, "</", "</x:", "<", "<x:").Replace(names)+
		`<x:row/>`+strings.NewReplacer("</", "</x:", "<", "<x:", `2"`, `7"`).Replace(purchase)+
		`</x:sheetData><x:mergeCells><x:mergeCell ref="A1:H2"/><x:mergeCell ref="A4:A5"/><x:mergeCell ref="H7:H8"/></x:mergeCells></x:worksheet>`, f)
	if err != nil || got.External != "7001" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAFileThatIsNoWorkbookIsRefused(t *testing.T) {
	whole := packed(t, map[string]string{sheetPart: sheetOf(purchase)})
	all, err := io.ReadAll(whole)
	if err != nil {
		t.Fatal(err)
	}
	bit := bytes.Clone(all)
	bit[bytes.Index(bit, []byte("15490"))]++ // the sum of the zip shows it
	for name, file := range map[string][]byte{
		"nothing":             {},
		"a CSV":               []byte(kaspiFile),
		"the half of a file":  all[:len(all)/2],
		"a file without head": all[10:],
		"one bit":             bit,
		"a password":          append(bytes.Clone(ole), all...),
	} {
		var refused *Refused
		if got, err := readXLSX(t, bytes.NewReader(file), kaspi); !errors.As(err, &refused) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// A zip that is made to fill the memory: what it declares is looked at before it is unpacked,
// and it is held to it; pictures are never unpacked.
func TestAZipThatGrowsIsNotUnpacked(t *testing.T) {
	pack := func(name string, declared uint64) *bytes.Reader {
		var file bytes.Buffer
		z := zip.NewWriter(&file)
		parts := maps.Clone(bookParts)
		parts[sheetPart] = sheetOf(purchase)
		parts["xl/media/image1.png"] = "no picture"
		for _, part := range slices.Sorted(maps.Keys(parts)) {
			body := []byte(parts[part])
			h := &zip.FileHeader{Name: part, Method: zip.Store, CRC32: crc32.ChecksumIEEE(body), CompressedSize64: uint64(len(body)), UncompressedSize64: uint64(len(body))}
			if part == name {
				h.UncompressedSize64 = declared
			}
			w, err := z.CreateRaw(h)
			if err == nil {
				_, err = w.Write(body)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(file.Bytes())
	}
	for _, part := range []string{bookPart, linksPart, textsPart, sheetPart} {
		for _, declared := range []uint64{10, 3 << 30} {
			var refused *Refused
			if got, err := readXLSX(t, pack(part, declared), kaspi); !errors.As(err, &refused) {
				t.Errorf("%s with %d bytes: %v, %v", part, declared, got, err)
			}
		}
	}
	if got, err := readXLSX(t, pack("xl/media/image1.png", 3<<30), kaspi); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// counted counts what was read of a file, and may fail.
type counted struct {
	io.ReaderAt
	read int
	fail error
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	if c.fail != nil {
		return 0, c.fail
	}
	n, err := c.ReaderAt.ReadAt(p, at)
	c.read += n
	return n, err
}

func TestRowsOfAWorkbookComeOneByOne(t *testing.T) {
	var rows strings.Builder
	for n := 2; n < 10_002; n++ {
		rows.WriteString(strings.ReplaceAll(purchase, `2"`, fmt.Sprintf(`%d"`, n)))
	}
	whole := packed(t, map[string]string{sheetPart: sheetOf(rows.String())})
	file := &counted{ReaderAt: whole}
	ctx, stop := context.WithCancel(t.Context())
	var told []int64
	err := ReadXLSX(ctx, file, whole.Size(), kaspi, func(row int64, _ providers.StatementLine) error {
		if told = append(told, row); len(told) == 100 {
			stop()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(told) != 100 || told[99] != 101 || file.read > int(whole.Size())/10 {
		t.Errorf("%d rows, %d of %d bytes, error %v", len(told), file.read, whole.Size(), err)
	}
	mine := errors.New("no room")
	if err := ReadXLSX(t.Context(), whole, whole.Size(), kaspi, func(int64, providers.StatementLine) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("error %v", err)
	}
	// A disk that fails is no fault of the file's.
	for _, after := range []int{0, 1} {
		file := &counted{ReaderAt: whole}
		if after == 0 {
			file.fail = mine
		}
		err := ReadXLSX(t.Context(), file, whole.Size(), kaspi, func(int64, providers.StatementLine) error {
			file.fail = mine
			return nil
		})
		if !errors.Is(err, mine) {
			t.Errorf("a disk that fails is told as %v", err)
		}
	}
}

// A file that others write: the library stores texts, numbers and dates in its own way.
func TestAFileOfALibraryIsRead(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	at := time.Date(2026, 11, 23, 14, 2, 12, 0, time.UTC)
	for i, row := range [][]any{
		{"operation_date", "operation_type", "qr_payment_id", "return_operation_id", "external_id", "amount", "fee"},
		{at, "Purchase", 7001, nil, "b2uj5vopt6", 0.1 + 0.2, 0.07 * 100},
		{at, "Return", "7001", 9001, "Қ-1", -1549000.55},
	} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.NewSheet("Hidden"); err != nil {
		t.Fatal(err)
	}
	if err := f.SetSheetVisible("Hidden", false); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := f.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := readXLSX(t, bytes.NewReader(file.Bytes()), kaspi)
	if err != nil {
		t.Fatal(err)
	}
	tenge := func(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }
	utc := time.Date(2026, 11, 23, 9, 2, 12, 0, time.UTC)
	want := []providers.StatementLine{
		{Kind: providers.LineCharge, Order: "b2uj5vopt6", External: "7001", Verdict: providers.Approved, Amount: tenge(30), Fee: tenge(700), At: utc},
		{Kind: providers.LineRefund, Order: "Қ-1", External: "9001", Verdict: providers.Approved, Amount: tenge(154900055), At: utc},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadXLSX(f *testing.F) {
	f.Add(sheetOf(purchase), bookParts[textsPart], bookParts[bookPart])
	f.Add(sheetOf(strings.ReplaceAll(purchase, `2"`, `20"`))+"<mergeCell ref=\"A1:B2\"/>", `<sst><si><t>a</t></si></sst>`, strings.Replace(bookParts[bookPart], "<workbookPr/>", `<workbookPr date1904="true"/>`, 1))
	f.Fuzz(func(t *testing.T, sheet, texts, book string) {
		file := packed(t, map[string]string{sheetPart: sheet, textsPart: texts, bookPart: book})
		last := int64(0)
		err := ReadXLSX(t.Context(), file, file.Size(), kaspi, func(row int64, l providers.StatementLine) error {
			if row <= last || l.Amount.Minor <= 0 || l.Amount.Currency != "KZT" || l.Order == "" && l.External == "" || l.At.IsZero() {
				t.Errorf("row %d after %d: %+v", row, last, l)
			}
			last = row
			return nil
		})
		var refused *Refused
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("no refusal: %v", err)
		}
	})
}
