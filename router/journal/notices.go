package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// StoreNotice keeps an inbound request, raw, before anybody reads it.
func (s *Store) StoreNotice(ctx context.Context, id, gateway string, n providers.Notice, now time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	header, err := json.Marshal(n.Header)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO notices
		(id, gateway, received_at, method, path, query, header, source, body, state, payment_id, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'stored', '', '')`,
		id, gateway, micros(now), storable(n.Method), storable(n.Path), storable(n.Query), string(header), storable(n.Source), n.Body)
	if err != nil {
		return fmt.Errorf("store notice: %w", err)
	}
	return nil
}

// MarkNotice records what became of a notice.
func (s *Store) MarkNotice(ctx context.Context, id, state, payment, detail string) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `UPDATE notices SET state = $2, payment_id = $3, detail = $4 WHERE id = $1`, id, state, payment, storable(detail))
	return err
}

// Hint says that a gateway's unsigned notice about a payment was acknowledged and not
// followed by a look-up.
type Hint struct{ Payment, Gateway string }

// WaitingHints lists up to n payments with hints received in [from, before) that
// nobody followed, the latest first.
func (s *Store) WaitingHints(ctx context.Context, from, before time.Time, n int) ([]Hint, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT payment_id, gateway FROM notices WHERE state = 'hint' AND received_at >= $1 AND received_at < $2
		GROUP BY payment_id, gateway ORDER BY MAX(received_at) DESC LIMIT $3`, micros(from), micros(before), n)
	if err != nil {
		return nil, fmt.Errorf("waiting hints: %w", err)
	}
	defer rows.Close()
	var all []Hint
	for rows.Next() {
		var h Hint
		if err := rows.Scan(&h.Payment, &h.Gateway); err != nil {
			return nil, fmt.Errorf("waiting hints: %w", err)
		}
		all = append(all, h)
	}
	return all, rows.Err()
}

// HintsFollowed records that a look-up put at the given time followed all earlier hints
// about the payment.
func (s *Store) HintsFollowed(ctx context.Context, payment, gateway string, asked time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.exec(ctx, `UPDATE notices SET state = 'followed'
		WHERE state = 'hint' AND payment_id = $1 AND gateway = $2 AND received_at <= $3`, payment, gateway, micros(asked))
	return err
}

// KeptNotice is what is told of an inbound request without its text, which may hold a
// person's data.
type KeptNotice struct {
	ID, Gateway string
	Received    time.Time
	State       string // what became of it
	SHA256      string // of its body; empty when there is none, or none any more
}

// NoticesOf reads what came about a payment, the first ones up to n, in order.
func (s *Store) NoticesOf(ctx context.Context, payment string, n int) ([]KeptNotice, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT id, gateway, received_at, state, body FROM notices WHERE payment_id = $1 AND payment_id <> ''
		ORDER BY received_at, id LIMIT $2`, payment, n)
	if err != nil {
		return nil, fmt.Errorf("notices of %s: %w", payment, err)
	}
	defer rows.Close()
	var all []KeptNotice
	for rows.Next() {
		var k KeptNotice
		var received int64
		var body []byte
		if err := rows.Scan(&k.ID, &k.Gateway, &received, &k.State, &body); err != nil {
			return nil, fmt.Errorf("notices of %s: %w", payment, err)
		}
		if k.Received = instant(received); len(body) > 0 {
			sum := sha256.Sum256(body)
			k.SHA256 = hex.EncodeToString(sum[:])
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// Answer returns the first answer given under a gateway's key.
func (s *Store) Answer(ctx context.Context, gateway, key string) (providers.Reply, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var r providers.Reply
	err := s.read.QueryRowContext(ctx, `SELECT status, content_type, body FROM answers WHERE gateway = $1 AND answer_key = $2`,
		gateway, key).Scan(&r.Status, &r.ContentType, &r.Body)
	if err == nil {
		err = s.assure(ctx)
	}
	return r, found(err)
}

// KeepAnswer stores the first answer under a gateway's key and returns whichever
// was first.
func (s *Store) KeepAnswer(ctx context.Context, gateway, key string, r providers.Reply) (providers.Reply, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, `INSERT INTO answers (gateway, answer_key, status, content_type, body)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, gateway, key, r.Status, r.ContentType, r.Body))
	if err != nil {
		return r, fmt.Errorf("keep answer: %w", err)
	}
	if n == 0 {
		return s.Answer(ctx, gateway, key)
	}
	return r, nil
}
