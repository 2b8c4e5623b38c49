package journal_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite "modernc.org/sqlite"
)

// strict is SQLite behind connections that fail one transaction as engines do that isolate
// transactions strictly: with SQLSTATE 40001, at any statement or at COMMIT, and nothing of the
// transaction is kept. Reads outside transactions do not fail: those engines run them again by
// themselves.
type strict struct {
	path string

	mu     sync.Mutex
	points []string // where one could fail, so far
	fail   int      // which of them does, from 1; 0 none
	always bool     // all of them do
	failed string
}

// errSerialization is what it fails with.
var errSerialization = &pgconn.PgError{Severity: "ERROR", Code: "40001", Message: "could not serialize access due to concurrent update"}

// point is one more place in which a transaction may fail.
func (s *strict) point(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	what = strings.Join(strings.Fields(what), " ")
	if s.points = append(s.points, what); len(s.points) != s.fail && !s.always {
		return nil
	}
	s.failed = what
	return errSerialization
}

func (s *strict) Driver() driver.Driver { return &sqlite.Driver{} }

func (s *strict) Connect(context.Context) (driver.Conn, error) {
	conn, err := (&sqlite.Driver{}).Open("file:" + s.path + "?_pragma=foreign_keys(1)&_pragma=synchronous(OFF)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	real, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T lacks what is needed of a connection", conn), conn.Close())
	}
	return &strictConn{sqliteConn: real, of: s}, nil
}

// sqliteConn is what modernc's connection offers.
type sqliteConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnBeginTx
}

type strictConn struct {
	sqliteConn
	of      *strict
	within  bool // a transaction
	aborted bool // and it has failed: PostgreSQL answers nothing more in it
}

// errAborted is what follows a failure within the same transaction.
var errAborted = &pgconn.PgError{Severity: "ERROR", Code: "25P02", Message: "current transaction is aborted, commands ignored until end of transaction block"}

func (c *strictConn) statement(query string) error {
	if c.aborted {
		return errAborted
	}
	words := strings.Fields(query)
	if !c.within && !slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, words[0]) {
		return nil
	}
	err := c.of.point(query)
	c.aborted = err != nil && c.within
	return err
}

func (c *strictConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.statement(query); err != nil {
		return nil, err
	}
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c *strictConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.statement(query); err != nil {
		return nil, err
	}
	return c.sqliteConn.QueryContext(ctx, query, args)
}

func (c *strictConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.sqliteConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	c.within = true
	return &strictTx{Tx: tx, conn: c}, nil
}

type strictTx struct {
	driver.Tx
	conn *strictConn
}

func (t *strictTx) Commit() error {
	if err := t.conn.of.point("COMMIT"); err != nil {
		return errors.Join(err, t.Rollback())
	}
	t.conn.within = false
	return t.Tx.Commit()
}

func (t *strictTx) Rollback() error {
	t.conn.within, t.conn.aborted = false, false
	return t.Tx.Rollback()
}
