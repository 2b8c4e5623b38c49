package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Signal says what an attempt tells of a gateway's health.
type Signal string

// The signals.
const (
	Diverted Signal = "diverted" // it was passed over because it was believed to be down
	Unserved Signal = "unserved" // it was to have the attempt, and did not serve it
)

// signals adds what some events tell of gateways' health. While all are well it is nothing.
func (w *write) signals(p payment.Payment, events []payment.Event) {
	tell := func(a payment.Attempt, gateway string, signal Signal) {
		w.add(`INSERT INTO signals (payment_id, attempt, gateway, signal, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			p.ID, a.N, gateway, string(signal), micros(a.Planned))
	}
	for _, e := range events {
		n := 0
		switch body := e.Body.(type) {
		case payment.Planned:
			a := p.Attempts[body.Attempt-1]
			for _, c := range a.Route {
				if c.Unwell() && c.Gateway != a.Gateway {
					tell(a, c.Gateway, Diverted)
				}
			}
		case payment.Observed:
			n = body.Attempt
		case payment.Closed:
			n = body.Attempt
		}
		if n > 0 && p.Attempts[n-1].InVain() {
			tell(p.Attempts[n-1], p.Attempts[n-1].Gateway, Unserved)
		}
	}
}

// Signals counts the attempts with a signal about a gateway, by the minute of a span. What was
// shown to be served after all counts no more.
func (s *Store) Signals(ctx context.Context, gateway string, signal Signal, span providers.Window) (map[int]int64, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT (s.at - $3) / 60000000, COUNT(*) FROM signals s WHERE s.gateway = $1 AND s.signal = $2 AND s.at >= $3 AND s.at < $4
		AND (s.signal <> 'unserved' OR EXISTS (SELECT 1 FROM attempts a WHERE a.payment_id = s.payment_id AND a.n = s.attempt AND a.verdict NOT IN ('approved', 'held', 'declined')))
		GROUP BY 1`, gateway, string(signal), micros(span.From), micros(span.To))
	if err != nil {
		return nil, fmt.Errorf("signals of %s on %s: %w", gateway, span.From.UTC().Format(time.RFC3339), err)
	}
	defer rows.Close()
	counts := map[int]int64{}
	for rows.Next() {
		var minute int
		var n int64
		if err := rows.Scan(&minute, &n); err != nil {
			return nil, fmt.Errorf("signals of %s: %w", gateway, err)
		}
		counts[minute] = n
	}
	return counts, rows.Err()
}
