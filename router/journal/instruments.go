package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Instrument is a payer's saved means at one gateway.
type Instrument struct {
	ID, Tenant, Customer, Gateway string
	Token                         providers.Token
	Payment                       string // the payment that saved it
	Created                       time.Time
}

// SaveInstrument keeps a token; the same token again changes nothing.
func (s *Store) SaveInstrument(ctx context.Context, i Instrument) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	digest := sha256.Sum256([]byte(i.Token.Value.Reveal()))
	_, err := s.exec(ctx, `INSERT INTO instruments
		(id, tenant, customer, gateway, token, token_hash, mask, brand, payment_id, created_at, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL) ON CONFLICT DO NOTHING`,
		i.ID, i.Tenant, i.Customer, i.Gateway, i.Token.Value.Reveal(), hex.EncodeToString(digest[:]), i.Token.Mask, i.Token.Brand,
		i.Payment, micros(i.Created))
	if err != nil {
		return fmt.Errorf("save instrument: %w", err)
	}
	return nil
}

const instrumentColumns = `SELECT id, tenant, customer, gateway, token, mask, brand, payment_id, created_at FROM instruments `

// Instrument finds one that is not deleted.
func (s *Store) Instrument(ctx context.Context, tenant, id string) (Instrument, error) {
	all, err := s.instruments(ctx, instrumentColumns+`WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL`, tenant, id)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Instrument{}, err
	}
	return all[0], nil
}

// Wallet finds an instrument and, with it, all others of the same customer, if it has one: the
// named one first, at most 100.
func (s *Store) Wallet(ctx context.Context, tenant, id string) ([]Instrument, error) {
	all, err := s.instruments(ctx, `SELECT i.id, i.tenant, i.customer, i.gateway, i.token, i.mask, i.brand, i.payment_id, i.created_at
		FROM instruments n JOIN instruments i ON i.tenant = n.tenant AND i.customer = n.customer
		WHERE n.tenant = $1 AND n.id = $2 AND n.deleted_at IS NULL AND n.customer <> '' AND i.deleted_at IS NULL
		ORDER BY i.id = n.id DESC, i.id LIMIT 100`, tenant, id)
	if err == nil && len(all) == 0 { // unknown, or of no customer
		all, err = s.instruments(ctx, instrumentColumns+`WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL`, tenant, id)
	}
	return all, err
}

// Instruments lists a customer's (or, with an empty customer, a tenant's) after an id, in
// the order of their creation.
func (s *Store) Instruments(ctx context.Context, tenant, customer, after string, n int) ([]Instrument, error) {
	w := where{}
	w.and("tenant = ?", tenant)
	w.andIf(customer != "", "customer = ?", customer)
	w.and("id > ? AND deleted_at IS NULL", after)
	query := instrumentColumns + `WHERE ` + w.text() + ` ORDER BY id LIMIT ` + w.place(n)
	return s.instruments(ctx, query, w.args...)
}

// DeleteInstrument forgets the token and reports whether there was one.
func (s *Store) DeleteInstrument(ctx context.Context, tenant, id string, now time.Time) (bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, `UPDATE instruments SET deleted_at = $3, token = '', mask = ''
		WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL`, tenant, id, micros(now)))
	return n == 1, err
}

func (s *Store) instruments(ctx context.Context, query string, args ...any) ([]Instrument, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read instruments: %w", err)
	}
	defer rows.Close()
	var all []Instrument
	for rows.Next() {
		var i Instrument
		var token string
		var created int64
		if err := rows.Scan(&i.ID, &i.Tenant, &i.Customer, &i.Gateway, &token, &i.Token.Mask, &i.Token.Brand, &i.Payment, &created); err != nil {
			return nil, fmt.Errorf("read instruments: %w", err)
		}
		i.Token.Value, i.Created = providers.NewSecret(token), instant(created)
		all = append(all, i)
	}
	return all, rows.Err()
}
