package router

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router/journal"
)

// ProposalFor is how long a first person's order waits for a second person's.
const ProposalFor = 15 * time.Minute

// soon is until when an order that begins later counts as one that begins at once.
const soon = time.Minute

// giveOrder stores an order: as it is, or, where it takes two people, as a first person's
// word or as the second's.
func (r *Router) giveOrder(ctx context.Context, o journal.Override) (journal.Override, error) {
	if r.needsTwo(o) == nil {
		return r.Journal.CreateOverride(ctx, o)
	}
	waiting, err := r.Journal.Proposals(ctx, o.Gateway, o.Created)
	if err != nil {
		return o, err
	}
	for _, first := range waiting {
		if first.Actor == o.Actor || !alike(first, o) {
			continue
		}
		o.ProposedBy = first.Actor
		kept, taken, err := r.Journal.SecondOverride(ctx, o, first.ID)
		if err != nil || taken {
			return kept, err
		}
		o.ProposedBy = "" // somebody else was faster, or took it back
	}
	o.ProposedUntil = o.Created.Add(ProposalFor)
	kept, err := r.Journal.CreateOverride(ctx, o)
	if err != nil || kept.ProposedUntil.IsZero() {
		return kept, err
	}
	r.Log.Warn("an order waits for a second person", "gateway", kept.Gateway, "mode", kept.Mode, "until", kept.ProposedUntil,
		"actor", kept.Actor, "reason", kept.Reason)
	return kept, ErrSecondPerson
}

// needsTwo says why an order takes two people (PRODUCT N16), or nil: it would let new
// payments go to a gateway that this replica believes to be down. What a gateway will be
// like when an order begins later, nobody knows.
func (r *Router) needsTwo(o journal.Override) error {
	if mode := health.Mode(o.Mode); mode != health.Admit && mode != health.ObserveOnly {
		return nil
	}
	if o.Start.Sub(o.Created) > soon {
		return errNotYet
	}
	return r.Board.Failing(o.Gateway)
}

// alike reports whether two people order the same. Each says why in their own words.
func alike(a, b journal.Override) bool {
	starts := a.Start.Equal(b.Start) || a.Start.Sub(a.Created) <= soon && b.Start.Sub(b.Created) <= soon // both said "at once"
	return a.Gateway == b.Gateway && a.Mode == b.Mode && a.MoveOpen == b.MoveOpen && starts &&
		(a.End.Sub(a.Start)-b.End.Sub(b.Start)).Abs() < time.Millisecond
}

// Stake is what an order about a gateway puts at stake, for those who must say it twice.
type Stake struct {
	Why       error // why it takes two; nil where it does not
	Offers    int64 // that can still be paid there
	LastOffer time.Time
	AtRisk    []journal.Exposure
}

// Stake reads what an order puts at stake now.
func (r *Router) Stake(ctx context.Context, o journal.Override) (Stake, error) {
	s := Stake{Why: r.needsTwo(o)}
	var err error
	if s.Offers, s.LastOffer, err = r.Journal.LiveOffers(ctx, o.Gateway); err != nil {
		return s, err
	}
	s.AtRisk, err = r.exposed(ctx, o.Gateway)
	return s, err
}
