package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// StoreNotice keeps an inbound request, raw, before anybody reads it.
func (s *Store) StoreNotice(ctx context.Context, id, gateway string, n providers.Notice, now time.Time) error {
	header, err := json.Marshal(n.Header)
	if err != nil {
		return err
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO notices
		(id, gateway, received_at, method, path, query, header, source, body, state, payment_id, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'stored', '', '')`,
		id, gateway, micros(now), n.Method, n.Path, n.Query, string(header), n.Source, n.Body)
	if err != nil {
		return fmt.Errorf("store notice: %w", err)
	}
	return nil
}

// MarkNotice records what became of a notice.
func (s *Store) MarkNotice(ctx context.Context, id, state, payment, detail string) error {
	_, err := s.write.ExecContext(ctx, `UPDATE notices SET state = $2, payment_id = $3, detail = $4 WHERE id = $1`, id, state, payment, detail)
	return err
}

// Answer returns the first answer given under a gateway's key.
func (s *Store) Answer(ctx context.Context, gateway, key string) (providers.Reply, error) {
	var r providers.Reply
	err := s.read.QueryRowContext(ctx, `SELECT status, content_type, body FROM answers WHERE gateway = $1 AND answer_key = $2`,
		gateway, key).Scan(&r.Status, &r.ContentType, &r.Body)
	return r, found(err)
}

// KeepAnswer stores the first answer under a gateway's key and returns whichever
// was first.
func (s *Store) KeepAnswer(ctx context.Context, gateway, key string, r providers.Reply) (providers.Reply, error) {
	n, err := affected(s.write.ExecContext(ctx, `INSERT INTO answers (gateway, answer_key, status, content_type, body)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, gateway, key, r.Status, r.ContentType, r.Body))
	if err != nil {
		return r, fmt.Errorf("keep answer: %w", err)
	}
	if n == 0 {
		return s.Answer(ctx, gateway, key)
	}
	return r, nil
}
