package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/payrouter/payrouter/router/audit"
)

const auditColumns = `number, at, actor, roles, tenant, act, subject, reason, phase, asked, outcome, request, previous, sum`

// auditCounter is the counter whose row all who append write: one at a time, on every
// replica. That it goes on where the records end shows a cut tail by the next record.
const auditCounter = "audit"

// AppendAudit links a record to the chain and returns it as it stands there: with its number
// and sums, and without personal data in its reason. After an error it may stand in the chain or not.
func (s *Store) AppendAudit(ctx context.Context, r audit.Record) (audit.Record, error) {
	err := s.appendAudit(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		r, err = link(ctx, tx, r)
		return err
	})
	return r, err
}

// NoteAudit links a record to the chain, unless there is one of its act and subject. It
// reports whether it did. Only acts that audit_once names may be noted so.
func (s *Store) NoteAudit(ctx context.Context, r audit.Record) (noted bool, err error) {
	err = s.appendAudit(ctx, func(ctx context.Context, tx *sql.Tx) error {
		noted = false
		// In this order: whoever else notes it waits, and then sees it.
		if _, err := take(ctx, tx, auditCounter, 0); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE act = $1 AND subject = $2`, storable(r.Act), storable(r.Subject)).Scan(&n); err != nil || n > 0 {
			return err
		}
		_, err := link(ctx, tx, r)
		noted = err == nil
		return err
	})
	return noted && err == nil, err
}

func (s *Store) appendAudit(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	if err := s.settle(ctx, do); err != nil {
		return fmt.Errorf("append to the audit: %w", err)
	}
	return nil
}

// link gives a record its number and the sum of the one before it, and writes it. Where the
// one before is not there, the chain is broken already: the record begins a new piece.
func link(ctx context.Context, tx *sql.Tx, r audit.Record) (audit.Record, error) {
	number, err := take(ctx, tx, auditCounter, 1)
	if err != nil {
		return r, err
	}
	var text string
	err = tx.QueryRowContext(ctx, `SELECT sum FROM audit WHERE number = $1`, number-1).Scan(&text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	previous, _ := audit.ParseSum(text)
	r.Number, r.Time, r.Reason = number, instant(micros(r.Time)), audit.Impersonal(r.Reason)
	for _, field := range []*string{&r.Actor, &r.Roles, &r.Tenant, &r.Act, &r.Subject, &r.Reason, &r.Outcome, &r.Request} {
		*field = storable(*field) // before it is summed
	}
	r = r.Linked(previous)
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		r.Number, micros(r.Time), r.Actor, r.Roles, r.Tenant, r.Act, r.Subject, r.Reason, string(r.Phase), r.Asked, r.Outcome, r.Request, r.Previous.String(), r.Sum.String())
	return r, err
}

// AuditFilter selects records. Empty fields select all.
type AuditFilter struct {
	Actor, Act, Subject string
	From, To            time.Time // at From or later, and before To
}

// ListAudit returns up to n records with numbers below before, newest first; before 0 means
// from the newest on.
func (s *Store) ListAudit(ctx context.Context, f AuditFilter, before int64, n int) ([]audit.Record, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	w := where{}
	w.and(`number < ?`, before)
	w.andIf(f.Actor != "", `actor = ?`, f.Actor)
	w.andIf(f.Act != "", `act = ?`, f.Act)
	w.andIf(f.Subject != "", `subject = ?`, f.Subject)
	w.andIf(!f.From.IsZero(), `at >= ?`, micros(f.From))
	w.andIf(!f.To.IsZero(), `at < ?`, micros(f.To))
	query := `SELECT ` + auditColumns + ` FROM audit WHERE ` + w.text() + ` ORDER BY number DESC LIMIT ` + w.place(n)
	return s.audited(ctx, query, w.args...)
}

// auditPage is how many records a walk holds at a time.
const auditPage = 500

// WalkAudit reads the chain in the order of its numbers, a page at a time: it holds no lock
// in between, and what is appended meanwhile comes too.
func (s *Store) WalkAudit(ctx context.Context) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for after := int64(math.MinInt64); ; {
			page, err := s.audited(ctx, `SELECT `+auditColumns+` FROM audit WHERE number > $1 ORDER BY number LIMIT $2`, after, auditPage)
			if err != nil {
				yield(audit.Record{}, err)
				return
			}
			for _, r := range page {
				if after = r.Number; !yield(r, nil) {
					return
				}
			}
			if len(page) < auditPage {
				return
			}
		}
	}
}

func (s *Store) audited(ctx context.Context, query string, args ...any) ([]audit.Record, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	defer rows.Close()
	var all []audit.Record
	for rows.Next() {
		var r audit.Record
		var at int64
		var previous, sum string
		if err := rows.Scan(&r.Number, &at, &r.Actor, &r.Roles, &r.Tenant, &r.Act, &r.Subject, &r.Reason, &r.Phase, &r.Asked, &r.Outcome, &r.Request, &previous, &sum); err != nil {
			return nil, fmt.Errorf("read the audit: %w", err)
		}
		// What is no sum reads as the zero one, which no record has: the check finds it.
		r.Previous, _ = audit.ParseSum(previous)
		r.Sum, _ = audit.ParseSum(sum)
		r.Time = instant(at)
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return all, nil
}
