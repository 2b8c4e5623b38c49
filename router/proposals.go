package router

import (
	"context"
	"slices"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router/journal"
)

// ProposalFor is how long a first person's order waits for a second person's.
const ProposalFor = 15 * time.Minute

// soon is how long after it is given, or before, an order may begin and still begin at once.
const soon = time.Minute

// giveOrder stores an order: as it is, or, where it takes two people, as a first person's
// word or as the second's.
func (r *Router) giveOrder(ctx context.Context, o journal.Override) (journal.Override, error) {
	why, waiting, err := r.needsTwo(ctx, o)
	switch {
	case err != nil:
		return o, err
	case why == nil:
		return r.Journal.CreateOverride(ctx, o)
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
	if err != nil || kept.ProposedUntil.IsZero() || !repeats(o, kept) {
		return kept, err
	}
	r.Log.Warn("an order waits for a second person", "gateway", kept.Gateway, "mode", kept.Mode, "until", kept.ProposedUntil,
		"actor", kept.Actor, "reason", kept.Reason)
	return kept, ErrSecondPerson
}

// needsTwo says why an order takes two people (PRODUCT N16), or nil, and what waits for a
// second person: it would let new payments go to a gateway that is believed to be down, by
// this replica or by the one that heard a first person say the like. What a gateway will be
// like when an order begins later, nobody knows.
func (r *Router) needsTwo(ctx context.Context, o journal.Override) (why error, waiting []journal.Override, err error) {
	if mode := health.Mode(o.Mode); mode != health.Admit && mode != health.ObserveOnly {
		return nil, nil, nil
	}
	waiting, err = r.Journal.Proposals(ctx, o.Gateway, o.Created)
	if beginsLater(o) {
		return errNotYet, waiting, err
	}
	why = r.Board.Failing(o.Gateway)
	if why == nil && slices.ContainsFunc(waiting, func(first journal.Override) bool { return !beginsLater(first) }) {
		why = errWaits
	}
	return why, waiting, err
}

// beginsLater reports whether an order begins later than it is given.
func beginsLater(o journal.Override) bool { return o.Start.Sub(o.Created) > soon }

// repeats reports whether an order is the one that stands under its id.
func repeats(o, kept journal.Override) bool {
	return kept.Gateway == o.Gateway && kept.Mode == o.Mode && kept.MoveOpen == o.MoveOpen && kept.Reason == o.Reason
}

// alike reports whether two people order the same. Each says why in their own words.
func alike(a, b journal.Override) bool {
	starts := a.Start.Equal(b.Start) || a.Start.Sub(a.Created).Abs() <= soon && b.Start.Sub(b.Created).Abs() <= soon // both said "at once"
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
	var s Stake
	var err error
	if s.Why, _, err = r.needsTwo(ctx, o); err != nil {
		return s, err
	}
	if s.Offers, s.LastOffer, err = r.Journal.LiveOffers(ctx, o.Gateway); err != nil {
		return s, err
	}
	s.AtRisk, err = r.exposed(ctx, o.Gateway)
	return s, err
}
