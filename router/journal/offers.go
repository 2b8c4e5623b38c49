package journal

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// endless stands in live_until for an offer that has no end: where the bank asks us before
// it debits, a payer may come until the attempt is closed.
const endless = math.MaxInt64

// live selects a gateway's attempts whose offer is with a payer and can still be paid.
const live = `gateway = $1 AND at_risk AND live_until IS NOT NULL`

func liveUntil(a payment.Attempt) any {
	switch {
	case a.Closed != nil || !a.Shown || a.Verdict.HasMoney():
		return nil
	case a.Until.IsZero():
		return int64(endless)
	}
	return micros(a.Until)
}

// LiveOffers counts a gateway's offers that payers can still pay, and says when the
// last one ends by the gateway's own clock: the zero time when one of them has no end.
func (s *Store) LiveOffers(ctx context.Context, gateway string) (count int64, last time.Time, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var us *int64
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*), MAX(live_until) FROM attempts WHERE `+live, gateway).Scan(&count, &us)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("live offers of %s: %w", gateway, err)
	}
	if us != nil && *us != endless {
		last = instant(*us)
	}
	return count, last, nil
}

// LiveOfferPayments reads up to n payments whose offer at the gateway is with a payer
// and can still be paid, the oldest offers first.
func (s *Store) LiveOfferPayments(ctx context.Context, gateway string, n int) ([]payment.Payment, error) {
	found, err := s.ids(ctx, `SELECT payment_id FROM attempts WHERE `+live+` ORDER BY planned_at, payment_id LIMIT $2`, gateway, n)
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
