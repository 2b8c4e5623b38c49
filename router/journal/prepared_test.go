package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// lite is one connection to a new file, and the keeper behind it.
func lite(t *testing.T) (*sql.Conn, *keeper) {
	t.Helper()
	db := liteFile(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var k *keeper
	if err := conn.Raw(func(raw any) error { k = raw.(*keeper); return nil }); err != nil {
		t.Fatal(err)
	}
	must(t, conn, `CREATE TABLE t (n INTEGER)`)
	must(t, conn, `INSERT INTO t (n) VALUES ($1), ($2), ($3)`, 1, 2, 3)
	return conn, k
}

// liteFile is a new file behind a pool of one connection.
func liteFile(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(liteConnector{"file:" + filepath.Join(t.TempDir(), "books.db")})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func must(t *testing.T, conn *sql.Conn, text string, args ...any) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func TestAStatementWhoseRowsAreOpenCanBeAskedAgain(t *testing.T) {
	conn, k := lite(t)
	const text = `SELECT n FROM t WHERE n >= $1 ORDER BY n`
	outer, err := conn.QueryContext(t.Context(), text, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	var seen []int
	for outer.Next() {
		var n, inner int
		if err := outer.Scan(&n); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRowContext(t.Context(), text, n+1).Scan(&inner); err != nil && n < 3 {
			t.Fatal(err)
		}
		seen = append(seen, n, inner)
	}
	if got := fmt.Sprint(seen, outer.Err()); got != "[1 2 2 3 3 0] <nil>" {
		t.Errorf("seen %s", got)
	}
	if st := k.kept[text]; st == nil || st.busy {
		t.Errorf("kept %v", st)
	}
}

func TestAKeptStatementSeesATableThatWasChanged(t *testing.T) {
	conn, k := lite(t)
	const text = `SELECT COUNT(*) FROM t`
	for _, change := range []string{`ALTER TABLE t ADD COLUMN m INTEGER`, `CREATE INDEX t_n ON t (n)`, `DROP TABLE t`} {
		var n int
		if err := conn.QueryRowContext(t.Context(), text).Scan(&n); n != 3 || err != nil {
			t.Fatalf("before %s: %d, %v", change, n, err)
		}
		must(t, conn, change)
		if k.kept[change] != nil {
			t.Errorf("%s is kept", change)
		}
	}
	if _, err := conn.QueryContext(t.Context(), text); err == nil {
		t.Error("a table that is gone was read")
	}
	must(t, conn, `CREATE TABLE t (n INTEGER)`)
	var n int
	if err := conn.QueryRowContext(t.Context(), text).Scan(&n); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestWhatWasNotAskedTheLongestGivesWay(t *testing.T) {
	conn, k := lite(t)
	const often = `SELECT MAX(n) FROM t`
	for i := range 2 * mostPrepared {
		must(t, conn, often)
		must(t, conn, fmt.Sprintf(`SELECT %d`, i))
	}
	if len(k.kept) != mostPrepared || k.kept[often] == nil || k.kept[`SELECT 0`] != nil {
		t.Errorf("%d are kept, the frequent one: %t, the first: %t", len(k.kept), k.kept[often] != nil, k.kept[`SELECT 0`] != nil)
	}
}

func TestWithinATransactionTheEndOfItsContextIsSeenByTheNextStatement(t *testing.T) {
	db := liteFile(t) // whose pool gives the connection back once the transaction is over
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE t (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	const text = `INSERT INTO t (n) VALUES ($1)`
	for name, end := range map[string]func(context.CancelFunc){"ended": func(cancel context.CancelFunc) { cancel() }, "going on": func(context.CancelFunc) {}} {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, text, 7); err != nil {
			t.Fatal(err)
		}
		end(cancel)
		_, err = tx.ExecContext(ctx, text, 8)
		if ended := errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone); ended != (name == "ended") {
			t.Errorf("%s: %v", name, err)
		}
		_ = tx.Rollback()
		cancel()
		var n int
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM t`).Scan(&n); n != 0 || err != nil {
			t.Errorf("%s: %d rows stayed, %v", name, n, err)
		}
	}
}
