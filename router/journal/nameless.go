package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Nameless lists up to n lines of a reading's day that name neither an order nor an id and are
// nobody's yet, in the order of time, after one of them; the zero line begins. What has no time
// is not listed.
func (s *Store) Nameless(ctx context.Context, reading, day string, after StagedLine, n int) ([]StagedLine, error) {
	at := int64(-1 << 62)
	if !after.At.IsZero() {
		at = micros(after.At)
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT `+lineColumns+` FROM statement_lines WHERE reading = $1 AND day = $2
		AND order_ref = '' AND external = '' AND found_by = '' AND at IS NOT NULL AND (at, seq) > ($3, $4) ORDER BY at, seq LIMIT $5`,
		reading, day, at, after.Seq, n)
	if err != nil {
		return nil, fmt.Errorf("nameless lines of %s: %w", day, err)
	}
	return scanLines(rows)
}

// mostRanged is how long the range of a movement may be for a line without names to be found
// by it: an offer that waited for longer is near everything.
const mostRanged = 24 * time.Hour

// Near lists up to n groups with money of ours that the gateway may have dated within a span,
// charges or refunds, and of which no statement tells anything of that kind.
func (s *Store) Near(ctx context.Context, kind providers.LineKind, gateway string, span providers.Window, n int) ([]string, error) {
	table, attempt, money := "attempts", "n", "('approved', 'held')"
	if kind == providers.LineRefund {
		table, attempt, money = "refunds", "attempt", "('approved')"
	}
	query := fmt.Sprintf(`SELECT DISTINCT payment_id || '/' || %[2]s FROM %[1]s m WHERE verdict IN %[3]s AND gateway = $1 AND last_at >= $2 AND last_at < $3 AND planned_at < $4
		AND NOT EXISTS (SELECT 1 FROM statement_lines l JOIN statement_days d ON d.gateway = l.gateway AND d.day = l.day AND d.reading = l.reading
			WHERE l.gateway = m.gateway AND l.grp = m.payment_id || '/' || m.%[2]s AND l.kind = $5)
		LIMIT $6`, table, attempt, money)
	groups, err := s.ids(ctx, query, gateway, micros(span.From), micros(span.To.Add(mostRanged+time.Hour)), micros(span.To), string(kind), n)
	if err != nil {
		return nil, fmt.Errorf("movements near %s of %s: %w", span.From.UTC().Format(time.RFC3339), gateway, err)
	}
	return groups, nil
}

// Recognise keeps whose lines of a run's reading are that were found by their amount, and how
// far the run is.
func (s *Store) Recognise(ctx context.Context, r Run, lines []StagedLine) error {
	return s.keepRun(ctx, r, func(ctx context.Context, tx *sql.Tx) error {
		for _, l := range lines {
			if _, err := tx.ExecContext(ctx, `UPDATE statement_lines SET grp = $3, found_by = $4 WHERE reading = $1 AND seq = $2 AND found_by = ''`,
				r.Reading, l.Seq, l.Group, string(ByAmount)); err != nil {
				return err
			}
		}
		return nil
	})
}
