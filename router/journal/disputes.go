package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// AnswerWithin is how long after it was raised a dispute may wait for our answer. Kaspi asks
// of merchants that disputes are answered within 24 hours, and nobody gives less.
const AnswerWithin = 24 * time.Hour

// Dispute is that a bank or a payer contests what an attempt took. It is a record beside the
// payment: nothing of the payment follows from it.
type Dispute struct {
	ID               string // the operator's request id
	Said             string // a keyed hash of what was said under it
	Payment          string
	Attempt          int
	Tenant, Gateway  string
	Kind             DisputeKind
	State            DisputeState
	Outcome          Outcome
	Case             string // the bank's number; empty while nobody knows it
	Amount           providers.Money
	Detail           string
	Opened           time.Time // by the bank or the payer
	Answer           string
	Answered         time.Time
	Owner, Note      string
	RecordedBy       string
	AnsweredBy       string
	ClosedBy         string
	CloseReason      string
	Created, Updated time.Time
	Closed           time.Time
	Version          int64
}

// Due is by when the dispute is to be answered.
func (d Dispute) Due() time.Time { return d.Opened.Add(AnswerWithin) }

// DisputeKind is what was raised.
type DisputeKind string

// The kinds.
const (
	Chargeback DisputeKind = "chargeback" // the payer's bank wants the money back
	Claim      DisputeKind = "claim"      // the payer claims something
	Inquiry    DisputeKind = "inquiry"    // a bank asks for documents
)

// DisputeKinds lists the kinds in a fixed order.
func DisputeKinds() []DisputeKind { return []DisputeKind{Chargeback, Claim, Inquiry} }

// DisputeState is how far a dispute is.
type DisputeState string

// The states.
const (
	DisputeOpen     DisputeState = "open" // it waits for our answer
	DisputeAnswered DisputeState = "answered"
	DisputeClosed   DisputeState = "closed"
)

// DisputeStates lists the states in a fixed order.
func DisputeStates() []DisputeState {
	return []DisputeState{DisputeOpen, DisputeAnswered, DisputeClosed}
}

// Outcome is how a dispute ended.
type Outcome string

// The outcomes. A dispute that is not closed has none.
const (
	Won       Outcome = "won"
	Lost      Outcome = "lost"
	Withdrawn Outcome = "withdrawn"
)

// Outcomes lists the outcomes in a fixed order.
func Outcomes() []Outcome { return []Outcome{Won, Lost, Withdrawn} }

// CaseTakenError says that another dispute of the gateway has the case number.
type CaseTakenError struct{ Dispute string } // its id

// Error says so.
func (e *CaseTakenError) Error() string { return "another dispute has the case number" }

const disputeColumns = `id, said, payment_id, attempt, tenant, gateway, kind, state, outcome, case_number, amount, currency, detail, opened_at,
	answer, answered_at, owner, note, recorded_by, answered_by, closed_by, close_reason, created_at, updated_at, closed_at, version`

// RecordDispute stores a new dispute and returns the one that stands under its id: that of
// an earlier call says what that call said. Another dispute with its case number is a
// CaseTakenError.
func (s *Store) RecordDispute(ctx context.Context, d Dispute) (Dispute, error) {
	d.State, d.Outcome, d.Updated, d.Version = DisputeOpen, "", d.Created, 1
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO disputes (`+disputeColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, $12, $13, '', NULL, $14, $15, $16, '', '', '', $17, $17, NULL, 1) ON CONFLICT DO NOTHING`,
			d.ID, d.Said, d.Payment, d.Attempt, d.Tenant, d.Gateway, string(d.Kind), string(d.State), storable(d.Case), d.Amount.Minor, d.Amount.Currency, storable(d.Detail),
			micros(d.Opened), storable(d.Owner), storable(d.Note), storable(d.RecordedBy), micros(d.Created)))
		if err != nil || n == 0 {
			return err
		}
		return insertDisputeChange(ctx, tx, d, d.RecordedBy, "", d.Created)
	})
	if err != nil {
		return Dispute{}, fmt.Errorf("record a dispute: %w", err)
	}
	stands, err := s.Dispute(ctx, d.ID)
	if !errors.Is(err, ErrNotFound) {
		return stands, err
	}
	if err = s.caseTaken(ctx, d); errors.Is(err, ErrStale) {
		return s.RecordDispute(ctx, d) // the other one has another case number just now
	}
	return Dispute{}, err
}

// caseTaken is the error about a dispute whose case number another one has, or ErrStale when
// none has it any more.
func (s *Store) caseTaken(ctx context.Context, d Dispute) error {
	first, err := s.ids(ctx, `SELECT id FROM disputes WHERE gateway = $1 AND case_number = $2 AND case_number <> '' AND id <> $3`, d.Gateway, storable(d.Case), d.ID)
	switch {
	case err != nil:
		return fmt.Errorf("which dispute has the case number: %w", err)
	case len(first) == 0:
		return ErrStale
	}
	return &CaseTakenError{Dispute: first[0]}
}

// Dispute reads a dispute.
func (s *Store) Dispute(ctx context.Context, id string) (Dispute, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	d, err := oneDispute(ctx, s.read, id)
	if err == nil {
		err = s.assureOwn(ctx)
	}
	return d, err
}

// ChangeDispute lets a person change a dispute that is still the version they saw.
func (s *Store) ChangeDispute(ctx context.Context, id string, version int64, actor, reason string, now time.Time, change func(*Dispute) error) (Dispute, error) {
	var d Dispute
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if d, err = oneDispute(ctx, tx, id); err != nil {
			return err
		}
		if d.Version != version {
			return ErrStale
		}
		if err := change(&d); err != nil {
			return err
		}
		d.Updated, d.Version = now, version+1
		if err := updateDispute(ctx, tx, d); err != nil {
			return err
		}
		if err := insertDisputeChange(ctx, tx, d, actor, reason, now); err != nil {
			return err
		}
		d, err = oneDispute(ctx, tx, id)
		return err
	})
	if errors.Is(err, errCaseTaken) || taken(err) {
		err = s.caseTaken(ctx, d)
	}
	if err != nil {
		return Dispute{}, err
	}
	return d, nil
}

// errCaseTaken is for a transaction that found the case number taken. On PostgreSQL another
// one may take it just then: the index says so.
var errCaseTaken = errors.New("another dispute has the case number")

// updateDispute writes a dispute as its next version.
func updateDispute(ctx context.Context, tx *sql.Tx, d Dispute) error {
	n, err := affected(tx.ExecContext(ctx, `UPDATE disputes SET state = $3, outcome = $4, case_number = $5, answer = $6, answered_at = $7, owner = $8, note = $9,
		answered_by = $10, closed_by = $11, close_reason = $12, closed_at = $13, updated_at = $14, version = version + 1 WHERE id = $1 AND version = $2
		AND ($5 = '' OR NOT EXISTS (SELECT 1 FROM disputes other WHERE other.gateway = disputes.gateway AND other.case_number = $5 AND other.case_number <> '' AND other.id <> $1))`,
		d.ID, d.Version-1, string(d.State), string(d.Outcome), storable(d.Case), storable(d.Answer), nullMicros(d.Answered), storable(d.Owner), storable(d.Note),
		storable(d.AnsweredBy), storable(d.ClosedBy), storable(d.CloseReason), nullMicros(d.Closed), micros(d.Updated)))
	if err != nil || n == 1 {
		return err
	}
	now, err := oneDispute(ctx, tx, d.ID)
	switch {
	case err != nil:
		return err
	case now.Version != d.Version-1:
		return ErrStale
	}
	return errCaseTaken
}

// insertDisputeChange writes who made a dispute the version that it is.
func insertDisputeChange(ctx context.Context, tx *sql.Tx, d Dispute, actor, reason string, now time.Time) error {
	became, err := json.Marshal(map[string]string{"state": string(d.State), "outcome": string(d.Outcome), "case_number": d.Case, "owner": d.Owner, "note": d.Note, "answer": d.Answer})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO dispute_changes (dispute_id, version, at, actor, reason, change) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.ID, d.Version, micros(now), storable(actor), storable(reason), storable(string(became)))
	return err
}

// DisputeFilter selects disputes. Zero fields select all.
type DisputeFilter struct {
	Payment, Gateway string
	State            DisputeState
	Owner            string
	OverdueAt        time.Time // open, and their time was over by then
	CreatedFrom      time.Time // inclusive
	CreatedBefore    time.Time // exclusive
}

// Disputes lists up to n disputes after the cursor, those recorded last first.
func (s *Store) Disputes(ctx context.Context, f DisputeFilter, after Cursor, n int) ([]Dispute, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	w := where{}
	w.andIf(f.Payment != "", "payment_id = ?", f.Payment)
	w.andIf(f.Gateway != "", "gateway = ?", f.Gateway)
	w.andIf(f.State != "", "state = ?", string(f.State))
	w.andIf(f.Owner != "", "owner = ?", f.Owner)
	w.andIf(!f.OverdueAt.IsZero(), "state = 'open' AND opened_at < ?", micros(f.OverdueAt.Add(-AnswerWithin)))
	w.andIf(!f.CreatedFrom.IsZero(), "created_at >= ?", micros(f.CreatedFrom))
	w.andIf(!f.CreatedBefore.IsZero(), "created_at < ?", micros(f.CreatedBefore))
	w.andIf(after.ID != "", "(created_at, id) < (?, ?)", micros(after.Created), after.ID)
	limit := w.place(n)
	all, err := disputes(ctx, s.read, w.text()+` ORDER BY created_at DESC, id DESC LIMIT `+limit, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list disputes: %w", err)
	}
	return all, nil
}

// OpenDisputes counts the disputes of one gateway and kind that wait for our answer.
type OpenDisputes struct {
	Gateway        string
	Kind           DisputeKind
	Count, Overdue int64
	Oldest         time.Time // raised first
}

// OpenDisputes counts the disputes that wait for our answer.
func (s *Store) OpenDisputes(ctx context.Context, now time.Time) ([]OpenDisputes, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT gateway, kind, COUNT(*), SUM(CASE WHEN opened_at < $1 THEN 1 ELSE 0 END), MIN(opened_at)
		FROM disputes WHERE state = 'open' GROUP BY gateway, kind ORDER BY gateway, kind`, micros(now.Add(-AnswerWithin)))
	if err != nil {
		return nil, fmt.Errorf("open disputes: %w", err)
	}
	defer rows.Close()
	var all []OpenDisputes
	for rows.Next() {
		var d OpenDisputes
		var oldest int64
		if err := rows.Scan(&d.Gateway, &d.Kind, &d.Count, &d.Overdue, &oldest); err != nil {
			return nil, fmt.Errorf("open disputes: %w", err)
		}
		d.Oldest = instant(oldest)
		all = append(all, d)
	}
	return all, rows.Err()
}

func oneDispute(ctx context.Context, db asker, id string) (Dispute, error) {
	all, err := disputes(ctx, db, `id = $1`, id)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Dispute{}, err
	}
	return all[0], nil
}

func disputes(ctx context.Context, db asker, condition string, args ...any) ([]Dispute, error) {
	rows, err := db.QueryContext(ctx, `SELECT `+disputeColumns+` FROM disputes WHERE `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Dispute
	for rows.Next() {
		var d Dispute
		var opened, created, updated int64
		var answered, closed *int64
		err := rows.Scan(&d.ID, &d.Said, &d.Payment, &d.Attempt, &d.Tenant, &d.Gateway, &d.Kind, &d.State, &d.Outcome, &d.Case, &d.Amount.Minor, &d.Amount.Currency,
			&d.Detail, &opened, &d.Answer, &answered, &d.Owner, &d.Note, &d.RecordedBy, &d.AnsweredBy, &d.ClosedBy, &d.CloseReason, &created, &updated, &closed, &d.Version)
		if err != nil {
			return nil, err
		}
		d.Opened, d.Created, d.Updated = instant(opened), instant(created), instant(updated)
		if answered != nil {
			d.Answered = instant(*answered)
		}
		if closed != nil {
			d.Closed = instant(*closed)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}
