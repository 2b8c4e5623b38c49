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

// change is a committed change that waits for its number.
type change struct {
	payment, tenant string
	seq             int64
}

// Number gives feed numbers to committed changes, at most n of them, and returns
// how many it numbered. Only the holder of the sequencer's lease calls it; the
// feed's primary key makes a second holder fail rather than leave a gap.
func (s *Store) Number(ctx context.Context, n int) (int, error) {
	numbered := 0
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		waiting, err := waitingChanges(ctx, tx, n)
		if err != nil {
			return err
		}
		last := map[string]int64{}
		for _, c := range waiting {
			if _, known := last[c.tenant]; !known {
				var seq int64
				err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM feed WHERE tenant = $1`, c.tenant).Scan(&seq)
				if err != nil {
					return err
				}
				last[c.tenant] = seq
			}
			last[c.tenant]++
			if _, err := tx.ExecContext(ctx, `INSERT INTO feed (tenant, seq, payment_id, event_seq) VALUES ($1, $2, $3, $4)`,
				c.tenant, last[c.tenant], c.payment, c.seq); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE payment_id = $1 AND seq = $2`, c.payment, c.seq); err != nil {
				return err
			}
		}
		numbered = len(waiting)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("number the feed: %w", err)
	}
	return numbered, nil
}

// waitingChanges reads the outbox, oldest first.
func waitingChanges(ctx context.Context, tx *sql.Tx, n int) ([]change, error) {
	rows, err := tx.QueryContext(ctx, `SELECT payment_id, seq, tenant FROM outbox ORDER BY at, payment_id, seq LIMIT $1`, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var waiting []change
	for rows.Next() {
		var c change
		if err := rows.Scan(&c.payment, &c.seq, &c.tenant); err != nil {
			return nil, err
		}
		waiting = append(waiting, c)
	}
	return waiting, rows.Err()
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
