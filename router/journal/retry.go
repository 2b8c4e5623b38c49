package journal

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

// A transaction that failed only because of another one certainly did not commit, and may
// run again: on PostgreSQL, as it is set up by itself, two that wait for each other's rows;
// where transactions are isolated strictly, as on CockroachDB always, also two that only met.

// The pauses between two runs, each by itself a random share of its length, so that those who
// met do not meet again.
const (
	firstPause = 2 * time.Millisecond
	mostPause  = 100 * time.Millisecond
)

// settle is transact, and again where it failed only because of another transaction, until
// the time-out of one write is over. do must begin anew each time.
func (s *Store) settle(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	return s.untilAlone(ctx, func() error { return s.transact(ctx, do) })
}

// insist is commit, and again likewise.
func (s *Store) insist(ctx context.Context, w *write) error {
	return s.again(ctx, func() error { return s.commit(ctx, w) })
}

// exec is settle for a single statement.
func (s *Store) exec(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = s.untilAlone(ctx, func() error {
		result, err = s.execOnce(ctx, query, args...)
		return err
	})
	return result, err
}

func (s *Store) execOnce(ctx context.Context, query string, args ...any) (sql.Result, error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	result, err := conn.ExecContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return result, s.confirmed(conn)
}

// untilAlone is again for what may change nothing because it came before: then there is no commit
// of its own that a standby confirms, and its caller is told of the first one's success.
func (s *Store) untilAlone(ctx context.Context, do func() error) error {
	if err := s.again(ctx, do); err != nil {
		return err
	}
	return s.assureOwn(ctx)
}

// again does something, and again as long as another transaction is in its way and there is time.
func (s *Store) again(ctx context.Context, do func() error) error {
	until := time.Now().Add(s.timeout)
	for wait := firstPause; ; wait = min(2*wait, mostPause) {
		err := do()
		s.note(err)
		if !retryable(err) || !comesAgain(ctx, wait, until) {
			return err
		}
	}
}

// comesAgain waits, and reports whether there is time for another run.
func comesAgain(ctx context.Context, wait time.Duration, until time.Time) bool {
	timer := time.NewTimer(rand.N(wait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return time.Now().Before(until)
	}
}
