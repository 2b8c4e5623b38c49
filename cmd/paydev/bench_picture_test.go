package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pictureTexts reads a picture as a program would, and returns what is written in it.
func pictureTexts(t *testing.T, picture []byte) (texts []string) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(picture))
	inside := ""
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return texts
		case err != nil:
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inside = token.Name.Local
			for _, a := range token.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s has %s=%q", inside, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			if inside == "text" || inside == "title" {
				texts = append(texts, string(token))
			}
		}
	}
}

func TestThePictureCarriesTheFiguresOfTheReport(t *testing.T) {
	texts := pictureTexts(t, measuredReport().picture())
	for _, want := range []string{
		"commit c0ffee · a <processor>, 2 cores, load unknown at the start, unknown at the end", "0.75", "1.50", "64 callers", "1200 a second",
		"200/s", "20", "3.0", "18", "5 failures needed, first paid at backup: 20 ms", "1 of 200 penalized: p50 4.0 ms, max 4.0 ms; 0 charged twice", "7 failures needed, first paid at backup: 1.1 s", "1 of 200 penalized: p50 7.9 s, max 7.9 s; 0 charged twice", "49 of 50", "breaks",
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is missing from %q", want, texts)
		}
	}
}

// A report of few parts has a smaller picture.
func TestWhatWasNotMeasuredIsNotDrawn(t *testing.T) {
	r := &report{}
	r.conclude()
	r.Outages = []*outageCell{{Router: routerOurs, Fault: faultLost, Timeline: timeline{First: []int{1}}}} // kept by an older one
	if texts := strings.Join(pictureTexts(t, r.picture()), "\n"); strings.Contains(texts, "as a share") || strings.Contains(texts, "breaks") {
		t.Error(texts)
	}
}

// What -json has printed is enough for the tables and the picture.
func TestAKeptReportIsShownAsItWasMeasured(t *testing.T) {
	r := measuredReport()
	folder := t.TempDir()
	kept, picture := filepath.Join(folder, "kept.json"), filepath.Join(folder, "kept.svg")
	var tables bytes.Buffer
	if err := errors.Join(r.files(kept, ""), r.markdown(&tables, picture)); err != nil || !strings.HasPrefix(tables.String(), "![") {
		t.Fatalf("error %v:\n%s", err, tables.String())
	}
	var out, errs bytes.Buffer
	if code := bench(t.Context(), []string{"-report", kept, "-markdown", "-picture", picture}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit status %d: %s", code, errs.String())
	}
	if out.String() != tables.String() {
		t.Errorf("measured:\n%s\nkept:\n%s", tables.String(), out.String())
	}
	if drawn, err := os.ReadFile(picture); err != nil || !bytes.Equal(drawn, r.picture()) {
		t.Errorf("another picture, error %v", err)
	}
	for _, args := range [][]string{{"-report", filepath.Join(folder, "none.json")}, {"-report", picture}, {"-report", kept, "-picture", folder}} {
		if code := bench(t.Context(), args, io.Discard, &errs); code != 1 {
			t.Errorf("%q: exit status %d", args, code)
		}
	}
}

func TestATimelineCountsChargesByWhenTheyBegan(t *testing.T) {
	onset := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int, o outcome) outcome { o.began = onset.Add(time.Duration(ms) * time.Millisecond); return o }
	line := drawTimeline([]outcome{
		at(-1, outcome{paid: true}), at(0, outcome{vain: true}), at(99, outcome{paid: true, backup: true, vain: true}),
		at(100, outcome{paid: true, backup: true}), at(150, outcome{paid: true, backup: true, twice: true}), at(4000, outcome{paid: true}), at(-1001, outcome{paid: true}),
	}, []time.Time{onset.Add(250 * time.Millisecond)}, onset, time.Second, 4*time.Second)
	if line.FromMS != -1000 || line.StepMS != 100 || len(line.First) != 50 {
		t.Fatalf("%+v", line)
	}
	if line.First[9] != 1 || line.Unpaid[10] != 1 || line.Moved[10] != 1 || line.Backup[11] != 1 || line.Twice[11] != 1 || line.Failed[12] != 1 {
		t.Errorf("%+v", line)
	}
	sum := 0
	for _, list := range line.lists() {
		for _, n := range *list {
			sum += n
		}
	}
	if sum != 6 {
		t.Errorf("%d charges are drawn", sum)
	}
}
