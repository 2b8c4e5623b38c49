package paper

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/payrouter/payrouter/providers"
)

var inXLSX = format{"xlsx", WriteXLSX}

func opened(t *testing.T, file []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// cells are the raw values of a sheet, row by row, an n before numbers.
func cells(t *testing.T, f *excelize.File, sheet string) [][]string {
	t.Helper()
	all, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for y, row := range all {
		for x := range row {
			name, err := excelize.CoordinatesToCellName(x+1, y+1)
			if err != nil {
				t.Fatal(err)
			}
			kind, err := f.GetCellType(sheet, name)
			if err != nil {
				t.Fatal(err)
			}
			if row[x] != "" && (kind == excelize.CellTypeUnset || kind == excelize.CellTypeNumber) {
				row[x] = "n" + row[x]
			}
		}
	}
	return all
}

func TestTheWorkbookHasRealNumbersAndDates(t *testing.T) {
	f := opened(t, written(t, inXLSX, october(), Kazakh))
	if diff := cmp.Diff([]string{"Жиынтық", "Операциялар"}, f.GetSheetList()); diff != "" {
		t.Fatal(diff)
	}
	long := strings.Repeat("0123456789abcdef", 8)
	want := [][]string{
		{"Уақыты", "Опер. күн", "Операция түрі", "Тапсырыс нөмірі", "Біздің нөмір", "Провайдердегі нөмірі", "Сома", "Валюта", "Комиссия", "Комиссия көзі", "Таза сома", "Күйі", "Аударылған уақыты"},
		{"n46297.0000578703", "n46297", "төлем", "A-1001", "b2uj5vopt6", "7001", "n15490", "KZT", "n147.16", "провайдер дерегі", "n15342.84", "төленген", "n46298.2500578703"},
		{"n46297.0417245370", "n46297", "қайтару", "A-1001", "b2uj5vopt6", "9001", "n5000.5", "KZT", "n0", "провайдер дерегі", "n-5000.5", "қайтарылған"},
		{"n46297.0833912037", "n46297", "төлем", `=HYPERLINK("http://evil";"x")`, "-1+1", "@x", "n19", "KZT", "n0.19", "тариф бойынша", "n18.81", "төленген"},
		{"n46297.1250578703", "n46297", "төлем", "two  lines; and \"quotes\"", long, "x", "n1200", "JPY", "", "", "", "their own word"},
	}
	got := cells(t, f, "Операциялар")
	for _, row := range got[1:] {
		for _, x := range []int{0, 12} { // digits beyond a millisecond are the library's affair
			if x < len(row) && len(row[x]) > 17 {
				row[x] = row[x][:17]
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for cell, shown := range map[string]string{"A2": "2026-10-02 00:00:05", "B2": "2026-10-02", "G2": "15,490.00", "K3": "-5,000.50", "G5": "1,200", "M2": "2026-10-03 06:00:05"} {
		if got, err := f.GetCellValue("Операциялар", cell); err != nil || got != shown {
			t.Errorf("%s shows %q, want %q (%v)", cell, got, shown, err)
		}
	}
	for _, cell := range []string{"D4", "E4", "F4"} {
		if formula, err := f.GetCellFormula("Операциялар", cell); err != nil || formula != "" {
			t.Errorf("%s is the formula %q (%v)", cell, formula, err)
		}
	}
	if panes, err := f.GetPanes("Операциялар"); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the names of the columns stay not in sight: %+v, %v", panes, err)
	}
	if props, err := f.GetDocProps(); err != nil || props.Created != "2026-11-01T04:30:00Z" || props.Modified != props.Created {
		t.Errorf("properties %+v, %v", props, err)
	}
	sheet := part(t, written(t, inXLSX, october(), Kazakh), "xl/worksheets/sheet2.xml")
	if !strings.Contains(sheet, `<autoFilter ref="$A$1:$M$5"`) {
		t.Error("the table has no filter")
	}
}

func part(t *testing.T, file []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// Fifteen digits are what a spreadsheet keeps of a number.
func TestASumThatASpreadsheetWouldRoundIsText(t *testing.T) {
	s := october()
	s.Rows = rows([]Row{{Amount: kzt(exactDigits - 1), Net: kzt(-exactDigits), Kind: providers.LineCharge}})
	got := cells(t, opened(t, written(t, inXLSX, s, English)), "Operations")[1]
	if got[6] != "n9999999999999.99" || got[10] != "-10000000000000.00" {
		t.Errorf("%q", got)
	}
}

func TestOperationsGoOnInFurtherSheets(t *testing.T) {
	var to bytes.Buffer
	if err := writeXLSX(&to, october(), Russian, 3); err != nil {
		t.Fatal(err)
	}
	f := opened(t, to.Bytes())
	first, second := cells(t, f, "Операции"), cells(t, f, "Операции 2")
	if len(first) != 4 || len(second) != 2 || first[0][0] != second[0][0] || second[1][5] != "x" {
		t.Errorf("%d and %d rows: %q", len(first), len(second), second)
	}
	if panes, err := f.GetPanes("Операции 2"); err != nil || !panes.Freeze {
		t.Errorf("panes %+v, %v", panes, err)
	}
}

func TestNoTemporaryFilesAreLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := october()
	s.Rows = numbered(100, nil)
	written(t, inXLSX, s, English)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
