package bulk

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// lite are books in a file of SQLite.
type lite struct {
	db      *sql.DB
	conn    *sql.Conn
	inserts [len(tables)]string
	indexes []string // the statements that make them anew
}

func openSQLite(ctx context.Context, path string) (_ books, err error) {
	// Without a journal: books that are not finished are of no use. finish puts it back.
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-1000000)&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return nil, err
	}
	l := &lite{db: db}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	var any bool
	if err := l.conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM payments)`).Scan(&any); err != nil {
		return nil, err
	}
	if any {
		return nil, ErrNotEmpty
	}
	if err := l.bare(ctx); err != nil {
		return nil, err
	}
	for i, t := range tables {
		places := make([]string, len(t.columns))
		for j := range places {
			places[j] = "$" + strconv.Itoa(j+1)
		}
		l.inserts[i] = "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
	}
	return l, nil
}

// bare takes off the indexes of the tables. Their keys stay: SQLite cannot part with them.
func (l *lite) bare(ctx context.Context) error {
	rows, err := l.conn.QueryContext(ctx, `SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var drops []string
	for rows.Next() {
		var name, of, create string
		if err := rows.Scan(&name, &of, &create); err != nil {
			return err
		}
		for _, t := range names() {
			if t == of {
				drops, l.indexes = append(drops, name), append(l.indexes, create)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range drops {
		if _, err := l.conn.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return err
		}
	}
	return nil
}

func (l *lite) write(ctx context.Context, b *batch) error {
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for i, rows := range b {
		if err := l.insert(ctx, tx, i, rows); err != nil {
			return fmt.Errorf("insert into %s: %w", tables[i].name, err)
		}
	}
	return tx.Commit()
}

func (l *lite) insert(ctx context.Context, tx *sql.Tx, table int, rows [][]any) error {
	insert, err := tx.PrepareContext(ctx, l.inserts[table])
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for _, row := range rows {
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

func (l *lite) finish(ctx context.Context) error {
	// The service never has SQLite look at its tables, so nothing does here.
	for _, s := range append(l.indexes, `PRAGMA journal_mode = WAL`) {
		if _, err := l.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (l *lite) close() {
	if l.conn != nil {
		_ = l.conn.Close()
	}
	_ = l.db.Close()
}
