package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// Aged is what became of one page of rows that are older than their term. Of a dry run it is
// what would become of them.
type Aged struct {
	Rows int              // that were looked at; fewer than asked for: they were the last
	Done int64            // removed, or erased
	Kept map[string]int64 // although they are old, by one of the words below
	Last Cursor           // the last row that was looked at
}

// Why something is kept although its term is over.
const (
	KeptHint       = "wait for a look-up"         // notices
	KeptUnread     = "were stored and never read" // notices
	KeptUndecided  = "are not decided"            // payments, here and below
	KeptAtRisk     = "may still take money"       // an attempt is open
	KeptDue        = "are due for work"           // or somebody is at work on them
	KeptFinding    = "have an open finding"       // somebody has to look at it
	KeptDispute    = "are disputed"               // by the payer or a bank, and it is not over
	KeptWithNotice = "have notices that are kept" // which hold the payer's data themselves
	KeptMoving     = "have money on its way back" // or a refund that nobody has made yet
	KeptUnfolded   = "cannot be read by this version"
	KeptChanged    = "were changed at that instant"
)

// waiting are the notices that somebody has still to act on.
const waiting = `n.state IN ('hint', 'stored')`

// hold is why something of a payment is kept, as the rows tell it.
type hold struct{ why, condition string }

// matters are what is not over of a payment, in the order in which people are told. Each
// question about other tables ends with an OFFSET of none: without it PostgreSQL may read the
// whole table for it, by every page anew.
var matters = []hold{
	{KeptUndecided, `p.status NOT IN ('paid', 'declined', 'failed', 'canceled')`},
	{KeptAtRisk, `p.at_risk`},
	{KeptDue, `p.due_at IS NOT NULL`},
	{KeptFinding, `EXISTS (SELECT 1 FROM findings f WHERE f.payment_id = p.id AND f.state = 'open' LIMIT 1 OFFSET 0)`},
	{KeptDispute, `EXISTS (SELECT 1 FROM disputes d WHERE d.payment_id = p.id AND d.state <> 'closed' LIMIT 1 OFFSET 0)`},
}

// holds are why a payment keeps its payer. Whatever may still need the person belongs here.
var holds = append(slices.Clone(matters), hold{KeptWithNotice,
	`EXISTS (SELECT 1 FROM notices n WHERE n.payment_id = p.id AND n.payment_id <> '' AND (n.received_at >= $1 OR ` + waiting + `) LIMIT 1 OFFSET 0)`})

// held is the first hold that a payment has, or an empty text, as a value of a query.
func held(holds []hold) string {
	var cases strings.Builder
	for _, h := range holds {
		fmt.Fprintf(&cases, "WHEN %s THEN '%s' ", h.condition, h.why)
	}
	return "CASE " + cases.String() + "ELSE '' END"
}

// without is the condition that a payment has none of the holds, to follow others.
func without(holds []hold) string {
	var free strings.Builder
	for _, h := range holds {
		fmt.Fprintf(&free, " AND NOT (%s)", h.condition)
	}
	return free.String()
}

// agedRow is a row that is older than its term.
type agedRow struct {
	id  string
	at  int64
	seq int64
	why string // it is kept; empty: it is not
}

func (s *Store) agedRows(ctx context.Context, query string, args ...any) ([]agedRow, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []agedRow
	for rows.Next() {
		var r agedRow
		if err := rows.Scan(&r.id, &r.at, &r.seq, &r.why); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// aged begins the account of a page, and says which of its rows are not kept.
func aged(page []agedRow, after Cursor) (a Aged, free []agedRow) {
	a = Aged{Rows: len(page), Kept: map[string]int64{}, Last: after}
	for _, r := range page {
		a.Last = Cursor{Created: instant(r.at), ID: r.id}
		if r.why != "" {
			a.Kept[r.why]++
			continue
		}
		free = append(free, r)
	}
	return a, free
}

// DropNotices removes up to n notices of a gateway that came before an instant, after a
// cursor, oldest first, for a pass. Without a pass it only looks.
func (s *Store) DropNotices(ctx context.Context, pass, gateway string, after Cursor, before time.Time, n int) (Aged, error) {
	page, err := s.agedRows(ctx, `SELECT n.id, n.received_at, 0, CASE WHEN n.state = 'hint' THEN '`+KeptHint+`' WHEN `+waiting+` THEN '`+KeptUnread+`' ELSE '' END
		FROM notices n WHERE n.gateway = $1 AND n.received_at < $2 AND (n.received_at, n.id) > ($3, $4) ORDER BY n.received_at, n.id LIMIT $5`,
		gateway, micros(before), micros(after.Created), after.ID, n)
	if err != nil {
		return Aged{}, fmt.Errorf("find old notices of %s: %w", gateway, err)
	}
	account, free := aged(page, after)
	if pass == "" || len(free) == 0 {
		account.Done = int64(len(free))
		return account, nil
	}
	err = s.batch(ctx, pass, "notices", func(ctx context.Context, tx *sql.Tx) (int64, error) {
		w := where{}
		var ids []string
		for _, r := range free {
			ids = append(ids, r.id)
		}
		var err error
		account.Done, err = affected(tx.ExecContext(ctx, `DELETE FROM notices AS n WHERE n.id IN (`+w.places(ids)+`) AND NOT (`+waiting+`)`, w.args...))
		return account.Done, err
	})
	if err != nil {
		return Aged{}, fmt.Errorf("remove old notices of %s: %w", gateway, err)
	}
	account.changed(len(free))
	return account, nil
}

// changed counts the rows that turned out to be kept when they were to be removed.
func (a *Aged) changed(free int) {
	if left := int64(free) - a.Done; left > 0 {
		a.Kept[KeptChanged] += left
	}
}

// batch does one write of a pass, and counts it there in the same commit.
func (s *Store) batch(ctx context.Context, pass, column string, do func(context.Context, *sql.Tx) (int64, error)) error {
	return s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error { // others change several rows at once, too
		n, err := do(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE retention_passes SET `+column+` = `+column+` + $2 WHERE id = $1`, pass, n)
		return err
	})
}

// erasure is what is to be changed of one payment.
type erasure struct {
	agedRow
	writer   string
	archived int64        // up to which event the archive has it
	packed   []byte       // what the archive shall have instead; nil: nothing in it is personal
	bodies   []erasedBody // of the events that it does not have
}

type erasedBody struct {
	seq           int64
	before, after string
}

// ErasePayers erases the payer from up to n payments that were created and last changed
// before an instant, after a cursor, oldest first, for a pass: from the payment's row and
// from the bodies of its events. Everything else of the payment stays byte for byte. A
// payment that was changed or woken since it was looked at is left alone. Without a pass it
// only looks: as if notices before an instant were gone.
func (s *Store) ErasePayers(ctx context.Context, pass string, after Cursor, before, notices, now time.Time, n int) (Aged, error) {
	gone := int64(math.MinInt64)
	if pass == "" {
		gone = micros(notices)
	}
	page, err := s.agedRows(ctx, `SELECT p.id, p.created_at, p.seq, `+held(holds)+` FROM payments p
		WHERE p.erased_at IS NULL AND p.created_at < $2 AND p.updated_at < $2 AND (p.created_at, p.id) > ($3, $4) ORDER BY p.created_at, p.id LIMIT $5`,
		gone, micros(before), micros(after.Created), after.ID, n)
	if err != nil {
		return Aged{}, fmt.Errorf("find old payers: %w", err)
	}
	account, free := aged(page, after)
	var planned []erasure
	for _, r := range free {
		e, why, err := s.erasure(ctx, r, now)
		switch {
		case err != nil:
			return Aged{}, fmt.Errorf("read %s: %w", r.id, err)
		case why != "":
			account.Kept[why]++
		default:
			planned = append(planned, e)
		}
	}
	if pass == "" || len(planned) == 0 {
		account.Done = int64(len(planned))
		return account, nil
	}
	payer, err := json.Marshal(map[string]time.Time{"erased": payment.Instant(now)})
	if err != nil {
		return Aged{}, err
	}
	err = s.batch(ctx, pass, "payers", func(ctx context.Context, tx *sql.Tx) (int64, error) {
		account.Done = 0
		for _, e := range planned {
			done, err := e.write(ctx, tx, string(payer), now)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", e.id, err)
			}
			if done {
				account.Done++
			}
		}
		return account.Done, nil
	})
	if err != nil {
		return Aged{}, fmt.Errorf("erase old payers: %w", err)
	}
	account.changed(len(planned))
	return account, nil
}

// erasure works out what is to be changed of a payment, or why it is kept after all. That
// its events tell of the same payment afterwards is not hoped for, but seen.
func (s *Store) erasure(ctx context.Context, r agedRow, now time.Time) (e erasure, why string, err error) {
	stored, archived, err := s.storedEvents(ctx, r.id)
	if errors.Is(err, errPacked) {
		return e, KeptUnfolded, nil
	}
	if err != nil {
		return e, "", err
	}
	if int64(len(stored)) != r.seq {
		return e, KeptChanged, nil
	}
	e = erasure{agedRow: r, writer: stored[len(stored)-1].writer, archived: archived}
	shelf, changed := slices.Clone(stored[:archived]), false
	var events, impersonal []payment.Event
	for _, was := range stored {
		after, erased, err := payment.Erase(was.kind, []byte(was.body), now)
		if err != nil {
			return e, KeptUnfolded, nil
		}
		switch {
		case erased && was.Seq <= archived:
			shelf[was.Seq-1].body, changed = string(after), true
		case erased:
			e.bodies = append(e.bodies, erasedBody{was.Seq, was.body, string(after)})
		}
		before, err := payment.DecodeBody(was.kind, []byte(was.body))
		if err != nil {
			return e, KeptUnfolded, nil
		}
		left, err := payment.DecodeBody(was.kind, after)
		if err != nil {
			return e, KeptUnfolded, nil
		}
		was.Body = before
		events = append(events, was.Event)
		was.Body = left
		impersonal = append(impersonal, was.Event)
	}
	p, err := payment.Fold(events)
	if err != nil {
		return e, KeptUnfolded, nil
	}
	q, err := payment.Fold(impersonal)
	switch {
	case err != nil, !reflect.DeepEqual(p.Impersonal(), q):
		return e, KeptUnfolded, nil
	case !p.Settled():
		return e, KeptMoving, nil
	}
	if changed {
		e.packed, err = packWell(shelf)
	}
	return e, "", err
}

// storedEvent is an event with its body as it is stored.
type storedEvent struct {
	payment.Event
	kind, body, writer string
}

// storedEvents reads a payment's events, and up to which of them the archive has it.
func (s *Store) storedEvents(ctx context.Context, id string) (all []storedEvent, seq int64, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT seq, at, actor, kind, body, writer FROM events WHERE payment_id = $1 ORDER BY seq`, id)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var e storedEvent
		var at int64
		if err := rows.Scan(&e.Seq, &at, &e.Actor, &e.kind, &e.body, &e.writer); err != nil {
			return nil, 0, err
		}
		e.At = instant(at)
		all = append(all, e)
	}
	if err := rows.Err(); err != nil || len(all) == 0 || all[0].kind != stub {
		return all, 0, err
	}
	old, err := archived(ctx, s.read, id)
	if errors.Is(err, ErrNotFound) {
		err = errNoHistory
	}
	seq = int64(len(old))
	for len(all) > 0 && all[0].Seq <= seq {
		all = all[1:]
	}
	return append(old, all...), seq, err
}

// write erases a payment's payer if nothing has happened to it since it was looked at. It
// reports whether it did. The row is changed first: whoever wakes the payment or adds to it
// was before, and is seen here, or comes after.
func (e erasure) write(ctx context.Context, tx *sql.Tx, payer string, now time.Time) (bool, error) {
	n, err := affected(tx.ExecContext(ctx, `UPDATE payments AS p SET payer = $4, erased_at = $5 WHERE p.id = $2 AND p.seq = $3 AND p.erased_at IS NULL AND p.archived_seq = $7
		AND EXISTS (SELECT 1 FROM events e WHERE e.payment_id = p.id AND e.seq = p.seq AND e.writer = $6)`+without(holds),
		int64(math.MinInt64), e.id, e.seq, payer, micros(now), e.writer, e.archived))
	if err != nil || n == 0 {
		return false, err
	}
	if e.packed != nil {
		n, err := affected(tx.ExecContext(ctx, `UPDATE archive SET history = $3 WHERE payment_id = $1 AND seq = $2`, e.id, e.archived, e.packed))
		if err == nil && n == 0 {
			err = fmt.Errorf("the archive has not what was read up to event %d", e.archived)
		}
		if err != nil {
			return false, err
		}
	}
	for _, b := range e.bodies {
		n, err := affected(tx.ExecContext(ctx, `UPDATE events SET body = $3 WHERE payment_id = $1 AND seq = $2 AND body = $4`, e.id, b.seq, b.after, b.before))
		if err == nil && n == 0 {
			err = fmt.Errorf("event %d is not the one that was read", b.seq)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// Erased says when the payer was erased from a payment; the zero time: not yet.
func (s *Store) Erased(ctx context.Context, id string) (time.Time, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var us *int64
	err := s.read.QueryRowContext(ctx, `SELECT erased_at FROM payments WHERE id = $1`, id).Scan(&us)
	if err != nil || us == nil {
		return time.Time{}, found(err)
	}
	return instant(*us), nil
}
