package journal

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// write is what one caller wants to have written: all of it or nothing. It is made before any
// transaction begins, so that several can share one.
type write struct {
	mark       mark // as it stood when the write was made
	opens      bool // a payment, which is not begun at a server that nobody has looked over
	statements []statement
}

// statement is one statement of a write.
type statement struct {
	text  string
	args  []any
	rows  int64 // it must change so many,
	short error // or else this is why the write is refused; nil when any number is fine
	books bool  // it may have been refused because the books went back
}

// newWrite has room for the statements of a charge.
func (s *Store) newWrite() *write {
	return &write{mark: s.lastMark(), statements: make([]statement, 0, 6)}
}

// add appends a statement that may change any number of rows.
func (w *write) add(text string, args ...any) {
	w.statements = append(w.statements, statement{text: text, args: args})
}

// must appends a statement that changes so many rows, or the write is refused for a reason.
func (w *write) must(rows int, short error, text string, args ...any) {
	w.statements = append(w.statements, statement{text: text, args: args, rows: int64(rows), short: short})
}

// guard appends a statement with the condition that the mark stands: it changes one row.
func (w *write) guard(short error, text string, args ...any) {
	w.statements = append(w.statements, statement{text: text, args: args, rows: 1, short: short, books: true})
}

// shortError says which statement of a write changed too few rows.
type shortError struct{ of statement }

func (e *shortError) Error() string { return e.of.short.Error() }

// Unwrap gives the reason.
func (e *shortError) Unwrap() error { return e.of.short }

// check holds what a statement changed against what it must.
func (st statement) check(rows int64) error {
	if st.short != nil && rows != st.rows {
		return &shortError{st}
	}
	return nil
}

// why is the error of a write that was not made: the books may be to blame for what looks like
// somebody else's doing.
func (s *Store) why(ctx context.Context, w *write, err error, from querier) error {
	short := (*shortError)(nil)
	if !errors.As(err, &short) || !short.of.books {
		return err
	}
	gone, moved, lookErr := s.gone(ctx, w.mark, from)
	switch {
	case lookErr != nil:
		return lookErr
	case gone:
		return ErrWentBack
	case moved: // the same goes well the next time
		return errConflict
	}
	return err
}

// carryOut makes a write within somebody's transaction.
func (s *Store) carryOut(ctx context.Context, tx *sql.Tx, w *write) error {
	for _, st := range w.statements {
		n, err := affected(tx.ExecContext(ctx, st.text, st.args...))
		if err == nil {
			err = st.check(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit makes a write durable, together with others or alone.
func (s *Store) commit(ctx context.Context, w *write) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, span := storeSpan(ctx)
	defer func() { ended(span, err) }()
	m := &member{write: w, ctx: ctx, until: time.Now().Add(s.timeout)}
	alone := s.group == nil
	if !alone {
		alone, err = s.group.do(m)
	}
	if alone {
		err = s.commitAlone(ctx, w, m.behind)
	}
	if short := (*shortError)(nil); errors.As(err, &short) {
		look, cancel := s.limit(context.WithoutCancel(ctx))
		defer cancel()
		return s.why(look, w, err, s.write)
	}
	return err
}

// commitAlone makes a write in a transaction of its own. One that is behind a lock keeps a connection
// while it waits, so some of those wait for their turn instead: others need connections, too.
func (s *Store) commitAlone(ctx context.Context, w *write, behind bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	if behind {
		select {
		case s.behindLocks <- struct{}{}:
			defer func() { <-s.behindLocks }()
		case <-ctx.Done():
			return errWaited
		}
	}
	if s.postgres {
		return s.withPostgres(ctx, func(p *pipeline) error { return p.alone(ctx, w) })
	}
	return s.aloneSQLite(ctx, w)
}
