package paper

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var formats = []format{inCSV, inXLSX, inPDF}

func TestTheTotalsGivenAreTheTotalsPrinted(t *testing.T) {
	got := cells(t, opened(t, written(t, inXLSX, october(), English)), "Summary")
	want := [][]string{
		{"Totals"},
		{"Currency", "Charges, number", "Charges, sum", "Refunds, number", "Refunds, sum", "Fees", "of which by schedule", "Net", "Open findings"},
		{"KZT", "n2", "n15509", "n1", "n5000.5", "n147.35", "n0.19", "n10361.15", "n1"},
		{"JPY", "n1", "n1200", "n0", "n0", "", "", "", "n0"},
	}
	if diff := cmp.Diff(want, got[len(got)-4:]); diff != "" {
		t.Error(diff)
	}
	text := string(written(t, inCSV, october(), English))
	if !strings.Contains(text, "\r\nKZT;2;15509.00;1;5000.50;147.35;0.19;10361.15;1\r\nJPY;1;1200;0;0;;;;0\r\n") {
		t.Error(text)
	}
}

func TestAStatementNamesTheDaysThatAreMissing(t *testing.T) {
	for i, l := range Languages() {
		full := october()
		full.Head.Missing = nil
		texts := func(s Statement) map[string]string {
			all := map[string]string{"csv": string(written(t, inCSV, s, l))}
			f := opened(t, written(t, inXLSX, s, l))
			for _, row := range cells(t, f, words[wordSummary][i]) {
				all["xlsx"] += strings.Join(row, " ") + "\n"
			}
			all["xlsx"] = strings.NewReplacer("n46299", "2026-10-04", "n46300", "2026-10-05").Replace(all["xlsx"])
			return all
		}
		for name, text := range texts(october()) {
			if !strings.Contains(text, words[wordIncomplete][i]) || !strings.Contains(text, "2026-10-04") || !strings.Contains(text, "2026-10-05") {
				t.Errorf("%s, %s: the missing days are not told:\n%s", name, l, text)
			}
		}
		for name, text := range texts(full) {
			if strings.Contains(text, words[wordIncomplete][i]) || !strings.Contains(text, words[wordNone][i]) {
				t.Errorf("%s, %s: days are missing of a full statement:\n%s", name, l, text)
			}
		}
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	for _, f := range append(formats,
		format{"two sheets", func(to io.Writer, s Statement, l Language) error { return writeXLSX(to, s, l, 3) }},
		format{"checklist", func(to io.Writer, _ Statement, l Language) error { return readiness.WritePDF(to, l) }}) {
		first := written(t, f, october(), Kazakh)
		for range 4 { // the order of a map may be the same twice
			if !bytes.Equal(first, written(t, f, october(), Kazakh)) {
				t.Errorf("%s differs", f.name)
			}
		}
	}
}

// A writer that has seen the last row but one while the last is not made yet kept no list.
type meter struct{ bytes int }

func (m *meter) Write(p []byte) (int, error) { m.bytes += len(p); return len(p), nil }

func TestRowsAreAskedForOneByOne(t *testing.T) {
	s := october()
	var to meter
	behind := 0
	s.Rows = func(yield func(Row, error) bool) {
		start := to.bytes
		numbered(20_000, nil)(func(r Row, err error) bool {
			if to.bytes == start {
				behind++
			}
			return yield(r, err)
		})
	}
	if err := WriteCSV(&to, s, English); err != nil {
		t.Fatal(err)
	}
	// A row takes some forty bytes, and the buffer of a writer four thousand.
	if behind > 200 {
		t.Errorf("%d rows were asked for before one was written", behind)
	}
	mine := errors.New("the books are closed")
	for _, f := range formats {
		asked := 0
		s.Rows = func(yield func(Row, error) bool) {
			for r := range numbered(10, &asked) {
				if asked == 4 {
					yield(Row{}, mine)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
		var to meter
		if err := f.write(&to, s, English); !errors.Is(err, mine) || asked != 4 {
			t.Errorf("%s: %v after %d rows", f.name, err, asked)
		}
		if f.name != "csv" && to.bytes > 0 {
			t.Errorf("%s: %d bytes of a broken document were written", f.name, to.bytes)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestADocumentThatCannotBeMadeIsAnError(t *testing.T) {
	for _, f := range formats {
		if err := f.write(full{}, october(), English); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: a full disk is %v", f.name, err)
		}
		for name, spoil := range map[string]func(*Statement){
			"zone":    func(s *Statement) { s.Head.Zone = "Asia/Nowhere" },
			"machine": func(s *Statement) { s.Head.Zone = "Local" },
			"day":     func(s *Statement) { s.Head.To = "31.10.2026" },
			"missing": func(s *Statement) { s.Head.Missing[0] = "tomorrow" },
			"created": func(s *Statement) { s.Head.Created = time.Time{} },
		} {
			s := october()
			spoil(&s)
			if err := f.write(io.Discard, s, English); err == nil {
				t.Errorf("%s: a wrong %s is taken", f.name, name)
			}
		}
		if err := f.write(io.Discard, october(), "de"); err == nil {
			t.Errorf("%s: an unknown language is taken", f.name)
		}
		empty := october()
		empty.Rows, empty.Totals = nil, nil
		written(t, f, empty, English)
	}
}
