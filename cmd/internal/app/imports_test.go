package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/payrouter/payrouter/"
	root   = "../../.."
)

// mayImport is who may import whom, of our own packages, in code that ships. Imports
// run downwards only; what is not named here imports nothing of ours.
var mayImport = map[string][]string{
	"cmd/payrouter":    {"cmd/internal/app", "router", "router/identity/authority", "router/journal", "router/payment"},
	"cmd/payctl":       {"cmd/internal/paper", "proto/payrouter/v1", "providers"},
	"cmd/paydev":       {"cmd/internal/app", "proto/payrouter/v1", "providers", "health", "router", "providers/kaspi", "providers/halyk", "providers/wayforpay", "providers/sim", "router/payment", "router/journal", "router/journal/bulk", "router/pgtest/pgserver"},
	"cmd/internal/app": {"cmd/internal/traces", "router", "router/audit", "router/identity", "router/office", "router/reconcile", "router/statement", "router/server", "router/journal", "router/payment", "health", "providers"},

	"cmd/internal/paper":  {"providers"}, // documents: plain values in, files out
	"cmd/internal/traces": {"providers/spans"},

	"router/server":    {"router", "router/audit", "router/identity", "router/office", "router/evidence", "router/readiness", "router/journal", "router/payment", "health", "providers", "providers/spans", "proto/payrouter/v1"},
	"router":           {"router/audit", "router/journal", "router/payment", "health", "providers", "providers/spans"},
	"router/audit":     {},
	"router/journal":   {"router/audit", "router/payment", "providers", "providers/spans"},
	"router/payment":   {"providers"},
	"router/reconcile": {"router/payment", "providers"},
	"router/office":    {"router", "router/journal", "router/payment", "router/reconcile", "router/statement", "providers"},
	"router/statement": {"providers"},
	"router/evidence":  {"router/payment", "providers"},
	"router/readiness": {},
	"router/pgtest":    {"router/pgtest/pgserver"},
	"router/identity":  {},

	"router/journal/bulk": {"router/journal", "router/payment", "providers"}, // for measuring

	"router/identity/authority":    {},
	"router/identity/identitytest": {"router/identity", "router/identity/authority"},

	"providers/sim":               {},
	"providers/spans":             {"providers"},
	"providers/internal/exchange": {"providers", "providers/spans"},
	"providers/internal/settings": {"providers"},
	"providers/providertest":      {"providers", "providers/sim"},
	accounts:                      {"providers", "providers/sim"},
}

// accounts is an account at every gateway, for tests: of what ships, nothing imports it.
const accounts = "providers/providertest/accounts"

// allowed completes the table: each other folder below providers is an adapter, which sees
// the words and what adapters share, and is seen by the service alone.
func allowed(folder, imported string) bool {
	if slices.Contains(mayImport[folder], imported) {
		return true
	}
	if adapter(folder) {
		return imported == "providers" || strings.HasPrefix(imported, "providers/internal/")
	}
	return (folder == "cmd/internal/app" || folder == accounts) && adapter(imported)
}

func adapter(folder string) bool {
	_, named := mayImport[folder]
	name, below := strings.CutPrefix(folder, "providers/")
	return below && !named && !strings.Contains(name, "/")
}

// forbidden are the standard packages that a pure package must not touch. providers
// names log/slog, because a Secret hides itself from it, and never writes a log.
var forbidden = map[string][]string{
	"router/payment":   {"net", "net/http", "database/sql", "log", "log/slog", "os", "time.Sleep"},
	"router/reconcile": {"net", "net/http", "database/sql", "log", "log/slog", "os", "time.Sleep", "time.Now"},
	"router/statement": {"net", "net/http", "database/sql", "log", "log/slog", "os", "time.Sleep", "time.Now"},
	"router/evidence":  {"net", "net/http", "database/sql", "log", "log/slog", "os", "time.Sleep", "time.Now"},
	"router/audit":     {"net", "net/http", "database/sql", "log", "log/slog", "os", "time.Sleep", "time.Now"},
	"router/readiness": {"net", "net/http", "database/sql", "log", "log/slog", "os", "time.Sleep", "time.Now"},
	"providers":        {"net", "net/http", "database/sql", "log", "os"},
	"health":           {"net", "net/http", "database/sql", "os"},
}

// shipped lists the imports of every package of the project, tests left out.
func shipped(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		for _, i := range file.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports[folder] = append(imports[folder], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) < 10 {
		t.Fatalf("only %d packages were found: the test looks in the wrong place", len(imports))
	}
	return imports
}

func TestImportsRunDownwardsOnly(t *testing.T) {
	for folder, names := range shipped(t) {
		for _, name := range names {
			if ours, ok := strings.CutPrefix(name, module); ok && !allowed(folder, ours) {
				t.Errorf("%s imports %s, which the table does not allow", folder, ours)
			}
			if slices.Contains(forbidden[folder], name) {
				t.Errorf("%s imports %s: what decides must not do", folder, name)
			}
		}
	}
}

// What a span may say is written in one package, so that no other can say more, and what
// decides knows nothing of traces at all.
func TestOnlyTwoPackagesKnowOpenTelemetry(t *testing.T) {
	may := []string{"providers/spans", "cmd/internal/traces", "cmd/internal/traces/collector"} // the last is in no program
	met := map[string]bool{}
	for folder, names := range shipped(t) {
		for _, name := range names {
			if !strings.HasPrefix(name, "go.opentelemetry.io/") {
				continue
			}
			met[folder] = true
			if !slices.Contains(may, folder) {
				t.Errorf("%s imports %s: only %q do", folder, name, may)
			}
		}
	}
	if len(met) != len(may) {
		t.Errorf("only %v import OpenTelemetry: the test looks in the wrong place", met)
	}
}

func TestOnlyTheDevelopersProgramContainsTheSimulator(t *testing.T) {
	for folder, names := range shipped(t) {
		if slices.Contains(names, module+"providers/sim") && !slices.Contains([]string{"cmd/paydev", "providers/providertest", accounts}, folder) {
			t.Errorf("%s imports the simulator", folder)
		}
	}
}

func TestNoProgramContainsTheCollectorOfTheTests(t *testing.T) {
	for folder, names := range shipped(t) {
		if slices.Contains(names, module+"cmd/internal/traces/collector") {
			t.Errorf("%s imports it", folder)
		}
	}
}

func TestThereAreNoOtherTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" &&
			!slices.Contains([]string{"proto", "router", "providers", "health", "cmd", "deploy", "docs"}, e.Name()) {
			t.Errorf("folder %s: the house has no such room", e.Name())
		}
	}
}
