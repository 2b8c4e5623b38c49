package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Change is one numbered change of a tenant's feed.
type Change struct {
	Seq      int64 // gap-free per tenant, from 1
	Payment  string
	EventSeq int64
}

// Number gives feed numbers to committed changes, at most n of them, and returns
// how many it numbered. Only the holder of the sequencer's lease calls it; the
// feed's primary key makes a second holder fail rather than leave a gap. With an error some may
// have been numbered all the same.
func (s *Store) Number(ctx context.Context, now time.Time, n int) (int, error) {
	// Most of the time there is nothing to do, and a look takes no lock that writers need.
	from, below := s.begin(ctx, &s.waiting, now, `SELECT at FROM outbox WHERE at < $1 ORDER BY at LIMIT 1`)
	numbered, err := s.numberFrom(ctx, from, now, n)
	if err != nil {
		s.waiting.lost()
	}
	if err = errors.Join(below, err); err != nil {
		return numbered, fmt.Errorf("number the feed: %w", err)
	}
	return numbered, nil
}

// numberFrom numbers what has waited since an instant, or later.
func (s *Store) numberFrom(ctx context.Context, from int64, now time.Time, n int) (numbered int, err error) {
	first := int64(none)
	err = s.one(ctx, []any{&first}, `SELECT at FROM outbox WHERE at >= $1 ORDER BY at, payment_id, seq LIMIT 1`, from)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	s.waiting.seen(first, now)
	if err != nil {
		return 0, nil
	}
	err = s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// Two statements, however many changes: their number times the way to the database
		// would not fit into one commit's time-out.
		keys, err := numberWaiting(ctx, tx, from, n)
		if numbered = len(keys) / 2; err != nil || numbered == 0 {
			return err
		}
		// What was numbered is named: other changes may have been committed since. Who asks the
		// feed for it instead leaves it to the planner whether that reads all of the feed.
		_, err = tx.ExecContext(ctx, `DELETE FROM outbox WHERE (payment_id, seq) IN (VALUES `+pairs(&keys)+`)`, keys...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return numbered, nil
}

// numberWaiting gives numbers to up to n changes from an instant on, the oldest first, and
// returns their keys one behind the other.
func numberWaiting(ctx context.Context, tx *sql.Tx, from int64, n int) (keys []any, err error) {
	rows, err := tx.QueryContext(ctx, `INSERT INTO feed (tenant, seq, payment_id, event_seq)
		SELECT w.tenant, COALESCE((SELECT MAX(f.seq) FROM feed f WHERE f.tenant = w.tenant), 0)
			+ ROW_NUMBER() OVER (PARTITION BY w.tenant ORDER BY w.at, w.payment_id, w.seq), w.payment_id, w.seq
		FROM (SELECT payment_id, seq, tenant, at FROM outbox WHERE at >= $2 ORDER BY at, payment_id, seq LIMIT $1) w
		RETURNING payment_id, event_seq`, n, from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var payment string
		var seq int64
		if err := rows.Scan(&payment, &seq); err != nil {
			return nil, err
		}
		keys = append(keys, payment, seq)
	}
	return keys, rows.Err()
}

// pairs writes the places of keys of two columns. It repeats the last key until their number is
// a power of two, so that there are few statements to prepare.
func pairs(keys *[]any) string {
	for n := len(*keys) / 2; n&(n-1) != 0; n++ {
		*keys = append(*keys, (*keys)[len(*keys)-2:]...)
	}
	places := []string{"(CAST($1 AS TEXT), CAST($2 AS BIGINT))"}
	for i := 3; i < len(*keys); i += 2 {
		places = append(places, fmt.Sprintf("($%d, $%d)", i, i+1))
	}
	return strings.Join(places, ", ")
}

// Changes reads a tenant's feed after a sequence number. Those who follow it are told no number that a
// failover could give to another change.
func (s *Store) Changes(ctx context.Context, tenant string, after int64, n int) (changes []Change, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		var c Change
		err := scan(&c.Seq, &c.Payment, &c.EventSeq)
		changes = append(changes, c)
		return err
	}, `SELECT seq, payment_id, event_seq FROM feed
		WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3`, tenant, after, n)
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	return changes, s.assure(ctx)
}
