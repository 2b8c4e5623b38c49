package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// tell writes the timeline.
func (b *incidentBook) tell(f *incidentFacts) {
	add := func(at time.Time, format string, args ...any) {
		if !at.IsZero() {
			f.Timeline = append(f.Timeline, happened{at, fmt.Sprintf(format, args...)})
		}
	}
	for _, o := range f.Outages {
		if add(o.Failed, "%s fails for the first time: %s", o.Gateway, o.How); o.Failed.Sub(o.Began) >= time.Second {
			add(o.Began, "the first payment that %s fails is sent there", o.Gateway)
		}
		add(o.Detected, "new payments begin to pass %s over: %s", o.Gateway, why(o.Why, ""))
		add(o.Served, "%s serves the first payment in place of %s", o.Backup, o.Gateway)
		add(o.Returned, "%s serves again", o.Gateway)
		if o.LastPassed.After(o.Detected) {
			add(o.LastPassed, "the last payment that passed %s over", o.Gateway)
		}
	}
	b.tellOrders(f, add)
	b.tellPeople(add)
	type kind struct{ kind, gateway string }
	found := map[kind][]*payrouterv1.Finding{}
	for _, x := range b.findings {
		k := kind{x.GetKind(), last(x.GetGateway())}
		found[k] = append(found[k], x)
	}
	for k, all := range found {
		first := slices.MinFunc(all, func(x, y *payrouterv1.Finding) int {
			return x.GetCreateTime().AsTime().Compare(y.GetCreateTime().AsTime())
		})
		open := 0
		for _, x := range all {
			if x.GetState() != payrouterv1.Finding_STATE_CLOSED {
				open++
			}
		}
		text := fmt.Sprintf("found at %s: %s", k.gateway, strings.ReplaceAll(k.kind, "_", " "))
		if len(all) > 1 {
			text += fmt.Sprintf(", the first of %d", len(all))
		}
		switch {
		case open == 0:
			text += " (closed)"
		case len(all) > 1:
			text += fmt.Sprintf(" (%d still open)", open)
		default:
			text += " (still open)"
		}
		add(first.GetCreateTime().AsTime(), "%s", text)
	}
	slices.SortStableFunc(f.Timeline, func(x, y happened) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Text, y.Text)) })
}

// tellOrders tells who ordered what, and why.
func (b *incidentBook) tellOrders(f *incidentFacts, add func(time.Time, string, ...any)) {
	for _, o := range b.orders {
		start, end := o.GetStartTime().AsTime(), o.GetEndTime().AsTime()
		if end.Before(b.from.Add(-b.around)) || start.After(b.to.Add(b.around)) {
			continue
		}
		what := word(o.GetMode().String(), "MODE_") + " " + last(o.GetGateway())
		if o.GetMoveOpen() {
			what += ", and move what is open there"
		}
		if until := o.GetProposalExpireTime(); until != nil { // it was in force for nobody
			came := "had none"
			switch by := o.GetEndedBy(); {
			case b.agreed(o):
				came = person(by) + " gave the same"
			case by != "":
				came = person(by) + " took it back"
			case until.AsTime().After(b.now):
				came = "waits for one"
			}
			add(o.GetCreateTime().AsTime(), "%s asks to %s (%q): it needs a second person by %s, and %s", person(o.GetActor()), what, o.GetReason(), f.at(until.AsTime()), came)
			continue
		}
		if first := o.GetProposedBy(); first != "" {
			what += ", as " + person(first) + " had asked"
		}
		add(start, "%s orders: %s (%q)", person(o.GetActor()), what, o.GetReason())
		switch by := o.GetEndedBy(); {
		case by != "":
			add(end, "%s ends the order to %s", person(by), what)
		case end.Before(b.now):
			add(end, "the order to %s ends by itself", what)
		}
	}
}

// agreed reports whether the second person who ended a first one's order gave the same. Where
// there were several, the last before it is the one: a colleague takes back what was wrong.
func (b *incidentBook) agreed(o *payrouterv1.Override) bool {
	answers := func(second, first *payrouterv1.Override) bool {
		at := second.GetCreateTime().AsTime()
		return second.GetProposedBy() == first.GetActor() && second.GetActor() == first.GetEndedBy() && second.GetGateway() == first.GetGateway() &&
			second.GetMode() == first.GetMode() && second.GetMoveOpen() == first.GetMoveOpen() &&
			!at.Before(first.GetCreateTime().AsTime()) && at.Before(first.GetProposalExpireTime().AsTime())
	}
	return slices.ContainsFunc(b.orders, func(second *payrouterv1.Override) bool {
		return answers(second, o) && !slices.ContainsFunc(b.orders, func(other *payrouterv1.Override) bool {
			return other.GetProposalExpireTime() != nil && other.GetCreateTime().AsTime().After(o.GetCreateTime().AsTime()) && answers(second, other)
		})
	})
}

// tellPeople tells what people said about attempts.
func (b *incidentBook) tellPeople(add func(time.Time, string, ...any)) {
	for _, s := range b.stories {
		for _, e := range s.GetEvents() {
			if strings.HasPrefix(e.GetActor(), "operator:") && e.GetAttempt() != "" {
				add(e.GetTime().AsTime(), "%s about %s: %s", person(e.GetActor()), last(s.GetPayment().GetName()), e.GetText())
			}
		}
	}
}
