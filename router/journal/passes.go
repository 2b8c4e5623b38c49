package journal

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Pass is one go through all that may have outlived its term.
type Pass struct {
	ID, Actor     string
	NoticesBefore time.Time // everything older was to be removed,
	PayersBefore  time.Time // or erased
	Notices       int64     // so many were
	Payers        int64
	Kept          int64 // although they were old
	Began         time.Time
	Ended         time.Time // the zero time: it was cut off, or is at work
}

// BeginPass stores a pass before it changes anything.
func (s *Store) BeginPass(ctx context.Context, p Pass) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `INSERT INTO retention_passes (id, actor, notices_before, payers_before, notices, payers, kept, began_at, ended_at)
		VALUES ($1, $2, $3, $4, 0, 0, 0, $5, NULL)`, p.ID, storable(p.Actor), micros(p.NoticesBefore), micros(p.PayersBefore), micros(p.Began))
	if err != nil {
		return fmt.Errorf("begin a pass: %w", err)
	}
	return nil
}

// EndPass records that a pass came to its end.
func (s *Store) EndPass(ctx context.Context, id string, kept int64, now time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `UPDATE retention_passes SET kept = $2, ended_at = $3 WHERE id = $1`, id, kept, micros(now))
	if err != nil {
		return fmt.Errorf("end a pass: %w", err)
	}
	return nil
}

// LastPass reads the last pass that came to its end, or returns ErrNotFound.
func (s *Store) LastPass(ctx context.Context) (Pass, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var p Pass
	var notices, payers, began, ended int64
	err := s.read.QueryRowContext(ctx, `SELECT id, actor, notices_before, payers_before, notices, payers, kept, began_at, ended_at
		FROM retention_passes WHERE ended_at IS NOT NULL ORDER BY began_at DESC LIMIT 1`).
		Scan(&p.ID, &p.Actor, &notices, &payers, &p.Notices, &p.Payers, &p.Kept, &began, &ended)
	if err != nil {
		return p, found(err)
	}
	p.NoticesBefore, p.PayersBefore, p.Began, p.Ended = instant(notices), instant(payers), instant(began), instant(ended)
	return p, nil
}

// NoticeGateways lists the gateways of which there are notices, configured or not.
func (s *Store) NoticeGateways(ctx context.Context) ([]string, error) {
	return s.distinct(ctx, "gateway", "notices")
}

// Oldest is the age of the books: when the oldest notice came, when the oldest payment that
// has its payer was made, and the oldest payment of all. A zero time: there is none.
func (s *Store) Oldest(ctx context.Context) (notice, payer, record time.Time, err error) {
	gateways, err := s.NoticeGateways(ctx)
	if err != nil {
		return notice, payer, record, err
	}
	if record, _, err = s.oldestPayment(ctx); err != nil {
		return notice, payer, record, err
	}
	for _, g := range gateways {
		at, _, err := s.NoticesKept(ctx, g)
		if err != nil {
			return notice, payer, record, err
		}
		notice = earlier(notice, at)
	}
	payer, err = s.earliest(ctx, `SELECT MIN(created_at) FROM payments WHERE erased_at IS NULL`)
	return notice, payer, record, err
}

// oldestPayment asks for each tenant: there is no index of all payments in the order of their ages.
// It tells the statements, too.
func (s *Store) oldestPayment(ctx context.Context) (oldest time.Time, asked string, err error) {
	const query = `SELECT MIN(created_at) FROM payments WHERE tenant = $1`
	tenants, err := s.distinct(ctx, "tenant", "payments")
	var questions []string
	for _, t := range tenants {
		at, err := s.earliest(ctx, query, t)
		if err != nil {
			return time.Time{}, "", err
		}
		oldest, questions = earlier(oldest, at), append(questions, question(query, t))
	}
	return oldest, strings.Join(questions, "; "), err
}

// earliest reads one instant; the zero time stands for none.
func (s *Store) earliest(ctx context.Context, query string, args ...any) (time.Time, error) {
	var at *int64
	if err := s.one(ctx, []any{&at}, query, args...); err != nil || at == nil {
		return time.Time{}, err
	}
	return instant(*at), nil
}

// earlier is the earlier of two instants, of which zero ones stand for none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// distinct lists the values of a column that an index begins with, by as many looks at it:
// neither engine would skip what lies between by itself.
func (s *Store) distinct(ctx context.Context, column, table string) ([]string, error) {
	var all []string
	for last := ""; ; {
		next, err := s.ids(ctx, `SELECT `+column+` FROM `+table+` WHERE `+column+` > $1 ORDER BY `+column+` LIMIT 1`, last)
		if err != nil {
			return nil, fmt.Errorf("list %s of %s: %w", column, table, err)
		}
		if len(next) == 0 {
			return all, nil
		}
		last = next[0]
		all = append(all, last)
	}
}
