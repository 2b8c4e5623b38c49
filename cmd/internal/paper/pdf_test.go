package paper

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var inPDF = format{"pdf", WritePDF}

// extracted is the text of a PDF as a reader's program finds it.
func extracted(t *testing.T, file []byte) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext (poppler-utils) is not installed")
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), program, "-layout", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\u00a0", " ") // programs differ in how they tell a space that does not break
}

func TestAReaderFindsTheTextOfThePDF(t *testing.T) {
	text := extracted(t, written(t, inPDF, october(), Kazakh))
	for _, want := range []string{"Операциялар бойынша үзінді көшірме", "ТОО «Әлем Қаңғы»", "2026 жылғы 1 қазан – 2026 жылғы 31 қазан", "2026 жылғы 1 қараша, 09:30:00",
		"ҮЗІНДІ КӨШІРМЕ ТОЛЫҚ ЕМЕС", "Қорытынды", "15 490,00", "b2uj5vopt6", "0,19*", "1-бет, барлығы 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not found", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestAPDFTellsItsTotalsAndTheDaysThatAreMissing(t *testing.T) {
	text := extracted(t, written(t, inPDF, october(), English))
	for _, sum := range []string{"15,509.00", "5,000.50", "147.35", "0.19", "10,361.15", "1,200"} {
		if !strings.Contains(text, sum) {
			t.Errorf("%s is not told:\n%s", sum, text)
		}
	}
	for i, l := range Languages() {
		warning := strings.Fields(words[wordIncomplete][i])[0]
		if text := extracted(t, written(t, inPDF, october(), l)); !strings.Contains(text, warning) || !strings.Contains(text, "2026-10-04, 2026-10-05") {
			t.Errorf("%s: the missing days are not told:\n%s", l, text)
		}
		full := october()
		full.Head.Missing = nil
		if text := extracted(t, written(t, inPDF, full, l)); strings.Contains(text, warning) {
			t.Errorf("%s: days are missing of a full statement:\n%s", l, text)
		}
	}
}

// The names of the columns stand on every page, and the number of pages is the real one.
func TestAPDFOfManyRowsRepeatsItsHead(t *testing.T) {
	s := october()
	s.Rows = numbered(200, nil)
	text := extracted(t, written(t, inPDF, s, English))
	pages := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	for i, page := range pages {
		if !strings.Contains(page, "Our reference") || !strings.Contains(page, fmt.Sprintf("page %d of %d", i+1, len(pages))) {
			t.Errorf("page %d:\n%s", i+1, page)
		}
	}
	for _, id := range []string{"id-1", "id-100", "id-200"} {
		if !strings.Contains(text, id) {
			t.Errorf("%s is not found", id)
		}
	}
}

func TestAPDFThatWouldBeTooLongSaysWhereTheRowsAre(t *testing.T) {
	s := october()
	asked := 0
	s.Rows = numbered(1_000_000, &asked)
	var to bytes.Buffer
	if err := writePDF(&to, s, English, 50); err != nil {
		t.Fatal(err)
	}
	if asked != 51 {
		t.Errorf("%d rows were asked for", asked)
	}
	text := extracted(t, to.Bytes())
	if !strings.Contains(text, "There are more than 50 operations") || !strings.Contains(text, "15,509.00") || strings.Contains(text, "id-1") {
		t.Error(text)
	}
}

func TestTextsOfAnyKindFindTheirPlace(t *testing.T) {
	p := newPages(0, "", "", time.Unix(1, 0))
	p.font(plainFont, 6, black)
	for _, text := range []string{"", " ", strings.Repeat(" ", 500), strings.Repeat("W", 500), "a" + strings.Repeat(" b", 300), "\xff\x00\r\n\t", "😀\U0010ffff\uffff\ufffe", "漢字", strings.Repeat("Ұ ", 100)} {
		for _, width := range []float64{0.1, 9, 40} {
			lines := p.wrap(text, width, 3)
			if len(lines) == 0 || len(lines) > 3 {
				t.Errorf("%q in %v: %q", text, width, lines)
			}
			for _, l := range lines {
				if p.GetStringWidth(l) > width && len([]rune(l)) > 2 {
					t.Errorf("%q is wider than %v", l, width)
				}
				p.CellFormat(width, 3, l, "", 1, "L", false, 0, "")
			}
		}
	}
	if err := p.write(io.Discard); err != nil {
		t.Error(err)
	}
}

// Our own words are never cut, nor are days and times: only what comes from outside may be.
func TestNoWordIsCutInAnyLanguage(t *testing.T) {
	for i, l := range Languages() {
		p := newPages(tongue(i), "", "", time.Unix(1, 0))
		fits := func(c column, style string, points float64, text string) {
			p.font(style, points, black)
			for _, part := range strings.Split(text, " ") {
				if p.GetStringWidth(part) > c.width-2*p.GetCellMargin() {
					t.Errorf("%s: %q is wider than its column", l, part)
				}
			}
		}
		for _, table := range []struct {
			columns []column
			points  float64
		}{{operationColumns, 6}, {totalColumns, 8}, {itemColumns, 8}} {
			width := 0.0
			for _, c := range table.columns {
				width += c.width
				fits(c, boldFont, table.points, words[c.name][i])
				switch c.name {
				case wordTime, wordPayout:
					fits(c, plainFont, table.points, "2026-10-01\u00a023:59:59") // on one line
				case wordDay:
					fits(c, plainFont, table.points, "2026-10-01")
				case wordKind:
					fits(c, plainFont, table.points, words[wordCharge][i])
					fits(c, plainFont, table.points, words[wordRefund][i])
				case wordState:
					all := []word{wordMet, wordNotMet, wordNoEvidence}
					if table.points == 6 {
						all = slices.Collect(maps.Values(states))
					}
					for _, w := range all {
						fits(c, plainFont, table.points, words[w][i])
					}
				case wordAmount, wordNet:
					fits(c, boldFont, table.points, tongue(i).grouped(kzt(-999_999_999_99)))
				}
			}
			if width < p.width-0.01 || width > p.width+0.01 {
				t.Errorf("a table is %v wide, a page %v", width, p.width)
			}
		}
	}
}

// A letter that the font lacks is an empty box on paper.
func TestTheFontHasEveryLetterOfEveryTerm(t *testing.T) {
	p := newPages(0, "", "", time.Unix(1, 0))
	for _, style := range []string{plainFont, boldFont} {
		p.font(style, 6, black)
		box := p.GetStringSymbolWidth("\ue123") // nobody's letter
		for _, c := range fmt.Sprint(words, months, "ӘәҒғҚқҢңӨөҰұҮүҺһІіЁё…·–«»№\u00a0\ufffd₸") {
			if p.GetStringSymbolWidth(string(c)) == box {
				t.Errorf("there is no %q in %q", c, style)
			}
		}
	}
}

func TestTheLicenceOfTheFontsIsWithThem(t *testing.T) {
	for _, notice := range []string{"Copyright (c) 2003 by Bitstream", "Copyright (c) 2006 by Tavmjong Bah", "DejaVu changes are in public domain"} {
		if !strings.Contains(FontLicence, notice) {
			t.Errorf("%q is not told", notice)
		}
	}
}
