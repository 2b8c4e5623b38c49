package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Adoption makes money of a gateway's that was nobody's a payment of ours.
type Adoption struct {
	Finding Finding         // the open finding of it, as it was read
	Request Request         // the same adoption again answers with its payment
	Events  []payment.Event // the payment's first ones, all of them
	Groups  []string        // of the lines that tell of it
	Actor   string
	Reason  string
}

// Adopt opens the payment with all its events, gives it the lines that tell of it and closes
// the finding, in one commit: a payment that is opened and no more would be charged. A
// repetition returns ErrRepeated with the payment that was made. It returns ErrStale when the
// finding is not as it was read any more, an *OrderTakenError when the tenant's order has a
// payment, and ErrKnown when an attempt of ours bears a name of the money's.
func (s *Store) Adopt(ctx context.Context, a Adoption) (payment.Payment, error) {
	p, err := begun(a.Events)
	if err != nil {
		return p, err
	}
	first, rest := &write{mark: s.lastMark()}, &write{}
	if err := errors.Join(first.payment(a.Request, providers.Payer{}, p, a.Events[0].At, s.row(p, p.Updated)), rest.events(p, a.Events)); err != nil {
		return p, err
	}
	err = s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.carryOut(ctx, tx, first); err != nil {
			return s.why(ctx, first, err, tx)
		}
		if err := nobodys(ctx, tx, p.Attempts[0]); err != nil {
			return err
		}
		if err := s.carryOut(ctx, tx, rest); err != nil {
			return err
		}
		if err := adoptLines(ctx, tx, a.Finding.Gateway, a.Groups, GroupOf(p.ID, 1)); err != nil {
			return err
		}
		f := a.Finding
		f.AdoptedAs = p.ID
		return closeFinding(ctx, tx, f, a.Actor, a.Reason, Adopted, p.Updated)
	})
	return s.opened(ctx, a.Request, p, err)
}

// ErrKnown says that money is of an attempt of ours already.
var ErrKnown = errors.New("an attempt bears this name")

// nobodys refuses an attempt whose names at the gateway another one bears.
func nobodys(ctx context.Context, tx *sql.Tx, a payment.Attempt) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT payment_id FROM attempts WHERE gateway = $1 AND reference = $2
		UNION ALL SELECT payment_id FROM attempts WHERE gateway = $1 AND external = $3 AND external <> '') AS named`,
		a.Gateway, storable(a.Reference), storable(a.External)).Scan(&n)
	if err == nil && n > 0 {
		err = ErrKnown
	}
	return err
}

// adoptLines gives lines that were nobody's to an attempt.
func adoptLines(ctx context.Context, tx *sql.Tx, gateway string, groups []string, owner string) error {
	places, args := in(4, groups)
	_, err := tx.ExecContext(ctx, `UPDATE statement_lines SET grp = $2, found_by = $3 WHERE gateway = $1 AND grp IN (`+places+`)`,
		append([]any{gateway, owner, string(ByAdoption)}, args...)...)
	return err
}

// StrayGroups lists the groups of a gateway's lines that are nobody's and bear an order's name,
// up to n: of those that somebody has still to look at, and of refunds, which have gone back
// whoever has looked at them.
func (s *Store) StrayGroups(ctx context.Context, gateway, order string, n int) ([]string, error) {
	groups, err := s.ids(ctx, `SELECT grp FROM findings WHERE gateway = $1 AND state = 'open' AND payment_id = '' AND order_ref = $2
		UNION SELECT grp FROM findings WHERE payment_id = '' AND kind = 'refund_unknown_to_us' AND gateway = $1 AND order_ref = $2 AND state <> 'open'
		ORDER BY grp LIMIT $3`,
		gateway, storable(order), n)
	if err != nil {
		return nil, fmt.Errorf("whose lines of %s: %w", gateway, err)
	}
	return groups, nil
}
