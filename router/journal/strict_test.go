package journal_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// step is one use of the journal on books where those before it have been.
type step struct {
	name string
	do   func(t *testing.T, s *journal.Store)
}

// On an engine that isolates transactions strictly any of them may fail at any statement and at
// COMMIT, having done nothing. Whatever the journal does comes to the same books.
func TestATransactionThatIsRefusedForAnothersSakeComesToTheSameBooks(t *testing.T) {
	folder := t.TempDir()
	before := filepath.Join(folder, "before.db")
	s := openStrict(t, &strict{path: before})
	must(t, s.Migrate(t.Context()))
	must(t, s.Close())
	points := 0
	for i, step := range scriptOfAll() {
		after := filepath.Join(folder, fmt.Sprintf("after-%d.db", i))
		copyBooks(t, before, after)
		whole := &strict{path: after}
		s := openStrict(t, whole)
		step.do(t, s)
		must(t, s.Close())
		want := booksOf(t, after)
		if len(whole.points) == 0 || cmp.Equal(want, booksOf(t, before)) {
			t.Errorf("%s: changes nothing", step.name)
		}
		for n := range whole.points {
			points++
			path := filepath.Join(folder, "refused.db")
			copyBooks(t, before, path)
			refused := &strict{path: path, fail: n + 1}
			t.Run(fmt.Sprintf("%s/%d", step.name, n+1), func(t *testing.T) {
				s := openStrict(t, refused)
				defer s.Close()
				step.do(t, s)
			})
			if refused.failed == "" {
				t.Errorf("%s: nothing was refused at point %d of %d", step.name, n+1, len(whole.points))
			}
			if diff := cmp.Diff(want, booksOf(t, path)); diff != "" {
				t.Errorf("%s: refused once at %q, the books are others (-want +got):\n%s", step.name, refused.failed, diff)
			}
		}
		before = after
	}
	t.Logf("%d statements and commits were refused, one at a time", points)
}

// openStrict opens the journal on one connection that may refuse.
func openStrict(t *testing.T, of *strict) *journal.Store {
	t.Helper()
	terms := payment.Terms{}
	s, err := journal.Open(journal.Options{Connector: of, MaxConns: 1, Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
	must(t, err)
	return s
}

func copyBooks(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, content, 0o600))
}

// refusedOnce reports whether the engine refused a transaction for another one's sake.
func refusedOnce(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "40001"
}

// booksOf reads all that is in some books, but for the names of writers, which are drawn.
func booksOf(t *testing.T, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	must(t, err)
	defer db.Close()
	books := map[string][]string{}
	for _, table := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'`) {
		var names []string
		for _, name := range column(t, db, `SELECT name FROM pragma_table_info('`+table+`')`) {
			if name != "writer" {
				names = append(names, "COALESCE(CAST("+name+" AS TEXT), 'null')")
			}
		}
		books[table] = column(t, db, `SELECT `+strings.Join(names, ` || ' | ' || `)+` FROM `+table)
		slices.Sort(books[table])
	}
	return books
}

func column(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		must(t, rows.Scan(&text))
		all = append(all, text)
	}
	must(t, rows.Err())
	return all
}
