package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Events reads a payment's events in order.
func (s *Store) Events(ctx context.Context, id string) ([]payment.Event, error) {
	events, _, err := s.history(ctx, id)
	return events, err
}

// history reads a payment's events in order, and who wrote the last of them.
func (s *Store) history(ctx context.Context, id string) (events []payment.Event, writer string, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT seq, at, actor, kind, body, writer FROM events WHERE payment_id = $1 ORDER BY seq`, id)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", id, err)
	}
	defer rows.Close()
	archived := false
	for rows.Next() {
		var (
			e          payment.Event
			at         int64
			kind, body string
		)
		if err := rows.Scan(&e.Seq, &at, &e.Actor, &kind, &body, &writer); err != nil {
			return nil, "", fmt.Errorf("read %s: %w", id, err)
		}
		if kind == stub {
			archived = true
			continue
		}
		if e.Body, err = payment.DecodeBody(kind, []byte(body)); err != nil {
			return nil, "", fmt.Errorf("read %s, event %d: %w", id, e.Seq, err)
		}
		e.At = instant(at)
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("read %s: %w", id, err)
	}
	if archived {
		return s.unarchived(ctx, id, events, writer)
	}
	if len(events) == 0 {
		return nil, "", ErrNotFound
	}
	return events, writer, nil
}

// Get folds a payment.
func (s *Store) Get(ctx context.Context, id string) (payment.Payment, error) {
	events, writer, err := s.history(ctx, id)
	if err != nil {
		return payment.Payment{}, err
	}
	p, err := payment.Fold(events)
	p.Writer = writer
	return p, err
}

// Seq reads how many events a payment has.
func (s *Store) Seq(ctx context.Context, id string) (seq int64, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	err = s.read.QueryRowContext(ctx, `SELECT seq FROM payments WHERE id = $1`, id).Scan(&seq)
	return seq, found(err)
}

// Payer reads what the gateways may need to know about the person.
func (s *Store) Payer(ctx context.Context, id string) (providers.Payer, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var text string
	var payer providers.Payer
	err := s.read.QueryRowContext(ctx, `SELECT payer FROM payments WHERE id = $1`, id).Scan(&text)
	if err != nil {
		return payer, found(err)
	}
	return payer, json.Unmarshal([]byte(text), &payer)
}

// FindAttempt finds an attempt by our reference or, where that is empty, by the gateway's id.
func (s *Store) FindAttempt(ctx context.Context, gateway string, ref providers.Ref) (id string, n int, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	const columns = `SELECT payment_id, n FROM attempts WHERE gateway = $1 AND `
	if ref.Order != "" {
		err = s.read.QueryRowContext(ctx, columns+`reference = $2`, gateway, storable(ref.Order)).Scan(&id, &n)
	} else {
		err = s.read.QueryRowContext(ctx, columns+`external = $2 AND external <> '' ORDER BY +planned_at DESC LIMIT 1`,
			gateway, storable(ref.External)).Scan(&id, &n)
	}
	return id, n, found(err)
}

// Filter selects payments. Zero fields select all.
type Filter struct {
	Tenant        string
	Status        payment.Status
	Gateway       string // any attempt of the payment was there
	Order         string
	CreatedFrom   time.Time // inclusive
	CreatedBefore time.Time // exclusive
	AtRisk        bool
}

// Cursor is where a page ended: the last row's creation time and id.
type Cursor struct {
	Created time.Time
	ID      string
}

// List returns up to n payments after the cursor, newest first.
func (s *Store) List(ctx context.Context, f Filter, after Cursor, n int) ([]payment.Payment, error) {
	w, seldom, last := where{}, false, int64(math.MaxInt64)
	if f.Gateway != "" && f.Order == "" && !f.AtRisk {
		var err error
		if seldom, last, err = s.attempted(ctx, f.Gateway); err != nil {
			return nil, fmt.Errorf("list payments: %w", err)
		}
	}
	// Where few are asked for, they are found by what they are, and else by going through the
	// tenant's payments: CROSS JOIN holds SQLite to that.
	from := "payments"
	switch {
	case f.Order != "": // two indexes know it: of the payment that is open or paid, and of those that came to nothing
		w.and("payments.id = few.found", f.Tenant, f.Order)
		from = `(SELECT id AS found FROM payments WHERE tenant = $1 AND order_ref = $2 AND order_open UNION ALL
			SELECT id FROM payments WHERE tenant = $1 AND order_ref = $2 AND NOT order_open AND order_ref <> '') AS few CROSS JOIN payments`
	case f.AtRisk:
		w.and("payments.id = few.found")
		// A payment's id itself SQLite would read from the index of all attempts, which has it in order.
		from = `(SELECT DISTINCT payment_id || '' AS found FROM attempts WHERE at_risk) AS few CROSS JOIN payments`
	case seldom:
		w.and("payments.id = few.found", f.Gateway)
		from = `(SELECT DISTINCT payment_id AS found FROM attempts WHERE gateway = $1) AS few CROSS JOIN payments`
	}
	w.and("tenant = ?", f.Tenant)
	w.andIf(f.Status != "", "status = ?", string(f.Status))
	w.andIf(f.Status != "" && f.Status != payment.StatusPaid, "status <> 'paid'") // as its index has it
	// Each payment is asked whether it was there, and none was opened after the gateway's last
	// attempt. Of two bounds SQLite would begin at either, so only the nearer one is given.
	w.andIf(f.Gateway != "" && !seldom, "? IN (SELECT a.gateway FROM attempts a WHERE a.payment_id = payments.id)", f.Gateway)
	w.andIf(f.Gateway != "" && from == "payments" && (after.ID == "" || last < micros(after.Created)), "created_at <= ?", last)
	w.andIf(!f.CreatedFrom.IsZero(), "created_at >= ?", micros(f.CreatedFrom))
	w.andIf(!f.CreatedBefore.IsZero(), "created_at < ?", micros(f.CreatedBefore))
	w.andIf(f.AtRisk, "at_risk")
	w.andIf(after.ID != "", "(created_at, id) < (?, ?)", micros(after.Created), after.ID)
	query := `SELECT id FROM ` + from + ` WHERE ` + w.text() + ` ORDER BY created_at DESC, id DESC LIMIT ` + w.place(n)
	ids, err := s.ids(ctx, query, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	page := make([]payment.Payment, 0, len(ids))
	for _, id := range ids {
		p, err := s.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		page = append(page, p)
	}
	return page, nil
}

// fewAttempts is up to how many attempts of a gateway are looked through for one page.
const fewAttempts = 2000

// attempted reports whether a gateway had few attempts, and if not, when the last one was planned.
func (s *Store) attempted(ctx context.Context, gateway string) (seldom bool, last int64, err error) {
	err = s.one(ctx, []any{&last}, `SELECT planned_at FROM attempts WHERE gateway = $1 AND EXISTS
		(SELECT 1 FROM attempts early WHERE early.gateway = $1 ORDER BY early.planned_at LIMIT 1 OFFSET $2) ORDER BY planned_at DESC LIMIT 1`, gateway, s.few)
	if errors.Is(err, ErrNotFound) {
		return true, 0, nil
	}
	return false, last, err
}

// Exposure is money that may have moved or may still move at one gateway.
type Exposure struct {
	Gateway, Verdict, Currency string
	Count, Amount              int64
	Oldest                     time.Time
}

// AtRisk sums open attempts by gateway, verdict and currency, from the books.
func (s *Store) AtRisk(ctx context.Context) ([]Exposure, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT gateway, verdict, currency, COUNT(*), SUM(amount), MIN(planned_at)
		FROM attempts WHERE at_risk GROUP BY gateway, verdict, currency ORDER BY gateway, verdict, currency`)
	if err != nil {
		return nil, fmt.Errorf("money at risk: %w", err)
	}
	defer rows.Close()
	var all []Exposure
	for rows.Next() {
		var e Exposure
		var oldest int64
		if err := rows.Scan(&e.Gateway, &e.Verdict, &e.Currency, &e.Count, &e.Amount, &oldest); err != nil {
			return nil, fmt.Errorf("money at risk: %w", err)
		}
		e.Oldest = instant(oldest)
		all = append(all, e)
	}
	return all, rows.Err()
}
