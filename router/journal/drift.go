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
// from the newest findings that they raised.
func (s *Store) UnknownCodes(ctx context.Context, gateway string, n int) ([]UnknownCode, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT detail, COUNT(*), MAX(at) FROM (SELECT detail, at FROM findings
		WHERE gateway = $1 AND kind = 'unknown_code' ORDER BY at DESC LIMIT $2) AS newest
		GROUP BY detail ORDER BY MAX(at) DESC, detail LIMIT $3`, gateway, newest, n)
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
