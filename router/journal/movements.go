package journal

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// dated is the last_at of a movement: the end of its range, rounded up to the hour.
func dated(_, last time.Time) int64 {
	const hour = int64(time.Hour / time.Microsecond)
	return (micros(last)/hour + 1) * hour
}

// refunds adds the by-products of a payment's refunds and give-backs.
func (w *write) refunds(p payment.Payment) {
	for _, o := range p.Operations {
		if o.Op != payment.OpRefund {
			continue
		}
		last := o.At
		if o.SettledAt.After(last) {
			last = o.SettledAt
		}
		w.add(`INSERT INTO refunds (payment_id, operation, attempt, gateway, own, external, verdict, planned_at, last_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (payment_id, operation) DO UPDATE SET external = excluded.external, verdict = excluded.verdict, last_at = excluded.last_at`,
			p.ID, o.Operation, o.Attempt, p.Attempts[o.Attempt-1].Gateway, storable(o.Reference), storable(o.External), o.Verdict.String(), micros(o.At), dated(o.At, last))
	}
}

// GroupOf names an attempt in the books of statements.
func GroupOf(payment string, attempt int) string { return payment + "/" + strconv.Itoa(attempt) }

// PaymentOf is the payment that a group of statement lines belongs to. It is empty for lines
// that are nobody's.
func PaymentOf(group string) string {
	if strings.HasPrefix(group, stray) {
		return ""
	}
	return group[:max(strings.LastIndexByte(group, '/'), 0)]
}

// Movement is where a page of movements ended.
type Movement struct {
	Last    int64 // opaque
	Payment string
	N       int
}

// from is the place where a span's first page begins. PostgreSQL goes by the place alone, so
// that from the zero place it would read all that is older than the span.
func (m Movement) from(span providers.Window) Movement {
	if m.Last < micros(span.From) {
		return Movement{Last: micros(span.From) - 1}
	}
	return m
}

// longestRange is how long after its plan a movement may still be dated: an offer or a hold
// of a month, and some days.
const longestRange = 45 * 24 * time.Hour

// Untold lists up to n groups with money of ours that the gateway may have dated within a
// span and that a reading does not tell of on that day: charges or refunds, after a movement.
func (s *Store) Untold(ctx context.Context, kind providers.LineKind, gateway, reading, day string, span providers.Window, after Movement, n int) ([]string, Movement, error) {
	table, key, attempt, money := "attempts", "n", "n", "IN ('approved', 'held')"
	if kind == providers.LineRefund {
		table, key, attempt, money = "refunds", "operation", "attempt", "= 'approved'"
	}
	query := fmt.Sprintf(`SELECT last_at, payment_id, %[2]s, %[3]s FROM %[1]s m WHERE verdict %[4]s AND gateway = $1 AND last_at >= $2 AND last_at < $10 AND planned_at < $3
		AND (last_at, payment_id, %[2]s) > ($4, $5, $6)
		AND NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.reading = $7 AND l.day = $8 AND l.grp = m.payment_id || '/' || m.%[3]s)
		ORDER BY last_at, payment_id, %[2]s LIMIT $9`, table, key, attempt, money)
	after = after.from(span)
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, gateway, micros(span.From), micros(span.To), after.Last, after.Payment, after.N, reading, day, n, micros(span.To.Add(longestRange)))
	if err != nil {
		return nil, after, fmt.Errorf("movements of %s: %w", gateway, err)
	}
	defer rows.Close()
	var groups []string
	for rows.Next() {
		var attempt int
		if err := rows.Scan(&after.Last, &after.Payment, &after.N, &attempt); err != nil {
			return nil, after, fmt.Errorf("movements of %s: %w", gateway, err)
		}
		groups = append(groups, GroupOf(after.Payment, attempt))
	}
	return groups, after, rows.Err()
}

// Walked is an attempt that a walk asks the gateway about.
type Walked struct {
	Payment string
	Attempt int
}

// Walk lists up to n attempts at a gateway in the order of their plans, after a movement,
// whatever is known of them: those planned within a span, or, of refunds, those planned at
// another time of which something was to be given back within it. Plans never move, so a walk
// that is cut off goes on where it was. Each attempt is listed once.
func (s *Store) Walk(ctx context.Context, kind providers.LineKind, gateway string, span providers.Window, after Movement, n int) ([]Walked, Movement, error) {
	query := `SELECT planned_at, payment_id, n, n FROM attempts WHERE gateway = $1 AND planned_at >= $2 AND planned_at < $3
		AND (planned_at, payment_id, n) > ($4, $5, $6) ORDER BY planned_at, payment_id, n LIMIT $7`
	if kind == providers.LineRefund {
		query = `SELECT planned_at, payment_id, operation, attempt FROM refunds r WHERE gateway = $1 AND planned_at >= $2 AND planned_at < $3
			AND (planned_at, payment_id, operation) > ($4, $5, $6)
			AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.payment_id = r.payment_id AND a.n = r.attempt AND a.planned_at >= $2 AND a.planned_at < $3)
			AND NOT EXISTS (SELECT 1 FROM refunds o WHERE o.payment_id = r.payment_id AND o.attempt = r.attempt AND o.operation < r.operation
				AND o.planned_at >= $2 AND o.planned_at < $3)
			ORDER BY planned_at, payment_id, operation LIMIT $7`
	}
	after = after.from(span)
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, gateway, micros(span.From), micros(span.To), after.Last, after.Payment, after.N, n)
	if err != nil {
		return nil, after, fmt.Errorf("a walk of %s: %w", gateway, err)
	}
	defer rows.Close()
	var all []Walked
	for rows.Next() {
		var w Walked
		if err := rows.Scan(&after.Last, &after.Payment, &after.N, &w.Attempt); err != nil {
			return nil, after, fmt.Errorf("a walk of %s: %w", gateway, err)
		}
		w.Payment = after.Payment
		all = append(all, w)
	}
	return all, after, rows.Err()
}

// GetMany folds payments, in the order of their ids; one that is not there is left out.
func (s *Store) GetMany(ctx context.Context, ids []string) ([]payment.Payment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	places, args := in(1, ids)
	rows, err := s.read.QueryContext(ctx, `SELECT payment_id, seq, at, actor, kind, body, writer FROM events
		WHERE payment_id IN (`+places+`) ORDER BY payment_id, seq`, args...)
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	defer rows.Close()
	var all []*toldOf
	for rows.Next() {
		var (
			e                      payment.Event
			at                     int64
			id, kind, body, writer string
		)
		if err := rows.Scan(&id, &e.Seq, &at, &e.Actor, &kind, &body, &writer); err != nil {
			return nil, fmt.Errorf("read payments: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].id != id {
			all = append(all, &toldOf{id: id})
		}
		of := all[len(all)-1]
		of.writer = writer
		if kind == stub {
			of.archived = true
			continue
		}
		if e.Body, err = payment.DecodeBody(kind, []byte(body)); err != nil {
			return nil, fmt.Errorf("read %s, event %d: %w", id, e.Seq, err)
		}
		e.At = instant(at)
		of.events = append(of.events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	if err := s.unarchiveAll(ctx, all); err != nil {
		return nil, err
	}
	var payments []payment.Payment
	for _, of := range all {
		p, err := payment.Fold(of.events)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", of.id, err)
		}
		p.Writer = of.writer
		payments = append(payments, p)
	}
	return payments, nil
}

// toldOf is what was read of one payment.
type toldOf struct {
	id       string
	events   []payment.Event // without those that the archive has
	writer   string          // of the last event
	archived bool            // the archive has some
}

// in writes the places of an IN list that begins with the place numbered from.
func in(from int, texts []string) (places string, args []any) {
	var all []string
	for i, text := range texts {
		all = append(all, "$"+strconv.Itoa(from+i))
		args = append(args, storable(text))
	}
	return strings.Join(all, ", "), args
}
