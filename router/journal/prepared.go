package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// Reading SQL would be half of a charge's time on SQLite, and a third of what looks at the books
// every second, so its connections keep prepared what was asked of them. pgx does so by itself.

// mostPrepared is how many statements a connection of SQLite keeps: all that the journal has but
// for lists, whose texts differ in how much they ask for.
const mostPrepared = 256

// liteConnector opens connections of SQLite that keep their statements.
type liteConnector struct{ dsn string }

func (l liteConnector) Driver() driver.Driver { return &sqlite.Driver{} }

func (l liteConnector) Connect(context.Context) (driver.Conn, error) {
	opened, err := l.Driver().Open(l.dsn)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(liteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T lacks what is needed of a connection", opened), opened.Close())
	}
	return &keeper{liteConn: conn, kept: map[string]*keptStatement{}}, nil
}

// liteConn is what the driver's connection offers.
type liteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keeper is a connection and the statements that it keeps. database/sql gives it to one goroutine
// at a time.
type keeper struct {
	liteConn
	kept   map[string]*keptStatement
	asked  int64 // how many statements were, so far
	within bool  // a transaction
}

// keptStatement is one of them. It is busy while rows of it are open.
type keptStatement struct {
	liteStatement
	busy bool
	last int64 // when it was asked, as the keeper counts
}

type liteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (k *keeper) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	st, err := k.find(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case st == nil:
		return k.liteConn.ExecContext(ctx, text, args)
	}
	if k.within && ctx.Err() == nil {
		// The lock is had, so there is none to wait for, and the end of ctx is looked at before each
		// statement: to have it interrupted, the driver starts a goroutine for each.
		ctx = context.WithoutCancel(ctx)
	}
	return st.ExecContext(ctx, args)
}

func (k *keeper) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	st, err := k.find(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case st == nil:
		return k.liteConn.QueryContext(ctx, text, args)
	}
	rows, err := st.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	st.busy = true
	return &keptRows{Rows: rows, of: st}, nil
}

// keptRows give their statement back when they are closed.
type keptRows struct {
	driver.Rows
	of *keptStatement
}

func (r *keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

func (k *keeper) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := k.liteConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	k.within = true
	return keptTx{tx, k}, nil
}

// keptTx is a transaction of a connection that writes: its lock is taken when it begins.
type keptTx struct {
	driver.Tx
	of *keeper
}

func (t keptTx) Commit() error {
	t.of.within = false
	return t.Tx.Commit()
}

func (t keptTx) Rollback() error {
	t.of.within = false
	return t.Tx.Rollback()
}

// find returns a statement that is kept from now on; nil for one that is not, or of which rows
// are still open.
func (k *keeper) find(ctx context.Context, text string) (*keptStatement, error) {
	k.asked++
	st := k.kept[text]
	switch {
	case st != nil && st.busy, st == nil && !worthKeeping(text):
		return nil, nil
	case st != nil:
		st.last = k.asked
		return st, nil
	}
	if err := k.makeRoom(); err != nil {
		return nil, err
	}
	made, err := k.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	lite, ok := made.(liteStatement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T lacks what is needed of a statement", made), made.Close())
	}
	st = &keptStatement{liteStatement: lite, last: k.asked}
	k.kept[text] = st
	return st, nil
}

// worthKeeping leaves out what changes the tables or the connection: it comes once.
func worthKeeping(text string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch first {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// makeRoom closes the statement that was not asked for the longest, where too many are kept.
func (k *keeper) makeRoom() error {
	if len(k.kept) < mostPrepared {
		return nil
	}
	oldest := ""
	for text, st := range k.kept {
		if !st.busy && (oldest == "" || st.last < k.kept[oldest].last) {
			oldest = text
		}
	}
	if oldest == "" {
		return nil
	}
	st := k.kept[oldest]
	delete(k.kept, oldest)
	return st.Close()
}

func (k *keeper) Close() error {
	var err error
	for _, st := range k.kept {
		err = errors.Join(err, st.Close())
	}
	return errors.Join(err, k.liteConn.Close())
}
