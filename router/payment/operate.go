package payment

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// operationTries is how often an operation that was not carried out is made anew
// before a person is told; after that it is tried once in a resolve limit.
const operationTries = 8

// follow settles an operation whose outcome is open: by what looks have shown, or by
// another look.
func (p Payment) follow(o Operation, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	if e, ok := p.notCarriedOut(o, t); ok {
		return Step{Do: Append, Event: e}, true
	}
	at, expired := p.askOperationAt(o, now, t)
	switch {
	case expired && !p.Found(Undecided, o.Attempt):
		return Step{Do: Append, Event: Noted{Finding: Undecided, Attempt: o.Attempt, Detail: string(o.Op) + " " + string(o.Reason)}}, true
	case at.After(now):
		later(at)
		return Step{}, false
	}
	return Step{Do: AskOp, Operation: o.Operation}, true
}

// askOperationAt is when an operation should be looked up next, and whether its
// resolve limit is over, as [Payment.askAt] says it for attempts.
func (p Payment) askOperationAt(o Operation, now time.Time, t Terms) (at time.Time, expired bool) {
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
// be on its way, nor be done and not shown.
func (p Payment) operationLate(o Operation, t Terms) time.Time {
	claims := t.claims(p.Attempts[o.Attempt-1].Gateway)
	return o.At.Add(t.operationWindow(claims) + claims.Refund.SettleWait)
}

// notCarriedOut settles an operation that repeated looks show to have had no effect:
// two of them, half a minute apart, after it can no longer be on its way. Where the
// adapter does not say how long a done operation may stay unseen, one that moves
// money is never made anew by itself.
func (p Payment) notCarriedOut(o Operation, t Terms) (OperationObserved, bool) {
	moves := o.Op == OpRefund || o.Op == OpCapture
	if moves && t.claims(p.Attempts[o.Attempt-1].Gateway).Refund.SettleWait == 0 {
		return OperationObserved{}, false
	}
	if late := since(o.Absences, p.operationLate(o, t)); len(late) < leastAbsences || span(late) < leastApart {
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
			at := void.SettledAt.Add(time.Millisecond)
			if a.LastLook.After(void.SettledAt) {
				at = a.LastLook.Add(step(t.Ladder, a.Looks, p.ID))
			}
			if now.After(void.SettledAt.Add(t.ResolveLimit)) {
				if !p.Found(Undecided, a.N) {
					return Step{Do: Append, Event: Noted{Finding: Undecided, Attempt: a.N, Detail: "the void is not seen"}}, true
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
	if refunds := t.claims(a.Gateway).Refund; !refunds.API || t.GiveBackLimit > 0 && surplus > t.GiveBackLimit {
		if p.Found(CannotGiveBack, a.N) {
			return Step{}, false
		}
		return Step{Do: Append, Event: Noted{Finding: CannotGiveBack, Attempt: a.N, Detail: p.money(surplus).String()}}, true
	}
	return p.operate(OperationPlanned{Op: OpRefund, Attempt: a.N, Amount: p.money(surplus), Before: p.returned(a, false)}, now, t, later)
}

// lookAt looks the attempt up when it is time to.
func (p Payment) lookAt(a Attempt, at, now time.Time, later func(time.Time)) (Step, bool) {
	if at.After(now) {
		later(at)
		return Step{}, false
	}
	return Step{Do: Ask, Attempt: a.N}, true
}

// serveWishes does what the caller asked for on the kept attempt: capture, refund.
func (p Payment) serveWishes(now time.Time, t Terms, later func(time.Time)) (Step, bool) {
	kept, ok := p.Kept()
	if !ok {
		return Step{}, false
	}
	if kept.Verdict == providers.Held {
		if s, ok := p.lookAt(kept, p.holdLookAt(kept, t), now, later); ok || p.Capture == nil {
			return s, ok
		}
		return p.operate(OperationPlanned{Op: OpCapture, Attempt: kept.N, Amount: p.Capture.Amount}, now, t, later)
	}
	for _, r := range p.Refunds {
		if r.State == RefundPending {
			plan := OperationPlanned{Op: OpRefund, Attempt: kept.N, Amount: r.Amount, Refund: r.Refund, Before: p.returned(kept, false)}
			return p.operate(plan, now, t, later) // one refund at a time: they are told apart by the sum returned
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
func (p Payment) operate(plan OperationPlanned, now time.Time, t Terms, later func(time.Time)) (Step, bool) {
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
		pause := time.Second << (2 * min(tries, 6))
		if tries >= operationTries {
			if !p.Found(OperationFailed, plan.Attempt) {
				return Step{Do: Append, Event: Noted{Finding: OperationFailed, Attempt: plan.Attempt, Detail: string(plan.Op) + " was not carried out"}}, true
			}
			pause = t.ResolveLimit
		}
		if at := last.SettledAt.Add(pause); at.After(now) {
			later(at)
			return Step{}, false
		}
	}
	return Step{Do: Operate, Plan: plan}, true
}
