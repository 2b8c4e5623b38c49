package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// OperationKind is an act on an attempt after it was sent.
type OperationKind string

// The operations. Each goes only to the gateway that holds the attempt.
const (
	OpCapture  OperationKind = "capture"  // take the money of a hold
	OpVoid     OperationKind = "void"     // release a hold
	OpWithdraw OperationKind = "withdraw" // end an unpaid offer
	OpRefund   OperationKind = "refund"   // give captured money back
)

// OperationKinds lists the kinds in a fixed order.
func OperationKinds() []OperationKind {
	return []OperationKind{OpCapture, OpVoid, OpWithdraw, OpRefund}
}

// Operation is one act, sent at most once. What was not carried out is tried
// again as a new operation, never as the same one.
type Operation struct {
	OperationPlanned
	At        time.Time
	Verdict   providers.Verdict
	Reason    providers.Reason
	Code      string
	External  string
	Answered  bool
	Source    Source // of the observation that settled it
	SettledAt time.Time
	Settle    int64 // the event that settled it

	Looks    int
	LastLook time.Time
	Absences []time.Time // looks in a row that show it not carried out
}

// moves reports whether it moves money.
func (o OperationPlanned) moves() bool { return o.Op == OpRefund || o.Op == OpCapture }

// subject is what an operation is tried for, as often as it takes: findings are about it.
func (o OperationPlanned) subject() string {
	if o.Refund != "" {
		return "refund " + o.Refund
	}
	return string(o.Op)
}

// Settled reports whether the operation's outcome is known.
func (o Operation) Settled() bool {
	return o.Verdict == providers.Approved || o.Verdict == providers.Declined || o.Verdict == providers.Unserved
}

func (p *Payment) planOperation(b OperationPlanned, e Event) error {
	if b.Operation != len(p.Operations)+1 {
		return refuse("operation %d is not the next", b.Operation)
	}
	a, err := p.attempt(b.Attempt)
	if err != nil {
		return err
	}
	if open, ok := p.openOperation(b.Attempt); ok {
		return refuse("operation %d on attempt %d is open", open.Operation, b.Attempt)
	}
	switch b.Op {
	case OpCapture:
		if a.Verdict != providers.Held || b.Amount.Minor <= 0 || b.Amount.Minor > a.Held {
			return refuse("capture of %s, held %d", b.Amount, a.Held)
		}
	case OpVoid:
		if a.Verdict != providers.Held {
			return refuse("nothing is held")
		}
	case OpWithdraw:
		if !a.Open() {
			return refuse("attempt %d is not an open offer", a.N)
		}
	case OpRefund:
		if a.Verdict != providers.Approved || b.Amount.Minor <= 0 || b.Amount.Minor > a.net(p) {
			return refuse("refund of %s, left %d", b.Amount, a.net(p))
		}
		if r := p.refund(b.Refund); b.Refund != "" && (r == nil || r.State != RefundPending) {
			return refuse("refund %s is not waiting to be made", b.Refund)
		}
	default:
		return refuse("unknown operation %q", b.Op)
	}
	p.Operations = append(p.Operations, Operation{OperationPlanned: b, At: e.At})
	if r := p.refund(b.Refund); r != nil {
		r.Operation, r.Updated = b.Operation, e.At
	}
	return nil
}

func (p *Payment) observeOperation(b OperationObserved, e Event) error {
	if b.Operation < 1 || b.Operation > len(p.Operations) {
		return fmt.Errorf("no operation %d", b.Operation)
	}
	o := &p.Operations[b.Operation-1]
	o.Answered = true
	if b.Source == FromLookup {
		o.Looks++
		o.LastLook = e.At
		if b.Absent {
			o.Absences = appendLater(o.Absences, asked(b.Asked, e))
		} else if b.Verdict != providers.Unknown {
			o.Absences = nil
		}
	}
	if o.Settled() {
		if o.Verdict != b.Verdict && b.Verdict == providers.Approved {
			p.find(ReturnedElsewhere, o.Attempt, e.At, fmt.Sprintf("%s %d: %s, then %s", o.Op, o.Operation, o.Verdict, b.Verdict))
			o.Verdict = b.Verdict // the fact wins; the sums follow
			o.Source = b.Source
		}
	} else {
		if b.Verdict != providers.Unknown {
			o.Verdict = b.Verdict
		}
		o.Reason = b.Reason
	}
	if b.Code != "" {
		o.Code = b.Code
	}
	if b.External != "" {
		o.External = b.External
	}
	if !o.Settled() {
		return nil
	}
	if o.SettledAt.IsZero() {
		o.SettledAt, o.Source, o.Settle = e.At, b.Source, e.Seq
	}
	if o.Verdict == providers.Declined && o.Op != OpWithdraw {
		p.findAbout(OperationFailed, o.Attempt, o.subject(), e.At, fmt.Sprintf("%s refused: %s %s", o.Op, o.Reason, o.Code))
	}
	if r := p.refund(o.Refund); r != nil {
		r.Updated = e.At
		switch {
		case o.Verdict == providers.Approved:
			r.State, r.Why = RefundDone, ""
		case o.Verdict == providers.Declined && r.State == RefundPending:
			r.State, r.Why = RefundFailed, o.Reason
		}
	}
	return nil
}

// arrived settles a refund that looks had not shown, and that was therefore taken for not
// carried out, when the sum returned is just what it would have come to.
func (p *Payment) arrived(attempt int, o Observed, e Event) {
	last, ok := p.lastOperation(attempt, OpRefund)
	if !ok || last.Verdict != providers.Unserved || last.Source != FromRouter || o.Returned.Minor != last.Before+last.Amount.Minor {
		return
	}
	_ = p.observeOperation(OperationObserved{Operation: last.Operation, Source: o.Source, Verdict: providers.Approved, Code: o.Code}, e)
}

// failOvertaken fails refunds that wait to be made when what is left no longer
// covers them: the money went back another way.
func (p *Payment) failOvertaken(e Event) {
	kept, ok := p.Kept()
	if !ok || kept.Verdict != providers.Approved {
		return
	}
	for i := range p.Refunds {
		r := &p.Refunds[i]
		if o, made := p.made(r.Operation); r.State != RefundPending || r.Amount.Minor <= kept.net(p) || made && !o.Settled() {
			continue
		}
		r.State, r.Why, r.Updated = RefundFailed, providers.Refused, e.At
		p.find(ReturnedElsewhere, kept.N, e.At, fmt.Sprintf("refund of %s, left %s", r.Amount, p.money(kept.net(p))))
	}
}

func (p *Payment) made(operation int) (Operation, bool) {
	if operation < 1 || operation > len(p.Operations) {
		return Operation{}, false
	}
	return p.Operations[operation-1], true
}

func (p *Payment) refund(id string) *Refund {
	for i := range p.Refunds {
		if id != "" && p.Refunds[i].Refund == id {
			return &p.Refunds[i]
		}
	}
	return nil
}

// FindRefund returns a caller's refund by its id.
func (p Payment) FindRefund(id string) (Refund, bool) {
	if r := p.refund(id); r != nil {
		return *r, true
	}
	return Refund{}, false
}

func (p *Payment) openOperation(attempt int) (Operation, bool) {
	for _, o := range p.Operations {
		if o.Attempt == attempt && !o.Settled() {
			return o, true
		}
	}
	return Operation{}, false
}

// Overtaken reports whether another operation of the same kind followed on the attempt that was
// carried out or may have been. Where an operation has no name at the gateway it is told by how
// the attempt stands afterwards, and that is the later one's doing now: of this one, a look that
// was put before it was given up and is answered late says nothing. Books that went back may have
// no such operation any more.
func (p Payment) Overtaken(operation int) bool {
	if operation > len(p.Operations) {
		return false
	}
	o := p.Operations[operation-1]
	return slices.ContainsFunc(p.Operations[operation:], func(later Operation) bool {
		return later.Attempt == o.Attempt && later.Op == o.Op && later.Verdict != providers.Declined && later.Verdict != providers.Unserved
	})
}

// withdrawal is the last withdraw operation of an attempt.
func (p *Payment) withdrawal(attempt int) (Operation, bool) {
	return p.lastOperation(attempt, OpWithdraw)
}

func (p *Payment) lastOperation(attempt int, kind OperationKind) (Operation, bool) {
	for i := len(p.Operations) - 1; i >= 0; i-- {
		if o := p.Operations[i]; o.Attempt == attempt && o.Op == kind {
			return o, true
		}
	}
	return Operation{}, false
}

// tries is how often an operation was made on the attempt, and how many of these may have
// reached the gateway.
func (p *Payment) tries(attempt int, kind OperationKind, refund string) (all, sent int) {
	for _, o := range p.Operations {
		if o.Attempt != attempt || o.Op != kind || o.Refund != refund {
			continue
		}
		all++
		if o.Verdict != providers.Unserved || o.Reason != providers.NotSent {
			sent++
		}
	}
	return all, sent
}

// releaseAsked reports whether we asked for the hold to be given back.
func (p *Payment) releaseAsked(attempt int) bool {
	_, ok := p.lastOperation(attempt, OpVoid)
	return ok
}

// given is what our own operations gave back on the attempt, in minor units.
func (p *Payment) given(attempt int) int64 {
	var sum int64
	for _, o := range p.Operations {
		if o.Attempt == attempt && o.Op == OpRefund && o.Verdict == providers.Approved {
			sum += o.Amount.Minor
		}
	}
	return sum
}

// returned is what is known to have gone back on the attempt, in minor units: what
// the gateway tells, or what our refunds came to on top of what was known before
// each; with open, as if the refunds that are on their way had arrived.
func (p *Payment) returned(a *Attempt, open bool) int64 {
	sum := max(a.Returned, p.given(a.N))
	for _, o := range p.Operations {
		if o.Attempt == a.N && o.Op == OpRefund && (o.Verdict == providers.Approved || open && !o.Settled()) {
			sum = max(sum, o.Before+o.Amount.Minor)
		}
	}
	return sum
}

// surrendered reports whether the attempt's money was given back as a surplus, or is
// on its way: it cannot become the payment's again.
func (p *Payment) surrendered(attempt int) bool {
	for _, o := range p.Operations {
		if o.Attempt == attempt && (o.Op == OpVoid || o.Op == OpRefund && o.Refund == "") &&
			o.Verdict != providers.Declined && o.Verdict != providers.Unserved {
			return true
		}
	}
	return false
}

// net is the money an attempt still holds for us, in minor units: held, or
// captured less what is known to be given back.
func (a *Attempt) net(p *Payment) int64 {
	switch a.Verdict {
	case providers.Held:
		return a.Held
	case providers.Approved:
		return a.Captured - p.returned(a, false)
	}
	return 0
}
