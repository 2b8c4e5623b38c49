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

// How a payment that was exposed stands now: a word for programs, and one for people.
const (
	becameCharged   = "charged"
	becameElsewhere = "paid_elsewhere"
	becameOffered   = "offered_elsewhere"
	becameLost      = "nothing"
	becameOpen      = "open"
)

var becameTexts = map[string]string{
	becameCharged:   "charged or held there after all",
	becameElsewhere: "not charged there, paid at another gateway",
	becameOffered:   "not charged there, now with the payer at another gateway",
	becameLost:      "not charged there, and nowhere else",
	becameOpen:      "still open",
}

// doubted is a payment of which nobody knew for a while how it stood: at one gateway, or at
// one after the other.
type doubted struct {
	at        *try // the last of them, or the one that is open still
	from      time.Time
	longest   time.Duration
	undecided bool // at the end of the time
}

// doubts are those that a sick gateway left in doubt in that time, in order.
func (b *incidentBook) doubts(all []*try) (found []*doubted) {
	byName := map[string]*doubted{}
	for _, t := range all {
		from, to, ok := t.doubt()
		if !ok || !slices.Contains(b.sick, t.gateway) || !from.Before(b.to) || !to.IsZero() && to.Before(b.from) {
			continue
		}
		d := byName[t.payment.GetName()]
		if d == nil {
			d = &doubted{}
			found, byName[t.payment.GetName()] = append(found, d), d
		}
		if d.at == nil || !d.at.attempt.GetExposed() {
			d.at, d.from = t, from
		}
		if to.IsZero() {
			to = b.now
			d.undecided = true
		}
		d.longest, d.undecided = max(d.longest, to.Sub(from)), d.undecided || to.After(b.to)
	}
	return found
}

// expose looks at what nobody knew for a while, and at what is open still.
func (b *incidentBook) expose(f *incidentFacts, all []*try) {
	listed := map[string]bool{}
	list := func(p *payrouterv1.Payment, where string, since time.Time) {
		listed[p.GetName()] = true
		f.Open = append(f.Open, stillOpen{Payment: last(p.GetName()), Order: p.GetOrderId(), Amount: exactly(p.GetAmount()), State: stateOf(p), Where: where,
			Since: since, By: instantOf(p.GetResolution().GetResolveByTime()), Tell: tell(p)})
	}
	for _, d := range b.doubts(all) {
		p := d.at.payment
		f.Exposed, f.Longest = f.Exposed.and(p.GetAmount()), max(f.Longest, d.longest)
		if d.undecided {
			f.UndecidedThen = f.UndecidedThen.and(p.GetAmount())
		}
		now := became(p, d.at)
		f.Became[now] = f.Became[now].and(p.GetAmount())
		if now == becameOpen || p.GetSurplus().GetMinorUnits() > 0 {
			list(p, d.at.gateway, d.from)
		}
	}
	for _, t := range all { // what was paid twice may never have been in doubt
		if p := t.payment; p.GetSurplus().GetMinorUnits() > 0 && !listed[p.GetName()] && slices.Contains(b.sick, t.gateway) {
			list(p, t.gateway, t.planned)
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

// giveBack sums what the router gave back because it was too much. What a gateway refused to
// give back is in neither sum: another operation follows it, or a person. Nor is what had gone
// back before it all began.
func (b *incidentBook) giveBack(f *incidentFacts) {
	for _, s := range b.stories {
		learnt, since := map[int32]payrouterv1.Verdict{}, map[int32]time.Time{}
		for _, e := range s.GetEvents() {
			if n := e.GetOperation(); e.GetKind() == "operation_observed" && learnt[n] != payrouterv1.Verdict_VERDICT_APPROVED {
				learnt[n], since[n] = e.GetVerdict(), e.GetTime().AsTime()
			}
		}
		for _, e := range s.GetEvents() {
			n := e.GetOperation()
			if !e.GetGivesBack() || learnt[n] == payrouterv1.Verdict_VERDICT_APPROVED && since[n].Before(b.from) {
				continue
			}
			switch learnt[n] {
			case payrouterv1.Verdict_VERDICT_APPROVED:
				f.GivenBack = f.GivenBack.and(e.GetAmount())
			case payrouterv1.Verdict_VERDICT_DECLINED, payrouterv1.Verdict_VERDICT_UNSERVED:
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
