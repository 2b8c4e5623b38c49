package journal

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// LastRehearsal is when the failover of any gateway was last proven: by a person's record of a
// rehearsal, of which each gateway's newest counts, or by an order to drain one under which
// another of these gateways was paid. The zero time: never.
func (s *Store) LastRehearsal(ctx context.Context, gateways []string, now time.Time) (time.Time, error) {
	const records = `SELECT COALESCE(MAX(shown_at), 0) FROM (SELECT shown_at, ROW_NUMBER() OVER (PARTITION BY gateway ORDER BY created_at DESC, id DESC) AS place
		FROM evidence WHERE item = 'backup') AS newest WHERE place = 1`
	var recorded, drained int64
	if err := s.one(ctx, []any{&recorded}, records); err != nil {
		return time.Time{}, err
	}
	if len(gateways) > 0 {
		// One row for an empty answer, too; the newest orders, and of each gateway no more than the
		// first that was paid under one, so that a scrape stays cheap: asked whether there is any,
		// PostgreSQL gathers all attempts under the order first.
		args := []any{micros(now), newestDrains}
		var paid []string
		for _, gateway := range gateways {
			args = append(args, gateway)
			paid = append(paid, fmt.Sprintf(`d.gateway <> $%[1]d AND (SELECT a.n FROM attempts a WHERE a.gateway = $%[1]d AND a.planned_at >= d.start_at
				AND a.planned_at < d.over_at AND a.verdict = 'approved' ORDER BY a.planned_at LIMIT 1) IS NOT NULL`, len(args)))
		}
		drains := `SELECT COALESCE((SELECT d.start_at FROM (SELECT gateway, start_at, COALESCE(ended_at, end_at) AS over_at FROM overrides
			WHERE mode = 'drain' AND start_at <= $1 ORDER BY start_at DESC LIMIT $2) AS d
			WHERE ` + strings.Join(paid, " OR ") + ` ORDER BY d.start_at DESC LIMIT 1), 0)`
		if err := s.one(ctx, []any{&drained}, drains, args...); err != nil {
			return time.Time{}, err
		}
	}
	if last := max(recorded, drained); last > 0 {
		return instant(last), nil
	}
	return time.Time{}, nil
}

// newestDrains is how many orders are looked through for one that proves something.
const newestDrains = 20
