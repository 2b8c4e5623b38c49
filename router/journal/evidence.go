package journal

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Evidence is a person's word that something was shown.
type Evidence struct {
	ID                string // the operator's request id
	Gateway, Item     string
	Shown             time.Time
	Reference, Detail string
	Actor, Reason     string
	Created           time.Time
}

const evidenceColumns = `id, gateway, item, shown_at, reference, detail, actor, reason, created_at`

// RecordEvidence stores a record and returns the one that stands under its id: a repeated id
// changes nothing.
func (s *Store) RecordEvidence(ctx context.Context, e Evidence) (Evidence, error) {
	writing, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(writing, `INSERT INTO evidence (`+evidenceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		e.ID, e.Gateway, e.Item, micros(e.Shown), storable(e.Reference), storable(e.Detail), e.Actor, storable(e.Reason), micros(e.Created))
	if err != nil {
		return e, fmt.Errorf("record evidence: %w", err)
	}
	kept, err := s.evidence(ctx, `SELECT `+evidenceColumns+` FROM evidence WHERE id = $1`, e.ID)
	if err == nil && len(kept) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return e, err
	}
	return kept[0], nil
}

// EvidenceFilter selects records. Empty fields select all.
type EvidenceFilter struct{ Gateway, Item string }

// ListEvidence returns up to n records after the cursor, newest first.
func (s *Store) ListEvidence(ctx context.Context, f EvidenceFilter, after Cursor, n int) ([]Evidence, error) {
	created := int64(math.MaxInt64)
	if after.ID != "" {
		created = micros(after.Created)
	}
	return s.evidence(ctx, `SELECT `+evidenceColumns+` FROM evidence WHERE (gateway = $1 OR $1 = '') AND (item = $2 OR $2 = '')
		AND (created_at < $3 OR created_at = $3 AND id < $4) ORDER BY created_at DESC, id DESC LIMIT $5`, f.Gateway, f.Item, created, after.ID, n)
}

// NewestEvidence reads the record of each item that counts, which is the newest, and what
// was asked.
func (s *Store) NewestEvidence(ctx context.Context, gateway string) ([]Evidence, string, error) {
	const query = `SELECT ` + evidenceColumns + ` FROM (SELECT evidence.*, ROW_NUMBER() OVER (PARTITION BY item ORDER BY created_at DESC, id DESC) AS place
		FROM evidence WHERE gateway = $1) AS newest WHERE place = 1 ORDER BY item`
	found, err := s.evidence(ctx, query, gateway)
	return found, question(query, gateway), err
}

func (s *Store) evidence(ctx context.Context, query string, args ...any) ([]Evidence, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	// From the connection that writes: a record that was just made is there.
	rows, err := s.write.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	defer rows.Close()
	var all []Evidence
	for rows.Next() {
		var e Evidence
		var shown, created int64
		if err := rows.Scan(&e.ID, &e.Gateway, &e.Item, &shown, &e.Reference, &e.Detail, &e.Actor, &e.Reason, &created); err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		e.Shown, e.Created = instant(shown), instant(created)
		all = append(all, e)
	}
	return all, rows.Err()
}
