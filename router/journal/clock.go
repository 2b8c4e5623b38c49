package journal

import (
	"context"
	"fmt"
	"time"
)

// Clock is the time by the clock that all users of the database share, to the
// microsecond: the server's on PostgreSQL. A file has one process on one machine, whose
// own clock it is.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	if !s.postgres {
		return time.Now(), nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var now time.Time
	if err := s.read.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	return now.UTC(), nil
}
