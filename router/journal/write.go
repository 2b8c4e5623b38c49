package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Request is a caller's idempotency key with what it was used for.
type Request struct {
	Tenant, ID string
	Kind       string // create, capture, cancel, refund
	Hash       string // keyed hash of the canonical body
	Object     string // what the request made, when it is not the payment itself
}

// ReusedError says that a request id was used before with another body.
type ReusedError struct{ Payment string }

func (e *ReusedError) Error() string { return "the request id was used with another body" }

// OrderTakenError says that the order has a payment that is open or paid.
type OrderTakenError struct{ Payment, Status string }

func (e *OrderTakenError) Error() string { return "the order has a payment already" }

// ErrRepeated says that the same request came before; the payment returned with it
// is the current one, and Request.Object what it made.
var ErrRepeated = errors.New("the request came before")

var errConflict = errors.New("somebody else appended first")

// Open writes a payment with its first events under its request id, in one commit. A request
// that came before returns the payment it made and ErrRepeated, or a *ReusedError when the
// body was another one.
func (s *Store) Open(ctx context.Context, r Request, payer providers.Payer, events ...payment.Event) (payment.Payment, error) {
	p, err := begun(events)
	if err != nil {
		return p, err
	}
	w, err := s.opening(r, payer, p, events)
	if err != nil {
		return p, err
	}
	return s.opened(ctx, r, p, s.insist(ctx, w))
}

// begun numbers a payment's first events and folds them.
func begun(events []payment.Event) (payment.Payment, error) {
	var p payment.Payment
	for i := range events {
		events[i].Seq = int64(i + 1)
		var err error
		if p, err = p.Apply(events[i]); err != nil {
			return p, err
		}
	}
	p.Writer = newWriter()
	return p, nil
}

// opening is the write of a payment with its first events, under its request id.
func (s *Store) opening(r Request, payer providers.Payer, p payment.Payment, events []payment.Event) (*write, error) {
	w := s.newWrite()
	w.opens = true
	if err := w.payment(r, payer, p, events[0].At, s.row(p, events[len(events)-1].At)); err != nil {
		return nil, err
	}
	return w, w.events(p, events)
}

// payment adds a payment's row, as it is after its first events, under its request id.
func (w *write) payment(r Request, payer providers.Payer, p payment.Payment, created time.Time, row []any) error {
	person, err := json.Marshal(payer)
	if err != nil {
		return err
	}
	w.request(r, p.ID)
	w.guard(&OrderTakenError{}, `INSERT INTO payments
		(id, order_open, status, gateway, at_risk, seq, updated_at, due_at, tenant, order_ref, created_at, payer)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $13, $14, $15 WHERE `+markStands+` ON CONFLICT DO NOTHING`,
		slices.Concat(row, []any{p.Tenant}, w.mark.places(), []any{p.Order, micros(created), string(person)})...)
	return nil
}

// row is what payments shows of a payment, for the places $1 to $8.
func (s *Store) row(p payment.Payment, now time.Time) []any {
	gateway, risk := "", false
	for _, a := range p.Attempts {
		gateway, risk = a.Gateway, risk || a.AtRisk()
	}
	status := p.Status()
	unpaid := status == payment.StatusDeclined || status == payment.StatusFailed || status == payment.StatusCanceled
	return []any{p.ID, p.Order != "" && !unpaid, string(status), gateway, risk, p.Seq, micros(p.Updated), nullMicros(s.due(p, now))}
}

// opened is what became of a payment that was to be opened, after the transaction's end.
func (s *Store) opened(ctx context.Context, r Request, p payment.Payment, err error) (payment.Payment, error) {
	if taken := (*OrderTakenError)(nil); errors.As(err, &taken) {
		return p, s.orderTaken(ctx, p.Tenant, p.Order)
	}
	if errors.Is(err, ErrRepeated) {
		return s.Repeated(ctx, r)
	}
	if err != nil {
		// The commit may have happened all the same: look before saying no.
		kept, again := s.Repeated(ctx, r)
		switch {
		case !errors.Is(again, ErrRepeated):
		case kept.ID != p.ID:
			return kept, again
		case s.holds(context.WithoutCancel(ctx), p.ID, p.Writer):
			s.remember(p)
			return p, nil
		}
		return p, fmt.Errorf("open payment: %w", err)
	}
	s.remember(p)
	return p, nil
}

// request adds the request that the write is carried out for, once.
func (w *write) request(r Request, id string) {
	w.must(1, ErrRepeated, `INSERT INTO requests (tenant, request_id, kind, hash, payment_id, object)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, r.Tenant, r.ID, r.Kind, r.Hash, id, r.Object)
}

// Repeated reads what a request id made. It returns ErrRepeated when that is the
// same request, *ReusedError when it is not, and ErrNotFound when it is new.
func (s *Store) Repeated(ctx context.Context, r Request) (payment.Payment, error) {
	kept, id, err := s.Request(ctx, r.Tenant, r.ID)
	if err != nil {
		return payment.Payment{}, err
	}
	if kept.Hash != r.Hash || kept.Kind != r.Kind {
		return payment.Payment{}, &ReusedError{Payment: id}
	}
	p, err := s.Get(ctx, id)
	if err == nil {
		err = s.assure(ctx)
	}
	if err != nil {
		return p, err
	}
	return p, ErrRepeated
}

// Request finds what a request id was used for and the payment it concerned.
func (s *Store) Request(ctx context.Context, tenant, id string) (Request, string, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	kept := Request{Tenant: tenant, ID: id}
	var paymentID string
	err := s.write.QueryRowContext(ctx, `SELECT kind, hash, payment_id, object FROM requests WHERE tenant = $1 AND request_id = $2`,
		tenant, id).Scan(&kept.Kind, &kept.Hash, &paymentID, &kept.Object)
	return kept, paymentID, found(err)
}

func (s *Store) orderTaken(ctx context.Context, tenant, order string) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	taken := &OrderTakenError{}
	err := s.write.QueryRowContext(ctx, `SELECT id, status FROM payments WHERE tenant = $1 AND order_ref = $2 AND order_open`,
		tenant, order).Scan(&taken.Payment, &taken.Status)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return taken
}

// Decide returns the events to append to a payment; none means there is nothing
// to do. It must be pure, for it runs again when somebody else was faster.
type Decide func(payment.Payment) ([]payment.Event, error)

// Advance appends what decide returns, starting from a payment as the caller
// knows it (only its id need be right). All events become durable in one commit. With an
// error it returns the payment as far as it is known.
func (s *Store) Advance(ctx context.Context, from payment.Payment, decide Decide) (payment.Payment, error) {
	return s.advance(ctx, from, nil, decide)
}

// AdvanceOnce is Advance under an idempotency key: a request that came before
// returns the payment as it is and ErrRepeated.
func (s *Store) AdvanceOnce(ctx context.Context, r Request, from payment.Payment, decide Decide) (payment.Payment, error) {
	if kept, err := s.Repeated(ctx, r); !errors.Is(err, ErrNotFound) {
		return kept, err
	}
	return s.advance(ctx, from, &r, decide)
}

func (s *Store) advance(ctx context.Context, from payment.Payment, r *Request, decide Decide) (payment.Payment, error) {
	p, err := from, error(nil)
	writer, until, wait := newWriter(), time.Now().Add(s.timeout), time.Duration(0)
	if p.Seq == 0 {
		if p, err = s.Get(ctx, from.ID); err != nil {
			return p, err
		}
	}
	for first := true; ; first = false {
		events, err := decide(p)
		switch {
		case err != nil && r != nil && !first: // perhaps for what this very request did meanwhile, sent twice
			if kept, again := s.Repeated(ctx, *r); !errors.Is(again, ErrNotFound) {
				return kept, again
			}
			return p, err
		case err != nil:
			return p, err
		case len(events) == 0:
			return p, s.assure(ctx)
		}
		next := p
		for i := range events {
			events[i].Seq = next.Seq + 1
			if next, err = next.Apply(events[i]); err != nil {
				return p, err
			}
		}
		next.Writer = writer
		w := s.newWrite()
		if r != nil {
			w.request(*r, p.ID)
		}
		w.follow(p, s.row(next, events[len(events)-1].At))
		if err := w.events(next, events); err != nil {
			return p, err
		}
		err = s.commit(ctx, w)
		s.note(err)
		switch {
		case err == nil:
			s.remember(next)
			return next, nil
		case errors.Is(err, ErrRepeated):
			return s.Repeated(ctx, *r)
		case !errors.Is(err, errConflict) && !retryable(err):
			// Did it commit all the same? Read on another connection before saying no.
			if s.holds(context.WithoutCancel(ctx), p.ID, writer) {
				s.remember(next)
				return next, nil
			}
			return p, fmt.Errorf("append to %s: %w", p.ID, err)
		}
		newer, unread := s.Get(ctx, p.ID)
		switch {
		case unread == nil && (newer.Seq < p.Seq || newer.Seq == p.Seq && newer.Writer != p.Writer), errors.Is(unread, ErrNotFound) && p.Seq > 0:
			return p, s.behind() // what was read before is not there any more
		case unread != nil:
			return p, unread
		case newer.Seq > p.Seq:
			wait = 0
		case wait > 0 && !comesAgain(ctx, wait, until): // nobody was faster, again and again
			return p, fmt.Errorf("append to %s: its row does not follow from its %d events, or another transaction is in the way: %w", p.ID, p.Seq, err)
		default:
			wait = min(max(2*wait, firstPause), mostPause)
		}
		p = newer
	}
}

// newWriter names one Advance, so that its events are told from equal ones of another.
func newWriter() string { return rand.Text() }

// holds reports whether the writer's events stand in the journal, and will.
func (s *Store) holds(ctx context.Context, id, writer string) bool {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM events WHERE payment_id = $1 AND writer = $2`, id, writer).Scan(&n)
	return err == nil && n > 0 && s.assureOwn(ctx) == nil
}

// events adds events and their by-products; p is the payment after them.
func (w *write) events(p payment.Payment, events []payment.Event) error {
	args := make([]any, 0, 2+5*len(events))
	args = append(args, p.ID, p.Writer)
	for _, e := range events {
		body, err := payment.EncodeBody(e.Body)
		if err != nil {
			return err
		}
		args = append(args, e.Seq, micros(e.At), e.Actor, e.Body.Kind(), string(body))
	}
	w.must(len(events), errConflict, insertEvents(len(events)), args...)
	w.signals(p, events)
	w.attempts(p)
	w.refunds(p)
	for _, f := range p.Findings {
		w.add(insertFinding, ofPayment(p, f).values()...)
	}
	last := events[len(events)-1]
	w.add(`INSERT INTO outbox (payment_id, seq, tenant, at) VALUES ($1, $2, $3, $4)`, p.ID, last.Seq, p.Tenant, micros(last.At))
	return nil
}

// insertFew are the statements that insert one to four events at once: hardly any write has more.
var insertFew = func() (texts [4]string) {
	for i := range texts {
		texts[i] = insertMany(i + 1)
	}
	return texts
}()

func insertEvents(n int) string {
	if n <= len(insertFew) {
		return insertFew[n-1]
	}
	return insertMany(n)
}

func insertMany(n int) string {
	text := strings.Builder{}
	text.WriteString(`INSERT INTO events (payment_id, writer, seq, at, actor, kind, body) VALUES `)
	for i := range n {
		if i > 0 {
			text.WriteString(`, `)
		}
		at := 2 + 5*i
		fmt.Fprintf(&text, `($1, $2, $%d, $%d, $%d, $%d, $%d)`, at+1, at+2, at+3, at+4, at+5)
	}
	text.WriteString(` ON CONFLICT DO NOTHING`)
	return text.String()
}

func (w *write) attempts(p payment.Payment) {
	for _, a := range p.Attempts {
		w.add(`INSERT INTO attempts
			(payment_id, n, gateway, provider, reference, external, verdict, amount, currency, planned_at, unclosed, at_risk, live_until, last_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT (payment_id, n) DO UPDATE SET external = excluded.external, verdict = excluded.verdict,
			unclosed = excluded.unclosed, at_risk = excluded.at_risk, live_until = excluded.live_until, last_at = excluded.last_at`,
			p.ID, a.N, a.Gateway, a.Provider, storable(a.Reference), storable(a.External), a.Verdict.String(), p.Amount.Minor, p.Amount.Currency,
			micros(a.Planned), a.Closed == nil, a.AtRisk(), liveUntil(a), dated(p.Dated(a)))
	}
}

// follow adds the payment's row as it is now, where it was before what its events follow. In
// the same statement: books that lost this process' last commit take nothing from it, nor does
// a payment whose history is not the one that was read.
func (w *write) follow(before payment.Payment, row []any) {
	w.guard(errConflict, `UPDATE payments SET order_open = $2, status = $3, gateway = $4, at_risk = $5,
		seq = $6, updated_at = $7, due_at = $8 WHERE id = $1 AND seq = $9 AND `+markStands+`
		AND EXISTS (SELECT 1 FROM events WHERE payment_id = $1 AND seq = $9 AND writer = $13)`,
		slices.Concat(row, []any{before.Seq}, w.mark.places(), []any{before.Writer})...)
}

// transact runs one write transaction within the commit time-out. The caller's
// cancellation does not stop it: a commit is finished or it fails by itself.
func (s *Store) transact(ctx context.Context, do func(context.Context, *sql.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, span := storeSpan(ctx)
	defer func() { ended(span, err) }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.confirmed(conn)
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
