package journal

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// Reading SQL would be half of a charge's time on SQLite, so what is asked often there stays
// prepared. pgx keeps the statements of PostgreSQL's connections prepared by itself.

// prepared are statements of one pool, by their text.
type prepared struct{ byText sync.Map }

// on returns the prepared form of a text, which it makes if need be: one of the pool's
// connections must be free.
func (k *prepared) on(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	if kept, ok := k.byText.Load(text); ok {
		return kept.(*sql.Stmt), nil
	}
	made, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	kept, double := k.byText.LoadOrStore(text, made)
	if double {
		_ = made.Close()
	}
	return kept.(*sql.Stmt), nil
}

// prepare makes sure of the prepared forms of what one transaction will write.
func (s *Store) prepare(ctx context.Context, texts ...string) error {
	if s.writing == nil {
		return nil
	}
	for _, text := range texts {
		if _, err := s.writing.on(ctx, s.write, text); err != nil {
			return err
		}
	}
	return nil
}

// execIn runs a statement in a transaction, by its prepared form where there is one.
func (s *Store) execIn(ctx context.Context, tx *sql.Tx, text string, args []any) (sql.Result, error) {
	if s.writing != nil {
		if kept, ok := s.writing.byText.Load(text); ok {
			return tx.StmtContext(ctx, kept.(*sql.Stmt)).ExecContext(ctx, args...)
		}
	}
	return tx.ExecContext(ctx, text, args...)
}

// query is for readings whose texts are few.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s.reading == nil {
		return s.read.QueryContext(ctx, text, args...)
	}
	kept, err := s.reading.on(ctx, s.read, text)
	if err != nil {
		return nil, err
	}
	return kept.QueryContext(ctx, args...)
}

// row is query for one row.
type row interface{ Scan(...any) error }

// noRow says on Scan why there is none.
type noRow struct{ err error }

func (r noRow) Scan(...any) error { return r.err }

func (s *Store) queryRow(ctx context.Context, text string, args ...any) row {
	if s.reading == nil {
		return s.read.QueryRowContext(ctx, text, args...)
	}
	kept, err := s.reading.on(ctx, s.read, text)
	if err != nil {
		return noRow{err}
	}
	return kept.QueryRowContext(ctx, args...)
}
