package payment

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Do names the one thing to do now.
type Do uint8

// The steps. Rest is the zero value: doing nothing is always safe.
const (
	Rest    Do = iota // nothing until Step.Until; the zero time means nothing at all
	Route             // choose a gateway and plan the next attempt
	Ask               // look the attempt up
	AskOp             // settle an operation whose outcome is open
	Operate           // plan and send Step.Plan
	Append            // pure bookkeeping: append Step.Event, nothing leaves the process
)

// Step is what Next decided.
type Step struct {
	Do        Do
	Until     time.Time        // Rest
	Attempt   int              // Ask
	Operation int              // AskOp
	Plan      OperationPlanned // Operate, without its number and reference
	Event     Body             // Append
}

// operationTries bounds how often an operation that was not carried out is made anew.
const operationTries = 8

// Next decides the one thing to do now. It is pure: the same payment, time and
// terms give the same step.
func (p Payment) Next(now time.Time, t Terms) Step {
	t = t.Default()
	rest := Step{}
	later := func(at time.Time) {
		if !at.IsZero() && (rest.Until.IsZero() || at.Before(rest.Until)) {
			rest.Until = at
		}
	}
	for _, a := range p.Attempts {
		if a.Closed == nil && !a.Verdict.HasMoney() {
			if e, ok := p.closingEvidence(a, now, t); ok {
				return Step{Do: Append, Event: Closed{Attempt: a.N, Evidence: e}}
			}
		}
	}
	for _, o := range p.Operations {
		if !o.Settled() {
			if e, ok := p.notCarriedOut(o, t); ok {
				return Step{Do: Append, Event: e}
			}
			if due := p.askOperationAt(o, t); due.After(now) {
				later(due)
			} else {
				return Step{Do: AskOp, Operation: o.Operation}
			}
		}
	}
	for _, a := range slices.Backward(p.Attempts) { // newest money goes back first
		if s, ok := p.giveBack(a, now, t, later); ok {
			return s
		}
	}
	if s, ok := p.serveWishes(now, t, later); ok {
		return s
	}
	open := false
	for _, a := range p.Attempts {
		if a.Closed != nil || a.Verdict.HasMoney() {
			continue
		}
		open = true
		if s, ok := p.watch(a, now, t, later); ok {
			return s
		}
	}
	if !open {
		if s, ok := p.conclude(now, t, later); ok {
			return s
		}
	}
	return rest
}

// leaving reports whether the open attempt should be ended if that can be done safely.
func (p Payment) leaving(a Attempt, now time.Time) bool {
	if kept, ok := p.Kept(); ok && kept.N != a.N {
		return true // the money came on another attempt
	}
	return p.Cancel != nil || a.Switch != "" || !p.Deadline.IsZero() && !now.Before(p.Deadline)
}

// watch follows one open attempt: withdraw it, look it up, or wait.
func (p Payment) watch(a Attempt, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	claims := t.claims(a.Gateway)
	method := claims.Method(a.Method)
	if p.leaving(a, now) && method.Withdraw == providers.Binding && a.Answered && a.External+a.Reference != "" &&
		a.Verdict == providers.Pending && a.Reason == providers.AwaitingPayer {
		if s, ok := p.operate(OperationPlanned{Op: OpWithdraw, Attempt: a.N, Amount: p.Amount}, now, later); ok {
			return s, true
		}
	}
	if a.Flow == providers.AskFirst {
		if p.Deadline.After(now) {
			later(p.Deadline) // the gateway tells us; our veto ends it
		}
		return Step{}, false
	}
	at, expired := p.askAt(a, t)
	if expired && !p.Found(Undecided, a.N) {
		return Step{Do: Append, Event: Noted{Finding: Undecided, Attempt: a.N, Detail: string(a.Reason)}}, true
	}
	if p.Deadline.After(now) {
		later(p.Deadline)
	}
	if at.After(now) {
		later(at)
		return Step{}, false
	}
	if expired {
		later(now.Add(t.SlowLook))
		if now.Sub(a.LastLook) < t.SlowLook {
			return Step{}, false
		}
	}
	return Step{Do: Ask, Attempt: a.N}, true
}

// askAt is when the attempt should be looked up next, and whether its resolve
// limit is over.
func (p Payment) askAt(a Attempt, t Terms) (at time.Time, expired bool) {
	claims := t.claims(a.Gateway)
	method := claims.Method(a.Method)
	if !a.Answered {
		// Whoever planned it is sending it; whoever finds it planned asks, after
		// the send can no longer be running.
		if a.Looks == 0 {
			return a.Planned.Add(t.sendWindow(claims, a)), false
		}
	}
	dead, bounded := a.deadAt(method)
	limit := a.Planned.Add(t.ResolveLimit)
	if bounded {
		limit = dead.Add(t.ResolveLimit)
	}
	from := a.LastLook
	if from.IsZero() {
		from = a.Planned
	}
	switch {
	case from.After(limit):
		return from.Add(t.SlowLook), true
	case a.Absents > 0 && method.Absent.Counts:
		at = from.Add(max(step(t.Ladder, 1, p.ID), method.Absent.Apart/time.Duration(max(method.Absent.Times-1, 1))))
	case a.AskIn > 0 && a.FailedLooks == 0:
		at = from.Add(a.AskIn)
	case len(method.Schedule) > 0:
		at = from.Add(step(method.Schedule, a.Looks, p.ID))
	default:
		at = from.Add(step(t.Ladder, a.Looks, p.ID))
	}
	// A look just after an offer's end is what proves it dead.
	if bounded && from.Before(dead) && at.After(dead) {
		at = dead.Add(time.Millisecond)
	}
	if w, ok := p.withdrawal(a.N); ok && w.Verdict == providers.Approved && !from.After(w.SettledAt) {
		at = w.SettledAt.Add(time.Millisecond)
	}
	if r := p.Attempts[a.N-1]; r.Switch != "" && at.Sub(from) > time.Minute {
		at = from.Add(time.Minute)
	}
	return at, false
}

func (p Payment) askOperationAt(o Operation, t Terms) time.Time {
	if o.Looks == 0 && !o.Answered {
		a := p.Attempts[o.Attempt-1]
		return o.At.Add(t.operationWindow(t.claims(a.Gateway)))
	}
	from := o.LastLook
	if from.IsZero() {
		from = o.At
	}
	return from.Add(step(t.Ladder, o.Looks, p.ID))
}

// notCarriedOut settles an operation that repeated looks show to have had no effect:
// two of them, half a minute apart, after it can no longer be on its way.
func (p Payment) notCarriedOut(o Operation, t Terms) (OperationObserved, bool) {
	claims := t.claims(p.Attempts[o.Attempt-1].Gateway)
	late := o.At.Add(t.operationWindow(claims) + claims.Refund.SettleWait)
	if o.Absents < 2 || o.FirstAbsent.Before(late) || o.LastLook.Sub(o.FirstAbsent) < 30*time.Second {
		return OperationObserved{}, false
	}
	return OperationObserved{Operation: o.Operation, Source: FromRouter, Verdict: providers.Unserved, Reason: providers.NotFound}, true
}

// giveBack returns money that the payment does not owe.
func (p Payment) giveBack(a Attempt, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	if !a.Verdict.HasMoney() || a.net(p) <= 0 {
		return Step{}, false
	}
	if kept, ok := p.Kept(); ok && kept.N == a.N {
		return Step{}, false
	}
	if a.Verdict == providers.Held {
		if void, ok := p.lastOperation(a.N, OpVoid); ok && void.Verdict == providers.Approved {
			// The gateway says it is released; it must also be seen as released.
			at := void.SettledAt
			if a.LastLook.After(at) {
				at = a.LastLook.Add(step(t.Ladder, a.Looks, p.ID))
			}
			if at.After(now) {
				later(at)
				return Step{}, false
			}
			return Step{Do: Ask, Attempt: a.N}, true
		}
		return p.operate(OperationPlanned{Op: OpVoid, Attempt: a.N, Amount: p.money(a.Held)}, now, later)
	}
	surplus := a.net(p)
	if refunds := t.claims(a.Gateway).Refund; !refunds.API || t.GiveBackLimit > 0 && surplus > t.GiveBackLimit {
		if p.Found(CannotGiveBack, a.N) {
			return Step{}, false
		}
		return Step{Do: Append, Event: Noted{Finding: CannotGiveBack, Attempt: a.N, Detail: p.money(surplus).String()}}, true
	}
	return p.operate(OperationPlanned{Op: OpRefund, Attempt: a.N, Amount: p.money(surplus), Before: max(p.given(a.N), a.Returned)}, now, later)
}

// serveWishes does what the caller asked for on the kept attempt: capture, refund.
func (p Payment) serveWishes(now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	kept, ok := p.Kept()
	if !ok {
		return Step{}, false
	}
	if kept.Verdict == providers.Held {
		later(p.holdLookAt(kept, t))
		if at := p.holdLookAt(kept, t); !at.IsZero() && !at.After(now) {
			return Step{Do: Ask, Attempt: kept.N}, true
		}
		if p.Capture == nil {
			return Step{}, false
		}
		return p.operate(OperationPlanned{Op: OpCapture, Attempt: kept.N, Amount: p.Capture.Amount}, now, later)
	}
	for _, r := range p.Refunds {
		if r.State == RefundPending {
			plan := OperationPlanned{Op: OpRefund, Attempt: kept.N, Amount: r.Amount, Refund: r.Refund, Before: max(p.given(kept.N), kept.Returned)}
			if s, ok := p.operate(plan, now, later); ok {
				return s, true
			}
			return Step{}, false // one refund at a time: they are told apart by the sum returned
		}
	}
	return Step{}, false
}

// holdLookAt: a hold is looked at once an hour, because gateways end holds by themselves.
func (p Payment) holdLookAt(a Attempt, t Terms) time.Time {
	from := a.LastLook
	if from.Before(a.Planned) {
		from = a.Planned
	}
	return from.Add(step([]time.Duration{t.SlowLook}, 0, p.ID))
}

// operate plans an operation unless one is open on the attempt, was refused for
// good, or was tried so recently that it must wait.
func (p Payment) operate(plan OperationPlanned, now time.Time, later func(time.Time)) (Step, bool) {
	if _, open := p.openOperation(plan.Attempt); open {
		return Step{}, false
	}
	last := Operation{}
	for _, o := range p.Operations {
		if o.Attempt == plan.Attempt && o.Op == plan.Op && o.Refund == plan.Refund {
			last = o
		}
	}
	switch {
	case last.Operation == 0:
	case last.Verdict == providers.Declined && plan.Op != OpRefund,
		last.Verdict == providers.Declined && plan.Refund == "",
		last.Verdict == providers.Approved && plan.Op != OpRefund:
		return Step{}, false // a person, or the confirming look, goes on from here
	case last.Verdict == providers.Unserved:
		tries := p.tries(plan.Attempt, plan.Op, plan.Refund)
		if tries >= operationTries {
			if p.Found(OperationFailed, plan.Attempt) {
				return Step{}, false
			}
			return Step{Do: Append, Event: Noted{Finding: OperationFailed, Attempt: plan.Attempt, Detail: string(plan.Op) + " was not carried out"}}, true
		}
		if at := last.SettledAt.Add(time.Second << (2 * min(tries, 6))); at.After(now) {
			later(at)
			return Step{}, false
		}
	}
	return Step{Do: Operate, Plan: plan}, true
}

// conclude decides what follows when no attempt is open: money, the next gateway, or the end.
func (p Payment) conclude(now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	if p.Finished != nil {
		return Step{}, false
	}
	if _, ok := p.Kept(); ok {
		return Step{}, false
	}
	for _, a := range p.Attempts {
		if !p.settled(a) {
			return Step{}, false // money on its way back
		}
	}
	finish := func(o Outcome, r providers.Reason, detail string) (Step, bool) {
		return Step{Do: Append, Event: Finished{Outcome: o, Reason: r, Detail: detail}}, true
	}
	if p.Cancel != nil {
		return finish(OutcomeCanceled, "", p.Cancel.Reason)
	}
	overdue := !p.Deadline.IsZero() && !now.Before(p.Deadline)
	if len(p.Attempts) == 0 {
		limit := p.Created.Add(t.StartWithin)
		if overdue || !now.Before(limit) {
			return finish(OutcomeFailed, "", DetailNoGateway)
		}
		return Step{Do: Route}, true
	}
	last := p.Attempts[len(p.Attempts)-1]
	switch last.Closed.Kind {
	case DeclinedFinally:
		switch {
		case last.Reason == providers.InvalidRequest:
			return finish(OutcomeFailed, last.Reason, last.Code)
		case last.Reason != providers.DeclinedSoft || !p.SoftRetry || p.softDeclines() > 1:
			return finish(OutcomeDeclined, last.Reason, last.Code)
		}
	case ExpiredUnpaid, Voided, Withdrawn, ByOperator:
		if last.Switch == "" {
			return finish(OutcomeFailed, providers.Expired, string(last.Closed.Kind))
		}
	}
	if overdue {
		return finish(OutcomeFailed, last.Reason, DetailDeadline)
	}
	if len(p.Attempts) >= t.MaxAttempts {
		return finish(OutcomeFailed, last.Reason, DetailAttempts)
	}
	return Step{Do: Route}, true
}

// Details of a Finished event that are not a provider's word.
const (
	DetailNoGateway = "no_gateway"
	DetailDeadline  = "deadline"
	DetailAttempts  = "too_many_attempts"
)

func (p Payment) softDeclines() int {
	n := 0
	for _, a := range p.Attempts {
		if a.Verdict == providers.Declined && a.Reason == providers.DeclinedSoft {
			n++
		}
	}
	return n
}

func (p Payment) money(minor int64) providers.Money {
	return providers.Money{Minor: minor, Currency: p.Amount.Currency}
}

// Settle runs the bookkeeping that follows from what is known: it appends the
// events of all Append steps and returns them with the resulting payment. Both
// the journal's writers and the tests use it, so that one commit holds an
// observation together with what it proves.
func (p Payment) Settle(now time.Time, t Terms, actor string) (Payment, []Event, error) {
	var events []Event
	for {
		s := p.Next(now, t)
		if s.Do != Append {
			return p, events, nil
		}
		e := Event{Seq: p.Seq + 1, At: Instant(now), Actor: actor, Body: s.Event}
		next, err := p.Apply(e)
		if err != nil {
			return p, events, err
		}
		p, events = next, append(events, e)
	}
}

// takeover is how long whoever wrote the last event has to do the next step itself
// before a worker does it: its caller is waiting for the answer.
const takeover = 2 * time.Second

// Due is when the worker should look at the payment again; the zero time means never.
func (p Payment) Due(now time.Time, t Terms) time.Time {
	t = t.Default()
	switch s := p.Next(now, t); {
	case s.Do == Rest:
		return s.Until
	case s.Do == Route && len(p.Attempts) == 0:
		return p.Created.Add(t.StartWithin) // only its caller begins a payment
	}
	return now.Add(takeover)
}
