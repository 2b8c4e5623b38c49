package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// keptIn is where an adapter's records lie, in the adapter's own folder.
const keptIn = "testdata/capabilities.json"

// Keep ends an adapter's conformance test: it logs the table of its records and fails
// unless testdata/capabilities.json, of which the table of all gateways is made, says
// the same. With the flag -update it writes that file; the test declares the flag, as
// for other golden files. A run in which -run or -skip left questions out is no measure,
// nor is one that failed: nothing is compared then, and nothing written.
func Keep(t *testing.T, records ...Record) {
	t.Helper()
	t.Logf("\n%s", Table(records...))
	update := flag.Lookup("update")
	switch {
	case update == nil:
		t.Errorf(`providertest: without a flag -update nobody can write %s: declare var _ = flag.Bool("update", false, "write the golden files anew")`, keptIn)
	case t.Failed():
		t.Logf("%s is neither compared nor written: not every question was answered well", keptIn)
	case narrowed(flag.Lookup("test.run").Value.String()), narrowed(flag.Lookup("test.skip").Value.String()):
		t.Logf("%s is neither compared nor written: not every question was asked", keptIn)
	default:
		folder, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		if err := keep(folder, update.Value.String() == "true", records); err != nil {
			t.Errorf("%v\nIf that is meant: go test ./providers/%s -run '^%s$' -update, then make capabilities.", err, filepath.Base(folder), t.Name())
		}
	}
}

// narrowed reports whether a pattern of -run or -skip chooses among the questions of a
// test. One without a slash takes or leaves whole tests.
func narrowed(pattern string) bool { return strings.Contains(pattern, "/") }

// Kept reads the records that Keep has left in an adapter's folder.
func Kept(folder string) ([]Record, error) {
	text, err := os.ReadFile(filepath.Join(folder, keptIn))
	if err != nil {
		return nil, err
	}
	var lines []keptLine
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&lines); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, keptIn), err)
	}
	var records []Record
	for _, l := range lines {
		i := slices.IndexFunc(records, func(r Record) bool { return r.Gateway == l.Gateway })
		if i < 0 {
			i = len(records)
			records = append(records, Record{Gateway: l.Gateway})
		}
		records[i].Lines = append(records[i].Lines, l.Line)
	}
	return records, nil
}

// keptLine is one line of the file: whole in itself, so that a difference between two
// files is read without what is around it.
type keptLine struct {
	Gateway string `json:"gateway"`
	Line
}

// keep compares or writes the file in a folder.
func keep(folder string, update bool, records []Record) error {
	if err := keepable(records); err != nil {
		return err
	}
	seen, err := spelled(records)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, keptIn)
	if update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, seen, 0o644)
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept, seen) {
		return fmt.Errorf("%s is not what the suite has just seen (- file, + seen):\n%s", keptIn, unlike(string(kept), string(seen)))
	}
	return nil
}

// keepable says which records would make no column, or two.
func keepable(records []Record) error {
	var wrong []error
	if len(records) == 0 {
		wrong = append(wrong, errors.New("providertest: there is no record"))
	}
	for i, r := range records {
		named := func(name string) func(Record) bool { return func(r Record) bool { return r.Gateway == name } }
		if slices.IndexFunc(records, named(r.Gateway)) != i {
			wrong = append(wrong, fmt.Errorf("providertest: two records are of %q", r.Gateway))
		}
		if main, variant := r.variant(); variant != "" && !slices.ContainsFunc(records, named(main)) {
			wrong = append(wrong, fmt.Errorf("providertest: %q is a variant, and there is no record of %q", r.Gateway, main))
		}
	}
	return errors.Join(wrong...)
}

// spelled is the text of the file, one line an operation of a gateway.
func spelled(records []Record) ([]byte, error) {
	var lines []string
	for _, r := range records {
		for _, l := range r.Lines {
			line, err := json.Marshal(keptLine{r.Gateway, l})
			if err != nil {
				return nil, err
			}
			lines = append(lines, string(line))
		}
	}
	return []byte("[\n" + strings.Join(lines, ",\n") + "\n]\n"), nil
}

// unlike lists the lines that only one of two texts has.
func unlike(kept, seen string) string {
	var b strings.Builder
	only := func(sign, text, other string) {
		others := strings.Split(strings.ReplaceAll(other, "},\n", "}\n"), "\n")
		for line := range strings.SplitSeq(strings.ReplaceAll(text, "},\n", "}\n"), "\n") {
			if !slices.Contains(others, line) {
				fmt.Fprintf(&b, "%s %s\n", sign, line)
			}
		}
	}
	only("-", kept, seen)
	only("+", seen, kept)
	if b.Len() == 0 {
		return "the same lines in another order\n"
	}
	return b.String()
}
