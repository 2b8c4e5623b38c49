package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brittle gives connections to SQLite that die at one statement, BEGIN and COMMIT counted.
type brittle struct {
	dsn   string
	at    int  // the statement; 0: none
	after bool // it is done, and nobody hears of it
	done  int
}

var errDead = errors.New("the connection is dead")

func (b *brittle) Driver() driver.Driver { return nil }

func (b *brittle) Connect(context.Context) (driver.Conn, error) {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Driver().Open(b.dsn)
	if err != nil {
		return nil, err
	}
	return &brittleConn{b, conn.(sqliteConn)}, nil
}

type sqliteConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnBeginTx
}

type brittleConn struct {
	*brittle
	real sqliteConn
}

// tried does a statement, or dies at it.
func tried[R any](c *brittleConn, do func() (R, error)) (none R, err error) {
	if c.done++; c.at > 0 && c.done >= c.at {
		if c.after && c.done == c.at {
			_, _ = do()
		}
		_ = c.real.Close() // what was not committed is rolled back
		return none, errDead
	}
	return do()
}

func (c *brittleConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return tried(c, func() (driver.Result, error) { return c.real.ExecContext(ctx, query, args) })
}

func (c *brittleConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return tried(c, func() (driver.Rows, error) { return c.real.QueryContext(ctx, query, args) })
}

func (c *brittleConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := tried(c, func() (driver.Tx, error) { return c.real.BeginTx(ctx, o) })
	return brittleTx{c, tx}, err
}

func (c *brittleConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c *brittleConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (c *brittleConn) Close() error                        { return nil }

type brittleTx struct {
	c  *brittleConn
	tx driver.Tx
}

func (t brittleTx) Commit() error {
	_, err := tried(t.c, func() (any, error) { return nil, t.tx.Commit() })
	return err
}

func (t brittleTx) Rollback() error { return nil } // the connection closes

// Wherever a process dies that archives, every history is whole, in one place, and the next
// process does what is left.
func TestAProcessThatDiesAtAnyStatementOfAnArchivingLosesNothing(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at, dies := 1, true; dies; at++ {
			t.Run(fmt.Sprintf("statement %d, done %t", at, after), func(t *testing.T) {
				s := shelfAt(t, "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
				ids := []string{"p1", "p2", "p3"}
				s.write("p1", paid()...)
				s.want(s.archive("pass"), 1, nil)
				p, err := s.Get(t.Context(), "p1")
				s.must(err)
				s.seen(p) // to be archived again
				s.write("p2", unsure()...)
				s.write("p3", paid()[:2]...)
				before := s.told(ids...)
				b := &brittle{dsn: "file:" + strings.TrimPrefix(s.url, "sqlite:") + "?_txlock=immediate", at: at, after: after}
				dying, err := Open(Options{Connector: b, Due: s.due, MaxConns: 1})
				s.must(err)
				_, err = dying.Archive(t.Context(), "pass", ArchiveWalk{Tenant: "shop", Began: later}, term, later, 10)
				s.must(dying.Close())
				dies = err != nil
				if dies && !errors.Is(err, errDead) {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, s.told(ids...)); diff != "" {
					t.Errorf("after the death readers are told (-before +after):\n%s", diff)
				}
				all := s.rows(`events WHERE payment_id <> 'p3'`)
				if moved := s.rows(`payments WHERE archived_seq = seq`); (moved != 0 || all != 2+4) && (moved != 2 || all != 2) {
					t.Errorf("%d are archived, and there are %d events", moved, all)
				}
				s.archive("pass")
				if diff := cmp.Diff(before, s.told(ids...)); diff != "" {
					t.Errorf("after the next one (-before +after):\n%s", diff)
				}
				if s.rows("archive") != 2 || s.rows("events WHERE payment_id <> 'p3'") != 2 || s.rows("payments WHERE archived_seq = seq") != 2 {
					t.Error("the next one left something")
				}
			})
			if at > 40 {
				t.Fatal("it never ends")
			}
		}
	}
}

// A step that the database refuses undoes all the others of its transaction.
func TestAHistoryIsArchivedWholeOrNotAtAll(t *testing.T) {
	for _, step := range []string{"UPDATE ON payments", "INSERT ON archive", "DELETE ON events", "UPDATE ON events", "INSERT ON archive_walks", "UPDATE ON retention_passes"} {
		t.Run(step, func(t *testing.T) {
			aging(t, func(s shelf) {
				s.write("a", paid()...)
				s.write("b", paid()...)
				if s.postgres {
					s.exec(`CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$`)
					s.exec(`CREATE TRIGGER refused BEFORE ` + step + ` FOR EACH ROW EXECUTE FUNCTION refused()`)
				} else {
					s.exec(`CREATE TRIGGER refused BEFORE ` + step + ` BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
				}
				before := s.dump()
				if a, err := s.Archive(t.Context(), "pass", ArchiveWalk{Tenant: "shop", Began: later}, term, later, 10); err == nil {
					t.Errorf("archived: %+v", a)
				}
				if diff := cmp.Diff(before, s.dump()); diff != "" {
					t.Errorf("changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}
