package journal

import (
	"context"
	"errors"
)

// runSQLite makes writes in one transaction of the one writer.
func (s *Store) runSQLite(members []*member) {
	ctx, cancel := s.ofLeader(members)
	defer cancel()
	if err := s.shareSQLite(ctx, members); err != nil {
		for _, m := range members { // also of those that were refused: by what may not stand
			m.err = err
		}
	}
}

// The ends of a member within its transaction.
const (
	savepoint = `SAVEPOINT one`
	release   = `RELEASE one`
	undo      = `ROLLBACK TO one`
)

// shareSQLite leaves in each member what is wrong with it, and returns what is wrong with all.
func (s *Store) shareSQLite(ctx context.Context, members []*member) error {
	if len(members) == 1 {
		return s.aloneSQLite(ctx, members[0].write)
	}
	if made, err := s.plainSQLite(ctx, members); made || err != nil {
		return err
	}
	return s.apartSQLite(ctx, members)
}

// plainSQLite makes the writes as if they were one. It reports false when one of them was
// refused: then nothing of any stands.
func (s *Store) plainSQLite(ctx context.Context, members []*member) (made bool, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for _, m := range members {
		err := s.carryOut(ctx, tx, m.write)
		if retryable(err) || err != nil && ctx.Err() != nil { // it is wrong with all
			return false, err
		}
		if err != nil {
			return false, nil
		}
	}
	return true, tx.Commit()
}

// apartSQLite gives each write a savepoint, so that one which is refused touches no other. It is
// for when one was: a savepoint has SQLite copy every page that the write touches.
func (s *Store) apartSQLite(ctx context.Context, members []*member) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	written := 0
	for _, m := range members {
		if _, err := tx.ExecContext(ctx, savepoint); err != nil {
			return err
		}
		if m.err = s.carryOut(ctx, tx, m.write); m.err == nil {
			written++
		} else {
			if retryable(m.err) || ctx.Err() != nil { // of the transaction nothing is left
				return m.err
			}
			if _, err := tx.ExecContext(ctx, undo); err != nil {
				return errors.Join(err, m.err)
			}
		}
		if _, err := tx.ExecContext(ctx, release); err != nil {
			return errors.Join(err, m.err)
		}
	}
	if written == 0 {
		return nil
	}
	return tx.Commit()
}

// aloneSQLite makes a write in a transaction of its own.
func (s *Store) aloneSQLite(ctx context.Context, w *write) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := s.carryOut(ctx, tx, w); err != nil {
		return err
	}
	return tx.Commit()
}

// ofLeader is the context of a transaction that several share: nobody's end is its end.
func (s *Store) ofLeader(members []*member) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(members[0].ctx), s.timeout)
}
