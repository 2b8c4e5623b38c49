package app_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/cmd/internal/app"
)

// plainpay is where the example of CONTRIBUTING.md lies: an adapter in files of tests.
const plainpay = "providers/providertest/plainpay"

// contributing is the page: its text, and what stands in its fenced blocks, by language.
func contributing(t *testing.T) (text string, fenced map[string][]string) {
	t.Helper()
	page := read(t, "CONTRIBUTING.md")
	block := regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	fenced = map[string][]string{}
	for _, found := range block.FindAllStringSubmatch(page, -1) {
		fenced[found[1]] = append(fenced[found[1]], found[2])
	}
	if len(fenced["sh"]) != 1 || len(fenced["go"]) != 2 || len(fenced["yaml"]) != 1 {
		t.Fatalf("the page has other blocks than this test knows: %q", fenced)
	}
	return block.ReplaceAllString(page, ""), fenced
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whatever the page names exists: files, identifiers, tests, and commands with all that is
// in them. A name that is none of these cannot be checked, and has no place there.
func TestTheContributorsPageIsTrue(t *testing.T) {
	text, fenced := contributing(t)
	known := declared(t, "providers", "providers/internal/exchange", "providers/internal/settings", "providers/providertest", "providers/sim", "cmd/internal/app", plainpay)
	makefile := read(t, "Makefile")
	command := func(line string) bool {
		if target, ok := strings.CutPrefix(line, "make "); ok {
			return strings.Contains(makefile, "\n"+target+":")
		}
		arguments, ok := strings.CutPrefix(line, "go test ")
		for _, word := range strings.Fields(arguments) {
			if path, local := strings.CutPrefix(word, "./"); local {
				ok = ok && exists(path)
			} else {
				ok = ok && (known[word] || word == "'^$'" || strings.HasPrefix(word, "-"))
			}
		}
		return ok
	}
	for line := range strings.Lines(fenced["sh"][0]) {
		if line, _, _ := strings.Cut(line, "#"); !command(strings.TrimSpace(line)) {
			t.Errorf("the page says %q, and there is no such command", line)
		}
	}
	names := regexp.MustCompile("`([^`]+)`|\\]\\(([^)]+)\\)").FindAllStringSubmatch(text, -1)
	if len(names) < 80 {
		t.Errorf("the page names only %d things: the test reads it wrongly", len(names))
	}
	for _, found := range names {
		if name := found[1] + found[2]; !known[name] && !command(name) && !exists(name) && !exists(plainpay+"/"+name) {
			t.Errorf("the page names %s, and there is no such file, identifier or command", name)
		}
	}
	if !strings.Contains(read(t, plainpay+"/conformance_test.go"), fenced["go"][0]) {
		t.Errorf("the page quotes what does not stand in %s/conformance_test.go:\n%s", plainpay, fenced["go"][0])
	}
}

// exists reports whether a path of the page is there. NAME stands for most providers of the
// service: not every one refunds, or sends notices.
func exists(path string) bool {
	have, names := 0, []string{""}
	if strings.Contains(path, "NAME") {
		names = app.Providers()
	}
	for _, name := range names {
		if found, err := filepath.Glob(filepath.Join(root, strings.ReplaceAll(path, "NAME", name))); err == nil && len(found) > 0 {
			have++
		}
	}
	return 2*have > len(names)
}

// declared is every name that the folders declare, alone and after the package and the type
// it belongs to: "Lookup", "providers.Result", "providers.Result.Until".
func declared(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no code in %s: %v", folder, err)
		}
		for _, path := range files {
			file := syntax(t, path, parser.SkipObjectResolution)
			known[file.Name.Name] = true
			declare := func(within string, names ...*ast.Ident) {
				for _, name := range names {
					known[name.Name], known[file.Name.Name+"."+within+name.Name] = true, true
				}
			}
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					within := ""
					if f.Recv != nil {
						within = strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "."
					}
					declare(within, f.Name)
					continue
				}
				ast.Inspect(d, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.ValueSpec:
						declare("", n.Names...)
					case *ast.TypeSpec:
						declare("", n.Name)
						ast.Inspect(n.Type, func(member ast.Node) bool {
							if f, ok := member.(*ast.Field); ok {
								declare(n.Name.Name+".", f.Names...)
							}
							return true
						})
					}
					return true
				})
			}
		}
	}
	return known
}

func syntax(t *testing.T, path string, mode parser.Mode) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// The page is taken at its word: its import and its line go into provider.go, and the
// example's files become a folder of providers, both by an overlay that changes no file.
// Then the service knows one provider more, and each test that is said to remind of the
// rest does.
func TestOneLineMakesAProviderKnown(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil || testing.Short() {
		t.Skip("it builds the service")
	}
	text, fenced := contributing(t)
	overlay, folder := eighth(t, fenced["go"][1]), t.TempDir()
	said := func(wants, name string, arguments ...string) string {
		command := exec.CommandContext(t.Context(), name, arguments...)
		command.Dir, command.Env = root, append(os.Environ(), "PLAINPAY_KEY=0123456789abcdef")
		out, err := command.CombinedOutput()
		if (err == nil) != (wants == "success") {
			t.Fatalf("%s %q: %v\n%s", name, arguments, err, out)
		}
		return string(out)
	}
	binary, file := filepath.Join(folder, "payrouter"), filepath.Join(folder, "payrouter.yaml")
	said("success", "go", "build", "-buildvcs=false", "-overlay", overlay, "-o", binary, "./cmd/payrouter")
	config, _, _ := strings.Cut(strings.Replace(least, "gateway: way", "gateway: plain-main", 1), "  - name: way")
	config += fenced["yaml"][0]
	for _, c := range []struct{ wants, shop, says string }{
		{"success", "qazaq-books", "is good (gateways: 1, tenants: 1)"},
		{"failure", `""`, "gateway plain-main: plainpay: shop: set the account's name at PlainPay"},
	} {
		if err := os.WriteFile(file, []byte(strings.Replace(config, "qazaq-books", c.shop, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := said(c.wants, binary, "check", "--config", file); !strings.Contains(out, c.says) {
			t.Errorf("with the shop %s, the service says %q", c.shop, out)
		}
	}
	var reminders []string
	for _, row := range regexp.MustCompile("(?m)^\\|.*\\| `(Test\\w+)` \\|$").FindAllStringSubmatch(text, -1) {
		reminders = append(reminders, row[1])
	}
	out := said("failure", "go", "test", "-vet=off", "-overlay", overlay, "-run", "^("+strings.Join(reminders, "|")+")$", "./cmd/internal/app")
	for _, reminder := range reminders {
		if !strings.Contains(out, "--- FAIL: "+reminder) {
			t.Errorf("%s reminds nobody:\n%s", reminder, out)
		}
	}
	if len(reminders) != 3 {
		t.Errorf("the page names %d tests that remind: %q", len(reminders), reminders)
	}
}

// eighth is an overlay, as the go command knows it, that ships the example in the service:
// its files, tests left out, and the lines that the page puts into provider.go.
func eighth(t *testing.T, lines string) (overlay string) {
	t.Helper()
	home, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	imported, setting, _ := strings.Cut(strings.TrimSuffix(lines, "\n"), "\n\n")
	text := read(t, "cmd/internal/app/provider.go")
	changed := strings.Replace(text, "import (\n", "import (\n"+imported+"\n", 1)
	changed = strings.Replace(changed, "type Settings struct {\n", "type Settings struct {\n"+setting+"\n", 1)
	if strings.Count(changed, "\n") != strings.Count(text, "\n")+2 {
		t.Fatalf("these are no import and no line for provider.go:\n%s", lines)
	}
	folder := t.TempDir()
	provider := filepath.Join(folder, "provider.go")
	replace := map[string]string{filepath.Join(home, "cmd/internal/app/provider.go"): provider}
	files, err := filepath.Glob(filepath.Join(home, plainpay, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		var imports []string
		for _, i := range syntax(t, path, parser.ImportsOnly).Imports {
			imports = append(imports, strings.Trim(i.Path.Value, `"`))
		}
		if slices.Contains(imports, "testing") {
			continue // a test in a real adapter, too
		}
		replace[filepath.Join(home, "providers/plainpay", strings.TrimSuffix(filepath.Base(path), "_test.go")+".go")] = path
		for _, name := range imports {
			if ours, ok := strings.CutPrefix(name, module); ok && !allowed("providers/plainpay", ours) {
				t.Errorf("%s imports %s, which no adapter may", path, ours)
			}
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(folder, "overlay.json")
	for file, content := range map[string][]byte{provider: []byte(changed), overlay: list} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

// The example stays an example.
func TestNobodyShipsTheExample(t *testing.T) {
	if slices.Contains(app.Providers(), "plainpay") {
		t.Error("the service knows plainpay")
	}
	for folder, names := range shipped(t) {
		if folder == plainpay || slices.Contains(names, module+plainpay) {
			t.Errorf("%s is shipped, or ships it", folder)
		}
	}
}
