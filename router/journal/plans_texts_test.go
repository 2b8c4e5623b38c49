package journal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// everyTextIsSent fails for a piece of SQL in the source of the journal that stands in none of
// the statements that were sent.
func everyTextIsSent(t *testing.T, engine string, sent []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	must(t, err)
	all, found := strings.Join(sent, "\n"), 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		must(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			must(t, err)
			if text = strings.Join(strings.Fields(text), " "); !ofSQL(text) || elsewhere[engine] != nil && elsewhere[engine].MatchString(text) {
				return true
			}
			if found++; !asSent(text).MatchString(all) {
				t.Errorf("%s: no use sends %s", file, text)
			}
			return true
		})
	}
	if found < 150 {
		t.Errorf("only %d pieces of SQL were found", found)
	}
}

// sqlWords begin the statements and join the conditions.
var sqlWords = regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE|WHERE|FROM|AND|ORDER BY|LIMIT|EXISTS|IN|ON CONFLICT|ANALYZE|IS NULL)\b|\$\d|^[a-z_]+ (=|<|>|>=|<=) \?$`)

func ofSQL(text string) bool {
	return sqlWords.MatchString(text) && !strings.Contains(text, "SQLSTATE") && !notSQL.MatchString(text)
}

// notSQL is text that only looks like it.
var notSQL = regexp.MustCompile(`^\$$|^SET lock_timeout`)

// elsewhere is what an engine is never asked.
var elsewhere = map[string]*regexp.Regexp{
	"sqlite":     regexp.MustCompile(`pg_|^ANALYZE|clock_timestamp|^id IN \(SELECT payment_id FROM attempts WHERE gateway = \?\)|^SELECT (due_)?at FROM (payments|outbox) WHERE (due_)?at < |^FOR UPDATE SKIP LOCKED$`),
	"postgresql": regexp.MustCompile(`sqlite_master`),
}

// asSent is how a piece of source stands in a statement: places are numbered by then, and what
// is filled in is there.
func asSent(text string) *regexp.Regexp {
	text = regexp.QuoteMeta(text)
	text = strings.ReplaceAll(text, `\?`, `\$\d+`)
	text = regexp.MustCompile(`%(\\\[\d\\\])?[sd]`).ReplaceAllString(text, `.+?`)
	return regexp.MustCompile(text)
}
