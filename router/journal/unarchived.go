package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/payrouter/payrouter/router/payment"
)

// stub is the kind of the row that stands in events for a history in the archive: the last
// event of it, with its number, time and writer, and without its body.
const stub = "archived"

// archived reads what the archive has of a payment. ErrNotFound: it has nothing of it.
func archived(ctx context.Context, from querier, id string) ([]storedEvent, error) {
	var packed []byte
	err := from.QueryRowContext(ctx, `SELECT history FROM archive WHERE payment_id = $1`, id).Scan(&packed)
	if err != nil {
		return nil, found(err)
	}
	return unpack(packed)
}

// errNoHistory is no ErrNotFound: the payment is there, and must not be taken for a new one.
var errNoHistory = errors.New("the archive lacks its history")

// unarchived puts what the archive has of a payment before what was read behind its stub. It is
// asked after the events: what was archived in between stands in both, and counts once.
func (s *Store) unarchived(ctx context.Context, id string, behind []payment.Event, writer string) ([]payment.Event, string, error) {
	old, err := archived(ctx, s.read, id)
	if err == nil {
		return joined(old, behind, writer)
	}
	if errors.Is(err, ErrNotFound) {
		err = errNoHistory
	}
	return nil, "", fmt.Errorf("read %s: %w", id, err)
}

func joined(old []storedEvent, behind []payment.Event, writer string) ([]payment.Event, string, error) {
	all := make([]payment.Event, 0, len(old)+len(behind))
	for _, e := range old {
		body, err := payment.DecodeBody(e.kind, []byte(e.body))
		if err != nil {
			return nil, "", fmt.Errorf("archived event %d: %w", e.Seq, err)
		}
		e.Body = body
		all = append(all, e.Event)
	}
	last := old[len(old)-1]
	for len(behind) > 0 && behind[0].Seq <= last.Seq {
		behind = behind[1:]
	}
	if len(behind) == 0 {
		writer = last.writer
	}
	return append(all, behind...), writer, nil
}

// unarchiveAll is unarchived for several payments, of which it asks at once.
func (s *Store) unarchiveAll(ctx context.Context, all []*toldOf) error {
	var ids []string
	for _, of := range all {
		if of.archived {
			ids = append(ids, of.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	places, args := in(1, ids)
	rows, err := s.read.QueryContext(ctx, `SELECT payment_id, history FROM archive WHERE payment_id IN (`+places+`)`, args...)
	if err != nil {
		return fmt.Errorf("read archived payments: %w", err)
	}
	old, err := packedRows(rows)
	if err != nil {
		return fmt.Errorf("read archived payments: %w", err)
	}
	for _, of := range all {
		if !of.archived {
			continue
		}
		if old[of.id] == nil {
			return fmt.Errorf("read %s: %w", of.id, errNoHistory)
		}
		if of.events, of.writer, err = joined(old[of.id], of.events, of.writer); err != nil {
			return fmt.Errorf("read %s: %w", of.id, err)
		}
	}
	return nil
}

func packedRows(rows *sql.Rows) (map[string][]storedEvent, error) {
	defer rows.Close()
	all := map[string][]storedEvent{}
	for rows.Next() {
		var id string
		var packed []byte
		if err := rows.Scan(&id, &packed); err != nil {
			return nil, err
		}
		history, err := unpack(packed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		all[id] = history
	}
	return all, rows.Err()
}
