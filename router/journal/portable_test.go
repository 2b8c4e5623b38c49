package journal_test

import (
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// What docs/scaling.md says of our SQL and other engines is held to here: whoever adds a key or
// a statement sees what it would cost to spread the books over several machines.

// uniqueKeys are the unique keys that do not begin with the tenant, and why. A table that is spread by
// tenant needs each of them to; one that is spread by payment needs payment_id in each.
var uniqueKeys = map[string]string{
	"answers_pkey":          "a gateway's own: what it is told twice is told alike",
	"archive_pkey":          "of one payment",
	"attempts_one_unclosed": "of one payment: the database itself refuses a second attempt beside an open one",
	"attempts_pkey":         "of one payment",
	"attempts_reference":    "a gateway's own: two tenants may share a gateway, and it knows no tenants",
	"audit_once":            "the house's: one chain for all tenants",
	"audit_pkey":            "the house's: one chain for all tenants",
	"counters_pkey":         "a gateway's own, and the house's",
	"dispute_changes_pkey":  "of one dispute",
	"disputes_case":         "a gateway's own: the bank's number of the case",
	"disputes_pkey":         "a UUID",
	"events_pkey":           "of one payment: the lock of all that is written about it",
	"evidence_pkey":         "a UUID",
	"feed_event":            "of one payment: a change is numbered once",
	"finding_changes_pkey":  "of one finding",
	"findings_about_pkey":   "of one payment, or of none",
	"goose_db_version_pkey": "the tool's own",
	"import_chunks_pkey":    "of one file",
	"imports_pkey":          "a UUID",
	"instruments_pkey":      "a UUID",
	"leases_pkey":           "the house's",
	"notices_pkey":          "a UUID",
	"outbox_pkey":           "of one payment",
	"overrides_pkey":        "a UUID; the house's",
	"payments_pkey":         "a UUID",
	"refunds_pkey":          "of one payment",
	"retention_passes_pkey": "a UUID; the house's",
	"runs_at_work":          "a gateway's own",
	"runs_open":             "a gateway's own",
	"runs_pkey":             "a UUID",
	"runs_request":          "a UUID",
	"signals_pkey":          "of one payment",
	"statement_days_pkey":   "a gateway's own",
	"statement_lines_pkey":  "of one reading of a gateway's statement",
}

// migratedDB is PostgreSQL with the journal's schema, and the schema's name.
func migratedDB(t *testing.T) *sql.DB {
	t.Helper()
	url := pgtest.URL(t)
	s, err := journal.Open(journal.Options{URL: url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	db, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestEveryUniqueKeyBeginsWithTheTenantOrSaysWhyNot(t *testing.T) {
	db := migratedDB(t)
	first := map[string]string{} // column, by key
	for _, row := range column(t, db, `SELECT c.relname || ' ' || a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indisunique AND c.relnamespace = CAST(current_schema() AS regnamespace)`) {
		name, column, _ := strings.Cut(row, " ")
		first[name] = column
	}
	if len(first) < 30 {
		t.Fatalf("only %d unique keys were found", len(first))
	}
	text, err := os.ReadFile("../../docs/scaling.md")
	must(t, err)
	for _, name := range slices.Sorted(maps.Keys(first)) {
		_, known := uniqueKeys[name]
		switch {
		case first[name] == "tenant" && known:
			t.Errorf("%s begins with the tenant now: strike it off the list", name)
		case first[name] != "tenant" && !known:
			t.Errorf("%s does not begin with the tenant: a table with it cannot be spread by tenant; put it on the list with its reason, and into docs/scaling.md", name)
		}
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/scaling.md does not tell of %s", name)
		}
	}
	for name := range uniqueKeys {
		if _, ok := first[name]; !ok {
			t.Errorf("there is no key %s any more", name)
		}
	}
}

// What a schema may have that other engines lack, or have in another way.
func TestTheSchemaIsMadeOfWhatOtherEnginesHave(t *testing.T) {
	db := migratedDB(t)
	for what, c := range map[string]struct {
		query string
		want  []string
	}{
		"sequences": {`SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = CAST(current_schema() AS regnamespace)`,
			[]string{"goose_db_version_id_seq"}}, // the tool's own
		"constraints besides primary keys": {`SELECT conname FROM pg_constraint WHERE connamespace = CAST(current_schema() AS regnamespace) AND contype NOT IN ('p', 'n')`, nil},
		"types": {`SELECT DISTINCT CAST(data_type AS TEXT) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%' ORDER BY 1`,
			[]string{"bigint", "boolean", "bytea", "text"}},
		"triggers": {`SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT tgisinternal AND c.relnamespace = CAST(current_schema() AS regnamespace) ORDER BY 1`,
			[]string{"audit_stays", "audit_stays_whole"}}, // a guard against hands; nothing needs them
		"functions":              {`SELECT proname FROM pg_proc WHERE pronamespace = CAST(current_schema() AS regnamespace)`, []string{"audit_stays"}},
		"indexes of other kinds": {`SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexdef NOT LIKE '% USING btree %'`, nil},
		"indexes of expressions": {`SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indexprs IS NOT NULL AND c.relnamespace = CAST(current_schema() AS regnamespace)`, nil},
		"columns that are computed": {`SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%'
			AND (is_generated <> 'NEVER' OR is_identity <> 'NO' OR column_default LIKE '%(%')`, nil},
		"views and other kinds of tables": {`SELECT relname FROM pg_class WHERE relkind NOT IN ('r', 'i', 'S', 't') AND relnamespace = CAST(current_schema() AS regnamespace)`, nil},
	} {
		if got := column(t, db, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q; docs/scaling.md says what that costs", what, got, c.want)
		}
	}
}

// unportable is what other engines lack, or do in another way, or what ties a transaction to
// one connection or one machine.
var unportable = map[string]*regexp.Regexp{
	"an advisory lock":           regexp.MustCompile(`(?i)pg_(try_)?advisory`),
	"a sequence":                 regexp.MustCompile(`(?i)\b(nextval|currval|setval|(small|big)?serial|generated\s+(always|by))\b`),
	"LISTEN or NOTIFY":           regexp.MustCompile(`(?i)^\s*(UN)?LISTEN\b|^\s*NOTIFY\b|pg_notify`),
	"an explicit lock":           regexp.MustCompile(`(?i)\bFOR\s+(NO\s+KEY\s+)?(UPDATE|SHARE)\b|\bFOR\s+KEY\s+SHARE\b|\bSKIP\s+LOCKED\b|\bLOCK\s+TABLE\b`),
	"a foreign key":              regexp.MustCompile(`(?i)\bREFERENCES\s+\w+\s*\(|\bFOREIGN\s+KEY\b`),
	"a savepoint":                regexp.MustCompile(`(?i)\bSAVEPOINT\b`),
	"a cast of PostgreSQL's own": regexp.MustCompile(`\w::\w`),
	"a row's place":              regexp.MustCompile(`(?i)\b(ctid|xmin|xmax|txid_current|pg_snapshot)\b`),
	"something temporary":        regexp.MustCompile(`(?i)\bCREATE\s+(TEMP|TEMPORARY|UNLOGGED)\b|\bDECLARE\s+\w+\s+CURSOR\b`),
	"a bulk copy":                regexp.MustCompile(`(?i)^\s*COPY\s`),
	"the server's own clock":     regexp.MustCompile(`(?i)\b(now\(\)|current_timestamp|clock_timestamp\(\))`),
	"the server's own tables":    regexp.MustCompile(`(?i)\bpg_\w+`),
}

// excusedStatements are those that do so all the same, and why.
var excusedStatements = map[string]string{
	"SAVEPOINT one":                         "SQLite alone is asked for it, where payments share a transaction",
	"SELECT clock_timestamp()":              "replicas go by one clock, and not by their own; any engine's will do",
	"SELECT pg_postmaster_start_time()":     "tells one server from another: an engine that has many needs something else here",
	"SELECT COUNT(*) FROM pg_indexes WHERE": "the answer to a bank's question; the engines that were read about have the view",
	"SELECT COUNT(*) FROM pg_tables WHERE":  "whether the schema is there at all; the engines that were read about have the view",
}

func complaint(statement string) string {
	statement = strings.Join(strings.Fields(statement), " ")
	for begin := range excusedStatements {
		if strings.HasPrefix(statement, begin) {
			return ""
		}
	}
	for what, pattern := range unportable {
		if pattern.MatchString(statement) {
			return what
		}
	}
	return ""
}

func TestStatementsAreMadeOfWhatOtherEnginesHave(t *testing.T) {
	seen := map[string]bool{}
	statements := statementsOf(t)
	if len(statements) < 150 {
		t.Fatalf("only %d statements were found", len(statements))
	}
	for _, s := range statements {
		if why := complaint(s.text); why != "" {
			t.Errorf("%s: %s: docs/scaling.md says that there is none: %s", s.at, why, s.text)
		}
		for begin := range excusedStatements {
			seen[begin] = seen[begin] || strings.HasPrefix(strings.Join(strings.Fields(s.text), " "), begin)
		}
	}
	for begin := range excusedStatements {
		if !seen[begin] {
			t.Errorf("no statement begins with %q any more", begin)
		}
	}
}

func TestWhatOtherEnginesLackIsSeen(t *testing.T) {
	for statement, want := range map[string]string{
		`SELECT pg_try_advisory_xact_lock($1)`:                                      "an advisory lock",
		`SELECT nextval('orders')`:                                                  "a sequence",
		`CREATE TABLE t (id BIGSERIAL PRIMARY KEY)`:                                 "a sequence",
		`LISTEN changes`:                                                            "LISTEN or NOTIFY",
		`SELECT id FROM payments WHERE due_at < $1 FOR UPDATE SKIP LOCKED`:          "an explicit lock",
		`CREATE TABLE t (payment_id TEXT REFERENCES payments (id))`:                 "a foreign key",
		`SAVEPOINT before`:                                                          "a savepoint",
		`SELECT body::jsonb FROM events`:                                            "a cast of PostgreSQL's own",
		`DELETE FROM outbox WHERE ctid = $1`:                                        "a row's place",
		`COPY events FROM STDIN`:                                                    "a bulk copy",
		`UPDATE payments SET updated_at = now()`:                                    "the server's own clock",
		`SELECT COUNT(*) FROM pg_stat_activity`:                                     "the server's own tables",
		`SELECT id FROM payments WHERE tenant = $1 ORDER BY created_at, id LIMIT 9`: "",
	} {
		if want == "" && complaint(statement) != "" || want != "" && (complaint(statement) == "" || !unportable[want].MatchString(statement)) {
			t.Errorf("%s: seen as %q, want %q", statement, complaint(statement), want)
		}
	}
}

type sqlText struct{ at, text string }

var beginsStatement = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|ANALYZE|LOCK|LISTEN|NOTIFY|COPY|SAVEPOINT|WHERE|AND|ON|ORDER|SET)\b`)

// statementsOf are all texts of SQL in the journal, whole or in parts, and its migrations.
func statementsOf(t *testing.T) (all []sqlText) {
	t.Helper()
	for path, file := range sourcesOf(t) {
		ast.Inspect(file.tree, func(n ast.Node) bool {
			l, ok := n.(*ast.BasicLit)
			if !ok || l.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(l.Value); err == nil && beginsStatement.MatchString(text) && text != strings.TrimSpace(strings.ToLower(text)) {
				all = append(all, sqlText{path + ":" + strconv.Itoa(file.set.Position(l.Pos()).Line), text})
			}
			return true
		})
	}
	steps, err := fs.Glob(os.DirFS("migrations"), "*.sql")
	must(t, err)
	for _, step := range steps {
		text, err := os.ReadFile(filepath.Join("migrations", step))
		must(t, err)
		for s := range strings.SplitSeq(regexp.MustCompile(`--.*`).ReplaceAllString(string(text), ""), ";") {
			if strings.TrimSpace(s) != "" {
				all = append(all, sqlText{step, s})
			}
		}
	}
	return all
}

type sourceFile struct {
	set  *token.FileSet
	tree *ast.File
}

func sourcesOf(t *testing.T) map[string]sourceFile {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	must(t, err)
	all := map[string]sourceFile{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, path, nil, 0)
		must(t, err)
		all[path] = sourceFile{set, tree}
	}
	return all
}

// onceOnly are the uses of the writing connections that are not run again when another
// transaction was in the way, and why.
var onceOnly = map[string]string{
	"advance.commit":              "it decides again",
	"insist.commit":               "it is what runs again",
	"aloneSQLite.BeginTx":         "commit, of which it is a part, runs again",
	"plainSQLite.BeginTx":         "commit, of which it is a part, runs again",
	"apartSQLite.BeginTx":         "commit, of which it is a part, runs again",
	"withPostgres.Conn":           "commit, of which it is a part, runs again",
	"settle.transact":             "it is what runs again",
	"confirm.transact":            "again runs it again",
	"execOnce.Conn":               "exec runs it again",
	"transact.Conn":               "settle runs it again",
	"Claim.QueryContext":          "the worker comes again",
	"ClaimImport.QueryRowContext": "the reader comes again",
	"ClaimRun.QueryRowContext":    "the office comes again",
	// And what reads there.
	"Request.QueryRowContext": "a read", "orderTaken.QueryRowContext": "a read", "Import.QueryRowContext": "a read", "evidence.QueryContext": "a read",
	"LookOver.QueryRowContext": "a read", "follow.QueryRowContext": "a read", "steps.QueryContext": "a read", "steps.QueryRowContext": "a read",
}

// Nobody writes past settle, insist and exec.
func TestWhateverWritesRunsAgainWhereAnotherTransactionWasInTheWay(t *testing.T) {
	used := map[string]bool{}
	for path, file := range sourcesOf(t) {
		for _, d := range file.tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				on, inner := method.X.(*ast.SelectorExpr)
				store, plain := method.X.(*ast.Ident)
				commits := plain && store.Name == "s" && method.Sel.Name == "commit"
				if method.Sel.Name != "transact" && !commits && !(inner && on.Sel.Name == "write" && method.Sel.Name != "Close" && !strings.HasPrefix(method.Sel.Name, "SetMax")) {
					return true
				}
				use := f.Name.Name + "." + method.Sel.Name
				used[use] = true
				if _, ok := onceOnly[use]; !ok {
					t.Errorf("%s: %s is not run again where another transaction was in the way: write through settle, insist or exec", path, use)
				}
				return true
			})
		}
	}
	for use := range onceOnly {
		if !used[use] {
			t.Errorf("%s is no more: strike it off the list", use)
		}
	}
}
