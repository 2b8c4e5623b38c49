package main

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// instantOf is an instant of a message, or none.
func instantOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// How a payment that was exposed stands now.
const (
	becameCharged   = "charged at the gateway after all"
	becameElsewhere = "not charged there, paid at another gateway"
	becameOffered   = "not charged there, now with the payer at another gateway"
	becameLost      = "not charged there, and nowhere else"
	becameOpen      = "still open"
)

// expose looks at what nobody knew for a while.
func (b *incidentBook) expose(f *incidentFacts, all []*try) {
	seen := map[string]bool{}
	for _, t := range all {
		from, to, doubted := t.doubt()
		if !doubted || !slices.Contains(b.sick, t.gateway) || !from.Before(b.to) || !to.IsZero() && to.Before(b.from) {
			continue
		}
		p := t.payment
		if seen[p.GetName()] {
			continue
		}
		seen[p.GetName()] = true
		f.Exposed = f.Exposed.and(p.GetAmount())
		end := to
		if end.IsZero() {
			end = b.now
		}
		f.Longest = max(f.Longest, end.Sub(from))
		if to.IsZero() || to.After(b.to) {
			f.UndecidedThen = f.UndecidedThen.and(p.GetAmount())
		}
		now := became(p, t)
		f.Became[now] = f.Became[now].and(p.GetAmount())
		if now == becameOpen || p.GetSurplus().GetMinorUnits() > 0 {
			f.Open = append(f.Open, stillOpen{Payment: last(p.GetName()), Order: p.GetOrderId(), Amount: exactly(p.GetAmount()), State: stateOf(p), Where: t.gateway,
				Since: from, By: instantOf(p.GetResolution().GetResolveByTime()), Tell: tell(p)})
		}
	}
	slices.SortStableFunc(f.Open, func(x, y stillOpen) int { return x.Since.Compare(y.Since) })
}

func became(p *payrouterv1.Payment, t *try) string {
	switch t.attempt.GetVerdict() {
	case payrouterv1.Verdict_VERDICT_HELD, payrouterv1.Verdict_VERDICT_APPROVED:
		return becameCharged
	}
	switch {
	case t.attempt.GetExposed():
		return becameOpen
	case p.GetState() == payrouterv1.Payment_STATE_PAID || p.GetState() == payrouterv1.Payment_STATE_HELD:
		return becameElsewhere
	case !decided(p) && p.GetAction() != nil:
		return becameOffered
	case !decided(p):
		return becameOpen
	}
	return becameLost
}

// giveBack sums what the router gave back because it was too much.
func (b *incidentBook) giveBack(f *incidentFacts) {
	for _, s := range b.stories {
		done := map[int32]bool{}
		for _, e := range s.GetEvents() {
			if e.GetKind() == "operation_observed" && e.GetVerdict() == payrouterv1.Verdict_VERDICT_APPROVED {
				done[e.GetOperation()] = true
			}
		}
		for _, e := range s.GetEvents() {
			switch {
			case !e.GetGivesBack():
			case done[e.GetOperation()]:
				f.GivenBack = f.GivenBack.and(e.GetAmount())
			default:
				f.GivingBack = f.GivingBack.and(e.GetAmount())
			}
		}
	}
}

// nowhere stands for payments that no gateway had.
const nowhere = "no gateway"

// count says who had the payments before, during and after, and which came to nothing.
func (b *incidentBook) count(f *incidentFacts) {
	shares := map[string]*share{}
	for _, p := range b.payments {
		gateway, at := nowhere, p.GetCreateTime().AsTime()
		if n := len(p.GetAttempts()); n > 0 {
			gateway = last(p.GetAttempts()[n-1].GetGateway())
		}
		if shares[gateway] == nil {
			shares[gateway] = &share{Gateway: gateway}
		}
		lost := p.GetState() == payrouterv1.Payment_STATE_FAILED
		switch {
		case at.Before(b.from):
			shares[gateway].Before++
			if lost {
				f.LostBefore++
			}
		case at.Before(b.to):
			shares[gateway].During++
			if lost {
				f.Lost = f.Lost.and(p.GetAmount())
			}
		default:
			shares[gateway].After++
		}
	}
	f.Shares = []share{}
	for _, s := range shares {
		f.Shares = append(f.Shares, *s)
	}
	slices.SortFunc(f.Shares, func(x, y share) int {
		return cmp.Or(cmp.Compare(y.Before, x.Before), cmp.Compare(y.During, x.During), cmp.Compare(x.Gateway, y.Gateway))
	})
}
