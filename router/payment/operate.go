package payment

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	// operationTries is how often an operation that was not carried out is made anew before a
	// person is told. Once the gateway has had it as often it is tried once in a resolve limit.
	operationTries = 8
	// allTries is how often with those that did not leave, as in an outage: these go on, at the
	// last pace of some 68 min, for about a week, and few holds live longer.
	allTries = 160
)

// follow settles an operation whose outcome is open: by what looks have shown, or by
// another look.
func (p *Payment) follow(o Operation, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	if e, ok := p.notCarriedOut(o, t); ok {
		return Step{Do: Append, Event: e}, true
	}
	at, expired := p.askOperationAt(o, now, t)
	switch {
	case expired && !p.FoundAbout(Undecided, o.Attempt, o.subject()):
		return Step{Do: Append, Event: Noted{Finding: Undecided, Attempt: o.Attempt, About: o.subject(), Detail: string(o.Op) + " " + string(o.Reason)}}, true
	case at.After(now):
		later(at)
		return Step{}, false
	}
	return Step{Do: AskOp, Operation: o.Operation}, true
}

// askOperationAt is when an operation should be looked up next, and whether its
// resolve limit is over, as [Payment.askAt] says it for attempts.
func (p *Payment) askOperationAt(o Operation, now time.Time, t Terms) (at time.Time, expired bool) {
	from := o.LastLook
	if from.IsZero() {
		from = o.At
	}
	limit := o.At.Add(t.ResolveLimit)
	late := p.operationLate(o, t)
	switch {
	case from.After(limit) || now.After(limit.Add(t.SlowLook)):
		return from.Add(t.SlowLook), true
	case !o.Answered && o.Looks == 0:
		return o.At.Add(t.operationWindow(t.claims(p.Attempts[o.Attempt-1].Gateway))), false
	}
	at = from.Add(step(t.Ladder, o.Looks, p.ID))
	if len(o.Absences) > 0 && from.Before(late) && at.After(late) {
		at = late // the first absence that counts
	}
	return at, false
}

// operationLate is when an absence of the operation begins to count: it can no longer
// be on its way, nor, where it moves money, be done and not shown. A release or a
// withdrawal that is made twice is made once.
func (p *Payment) operationLate(o Operation, t Terms) time.Time {
	claims := t.claims(p.Attempts[o.Attempt-1].Gateway)
	late := o.At.Add(t.operationWindow(claims))
	if o.moves() {
		late = late.Add(claims.Refund.SettleWait)
	}
	return late
}

// notCarriedOut settles an operation that repeated looks show to have had no effect:
// two of them, half a minute apart, after it can no longer be on its way. Where the
// adapter does not say how long a done operation may stay unseen, one that moves
// money is never made anew by itself; nor is a refund that the gateway has accepted: it
// may be carried out days later, and would be a second one then.
func (p *Payment) notCarriedOut(o Operation, t Terms) (OperationObserved, bool) {
	if o.moves() && t.claims(p.Attempts[o.Attempt-1].Gateway).Refund.SettleWait == 0 {
		return OperationObserved{}, false
	}
	if o.Op == OpRefund && o.Verdict == providers.Pending {
		return OperationObserved{}, false
	}
	if late := since(o.Absences, p.operationLate(o, t)); len(late) < leastAbsences || span(late) < leastApart {
		return OperationObserved{}, false
	}
	return OperationObserved{Operation: o.Operation, Source: FromRouter, Verdict: providers.Unserved, Reason: providers.NotFound}, true
}

// giveBack returns money that the payment does not owe.
func (p *Payment) giveBack(a *Attempt, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	if !a.Verdict.HasMoney() || a.net(p) <= 0 {
		return Step{}, false
	}
	if kept, ok := p.Kept(); ok && kept.N == a.N {
		return Step{}, false
	}
	if a.Verdict == providers.Held {
		if void, ok := p.lastOperation(a.N, OpVoid); ok && void.Verdict == providers.Approved && !a.Changed.After(void.SettledAt) {
			// The gateway says it is released; it must also be seen as released.
			at := void.SettledAt.Add(time.Millisecond)
			if a.LastLook.After(void.SettledAt) {
				at = a.LastLook.Add(step(t.Ladder, a.Looks, p.ID))
			}
			if now.After(void.SettledAt.Add(t.ResolveLimit)) {
				if !p.FoundAbout(Undecided, a.N, void.subject()) {
					return Step{Do: Append, Event: Noted{Finding: Undecided, Attempt: a.N, About: void.subject(), Detail: "the void is not seen"}}, true
				}
				at = p.holdLookAt(a, t)
			}
			return p.lookAt(a, at, now, later)
		}
		if s, ok := p.operate(OperationPlanned{Op: OpVoid, Attempt: a.N, Amount: p.money(a.Held)}, now, t, later); ok {
			return s, true
		}
		return p.lookAt(a, p.holdLookAt(a, t), now, later)
	}
	surplus := a.net(p)
	if !t.claims(a.Gateway).Refunds(a.Method) || t.GiveBackLimit > 0 && surplus > t.GiveBackLimit {
		if p.Found(CannotGiveBack, a.N) {
			return Step{}, false
		}
		return Step{Do: Append, Event: Noted{Finding: CannotGiveBack, Attempt: a.N, Detail: p.money(surplus).String()}}, true
	}
	return p.operate(OperationPlanned{Op: OpRefund, Attempt: a.N, Amount: p.money(surplus), Before: p.returned(a, false)}, now, t, later)
}

// lookAt looks the attempt up when it is time to.
func (p *Payment) lookAt(a *Attempt, at, now time.Time, later func(time.Time)) (Step, bool) {
	if at.After(now) {
		later(at)
		return Step{}, false
	}
	return Step{Do: Ask, Attempt: a.N}, true
}

// serveWishes does what the caller asked for on the kept attempt: capture, refund.
func (p *Payment) serveWishes(now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	kept, ok := p.Kept()
	if !ok {
		return Step{}, false
	}
	if kept.Verdict == providers.Held {
		if s, ok := p.lookAt(&kept, p.holdLookAt(&kept, t), now, later); ok || p.Capture == nil {
			return s, ok
		}
		return p.operate(OperationPlanned{Op: OpCapture, Attempt: kept.N, Amount: p.Capture.Amount}, now, t, later)
	}
	for _, r := range p.Refunds {
		if o, made := p.made(r.Operation); made && !o.Settled() {
			return Step{}, false // perhaps of an attempt whose money was denied since
		}
		if r.State == RefundPending {
			plan := OperationPlanned{Op: OpRefund, Attempt: kept.N, Amount: r.Amount, Refund: r.Refund, Before: p.returned(&kept, false)}
			return p.operate(plan, now, t, later) // one refund at a time: they are told apart by the sum returned
		}
	}
	return Step{}, false
}

// laterLooks are when captured money is looked at again, after it was first seen, where no
// signed notice would tell that it was taken back: at Kaspi "Processed" may become "Error".
var laterLooks = []time.Duration{10 * time.Minute, 24 * time.Hour}

// lookAgain sees whether the money that was captured stays: it changes nothing unless the
// gateway denies the money.
func (p *Payment) lookAgain(now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	kept, ok := p.Kept()
	if !ok || kept.Verdict != providers.Approved || kept.net(p) <= 0 || p.Found(MoneyFlipped, kept.N) ||
		kept.Flow == providers.AskFirst || t.claims(kept.Gateway).Webhook == providers.Signed {
		return Step{}, false
	}
	for _, after := range laterLooks {
		switch at := kept.Taken.Add(after); {
		case !kept.Seen.At.Before(at): // seen since
		case kept.LastLook.Before(at):
			return p.lookAt(&kept, at, now, later)
		case kept.LastLook.Before(at.Add(t.ResolveLimit)): // asked, and not answered
			return p.lookAt(&kept, kept.LastLook.Add(t.SlowLook), now, later)
		}
	}
	return Step{}, false
}

// holdLookAt: a hold is looked at once an hour, because gateways end holds by themselves.
func (p *Payment) holdLookAt(a *Attempt, t Terms) time.Time {
	from := a.LastLook
	if from.Before(a.Planned) {
		from = a.Planned
	}
	return from.Add(step([]time.Duration{t.SlowLook}, 0, p.ID))
}

// operate plans an operation unless one is open on the attempt, was refused for
// good, or was tried so recently that it must wait.
func (p *Payment) operate(plan OperationPlanned, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
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
	case plan.Op == OpVoid && last.Settled() && p.Attempts[plan.Attempt-1].HeldAt.After(last.SettledAt): // another hold since
	case last.Verdict == providers.Declined && plan.Op != OpRefund,
		last.Verdict == providers.Declined && plan.Refund == "",
		last.Verdict == providers.Approved && plan.Op != OpRefund:
		return Step{}, false // a person, or the confirming look, goes on from here
	case last.Verdict == providers.Unserved:
		tries, sent := p.tries(plan.Attempt, plan.Op, plan.Refund)
		pause := time.Second << (2 * min(tries, 6))
		if tries >= operationTries {
			if !p.FoundAbout(OperationFailed, plan.Attempt, plan.subject()) {
				return Step{Do: Append, Event: Noted{Finding: OperationFailed, Attempt: plan.Attempt, About: plan.subject(), Detail: string(plan.Op) + " was not carried out"}}, true
			}
		}
		if sent >= operationTries || tries >= allTries {
			pause = t.ResolveLimit
		}
		if at := last.SettledAt.Add(pause); at.After(now) {
			later(at)
			return Step{}, false
		}
	}
	if at := p.lookFirst(plan, now, t); !at.IsZero() {
		return p.lookAt(&p.Attempts[plan.Attempt-1], at, now, later)
	}
	return Step{Do: Operate, Plan: plan}, true
}

const (
	// readWithin is how old the sum returned may be when a refund is sent.
	readWithin = time.Minute
	// failedReads in a row, some ten minutes by the usual ladder, are no reason to keep
	// a payer's money any longer.
	failedReads = 8
)

// lookFirst is when to look the attempt up before an operation is sent that moves money, or
// the zero time when that is not needed. Two of them need it:
//
//   - any, after the books lost a window: what was captured or given back in it is seen at the
//     gateway only. Such a look must say something.
//   - a refund, where the gateway stores no id of ours. One whose answer is lost is told by what
//     it adds to the sum returned (Kaspi, WayForPay), and people give money back in the
//     gateway's own programs: the sum before it must have been read, after the refund was asked
//     for.
func (p *Payment) lookFirst(plan OperationPlanned, now time.Time, t Terms) time.Time {
	a := &p.Attempts[plan.Attempt-1]
	at := latest(a.LastLook, a.Planned).Add(min(a.Spare, t.SlowLook))
	again := latest(at, a.LastLook.Add(step(t.Ladder, max(a.FailedLooks-1, 0), p.ID))) // once a look has failed
	switch {
	case (plan.Op == OpCapture || plan.Op == OpRefund) && p.unseenSinceLost(a, t):
		if a.FailedLooks > 0 {
			return again
		}
		return at
	case plan.Op != OpRefund || t.claims(a.Gateway).Refund.OwnID:
		return time.Time{}
	}
	asked := int64(0)
	if r := p.refund(plan.Refund); r != nil {
		asked = r.Seq
	}
	if last, ok := p.lastOperation(a.N, OpRefund); ok {
		asked = max(asked, last.Settle)
	}
	switch {
	case a.LookSeq <= asked: // by the order of events: clocks differ
		return at
	case (a.FailedLooks == 0 || a.FailedLooks >= failedReads) && !a.LastLook.Before(now.Add(-readWithin)):
		return time.Time{}
	case a.FailedLooks > 0:
		return again
	}
	return at
}

// unseenSinceLost reports whether no look has shown how the attempt stands since the books lost
// a window. What the gateway cannot be asked about is settled by whoever reconciles the window.
func (p *Payment) unseenSinceLost(a *Attempt, t Terms) bool {
	return t.lost(a) && a.Flow != providers.AskFirst && !a.Seen.At.After(t.LostAt)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
