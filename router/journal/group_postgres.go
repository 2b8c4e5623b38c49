package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// On PostgreSQL every statement is a round trip, and those are most of a charge's time there.
// A transaction goes in two: all statements at once, and COMMIT when each of them changed what
// it must.

// shareFor is how long writes that share a transaction wait for somebody's lock. Whoever is
// behind a lock that is held for longer, as by a process that was stopped, waits alone. Such a
// process may hold the locks of many: when the time is over, the next ones are not waited for.
const shareFor = 100 * time.Millisecond

// The longest wait for a lock, within the time and after it. Zero would be for ever.
const (
	waitBriefly = `SET LOCAL lock_timeout = '100ms'`
	waitForNone = `SET LOCAL lock_timeout = '1ms'`
)

// pipeline is a connection that takes many statements at once.
type pipeline struct {
	s    *Store
	conn *pgx.Conn
}

// withPostgres lends a connection of the pool.
func (s *Store) withPostgres(ctx context.Context, do func(*pipeline) error) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(raw any) error {
		c, err := postgresOf(raw)
		if err != nil {
			return err
		}
		err = do(&pipeline{s, c})
		if c.IsClosed() {
			return errors.Join(err, driver.ErrBadConn) // out of the pool
		}
		return err
	})
}

// postgresOf is the connection to PostgreSQL behind one of the pool.
func postgresOf(raw any) (*pgx.Conn, error) {
	c, ok := raw.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is no connection to PostgreSQL", raw)
	}
	return c.Conn(), nil
}

// runPostgres makes writes in one transaction. Those that are refused or stopped are to go
// alone, and the others begin anew without them: why one was refused may be in what another one
// has just written, and nothing of that stands yet.
func (s *Store) runPostgres(members []*member) {
	ctx, cancel := s.ofLeader(members)
	defer cancel()
	err := s.withPostgres(ctx, func(p *pipeline) error {
		until, wait := time.Now().Add(shareFor), waitBriefly
		for len(members) > 0 {
			if time.Now().After(until) {
				wait = waitForNone
			}
			left, err := p.share(ctx, members, wait)
			if err != nil || len(left) == len(members) {
				return err
			}
			members = left
		}
		return nil
	})
	if err != nil {
		for _, m := range members {
			if m.err == nil && !m.alone {
				m.err = err
			}
		}
	}
}

// share tries a transaction of some writes, and returns those that may be made: all of them,
// once they are durable, or those that should be tried again without the others.
func (p *pipeline) share(ctx context.Context, members []*member, wait string) (left []*member, err error) {
	all := make([]statement, 0, len(members)*len(members[0].write.statements))
	for _, m := range members {
		if m.write.opens && p.s.Moved() {
			m.err = ErrMoved
			continue
		}
		left = append(left, m)
		all = append(all, m.write.statements...)
	}
	if len(left) < len(members) {
		return left, nil
	}
	rows, failed := p.send(ctx, all, wait)
	if failed != nil && !ofOne(failed) {
		return members, errors.Join(failed, p.rollBack(ctx))
	}
	left = left[:0]
	for _, m := range members {
		n := len(m.write.statements)
		done := min(n, len(rows))
		for i, st := range m.write.statements[:done] {
			if m.err = st.check(rows[i]); m.err != nil {
				break
			}
		}
		rows = rows[done:]
		switch {
		case m.err != nil:
			if m.alone = len(members) > 1; m.alone {
				m.err = nil
			}
		case failed != nil && done < n: // this one was stopped; of those behind it nothing is known
			m.alone, m.behind, failed = true, lockKept(failed), nil
		default:
			left = append(left, m)
		}
	}
	if len(left) < len(members) {
		return left, p.rollBack(ctx)
	}
	return left, p.commit(ctx)
}

// ofOne reports whether an error is about one statement, and says nothing of the others: its
// values, another row with its key, or a lock that somebody keeps.
func ofOne(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23")) || lockKept(err)
}

// lockKept reports whether a statement waited too long for a lock.
func lockKept(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// alone makes a write in a transaction of its own.
func (p *pipeline) alone(ctx context.Context, w *write) error {
	if w.opens && p.s.Moved() {
		return ErrMoved
	}
	rows, err := p.send(ctx, w.statements)
	for i, n := range rows {
		if short := w.statements[i].check(n); short != nil {
			err = short
			break
		}
	}
	if err != nil {
		return errors.Join(err, p.rollBack(ctx))
	}
	return p.commit(ctx)
}

// send begins a transaction and sends all statements at once. It returns how many rows each
// changed, up to the first that failed.
func (p *pipeline) send(ctx context.Context, all []statement, first ...string) (rows []int64, err error) {
	batch := &pgx.Batch{}
	batch.Queue("begin")
	for _, text := range first {
		batch.Queue(text)
	}
	for _, st := range all {
		batch.Queue(st.text, st.args...)
	}
	results := p.conn.SendBatch(ctx, batch)
	rows = make([]int64, 0, len(all))
	for i := range batch.Len() {
		tag, failed := results.Exec()
		if failed != nil {
			err = failed
			break
		}
		if i > len(first) {
			rows = append(rows, tag.RowsAffected())
		}
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return rows, err
}

// errRolledBack is PostgreSQL's answer to the COMMIT of a transaction in which something failed.
var errRolledBack = errors.New("the transaction was rolled back")

func (p *pipeline) commit(ctx context.Context) error {
	tag, err := p.conn.Exec(ctx, "commit")
	switch {
	case err != nil:
		return err
	case tag.String() != "COMMIT":
		return errRolledBack
	}
	return confirmed(p.conn.PgConn())
}

// rollBack ends a transaction, or else the connection.
func (p *pipeline) rollBack(ctx context.Context) error {
	if p.conn.IsClosed() || p.conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := p.conn.Exec(ctx, "rollback")
	if err != nil {
		_ = p.conn.Close(ctx)
	}
	return err
}
