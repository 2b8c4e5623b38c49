package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"
)

// Override is an operator's order about a gateway.
type Override struct {
	ID, Gateway, Mode string
	MoveOpen          bool
	Actor, Reason     string
	Created           time.Time
	Start, End        time.Time
	Ended             time.Time // when it was ended before its time
	EndedBy           string
	Version           int64

	// ProposedUntil is set where the order needs a second person and is a first one's word:
	// it is in force for nobody, and until then another person may say the same.
	ProposedUntil time.Time
	ProposedBy    string // the first person, where this is the second one's order
}

// Waits reports whether the order is a first person's word that a second may still repeat.
func (o Override) Waits(now time.Time) bool { return now.Before(o.ProposedUntil) && o.EndedBy == "" }

// CreateOverride stores an order and returns the one that stands under its id: a
// repeated id changes nothing.
func (s *Store) CreateOverride(ctx context.Context, o Override) (Override, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, insertOverride+` ON CONFLICT DO NOTHING`, o.row()...))
	if err != nil {
		return o, fmt.Errorf("create override: %w", err)
	}
	if n == 0 {
		all, err := s.overrides(ctx, `WHERE id = $1`, o.ID)
		if err == nil && len(all) == 1 {
			return all[0], nil
		}
		return o, err
	}
	return o.fresh(), nil
}

// SecondOverride stores an order that repeats a first person's word, and takes that word
// back, in one commit. It reports false where the word waits no more, or where the order's id is
// another's, and stores nothing.
func (s *Store) SecondOverride(ctx context.Context, o Override, first string) (Override, bool, error) {
	taken := false
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE overrides SET ended_by = $2, version = version + 1
			WHERE id = $1 AND ended_by = '' AND proposed_until > $3`, first, o.Actor, micros(o.Created)))
		if taken = n == 1; err != nil || !taken {
			return err
		}
		n, err = affected(tx.ExecContext(ctx, insertOverride+` ON CONFLICT DO NOTHING`, o.row()...))
		if err == nil && n == 0 {
			err = errIDTaken
		}
		return err
	})
	switch {
	case errors.Is(err, errIDTaken):
		return o, false, nil
	case err != nil:
		return o, false, fmt.Errorf("second override: %w", err)
	}
	return o.fresh(), taken, nil
}

// errIDTaken undoes what was written beside an order whose id is another's.
var errIDTaken = errors.New("the id is another order's")

// fresh is the order as it stands when it is new.
func (o Override) fresh() Override {
	o.Ended, o.EndedBy, o.Version = time.Time{}, "", 1
	if !o.ProposedUntil.IsZero() {
		o.Ended = o.Created
	}
	return o
}

const insertOverride = `INSERT INTO overrides
	(id, gateway, mode, move_open, actor, reason, created_at, start_at, end_at, ended_at, ended_by, version, proposed_until, proposed_by)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 1, $11, $12 WHERE TRUE`

func (o Override) row() []any {
	until := int64(0)
	if !o.ProposedUntil.IsZero() {
		until = micros(o.ProposedUntil)
	}
	return []any{o.ID, o.Gateway, o.Mode, o.MoveOpen, o.Actor, o.Reason, micros(o.Created), micros(o.Start), micros(o.End),
		nullMicros(o.fresh().Ended), until, o.ProposedBy}
}

// Hold stores orders in one commit. A gateway that has an order of the mode keeps it. The
// counters of the others, or of all, by gateway, pass over skip numbers.
func (s *Store) Hold(ctx context.Context, orders []Override, counter func(gateway string) string, skip int64, all bool) error {
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := take(ctx, tx, "hold", 1); err != nil { // one at a time: a row that all who do this write
			return err
		}
		for _, o := range orders {
			n, err := affected(tx.ExecContext(ctx, insertOverride+` AND NOT EXISTS
				(SELECT 1 FROM overrides WHERE gateway = $2 AND mode = $3 AND ended_at IS NULL)`, o.row()...))
			if err != nil {
				return err
			}
			if n == 0 && !all {
				continue
			}
			if _, err := take(ctx, tx, counter(o.Gateway), skip); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("hold all gateways: %w", err)
	}
	return nil
}

// EndOverride ends an order now, or takes a first person's word back, if it is still the
// version the operator saw. It reports whether it did.
func (s *Store) EndOverride(ctx context.Context, id string, version int64, by string, now time.Time) (bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, `UPDATE overrides SET ended_at = $3, ended_by = $4, version = version + 1
		WHERE id = $1 AND version = $2 AND (ended_at IS NULL OR proposed_until > $3 AND ended_by = '')`, id, version, micros(now), by))
	return n == 1, err
}

// Override reads one order of a gateway.
func (s *Store) Override(ctx context.Context, gateway, id string) (Override, error) {
	all, err := s.overrides(ctx, `WHERE gateway = $1 AND id = $2`, gateway, id)
	switch {
	case err != nil:
	case len(all) == 0:
		err = ErrNotFound
	default:
		err = s.assure(ctx)
	}
	if err != nil {
		return Override{}, err
	}
	return all[0], nil
}

// Overrides lists the orders that end after the given time, oldest first, without those
// that wait for a second person, or did.
func (s *Store) Overrides(ctx context.Context, endAfter time.Time) ([]Override, error) {
	return s.overrides(ctx, `WHERE end_at > $1 AND proposed_until = 0 ORDER BY created_at, id`, micros(endAfter))
}

// Proposals lists the orders about a gateway that wait for a second person, oldest first.
func (s *Store) Proposals(ctx context.Context, gateway string, now time.Time) ([]Override, error) {
	return s.overrides(ctx, `WHERE gateway = $1 AND proposed_until > $2 AND ended_by = '' ORDER BY created_at, id`, gateway, micros(now))
}

// ListOverrides returns up to n orders of a gateway (of all, with an empty name) after
// the cursor, newest first; ended ones stay as the record. A non-zero endAfter leaves
// out those that are over by then.
func (s *Store) ListOverrides(ctx context.Context, gateway string, endAfter time.Time, after Cursor, n int) ([]Override, error) {
	end, created := int64(0), int64(math.MaxInt64)
	if !endAfter.IsZero() {
		end = micros(endAfter)
	}
	if after.ID != "" {
		created = micros(after.Created)
	}
	return s.overrides(ctx, `WHERE (gateway = $1 OR $1 = '') AND (end_at > $2 AND (ended_at IS NULL OR $2 = 0) OR proposed_until > $2 AND ended_by = '')
		AND (created_at < $3 OR created_at = $3 AND id < $4) ORDER BY created_at DESC, id DESC LIMIT $5`, gateway, end, created, after.ID, n)
}

func (s *Store) overrides(ctx context.Context, where string, args ...any) ([]Override, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT id, gateway, mode, move_open, actor, reason, created_at, start_at, end_at, ended_at, ended_by, version,
		proposed_until, proposed_by FROM overrides `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	defer rows.Close()
	var all []Override
	for rows.Next() {
		var o Override
		var created, start, end, proposed int64
		var ended *int64
		if err := rows.Scan(&o.ID, &o.Gateway, &o.Mode, &o.MoveOpen, &o.Actor, &o.Reason, &created, &start, &end, &ended, &o.EndedBy, &o.Version, &proposed, &o.ProposedBy); err != nil {
			return nil, fmt.Errorf("read overrides: %w", err)
		}
		o.Created, o.Start, o.End = instant(created), instant(start), instant(end)
		if ended != nil {
			o.Ended = instant(*ended)
		}
		if proposed > 0 {
			o.ProposedUntil = instant(proposed)
		}
		all = append(all, o)
	}
	return all, rows.Err()
}
