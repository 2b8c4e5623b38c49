package paper

import (
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

var inCSV = format{"csv", WriteCSV}

var update = flag.Bool("update", false, "write the golden files anew")

func TestTheCSVIsWhatTheGoldenFilesShow(t *testing.T) {
	for _, l := range Languages() {
		got := written(t, inCSV, october(), l)
		file := filepath.Join("testdata", "statement."+string(l)+".csv")
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Error(diff)
		}
	}
}

// What the comment of WriteCSV promises to a program.
func TestAProgramReadsTheTableFromTheEmptyLineOn(t *testing.T) {
	_, table, found := strings.Cut(string(written(t, inCSV, october(), English)), "\r\n\r\n")
	if !found {
		t.Fatal("there is no empty line")
	}
	in := csv.NewReader(strings.NewReader(table))
	in.Comma = ';'
	records, err := in.ReadAll()
	if err != nil || len(records) != 5 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if got, err := providers.ParseMoney(records[1][6], records[1][7]); err != nil || got != kzt(1549000) {
		t.Errorf("the sum is read as %v, %v", got, err)
	}
	for i, l := range Languages() {
		if text := string(written(t, inCSV, october(), l)); strings.Count(text, "\r\n\r\n") != 1 || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
			t.Errorf("%s: the empty line is not the only one", Languages()[i])
		}
	}
}

func TestATextFromOutsideIsNoFormula(t *testing.T) {
	for text, want := range map[string]string{"=1+1": "'=1+1", "+7701": "'+7701", "-5": "'-5", "@x": "'@x", "\t=1": "' =1", "\r\n-1": "'  -1", " =1": "' =1", "A=1": "A=1", "": "", "'=1": "'=1"} {
		if got := Harmless(text); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}
