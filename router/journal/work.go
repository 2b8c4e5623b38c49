package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// DueAt lists the gateways that payments which are due were last sent to; the empty name
// stands for those that were sent to none. With an error it lists those of which it knows.
func (s *Store) DueAt(ctx context.Context, now time.Time) ([]string, error) {
	from, below := s.begin(ctx, &s.work, now, `SELECT due_at FROM payments WHERE due_at < $1 ORDER BY due_at LIMIT 1`)
	first := int64(none)
	var gateways []string
	err := s.each(ctx, func(scan func(...any) error) error {
		var gateway string
		var longest int64
		err := scan(&gateway, &longest)
		gateways, first = append(gateways, gateway), min(first, longest)
		return err
		// The inner order is for PostgreSQL alone, which takes the index that begins with it.
	}, `SELECT gateway, MIN(due_at) FROM (SELECT gateway, due_at FROM payments WHERE due_at >= $1 AND due_at <= $2 ORDER BY due_at LIMIT $3) w
		GROUP BY gateway`, from, micros(now), int64(math.MaxInt64))
	if err != nil {
		s.work.lost()
		gateways = nil
	} else {
		s.work.seen(first, now)
	}
	if err = errors.Join(below, err); err != nil {
		return gateways, fmt.Errorf("find work: %w", err)
	}
	return gateways, nil
}

// Claim leases up to n payments that are due, of those last sent to one of the gateways,
// or of all when none is named: they are due next when the lease ends, so a worker that
// dies gives them back by itself. An empty answer does not mean that there is no work:
// another worker may have been faster. Rows that somebody is at are passed over.
func (s *Store) Claim(ctx context.Context, now, lease time.Time, n int, gateways ...string) ([]string, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	args := []any{micros(lease), micros(now), n, s.work.at(now)}
	condition := ""
	if len(gateways) > 0 {
		var places []string
		for _, g := range gateways {
			args = append(args, g)
			places = append(places, fmt.Sprintf("$%d", len(args)))
		}
		condition = "AND gateway IN (" + strings.Join(places, ", ") + ")"
	}
	// The second "due_at <= now" makes two claimers of one row take it once. The sum keeps PostgreSQL
	// from beginning with that condition: it would look for the first n anew for all that is due.
	rows, err := s.write.QueryContext(ctx, `UPDATE payments SET due_at = $1
		WHERE id IN (SELECT id FROM payments WHERE due_at >= $4 AND due_at <= $2 `+condition+` ORDER BY due_at LIMIT $3 `+s.skipLocked()+`)
		AND due_at + 0 <= $2 RETURNING id`, args...)
	if retryable(err) { // two claimers held each other up: both come again
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("claim work: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); retryable(err) {
		return nil, nil // also of those that were named before: none of them is leased
	} else if err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	return ids, nil
}

// Defer ends a lease and sets when its payment is due next, unless the payment has changed
// since seq, or somebody has woken it since it was claimed: then it is due when they said.
func (s *Store) Defer(ctx context.Context, id string, seq int64, lease, due time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `UPDATE payments SET due_at = $4 WHERE id = $1 AND seq = $2 AND due_at = $3`, id, seq, micros(lease), nullMicros(due))
	return err
}

// Wake makes a payment due now.
func (s *Store) Wake(ctx context.Context, id string, now time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `UPDATE payments SET due_at = $2 WHERE id = $1`, id, micros(now))
	return err
}

// wakeAtOnce is how many payments are woken by one statement.
const wakeAtOnce = 500

// WakeOpen makes every payment with an open attempt at the gateway due now, but those that are
// woken already, to which it adds. Rows that somebody is at are passed over: it reports whether
// there were none, or else it should be called again.
func (s *Store) WakeOpen(ctx context.Context, gateway string, now time.Time, woken map[string]bool) (all bool, err error) {
	open, err := s.ids(ctx, `SELECT DISTINCT payment_id FROM attempts WHERE gateway = $1 AND at_risk`, gateway)
	if err != nil {
		return false, err
	}
	open = slices.DeleteFunc(open, func(id string) bool { return woken[id] })
	left := len(open)
	for ids := range slices.Chunk(open, wakeAtOnce) {
		var free []string
		err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			free, err = s.wakeFree(ctx, tx, ids, now)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("wake the open payments of %s: %w", gateway, err)
		}
		for _, id := range free {
			woken[id] = true
		}
		left -= len(free)
	}
	return left == 0, nil
}

// wakeFree makes those of some payments due now that nobody is at, and names them.
func (s *Store) wakeFree(ctx context.Context, tx *sql.Tx, ids []string, now time.Time) (free []string, err error) {
	places, args := in(2, ids)
	rows, err := tx.QueryContext(ctx, `UPDATE payments SET due_at = $1
		WHERE id IN (SELECT id FROM payments WHERE id IN (`+places+`) `+s.skipLocked()+`) RETURNING id`, append([]any{micros(now)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	err = scanned(rows, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		free = append(free, id)
		return err
	})
	return free, errors.Join(err, rows.Err())
}

// Take reserves n numbers of a counter and returns the first. Numbers that a crash
// leaves unused stay unused.
func (s *Store) Take(ctx context.Context, counter string, n int64) (int64, error) {
	var last int64
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		last, err = take(ctx, tx, counter, n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take numbers of %s: %w", counter, err)
	}
	return last - n + 1, nil
}

func take(ctx context.Context, tx *sql.Tx, counter string, n int64) (last int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO counters (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value`, counter, n).Scan(&last)
	return last, err
}

// Lease takes or renews a named lease and reports whether the owner has it. Who cannot have it
// only looks: many ask every second, and a statement that changes nothing still locks the row
// against its owner, and ends with a commit.
func (s *Store) Lease(ctx context.Context, name, owner string, now time.Time, d time.Duration) (bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var holds int
	if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM leases WHERE name = $1 AND owner <> $2 AND expires_at >= $3`,
		name, owner, micros(now)).Scan(&holds); err != nil || holds > 0 {
		return false, err
	}
	// Others may have seen the same: of those who write, the conditions let one have it.
	n, err := affected(s.exec(ctx, `INSERT INTO leases (name, owner, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
		WHERE leases.owner = excluded.owner OR leases.expires_at < $4`, name, owner, micros(now.Add(d)), micros(now)))
	return n == 1, err
}

// Release ends a named lease if the owner has it still, so that nobody waits for its end.
func (s *Store) Release(ctx context.Context, name, owner string) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `DELETE FROM leases WHERE name = $1 AND owner = $2`, name, owner)
	return err
}
