package journal

import "context"

// SavedInstrument finds the instrument that a payment saved, or returns an empty id
// when it saved none, or when what it saved is forgotten. A payment of a token that was
// known already saves nothing: the instrument is the earlier payment's.
func (s *Store) SavedInstrument(ctx context.Context, tenant, customer, payment string) (string, error) {
	all, err := s.instruments(ctx, instrumentColumns+`WHERE tenant = $1 AND customer = $2 AND payment_id = $3 AND deleted_at IS NULL
		ORDER BY id LIMIT 1`, tenant, customer, payment)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].ID, nil
}

// NewestInstruments lists a customer's instruments before an id (all of them, with an
// empty one), newest first. Ids are ordered by time.
func (s *Store) NewestInstruments(ctx context.Context, tenant, customer, before string, n int) ([]Instrument, error) {
	return s.instruments(ctx, instrumentColumns+`WHERE tenant = $1 AND customer = $2 AND ($3 = '' OR id < $3) AND deleted_at IS NULL
		ORDER BY id DESC LIMIT $4`, tenant, customer, before, n)
}
