package journal

import (
	"context"
	"fmt"

	"github.com/payrouter/payrouter/router/payment"
)

// LiveOfferPayments reads up to n payments whose offer at the gateway is with a payer
// and can still be paid, the oldest offers first.
func (s *Store) LiveOfferPayments(ctx context.Context, gateway string, n int) ([]payment.Payment, error) {
	found, err := s.ids(ctx, `SELECT payment_id FROM attempts WHERE gateway = $1 AND at_risk AND live_until IS NOT NULL
		ORDER BY planned_at, payment_id LIMIT $2`, gateway, n)
	if err != nil {
		return nil, fmt.Errorf("live offers of %s: %w", gateway, err)
	}
	payments := make([]payment.Payment, 0, len(found))
	for _, id := range found {
		p, err := s.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		payments = append(payments, p)
	}
	return payments, nil
}
