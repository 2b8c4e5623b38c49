package journal_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/pgtest"
)

// silent are the methods of Store that send no statement, or none to the tables of the books.
var silent = []string{"Close", "Engine", "Migrate", "Moved", "Patience", "Ping", "Settle", "StartAnew", "TellAgain",
	"EachByItself", "Together"} // these two are of the tests alone

// books are a database with its planner.
type planner interface {
	// prepare makes the books such that the planner chooses as it does in production.
	prepare(t *testing.T, rows *sql.DB)
	// plan returns what is wrong with a statement's plans, and the plans.
	plan(t *testing.T, rows *sql.DB, s statement) (wrong []string, plans string)
	// tables asks for the names of all tables.
	tables() string
}

// Whoever adds a statement adds it to the uses, or this test fails; and a plan that reads more
// the older the books are fails here, long before anybody feels it.
func TestNoStatementReadsMoreTheOlderTheBooksAre(t *testing.T) {
	needed, engines := map[int]bool{}, 0 // excuses, and how many engines were asked
	for engine, of := range map[string]func(*testing.T) (planner, string, string, string){
		"sqlite": func(t *testing.T) (planner, string, string, string) {
			path := filepath.Join(t.TempDir(), "books.db")
			return &sqlitePlanner{}, "sqlite:" + path, "sqlite", "file:" + path
		},
		"postgresql": func(t *testing.T) (planner, string, string, string) {
			url := pgtest.URL(t)
			return postgresPlanner{}, url, "pgx", url
		},
	} {
		t.Run(engine, func(t *testing.T) {
			planner, url, driver, dsn := of(t)
			sent := everyStatement(t, url)
			rows, err := sql.Open(driver, dsn)
			must(t, err)
			defer rows.Close()
			rows.SetMaxOpenConns(1)
			everyTableIsListed(t, rows, planner.tables())
			planner.prepare(t, rows)
			for _, method := range slices.Sorted(maps.Keys(sent)) {
				for _, s := range sent[method] {
					wrong, plans := planner.plan(t, rows, s)
					if len(wrong) == 0 {
						continue
					}
					i := slices.IndexFunc(excused, func(e excuse) bool { return e.covers(engine, method, s.text) })
					if needed[i] = true; i < 0 {
						t.Errorf("%s %s:\n%s\n%s", method, strings.Join(wrong, ", "), s.text, plans)
					}
				}
			}
			engines++
			for index, method := range map[string]string{"attempts_external": "FindAttempt", "outbox_waiting": "Number", "payments_page": "List"} {
				_, err := rows.ExecContext(t.Context(), "DROP INDEX "+index)
				must(t, err)
				seen := false
				for _, s := range sent[method] {
					wrong, _ := planner.plan(t, rows, s)
					seen = seen || len(wrong) > 0 && !slices.ContainsFunc(excused, func(e excuse) bool { return e.covers(engine, method, s.text) })
				}
				if !seen {
					t.Errorf("nobody sees that %s is not there", index)
				}
			}
		})
	}
	for i, e := range excused {
		if engines == 2 && !needed[i] {
			t.Errorf("%s needs no excuse any more: %s", e.method, e.reason)
		}
	}
}

// everyStatement uses the books in every way, and returns the different statements that each
// method of Store was the first to send.
func everyStatement(t *testing.T, url string) map[string][]statement {
	t.Helper()
	e := &ears{}
	u := &user{Store: overheard(t, url, e), t: t, ctx: t.Context()}
	sent, known, called := map[string][]statement{}, map[string]bool{}, slices.Clone(silent)
	for _, use := range uses() {
		use.call(u)
		heard := e.take()
		if called = append(called, use.method); len(heard) == 0 {
			if u.Engine() == "sqlite" && (use.method == "Clock" || use.method == "Analyze") {
				continue
			}
			t.Errorf("%s sends nothing", use.method)
		}
		for _, s := range heard {
			if !known[s.text] {
				known[s.text] = true
				sent[use.method] = append(sent[use.method], s)
			}
		}
	}
	store := reflect.TypeFor[*journal.Store]()
	for i := range store.NumMethod() {
		if method := store.Method(i).Name; !slices.Contains(called, method) {
			t.Errorf("nobody calls %s: add it to the uses", method)
		}
	}
	everyTextIsSent(t, u.Engine(), slices.Collect(maps.Keys(known)))
	return sent
}

func everyTableIsListed(t *testing.T, rows *sql.DB, query string) {
	t.Helper()
	found, err := rows.QueryContext(t.Context(), query)
	must(t, err)
	defer found.Close()
	there := map[string]bool{}
	for found.Next() {
		var table string
		must(t, found.Scan(&table))
		there[table] = true
		if (growing[table] == "") == (small[table] == "") {
			t.Errorf("does %s grow with payments, or does it stay small? It stands in none of the lists, or in both", table)
		}
	}
	must(t, found.Err())
	for _, table := range slices.Concat(slices.Collect(maps.Keys(growing)), slices.Collect(maps.Keys(small))) {
		if !there[table] {
			t.Errorf("there is no table %s", table)
		}
	}
}

// reads says what of a growing table an access reads, and whether that is too much. limited: a
// LIMIT ends it, and nothing that it reads is left out.
func reads(table, index string, equal, between []string, limited bool) (wrong string) {
	switch {
	case growing[table] == "", few[index] != "", limited, len(between) > 0:
		return ""
	case slices.ContainsFunc(equal, func(column string) bool { return slices.Contains(narrow, column) }):
		return ""
	case index == "":
		return "reads all of " + table
	case len(equal) == 0:
		return fmt.Sprintf("reads all of %s by %s", table, index)
	}
	return fmt.Sprintf("reads all that %s has under one %s by %s", table, strings.Join(equal, ", "), index)
}
