package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Nameless lists up to n lines of a reading's day that name neither an order nor an id and are
// nobody's yet, in the order of time. What has no time of day is not listed: its row has a date
// only, or none.
func (s *Store) Nameless(ctx context.Context, r Run, n int) ([]StagedLine, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT `+lineColumns+` FROM statement_lines WHERE reading = $1 AND day = $2
		AND order_ref = '' AND external = '' AND found_by = '' AND at IS NOT NULL AND at > $3 ORDER BY at, seq LIMIT $4`,
		r.Reading, r.Day, micros(r.Span.From), n)
	if err != nil {
		return nil, fmt.Errorf("nameless lines of %s: %w", r.Day, err)
	}
	return scanLines(rows)
}

// longUndecided is how long ago an attempt may have been planned that may have taken money
// although our books do not say so.
const longUndecided = 24 * time.Hour

// Near lists up to n groups that may be what the gateway dates within a span, charges or
// refunds: with money of ours, or of which nobody can be sure that there was none. It leaves out
// those of which a statement tells anything of that kind.
func (s *Store) Near(ctx context.Context, kind providers.LineKind, gateway string, span providers.Window, n int) ([]string, error) {
	table, attempt, money := "attempts", "n", "IN ('approved', 'held')"
	if kind == providers.LineRefund {
		table, attempt, money = "refunds", "attempt", "= 'approved'"
	}
	query := fmt.Sprintf(`SELECT DISTINCT grp FROM (
		SELECT payment_id || '/' || %[2]s AS grp FROM %[1]s WHERE verdict %[3]s AND gateway = $1 AND last_at >= $2 AND last_at < $3 AND planned_at <= $4
		UNION ALL SELECT payment_id || '/' || %[2]s FROM %[1]s WHERE gateway = $1 AND planned_at >= $5 AND planned_at <= $4 AND verdict NOT IN ('approved', 'held', 'declined')) AS m
		WHERE NOT EXISTS (SELECT 1 FROM statement_lines l JOIN statement_days d ON d.gateway = l.gateway AND d.day = l.day AND d.reading = l.reading
			WHERE l.gateway = $1 AND l.grp = m.grp AND l.kind = $6)
		LIMIT $7`, table, attempt, money)
	groups, err := s.ids(ctx, query, gateway, micros(span.From), micros(span.To.Add(longestRange)), micros(span.To), micros(span.From.Add(-longUndecided)), string(kind), n)
	if err != nil {
		return nil, fmt.Errorf("movements near %s of %s: %w", span.From.UTC().Format(time.RFC3339), gateway, err)
	}
	return groups, nil
}

// Doubted lists up to n groups with a line that was found by its amount, and of whose movement
// another line tells by its name.
func (s *Store) Doubted(ctx context.Context, gateway string, n int) ([]string, error) {
	groups, err := s.ids(ctx, `SELECT DISTINCT l.grp FROM statement_lines l WHERE l.gateway = $1 AND l.found_by = 'amount'
		AND EXISTS (SELECT 1 FROM statement_lines o JOIN statement_days d ON d.gateway = o.gateway AND d.day = o.day AND d.reading = o.reading
			WHERE o.gateway = l.gateway AND o.grp = l.grp AND o.kind = l.kind AND o.found_by <> 'amount') LIMIT $2`, gateway, n)
	if err != nil {
		return nil, fmt.Errorf("doubtful lines of %s: %w", gateway, err)
	}
	return groups, nil
}

// Reassign keeps whose lines of a gateway's statements are now, and how far a run is.
func (s *Store) Reassign(ctx context.Context, r Run, lines []StagedLine) error {
	return s.keepRun(ctx, r, func(ctx context.Context, tx *sql.Tx) error {
		for _, l := range lines {
			if _, err := tx.ExecContext(ctx, `UPDATE statement_lines SET grp = $4, found_by = $5 WHERE day = $2 AND seq = $3
				AND reading = (SELECT reading FROM statement_days WHERE gateway = $1 AND day = $2)`, r.Gateway, l.Day, l.Seq, l.Group, string(l.FoundBy)); err != nil {
				return err
			}
		}
		return nil
	})
}
