package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// The archive holds the histories of payments that were over long ago. It is no other place
// to ask: whoever reads a payment is told the same, and a payment that something happens to
// goes on, its new events behind the stub, until it is archived again.
//
//	events    7 observed   8 finished        …   8 archived   9 refund_requested   10 …
//	archive   -                              …   1 to 8, packed
//
// What the stub keeps is what writers go by: an append follows the number and the writer of
// the last event, and so does a mark. Store.holds looks for events of a commit that has just
// been tried, and a history is archived a month after its last one at the soonest.

// AtRest is how many histories are archived in one transaction: so few that nobody who waits
// for it notices.
const AtRest = 16

// rewalk is how long after a walk began the next one begins anew, for those that were kept, or
// came back to life and have rested since.
const rewalk = 30 * 24 * time.Hour

// Not told as kept: they are where they belong.
const (
	restsAlready = "is archived"
	tooYoung     = "has changed since"
)

// ArchiveWalk is how far the payments of a tenant were looked through, in the order in which
// they were created.
type ArchiveWalk struct {
	Tenant string
	Began  time.Time
	After  Cursor
}

// ArchiveWalks lists the walk of each tenant where it was left, or at the beginning.
func (s *Store) ArchiveWalks(ctx context.Context, now time.Time) ([]ArchiveWalk, error) {
	tenants, err := s.distinct(ctx, "tenant", "payments")
	if err != nil {
		return nil, err
	}
	var walks []ArchiveWalk
	for _, tenant := range tenants {
		w := ArchiveWalk{Tenant: tenant, Began: now}
		var began, created int64
		var id string
		err := s.one(ctx, []any{&began, &created, &id}, `SELECT began_at, created_at, payment_id FROM archive_walks WHERE tenant = $1`, tenant)
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("find the archive's walk: %w", err)
		case err == nil && instant(began).Add(rewalk).After(now):
			w.Began, w.After = instant(began), Cursor{Created: instant(created), ID: id}
		}
		walks = append(walks, w)
	}
	return walks, nil
}

// resting is a payment whose history may be archived, as it was looked at.
type resting struct {
	agedRow
	erased   int64 // when its payer was; 0: it was not
	archived int64 // up to which event the archive has it already
	writer   string
	unknown  bool
	packed   []byte
}

// Archive goes on with a walk: it looks at up to n payments of the tenant that were created and
// last changed before an instant, oldest first, and moves the histories of those that are over
// out of events into the archive, AtRest of them at most, for a pass. A payment that was changed,
// woken or erased since it was looked at is left alone. Where the walk is then comes with the
// answer, and is kept in the same commit. Without a pass it only looks.
func (s *Store) Archive(ctx context.Context, pass string, w ArchiveWalk, before, now time.Time, n int) (Aged, error) {
	page, err := s.candidates(ctx, w, before, n)
	if err != nil {
		return Aged{}, fmt.Errorf("find old histories: %w", err)
	}
	account := Aged{Kept: map[string]int64{}, Last: w.After}
	var planned []resting
	for _, r := range page {
		if len(planned) == AtRest {
			break
		}
		account.Rows++
		account.Last = Cursor{Created: instant(r.at), ID: r.id}
		if r.why == "" {
			if r.why, err = s.packed(ctx, &r); err != nil {
				return Aged{}, fmt.Errorf("read %s: %w", r.id, err)
			}
		}
		switch r.why {
		case "":
			planned = append(planned, r)
		case restsAlready, tooYoung:
		default:
			account.Kept[r.why]++
		}
	}
	if pass == "" || account.Rows == 0 {
		account.Done = int64(len(planned))
		return account, nil
	}
	err = s.batch(ctx, pass, "archived", func(ctx context.Context, tx *sql.Tx) (int64, error) {
		account.Done = 0
		for _, r := range planned {
			done, err := r.move(ctx, tx, now)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", r.id, err)
			}
			if done {
				account.Done++
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO archive_walks (tenant, began_at, created_at, payment_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant) DO UPDATE SET began_at = excluded.began_at, created_at = excluded.created_at, payment_id = excluded.payment_id`,
			w.Tenant, micros(w.Began), micros(account.Last.Created), account.Last.ID)
		return account.Done, err
	})
	if err != nil {
		return Aged{}, fmt.Errorf("archive old histories: %w", err)
	}
	account.changed(len(planned))
	return account, nil
}

func (s *Store) candidates(ctx context.Context, w ArchiveWalk, before time.Time, n int) ([]resting, error) {
	why := `CASE WHEN p.archived_seq = p.seq THEN '` + restsAlready + `' WHEN p.updated_at >= $2 THEN '` + tooYoung + `' ELSE ` + held(matters) + ` END`
	var page []resting
	err := s.each(ctx, func(scan func(...any) error) error {
		var r resting
		err := scan(&r.id, &r.at, &r.seq, &r.erased, &r.why)
		page = append(page, r)
		return err
	}, `SELECT p.id, p.created_at, p.seq, COALESCE(p.erased_at, 0), `+why+` FROM payments p
		WHERE p.tenant = $1 AND p.created_at < $2 AND (p.created_at, p.id) > ($3, $4) ORDER BY p.created_at, p.id LIMIT $5`,
		w.Tenant, micros(before), micros(w.After.Created), w.After.ID, n)
	return page, err
}

// packed packs a history, or says why it stays.
func (s *Store) packed(ctx context.Context, r *resting) (why string, err error) {
	stored, archived, err := s.storedEvents(ctx, r.id)
	switch {
	case errors.Is(err, errPacked):
		return KeptUnfolded, nil
	case err != nil:
		return "", err
	case int64(len(stored)) != r.seq:
		return KeptChanged, nil
	}
	var events []payment.Event
	for _, e := range stored {
		body, err := payment.DecodeBody(e.kind, []byte(e.body))
		if err != nil {
			return KeptUnfolded, nil
		}
		r.unknown = r.unknown || onceUnknown(e)
		event := e.Event
		event.Body = body
		events = append(events, event)
	}
	p, err := payment.Fold(events)
	switch {
	case err != nil:
		return KeptUnfolded, nil
	case !p.Settled():
		return KeptMoving, nil
	}
	r.archived, r.writer = archived, stored[len(stored)-1].writer
	r.packed, err = packWell(stored)
	return "", err
}

// onceUnknown is LatestUnknown's question, of an event that will not be there to be asked.
func onceUnknown(e storedEvent) bool {
	return e.kind == "observed" && strings.Contains(e.body, `"source":"response"`) && strings.Contains(e.body, `"verdict":"unknown"`)
}

// move puts a history into the archive and leaves its stub, if nothing has happened to the
// payment since it was looked at. It reports whether it did. The row is changed first: whoever
// adds to the payment, or erases from it, was before, and is seen here, or comes after.
func (r resting) move(ctx context.Context, tx *sql.Tx, now time.Time) (bool, error) {
	n, err := affected(tx.ExecContext(ctx, `UPDATE payments AS p SET archived_seq = p.seq
		WHERE p.id = $1 AND p.seq = $2 AND p.archived_seq = $3 AND COALESCE(p.erased_at, 0) = $4
		AND EXISTS (SELECT 1 FROM events e WHERE e.payment_id = p.id AND e.seq = p.seq AND e.writer = $5)`+without(matters),
		r.id, r.seq, r.archived, r.erased, r.writer))
	if err != nil || n == 0 {
		return false, err
	}
	// From here on every row is the one that was read, or nothing of it happens.
	exactly := func(want int64, query string, args ...any) {
		if err != nil {
			return
		}
		if n, err = affected(tx.ExecContext(ctx, query, args...)); err == nil && n != want {
			err = fmt.Errorf("%d rows are not the %d that were read: %s", n, want, strings.Fields(query)[:3])
		}
	}
	exactly(1, `INSERT INTO archive (payment_id, seq, once_unknown, archived_at, history) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (payment_id) DO UPDATE SET seq = excluded.seq, once_unknown = excluded.once_unknown, archived_at = excluded.archived_at,
		history = excluded.history WHERE archive.seq = $6`, r.id, r.seq, r.unknown, micros(now), r.packed, r.archived)
	before := r.seq - 1 // events
	if r.archived > 0 {
		before -= r.archived - 1 // and the stub of those that were archived
	}
	exactly(before, `DELETE FROM events WHERE payment_id = $1 AND seq < $2`, r.id, r.seq)
	exactly(1, `UPDATE events SET kind = '`+stub+`', actor = '', body = '{}' WHERE payment_id = $1 AND seq = $2 AND writer = $3`, r.id, r.seq, r.writer)
	return err == nil, err
}
