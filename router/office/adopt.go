package office

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// UnadoptableError says why no payment can be made of what a finding is about.
type UnadoptableError struct{ Why string }

func (e *UnadoptableError) Error() string { return "no payment can be made of it: " + e.Why }

// ErrFindingClosed says that somebody has closed the finding, or a statement has.
var ErrFindingClosed = errors.New("the finding is closed")

// Adopt makes the money that a finding is about a payment of a tenant's, and gives it back at
// once where that is wanted. Version is the finding's as the person saw it.
func (o *Office) Adopt(ctx context.Context, finding string, version int64, wish router.Adoption) (payment.Payment, error) {
	f, err := o.Journal.Finding(ctx, finding)
	if err != nil {
		return payment.Payment{}, err
	}
	wish.Finding, wish.Groups = f, []string{f.Group}
	switch {
	case f.Source != journal.OfStatement || f.Kind != string(reconcile.UnknownToUs) || f.Payment != "":
		return payment.Payment{}, &UnadoptableError{"it is not of a charge that is nobody's"}
	case f.Resolution == journal.Adopted:
		p, err := o.Router.Adopted(ctx, wish)
		if errors.Is(err, journal.ErrNotFound) { // another tenant has it
			err = ErrFindingClosed
		}
		return p, err
	case f.State == journal.FindingClosed:
		return payment.Payment{}, ErrFindingClosed
	case f.Version != version:
		return payment.Payment{}, journal.ErrStale
	}
	if f.Order != "" { // its refunds bear ids of their own
		others, err := o.Journal.StrayGroups(ctx, f.Gateway, f.Order, mostLines)
		if err != nil {
			return payment.Payment{}, err
		}
		wish.Groups = append(wish.Groups, others...)
	}
	lines, err := o.Journal.LinesOf(ctx, f.Gateway, wish.Groups, mostLines)
	if err != nil {
		return payment.Payment{}, err
	}
	var told []providers.StatementLine
	for _, l := range lines {
		told = append(told, l.StatementLine)
	}
	if wish.Line, wish.Returned, err = reconcile.Orphan(told); err != nil {
		return payment.Payment{}, &UnadoptableError{err.Error()}
	}
	p, err := o.Router.Adopt(ctx, wish)
	if errors.Is(err, journal.ErrKnown) {
		err = &UnadoptableError{"an attempt of ours bears its name: run the day again"}
	}
	return p, err
}
