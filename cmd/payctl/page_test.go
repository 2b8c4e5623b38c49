package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// page reads docs/payctl.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/payctl.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exits are the exit statuses as the code has them, by value.
func exits(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "root.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "exit") && len(spec.Values) == 1 {
			if number, ok := spec.Values[0].(*ast.BasicLit); ok && number.Kind == token.INT {
				all[number.Value] = true
			}
		}
		return true
	})
	if len(all) < 5 {
		t.Fatalf("only %v were found: the test looks in the wrong place", all)
	}
	return all
}

func TestThePageTellsEveryExitStatusAndNoOther(t *testing.T) {
	want := exits(t)
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(page(t), -1) {
		told[row[1]] = true
		if !want[row[1]] {
			t.Errorf("the page tells of status %s, which there is not", row[1])
		}
	}
	help := payctl(t, "--help").done().out
	for status := range want {
		if !told[status] {
			t.Errorf("the page does not tell of status %s", status)
		}
		if !regexp.MustCompile(`[ ,]` + status + ` [a-z]`).MatchString(help) {
			t.Errorf("--help does not tell of status %s", status)
		}
	}
}

func TestThePageTellsEveryVariableAndNoOther(t *testing.T) {
	variable := regexp.MustCompile(`PAYROUTER_[A-Z_]+`)
	used := map[string]bool{}
	for _, file := range []string{"root.go", "connection.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range variable.FindAllString(string(source), -1) {
			used[name] = true
		}
	}
	for _, name := range variable.FindAllString(page(t), -1) {
		if !used[name] {
			t.Errorf("the page tells of %s, which nobody reads", name)
		}
	}
	for name := range used {
		if !strings.Contains(page(t), "`"+name+"`") {
			t.Errorf("the page does not tell of %s", name)
		}
	}
}

func TestThePageTellsOfReasonsThatThereAre(t *testing.T) {
	reason := regexp.MustCompile("`([A-Z]+(_[A-Z]+)+|INTERNAL|UNAUTHENTICATED)`")
	for _, name := range reason.FindAllStringSubmatch(page(t), -1) {
		if _, ok := payrouterv1.ErrorReason_value["ERROR_REASON_"+name[1]]; !ok && !strings.HasPrefix(name[1], "PAYROUTER_") {
			t.Errorf("the page tells of %s, which there is not", name[1])
		}
	}
}
