package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers/providertest"
)

// The README's table of gateways stands between these lines.
const (
	tableBegins = "<!-- capabilities -->\n"
	tableEnds   = "<!-- /capabilities -->\n"
)

// The table is made of what each adapter's conformance test has kept, in the order of
// Settings. An adapter's own test sees to it that what is kept is true.
func TestTheREADMEShowsWhatEveryGatewayCan(t *testing.T) {
	var records []providertest.Record
	for _, name := range app.Providers() {
		kept, err := providertest.Kept(filepath.Join(root, "providers", name))
		if err != nil {
			t.Fatalf("%v\nThe TestConformance of provider %s keeps it: end it with providertest.Keep and run it with -update.", err, name)
		}
		records = append(records, kept...)
	}
	before, rest, begins := strings.Cut(read(t, "README.md"), tableBegins)
	shown, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("README.md has no place for the table: want the lines %q and %q", tableBegins, tableEnds)
	}
	table := "\n" + providertest.Capabilities(records...) + "\n"
	if *update {
		if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(before+tableBegins+table+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(shown, "\n"), strings.Split(table, "\n")); diff != "" {
		t.Errorf("README.md does not show what the conformance tests have kept: run make capabilities (-README +kept):\n%s", diff)
	}
}

func TestEveryAdapterWithAConformanceTestIsKnownToTheService(t *testing.T) {
	tests, err := filepath.Glob(filepath.Join(root, "providers", "*", "conformance_test.go"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no conformance tests are found: %v", err)
	}
	for _, path := range tests {
		if name := filepath.Base(filepath.Dir(path)); !slices.Contains(app.Providers(), name) {
			t.Errorf("providers/%s has a conformance test, and no line in Settings: no table shows it, no service offers it", name)
		}
	}
}
