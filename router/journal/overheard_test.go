package journal_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// statement is one that was sent to a database. SQLite plans without looking at the values.
type statement struct {
	text string // its words, parted by single spaces
	args []any
}

// ears hear every statement of the books that overheard opens.
type ears struct {
	mu    sync.Mutex
	heard []statement
}

func (e *ears) hear(text string, args []any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, statement{strings.Join(strings.Fields(text), " "), args})
}

// take returns what was heard since it was called last.
func (e *ears) take() []statement {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// TraceQueryStart hears a statement to PostgreSQL.
func (e *ears) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	e.hear(data.SQL, values(data.Args))
	return ctx
}

// TraceQueryEnd is for the interface.
func (e *ears) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart is for the interface: each statement of a batch is heard by itself.
func (e *ears) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery hears a statement of a batch.
func (e *ears) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	e.hear(data.SQL, values(data.Args))
}

// values are the arguments of a statement without the driver's own word before them.
func values(args []any) []any {
	if len(args) > 0 {
		if _, ok := args[0].(pgx.QueryResultFormatsByOID); ok {
			return args[1:]
		}
	}
	return args
}

// TraceBatchEnd is for the interface.
func (e *ears) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// overheard opens and migrates books, and hears what they are asked from then on.
func overheard(t *testing.T, url string, e *ears) *journal.Store {
	t.Helper()
	o := journal.Options{URL: url, Due: func(p payment.Payment, _ time.Time) time.Time { return p.Updated }}
	var connector driver.Connector
	if path, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		connector = wire{"file:" + path + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate", e}
	}
	s, err := journal.Overheard(o, connector, e)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	must(t, s.Migrate(t.Context()))
	e.take()
	return s
}

// wire connects to SQLite.
type wire struct {
	dsn  string
	ears *ears
}

// Driver is for the interface.
func (wire) Driver() driver.Driver { return nil }

// Connect opens a connection that is listened to.
func (w wire) Connect(context.Context) (driver.Conn, error) {
	db, err := sql.Open("sqlite", w.dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Driver().Open(w.dsn)
	if err != nil {
		return nil, err
	}
	able, ok := conn.(ableConn)
	if !ok {
		return nil, fmt.Errorf("%T can do less than before", conn)
	}
	return tapped{able, w.ears}, nil
}

// ableConn is what the driver's connections can do.
type ableConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type tapped struct {
	ableConn
	ears *ears
}

// PrepareContext hears a statement that may be sent often.
func (l tapped) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	l.ears.hear(query, nil)
	return l.ableConn.PrepareContext(ctx, query)
}

// ExecContext hears a statement.
func (l tapped) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	l.ears.hear(query, nil)
	return l.ableConn.ExecContext(ctx, query, args)
}

// QueryContext hears a statement.
func (l tapped) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	l.ears.hear(query, nil)
	return l.ableConn.QueryContext(ctx, query, args)
}
