package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// Change is one numbered change of a tenant's feed.
type Change struct {
	Seq      int64 // gap-free per tenant, from 1
	Payment  string
	EventSeq int64
}

// Number gives feed numbers to committed changes, at most n of them, and returns
// how many it numbered. Only the holder of the sequencer's lease calls it; the
// feed's primary key makes a second holder fail rather than leave a gap.
func (s *Store) Number(ctx context.Context, n int) (int, error) {
	// Most of the time there is nothing to do, and a look takes no lock that writers need.
	waiting, err := s.ids(ctx, `SELECT payment_id FROM outbox LIMIT 1`)
	if err != nil {
		return 0, fmt.Errorf("number the feed: %w", err)
	}
	if len(waiting) == 0 {
		return 0, nil
	}
	var numbered int64
	err = s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// Two statements, however many changes: their number times the way to the database
		// would not fit into one commit's time-out.
		var err error
		numbered, err = affected(tx.ExecContext(ctx, `INSERT INTO feed (tenant, seq, payment_id, event_seq)
			SELECT w.tenant, COALESCE((SELECT MAX(f.seq) FROM feed f WHERE f.tenant = w.tenant), 0)
				+ ROW_NUMBER() OVER (PARTITION BY w.tenant ORDER BY w.at, w.payment_id, w.seq), w.payment_id, w.seq
			FROM (SELECT payment_id, seq, tenant, at FROM outbox ORDER BY at, payment_id, seq LIMIT $1) w`, n))
		if err != nil || numbered == 0 {
			return err
		}
		// What was numbered is asked of the feed: other changes may have been committed since.
		_, err = tx.ExecContext(ctx, `DELETE FROM outbox WHERE EXISTS
			(SELECT 1 FROM feed f WHERE f.payment_id = outbox.payment_id AND f.event_seq = outbox.seq)`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("number the feed: %w", err)
	}
	return int(numbered), nil
}

// Changes reads a tenant's feed after a sequence number.
func (s *Store) Changes(ctx context.Context, tenant string, after int64, n int) ([]Change, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT seq, payment_id, event_seq FROM feed
		WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3`, tenant, after, n)
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	defer rows.Close()
	var changes []Change
	for rows.Next() {
		var c Change
		if err := rows.Scan(&c.Seq, &c.Payment, &c.EventSeq); err != nil {
			return nil, fmt.Errorf("read the feed: %w", err)
		}
		changes = append(changes, c)
	}
	return changes, rows.Err()
}
