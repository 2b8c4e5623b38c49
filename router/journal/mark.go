package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrWentBack says that the books do not hold what this process had committed: they were
// put back to an older state, or a failover lost commits.
var ErrWentBack = errors.New("the books went back: they do not hold what was committed")

// mark is the last commit of this process. While it stands, the earlier ones do.
type mark struct {
	payment string
	seq     int64
	writer  string
}

// WentBack reports whether this process' last commit is gone from the books.
func (s *Store) WentBack(ctx context.Context) (bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	return s.gone(ctx, s.write)
}

// StartAnew forgets what was committed: the books are taken as they are now.
func (s *Store) StartAnew() { s.last.Store(nil) }

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s *Store) gone(ctx context.Context, from querier) (bool, error) {
	last := s.last.Load()
	if last == nil {
		return false, nil
	}
	var n int
	err := from.QueryRowContext(ctx, `SELECT COUNT(*) FROM events WHERE payment_id = $1 AND seq = $2 AND writer = $3`,
		last.payment, last.seq, last.writer).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for the last commit: %w", err)
	}
	return n == 0, nil
}

// lastMark is the mark as a condition takes it: no row has the payment "", and without a
// mark the condition must hold.
func (s *Store) lastMark() mark {
	if last := s.last.Load(); last != nil {
		return *last
	}
	return mark{}
}
