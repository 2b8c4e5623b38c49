package journal

import (
	"context"
	"fmt"
	"time"
)

// UnknownCode is what a gateway said that its adapter's tables do not know.
type UnknownCode struct {
	Code  string
	Count int64     // attempts on which it was seen
	Last  time.Time // when it was last seen first on an attempt
}

// UnknownCodes counts the codes of a gateway that nobody documented, the latest first,
// from the findings they raised.
func (s *Store) UnknownCodes(ctx context.Context, gateway string, n int) ([]UnknownCode, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT f.detail, COUNT(*), MAX(f.at) FROM findings f
		JOIN attempts a ON a.payment_id = f.payment_id AND a.n = f.attempt
		WHERE f.kind = 'unknown_code' AND a.gateway = $1 GROUP BY f.detail ORDER BY MAX(f.at) DESC, f.detail LIMIT $2`, gateway, n)
	if err != nil {
		return nil, fmt.Errorf("unknown codes: %w", err)
	}
	defer rows.Close()
	var all []UnknownCode
	for rows.Next() {
		var c UnknownCode
		var last int64
		if err := rows.Scan(&c.Code, &c.Count, &last); err != nil {
			return nil, fmt.Errorf("unknown codes: %w", err)
		}
		c.Last = instant(last)
		all = append(all, c)
	}
	return all, rows.Err()
}
