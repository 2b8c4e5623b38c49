package journal

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// Reading SQL would be half of a charge's time on SQLite, so what is asked often there stays
// prepared. pgx keeps the statements of PostgreSQL's connections prepared by itself.

// prepared are statements of one pool, by their text. They stay as long as it does.
type prepared struct {
	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

// find returns the prepared form of a text, or nil.
func (k *prepared) find(text string) *sql.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.byText[text]
}

// keep makes the prepared form of a text, where there is none yet: one of the pool's
// connections must be free.
func (k *prepared) keep(ctx context.Context, db *sql.DB, text string) error {
	if k.find(text) != nil {
		return nil
	}
	made, err := db.PrepareContext(ctx, text)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byText == nil {
		k.byText = map[string]*sql.Stmt{}
	}
	if k.byText[text] != nil { // somebody was faster
		return made.Close()
	}
	k.byText[text] = made
	return nil
}

// prepare makes sure of the prepared forms of what one transaction will write.
func (s *Store) prepare(ctx context.Context, texts ...string) error {
	if s.writing == nil {
		return nil
	}
	for _, text := range texts {
		if err := s.writing.keep(ctx, s.write, text); err != nil {
			return err
		}
	}
	return nil
}

// execIn runs a statement in a transaction, by its prepared form where there is one.
func (s *Store) execIn(ctx context.Context, tx *sql.Tx, text string, args []any) (sql.Result, error) {
	if s.writing != nil {
		if kept := s.writing.find(text); kept != nil {
			return tx.StmtContext(ctx, kept).ExecContext(ctx, args...)
		}
	}
	return tx.ExecContext(ctx, text, args...)
}

// query is for readings whose texts are few.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s.reading == nil {
		return s.read.QueryContext(ctx, text, args...)
	}
	if err := s.reading.keep(ctx, s.read, text); err != nil {
		return nil, err
	}
	return s.reading.find(text).QueryContext(ctx, args...)
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
	if err := s.reading.keep(ctx, s.read, text); err != nil {
		return noRow{err}
	}
	return s.reading.find(text).QueryRowContext(ctx, args...)
}
