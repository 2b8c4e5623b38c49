package journal

import (
	"context"
	"errors"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// ErrAlone says that a payment was to be written alone.
var ErrAlone = errors.New("alone")

// Together opens payments in one transaction, as if they had waited for the same commit. Each
// is answered as the group answers its caller, with ErrAlone besides where it had to go
// alone. It says how long the transaction took that they shared.
func (s *Store) Together(ctx context.Context, requests []Request, opened []payment.Event) (all []error, took time.Duration) {
	members, took := s.share(ctx, requests, opened)
	for _, m := range members {
		if m.alone {
			m.err = errors.Join(ErrAlone, s.commitAlone(ctx, m.write, m.behind))
		}
		all = append(all, m.err)
	}
	return all, took
}

// Share is Together without those who had to go alone: they are answered ErrAlone and do not go.
func Share(ctx context.Context, s *Store, requests []Request, opened []payment.Event) (all []error, took time.Duration) {
	members, took := s.share(ctx, requests, opened)
	for _, m := range members {
		if m.alone {
			m.err = ErrAlone
		}
		all = append(all, m.err)
	}
	return all, took
}

func (s *Store) share(ctx context.Context, requests []Request, opened []payment.Event) (members []*member, took time.Duration) {
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
	began := time.Now()
	s.group.run(members)
	return members, time.Since(began)
}

// EachByItself turns sharing off.
func (s *Store) EachByItself() { s.group = nil }
