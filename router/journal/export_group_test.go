package journal

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// ErrAlone is what Together says of a payment that was to be written alone.
var ErrAlone = errors.New("alone")

// Together opens payments in one transaction, as if they had waited for the same commit. Each
// is answered as the group answers its caller.
func (s *Store) Together(ctx context.Context, requests []Request, opened []payment.Event) []error {
	var members []*member
	for i, r := range requests {
		events := []payment.Event{opened[i]}
		p, err := begun(events)
		if err != nil {
			panic(err)
		}
		w, err := s.opening(r, providers.Payer{}, p, events)
		if err != nil {
			panic(err)
		}
		members = append(members, &member{write: w, ctx: ctx})
	}
	s.group.run(members)
	var all []error
	for _, m := range members {
		if m.alone {
			m.err = ErrAlone
		}
		all = append(all, m.err)
	}
	return all
}

// EachByItself turns sharing off.
func (s *Store) EachByItself() { s.group = nil }
