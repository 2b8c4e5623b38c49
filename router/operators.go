package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// How long an override lasts (PRODUCT N4).
const (
	OverrideDefault = time.Hour
	OverrideAtMost  = 24 * time.Hour
)

// Errors of operators' acts.
var (
	ErrOverrideEnd   = errors.New("an override needs an end, at most 24 h after its start")
	ErrOverrideEnded = errors.New("the override has ended already")
	ErrStale         = errors.New("it changed since it was read")
	ErrSecondPerson  = errors.New("recorded; a second person must say the same")
	ErrNotOpen       = errors.New("the attempt is decided already")
	errWaits         = errors.New("an order to send payments there waits for a second person: say the same, or take that one back")
	errNotYet        = errors.New("it begins later, and nobody knows how the gateway is then")
	ErrReused        = errors.New("the request id was used with another body")
)

// CreateOverride orders something about a gateway. The order's ID is the operator's
// request id: the same order again answers with the one that stands. An order that needs
// a second person is kept, in force for nobody, and ErrSecondPerson returned. A replica whose
// clock is wrong takes none: ErrMistimed.
func (r *Router) CreateOverride(ctx context.Context, o journal.Override) (journal.Override, error) {
	if _, ok := r.Gateway(o.Gateway); !ok {
		return o, fmt.Errorf("%s: %w", o.Gateway, ErrUnknownGateway)
	}
	if err := r.Mistimed(); err != nil { // the others judge by their clocks when it begins and ends
		return o, err
	}
	now := payment.Instant(time.Now())
	if o.Start.IsZero() {
		o.Start = now
	}
	length := o.End.Sub(o.Start)
	o.Created, o.Version, o.Start, o.End = now, 1, payment.Instant(o.Start), payment.Instant(o.End)
	if length <= 0 || length > OverrideAtMost || !o.End.After(now) {
		return o, ErrOverrideEnd
	}
	kept, err := r.giveOrder(ctx, o)
	if err != nil {
		return kept, err
	}
	if !repeats(o, kept) {
		return kept, ErrReused
	}
	r.Log.Info("override created", "gateway", o.Gateway, "mode", o.Mode, "end", kept.End, "actor", o.Actor, "reason", o.Reason)
	_, err = r.refreshOverrides(ctx)
	return kept, err
}

// EndOverride ends an order before its time, if it is still the version that the
// operator saw; version 0 means whichever it is.
func (r *Router) EndOverride(ctx context.Context, gateway, id string, version int64, actor string) (journal.Override, error) {
	o, err := r.Journal.Override(ctx, gateway, id)
	if err == nil {
		err = r.Mistimed()
	}
	if err != nil {
		return o, err
	}
	now := payment.Instant(time.Now())
	switch {
	case !o.Waits(now) && (!o.Ended.IsZero() || !o.End.After(now)):
		return o, ErrOverrideEnded
	case version != 0 && version != o.Version:
		return o, ErrStale
	}
	ended, err := r.Journal.EndOverride(ctx, id, o.Version, actor, now)
	if err != nil {
		return o, err
	}
	if !ended {
		return o, ErrStale
	}
	r.Log.Info("override ended", "gateway", o.Gateway, "mode", o.Mode, "actor", actor)
	if _, err := r.refreshOverrides(ctx); err != nil {
		return o, err
	}
	return r.Journal.Override(ctx, gateway, id)
}

// Word is a person's word about an attempt.
type Word struct {
	Tenant, Payment string
	Attempt         int
	Verdict         providers.Verdict // Approved, Held, Declined, or Unserved: not charged
	Actor, Reason   string
	Seq             int64 // the payment's sequence as the person read it
}

// Resolve records a person's word as evidence. Where the word could let a payer be
// charged twice, a first person's is kept and ErrSecondPerson returned; the same word
// of another person then counts.
func (r *Router) Resolve(ctx context.Context, w Word) (payment.Payment, error) {
	p, err := r.Get(ctx, w.Tenant, w.Payment)
	if err != nil {
		return p, err
	}
	if w.Attempt < 1 || w.Attempt > len(p.Attempts) {
		return p, journal.ErrNotFound
	}
	waiting := false
	p, err = r.advance(ctx, p, func(p payment.Payment) ([]payment.Event, error) {
		if w.Attempt > len(p.Attempts) { // books that went back do not have it
			return nil, journal.ErrNotFound
		}
		a := p.Attempts[w.Attempt-1]
		switch {
		case !a.Open():
			return nil, ErrNotOpen
		case p.Seq != w.Seq:
			return nil, ErrStale
		}
		body := payment.Body(payment.Observed{Attempt: w.Attempt, Source: payment.FromOperator, Verdict: w.Verdict,
			Reason: wordReason(w.Verdict), Note: w.Reason})
		if waiting = needsSecond(a, w); waiting {
			body = payment.Proposed{Attempt: w.Attempt, Verdict: w.Verdict, Reason: wordReason(w.Verdict), Note: w.Reason}
		}
		return r.decide(w.Actor, func(payment.Payment) payment.Body { return body })(p)
	})
	if err != nil {
		return p, err
	}
	r.Log.Warn("a person decided about an attempt", "payment", p.ID, "attempt", w.Attempt, "verdict", w.Verdict.String(),
		"actor", w.Actor, "waiting_for_second", waiting)
	if waiting {
		return p, ErrSecondPerson
	}
	return r.follow(ctx, p)
}

// needsSecond: declaring an attempt as not charged while its offer lives or its
// outcome is unknown takes two people (PRODUCT N16).
func needsSecond(a payment.Attempt, w Word) bool {
	if w.Verdict != providers.Unserved && w.Verdict != providers.Declined {
		return false
	}
	first := a.Proposal
	return first == nil || first.Verdict != w.Verdict || first.By == w.Actor
}

func wordReason(v providers.Verdict) providers.Reason {
	switch v {
	case providers.Declined:
		return providers.DeclinedHard
	case providers.Unserved:
		return providers.NotFound
	}
	return providers.NoReason
}
