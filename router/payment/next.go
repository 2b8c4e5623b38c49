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
	for i := range p.Attempts {
		if a := &p.Attempts[i]; a.Open() {
			if e, ok := p.closingEvidence(a, now, t); ok {
				return Step{Do: Append, Event: Closed{Attempt: a.N, Evidence: e}}
			}
		}
	}
	for _, o := range p.Operations {
		if !o.Settled() {
			if s, ok := p.follow(o, now, t, later); ok {
				return s
			}
		}
	}
	for i := len(p.Attempts) - 1; i >= 0; i-- { // newest money goes back first
		if s, ok := p.giveBack(&p.Attempts[i], now, t, later); ok {
			return s
		}
	}
	if s, ok := p.serveWishes(now, t, later); ok {
		return s
	}
	if s, ok := p.lookAgain(now, t, later); ok {
		return s
	}
	open := false
	for i := range p.Attempts {
		a := &p.Attempts[i]
		if !a.Open() {
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
func (p *Payment) leaving(a *Attempt, now time.Time) bool {
	if kept, ok := p.Kept(); ok && kept.N != a.N {
		return true // the money came on another attempt
	}
	return p.Cancel != nil || p.Finished != nil || a.Switch != "" || !p.Deadline.IsZero() && !now.Before(p.Deadline)
}

// watch follows one open attempt: withdraw it, look it up, or wait.
func (p *Payment) watch(a *Attempt, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	method := t.claims(a.Gateway).Method(a.Method)
	if p.leaving(a, now) && method.Withdraw == providers.Binding && a.Answered &&
		a.Verdict == providers.Pending && a.Reason == providers.AwaitingPayer {
		if s, ok := p.operate(OperationPlanned{Op: OpWithdraw, Attempt: a.N, Amount: p.Amount}, now, t, later); ok {
			return s, true
		}
	}
	if p.Deadline.After(now) {
		later(p.Deadline)
	}
	at, expired := p.askAt(a, now, t)
	switch {
	case expired && !p.Found(Undecided, a.N):
		return Step{Do: Append, Event: Noted{Finding: Undecided, Attempt: a.N, Detail: string(a.Reason)}}, true
	case a.Flow == providers.AskFirst: // the gateway tells us, and our veto ends it
		if limit := p.resolveBy(a, t); limit.After(now) {
			later(limit)
		}
		return Step{}, false
	case at.After(now):
		later(at)
		return Step{}, false
	}
	return Step{Do: Ask, Attempt: a.N}, true
}

// resolveBy is when an attempt that nothing decided becomes a person's: T after it
// was planned, after an offer's end, or after a hold was last seen to end.
func (p *Payment) resolveBy(a *Attempt, t Terms) time.Time {
	last := a.Planned
	if dead, ok := a.deadAt(t); ok && dead.After(last) {
		last = dead
	}
	if a.Flow == providers.AskFirst && p.Deadline.After(last) {
		last = p.Deadline
	}
	if a.WasHeld && a.Changed.After(last) {
		last = a.Changed
	}
	return last.Add(t.ResolveLimit)
}

// askAt is when the attempt should be looked up next, and whether its resolve
// limit is over: by a look after it, or without any for as long as a slow look takes.
func (p *Payment) askAt(a *Attempt, now time.Time, t Terms) (at time.Time, expired bool) {
	claims := t.claims(a.Gateway)
	method := claims.Method(a.Method)
	from := a.LastLook
	if from.IsZero() {
		from = a.Planned
	}
	limit := p.resolveBy(a, t)
	if a.Flow == providers.AskFirst {
		return limit, !now.Before(limit)
	}
	expired = from.After(limit) || now.After(limit.Add(t.SlowLook))
	dead, bounded := a.deadAt(t)
	// Whoever planned it is sending it; whoever finds it planned asks, after the send
	// can no longer be running.
	sent := a.Planned.Add(t.sendWindow(claims, a))
	switch {
	case expired:
		return from.Add(t.SlowLook), true
	case !a.Answered && a.Looks == 0:
		return sent, false
	case a.AskIn > 0 && !(bounded && a.Seen.At.After(dead)): // its pace is that of a live offer
		pause := min(max(a.AskIn, time.Second), t.SlowLook)
		if a.FailedLooks > 0 {
			pause = max(pause, step(t.Ladder, a.FailedLooks-1, p.ID))
		}
		at = from.Add(pause)
	case len(method.Schedule) > 0:
		at = from.Add(step(method.Schedule, a.Looks, p.ID))
	default:
		at = from.Add(step(t.Ladder, a.Looks, p.ID))
	}
	// These looks are what the evidence waits for: the first absence that counts and
	// those after it, the look after an offer's end, and the one after a withdrawal.
	soonest := func(proof time.Time) {
		if proof.After(from) && proof.Before(at) {
			at = proof
		}
	}
	if a.absenceCounts(method) && len(a.Absences) > 0 {
		soonest(a.absentFrom(t))
		if late := since(a.Absences, a.absentFrom(t)); len(late) > 0 {
			soonest(late[len(late)-1].Add(max(method.Absent.Apart, leastApart) / time.Duration(max(method.Absent.Times, leastAbsences)-1)))
		}
	}
	if bounded {
		soonest(dead.Add(time.Millisecond))
	}
	if w, ok := p.withdrawal(a.N); ok && w.Verdict == providers.Approved {
		soonest(w.SettledAt.Add(method.WithdrawWait + time.Millisecond))
	}
	if a.Switch != "" {
		soonest(from.Add(time.Minute))
	}
	if spared := from.Add(min(a.Spare, t.SlowLook)); at.Before(spared) {
		at = spared
	}
	return at, false
}

// conclude decides what follows when no attempt is open: money, the next gateway, or the end.
func (p *Payment) conclude(now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	if p.Finished != nil {
		return Step{}, false
	}
	if _, ok := p.Kept(); ok {
		return Step{}, false
	}
	for i := range p.Attempts {
		if !p.settled(&p.Attempts[i]) {
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
	if slices.ContainsFunc(p.Attempts, func(a Attempt) bool { return a.Verdict.HasMoney() }) {
		return finish(OutcomeFailed, last.Reason, DetailGivenBack)
	}
	switch last.Closed.Kind {
	case DeclinedFinally:
		switch {
		case last.Reason == providers.InvalidRequest:
			return finish(OutcomeFailed, last.Reason, last.Code)
		case last.Reason != providers.DeclinedSoft || !p.SoftRetry || p.softDeclines() > 1 || last.Flow != providers.Direct:
			return finish(OutcomeDeclined, last.Reason, last.Code)
		}
	case ExpiredUnpaid, Voided, Withdrawn:
		if last.Switch == "" {
			return finish(OutcomeFailed, providers.Expired, string(last.Closed.Kind))
		}
	case ByOperator:
		if last.Switch == "" {
			return finish(OutcomeFailed, "", string(last.Closed.Kind))
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
	DetailGivenBack = "given_back" // money came on two attempts, and none of it stayed
)

func (p *Payment) softDeclines() int {
	n := 0
	for _, a := range p.Attempts {
		if a.Verdict == providers.Declined && a.Reason == providers.DeclinedSoft {
			n++
		}
	}
	return n
}

func (p *Payment) money(minor int64) providers.Money {
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
