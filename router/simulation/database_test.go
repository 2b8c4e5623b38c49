package simulation

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the engine behind all sessions

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// database is the one store of the house: a real SQLite database with one connection, and
// before it the sessions of all processes. What goes wrong goes wrong in the sessions.
type database struct {
	w    *world
	real engine
	turn chan struct{} // whoever holds the token speaks to the engine

	prepared map[string]driver.Stmt // by text: half the time of a seed would go into reading SQL

	atPlan func() // called with the token held, when a plan was committed

	down atomic.Bool  // nobody gets through
	slow atomic.Int64 // every statement takes up to so much longer (nanoseconds)
	disk atomic.Int64 // and every commit, in seeds whose disk takes time
}

// engine is what modernc's connection offers.
type engine interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnBeginTx
	Serialize() ([]byte, error)
	Deserialize([]byte) error
}

// write is one statement of a transaction that became durable.
type write struct {
	query string
	args  []driver.NamedValue
}

// eventRow is an event as a statement writes it.
type eventRow struct {
	payment     string
	seq, at     int64
	actor, kind string
	body        string
}

// events are those that a statement writes, all of one payment.
func (w write) events() []eventRow {
	if !strings.HasPrefix(strings.TrimSpace(w.query), "INSERT INTO events (payment_id, writer, seq, at, actor, kind, body)") {
		return nil
	}
	var all []eventRow
	for row := range slices.Chunk(w.args[2:], 5) { // after the payment and the writer
		all = append(all, eventRow{w.args[0].Value.(string), row[0].Value.(int64), row[1].Value.(int64),
			row[2].Value.(string), row[3].Value.(string), row[4].Value.(string)})
	}
	return all
}

// empty is a database with the schema and nothing in it, made once for all seeds.
var empty = sync.OnceValues(func() ([]byte, error) {
	d, err := openDatabase(nil)
	if err != nil {
		return nil, err
	}
	never := func(payment.Payment, time.Time) time.Time { return time.Time{} }
	store, err := journal.Open(journal.Options{Connector: connector{d: d}, Due: never, MaxConns: 1})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if err := store.Migrate(context.Background()); err != nil {
		return nil, err
	}
	return d.real.Serialize()
})

func openDatabase(content []byte) (*database, error) {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Driver().Open("file::memory:?_pragma=foreign_keys(1)&_pragma=synchronous(OFF)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	d := &database{real: conn.(engine), turn: make(chan struct{}, 1), prepared: map[string]driver.Stmt{}}
	d.turn <- struct{}{}
	if content != nil {
		err = d.real.Deserialize(slices.Clone(content))
	}
	return d, err
}

// statement prepares a text once. Scripts, as of migrations, are not for it.
func (d *database) statement(query string) (driver.Stmt, error) {
	if kept, ok := d.prepared[query]; ok {
		return kept, nil
	}
	made, err := d.real.Prepare(query)
	if err == nil {
		d.prepared[query] = made
	}
	return made, err
}

func (d *database) exec(query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return d.real.ExecContext(context.Background(), query, args)
	}
	s, err := d.statement(query)
	if err != nil {
		return nil, err
	}
	return s.(driver.StmtExecContext).ExecContext(context.Background(), args)
}

func (d *database) query(query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := d.statement(query)
	if err != nil {
		return nil, err
	}
	return s.(driver.StmtQueryContext).QueryContext(context.Background(), args)
}

// close frees the engine.
func (d *database) close() error {
	for _, s := range d.prepared {
		_ = s.Close()
	}
	return d.real.Close()
}

// rows asks the engine itself, without faults. The token must be held.
func (d *database) rows(query string, args ...any) [][]driver.Value {
	var named []driver.NamedValue
	for i, a := range args {
		named = append(named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	found, err := d.real.QueryContext(context.Background(), query, named)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", query, err))
	}
	all, err := drained(found)
	if err != nil {
		panic(err)
	}
	return all.rows
}

// ask is rows for whoever does not hold the token.
func (d *database) ask(query string, args ...any) [][]driver.Value {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	return d.rows(query, args...)
}

func (d *database) pragma(text string) {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	if _, err := d.real.ExecContext(context.Background(), text, nil); err != nil {
		panic(err)
	}
}

// fill makes the disk full: SQLite itself refuses whatever needs another page.
func (d *database) fill() {
	pages := d.ask("PRAGMA page_count")[0][0].(int64)
	d.pragma(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
}

func (d *database) makeRoom() { d.pragma("PRAGMA max_page_count = 1000000") }

// copyNow is the database as it is.
func (d *database) copyNow() func() []byte {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	content := d.serialized()
	return func() []byte { return content }
}

// copyAtPlan is the database as it will be when the next plan is committed, or as it is
// now if none comes.
func (d *database) copyAtPlan() func() []byte {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	content, taken := d.serialized(), false
	d.atPlan = func() {
		if !taken {
			content, taken = d.serialized(), true
		}
	}
	return func() []byte { return content }
}

// serialized is the whole database. The token must be held.
func (d *database) serialized() []byte {
	content, err := d.real.Serialize()
	if err != nil {
		panic(err)
	}
	return content
}

// replace makes the database another one. The token must be held.
func (d *database) replace(content []byte) {
	for query, s := range d.prepared {
		if err := s.Close(); err != nil {
			panic(fmt.Sprintf("%s: %v", query, err))
		}
		delete(d.prepared, query)
	}
	if err := d.real.Deserialize(slices.Clone(content)); err != nil {
		panic(err)
	}
}

// answer is a result held in memory.
type answer struct {
	columns []string
	rows    [][]driver.Value
}

func drained(from driver.Rows) (*answer, error) {
	defer from.Close()
	a := &answer{columns: from.Columns()}
	for {
		row := make([]driver.Value, len(a.columns))
		if err := from.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return a, err
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				row[i] = slices.Clone(b)
			}
		}
		a.rows = append(a.rows, row)
	}
}

// Columns names them.
func (a *answer) Columns() []string { return a.columns }

// Close has nothing to release.
func (a *answer) Close() error { return nil }

// Next hands out one row.
func (a *answer) Next(into []driver.Value) error {
	if len(a.rows) == 0 {
		return io.EOF
	}
	copy(into, a.rows[0])
	a.rows = a.rows[1:]
	return nil
}
