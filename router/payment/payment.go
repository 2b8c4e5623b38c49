package payment

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Payment is the fold of a payment's events.
type Payment struct {
	Opened
	Seq        int64
	Writer     string // names the commit of the event numbered Seq, as the journal does
	Created    time.Time
	Updated    time.Time
	Attempts   []Attempt
	Operations []Operation
	Refunds    []Refund
	Keeps      int               // the attempt whose money is the payment's; 0 means none
	Capture    *CaptureRequested // the caller's wish, once made
	Cancel     *CancelRequested
	CanceledAt time.Time
	Finished   *Finished
	Findings   []Finding
}

// Attempt is one try at one gateway.
type Attempt struct {
	N           int
	Gateway     string
	Provider    string
	Credentials string // the version it began with
	Method      providers.Method
	Flow        providers.Flow
	Reference   string
	External    string
	Planned     time.Time
	Route       []Choice

	Verdict  providers.Verdict
	Reason   providers.Reason
	Code     string
	Source   Source    // of the observation that gave the verdict
	Note     string    // an operator's reason
	Ruled    bool      // an operator's word stands
	Answered bool      // anything was observed at all
	Changed  time.Time // when the verdict was last learnt anew

	Action  *providers.Action
	Shown   bool // an action went out to the payer
	ShownAt time.Time
	Until   time.Time // the offer's end by the gateway's own clock

	Held     int64 // minor units, while only authorised
	Captured int64
	Returned int64 // as the gateway tells it
	WasHeld  bool
	HeldAt   time.Time // when the last hold was first seen
	MoneySeq int64     // the event that first showed money; 0 means none was seen
	Taken    time.Time // when money was first seen as captured
	// Movements are the gateway's ids of the payments that brought money, where it tells them.
	// The sums above are of one of them.
	Movements []string

	Looks       int // look-ups since the last change
	LastLook    time.Time
	LookSeq     int64         // the event of the last look-up; 0 means there was none
	FailedLooks int           // in a row
	AskIn       time.Duration // the gateway's pace: when it wants to be asked after an answer
	Spare       time.Duration // how long a gateway that did not answer wants not to be asked
	Seen        Look          // the last look that was answered
	Absences    []time.Time   // looks in a row that said "no such order"
	Stirred     time.Time     // the last sign that somebody is paying, or paid and waits
	Facts       []string      // what notices told
	Differs     bool          // money of another amount was seen: only a person may close it

	Proposal *Proposal // a first person's word, waiting for a second person
	Switch   string    // why it should be left, when somebody wants that
	Closed   *Evidence // the latest evidence; it stays, whatever is learnt later
	Reopened bool      // closed, and seen alive after that: it needs evidence anew
}

// Open reports whether the attempt may still take money and has not.
func (a Attempt) Open() bool { return !a.Verdict.HasMoney() && (a.Closed == nil || a.Reopened) }

// Proposal is a first person's word about an attempt.
type Proposal struct {
	Proposed
	By string
	At time.Time
}

// Look is what the last answered look-up said.
type Look struct {
	At      time.Time
	Verdict providers.Verdict
	Reason  providers.Reason
	Absent  bool
}

// refused reports whether the look shows a refusal.
func (l Look) refused() bool {
	return l.Verdict == providers.Declined || l.Verdict == providers.Unserved
}

// harmless reports whether the look shows neither money nor anything on its way.
func (l Look) harmless() bool {
	return l.Absent || l.refused() ||
		l.Verdict == providers.Pending && l.Reason == providers.AwaitingPayer
}

// Refund is a caller's refund.
type Refund struct {
	RefundRequested
	Seq       int64 // the event that asked for it
	At        time.Time
	Updated   time.Time
	State     RefundState
	Why       providers.Reason
	Operation int // the latest operation made for it; 0 means none yet
}

// RefundState is how far a refund got.
type RefundState string

// The refund states.
const (
	RefundPending RefundState = "pending"
	RefundDone    RefundState = "done"
	RefundFailed  RefundState = "failed"
)

// ErrNotAllowed refuses an event that the state does not allow: a command that
// came too late, or a plan without proof. Facts are never refused.
var ErrNotAllowed = errors.New("not allowed")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNotAllowed}, args...)...)
}

// Fold computes a payment from all its events.
func Fold(events []Event) (Payment, error) {
	var p Payment
	for _, e := range events {
		var err error
		if p, err = p.Apply(e); err != nil {
			return Payment{}, fmt.Errorf("event %d: %w", e.Seq, err)
		}
	}
	if p.Seq == 0 {
		return Payment{}, errors.New("no events")
	}
	return p, nil
}

// Apply adds one event and returns the new payment; p itself stays as it was. The
// event's Seq must be the next one, or 0 to take the next one.
func (p Payment) Apply(e Event) (Payment, error) {
	if e.Seq == 0 {
		e.Seq = p.Seq + 1
	}
	if e.Seq != p.Seq+1 {
		return p, fmt.Errorf("event %d does not follow %d", e.Seq, p.Seq)
	}
	if _, opens := e.Body.(Opened); opens != (p.Seq == 0) {
		return p, refuse("a payment is opened once, first")
	}
	next := p.clone()
	next.Seq, next.Updated = e.Seq, e.At
	if err := next.apply(e); err != nil {
		return p, err
	}
	next.elect()
	next.failOvertaken(e)
	return next, nil
}

func (p Payment) clone() Payment {
	p.Attempts = slices.Clone(p.Attempts)
	p.Operations = slices.Clone(p.Operations)
	p.Refunds = slices.Clone(p.Refunds)
	p.Findings = slices.Clone(p.Findings)
	return p
}

func (p *Payment) apply(e Event) error {
	switch b := e.Body.(type) {
	case Opened:
		p.Opened, p.Created = b, e.At
	case Planned:
		return p.plan(b, e)
	case Observed:
		return p.observe(b, e)
	case Closed:
		return p.closeAttempt(b)
	case Proposed:
		a, err := p.attempt(b.Attempt)
		if err != nil {
			return err
		}
		if !a.Open() {
			return refuse("attempt %d is decided", a.N)
		}
		a.Proposal = &Proposal{Proposed: b, By: e.Actor, At: e.At}
	case SwitchRequested:
		a, err := p.attempt(b.Attempt)
		if err != nil {
			return err
		}
		a.Switch = b.Reason
	case CaptureRequested:
		if err := p.CanCapture(b.Amount); err != nil {
			return err
		}
		p.Capture = &b
	case CancelRequested:
		if err := p.CanCancel(); err != nil {
			return err
		}
		p.Cancel, p.CanceledAt = &b, e.At
	case RefundRequested:
		if err := p.CanRefund(b.Amount); err != nil {
			return err
		}
		p.Refunds = append(p.Refunds, Refund{RefundRequested: b, Seq: e.Seq, At: e.At, Updated: e.At, State: RefundPending})
	case OperationPlanned:
		return p.planOperation(b, e)
	case OperationObserved:
		return p.observeOperation(b, e)
	case Noted:
		p.findAbout(b.Finding, b.Attempt, b.About, e.At, b.Detail)
	case Finished:
		if p.Finished != nil {
			return refuse("finished already")
		}
		for i := range p.Attempts {
			if a := &p.Attempts[i]; !p.settled(a) {
				return refuse("attempt %d is open", a.N)
			}
		}
		p.Finished = &b
	default:
		return fmt.Errorf("unknown event %T", e.Body)
	}
	return nil
}

// plan adds an attempt. It is refused unless every earlier attempt is closed and
// the plan names that evidence (I7): the schema of the promise.
func (p *Payment) plan(b Planned, e Event) error {
	switch {
	case b.Attempt != len(p.Attempts)+1:
		return refuse("attempt %d is not the next", b.Attempt)
	case p.Cancel != nil:
		return refuse("canceled by the caller")
	case p.Finished != nil:
		return refuse("finished")
	case b.Reference == "" || b.Gateway == "":
		return refuse("an attempt needs a gateway and a reference")
	case len(b.Evidence) != len(p.Attempts):
		return refuse("a plan needs evidence for each of %d earlier attempts", len(p.Attempts))
	}
	for i, a := range p.Attempts {
		if a.Verdict.HasMoney() {
			return refuse("attempt %d has money", a.N)
		}
		if a.Open() || a.Closed.Kind != b.Evidence[i].Kind || b.Evidence[i].Attempt != a.N {
			return refuse("no evidence that attempt %d is closed", a.N)
		}
	}
	p.Attempts = append(p.Attempts, Attempt{
		N: b.Attempt, Gateway: b.Gateway, Provider: b.Provider, Credentials: b.Credentials, Method: b.Method, Flow: b.Flow,
		Reference: b.Reference, Planned: e.At, Route: b.Route,
	})
	return nil
}

func (p *Payment) closeAttempt(b Closed) error {
	a, err := p.attempt(b.Attempt)
	if err != nil {
		return err
	}
	switch {
	case a.Verdict.HasMoney():
		return refuse("attempt %d has money", a.N)
	case !a.Open():
		return refuse("attempt %d is closed already", a.N)
	case b.Evidence.Kind == "" || b.Evidence.Attempt != a.N:
		return refuse("closing attempt %d needs its evidence", a.N)
	}
	evidence := b.Evidence
	a.Closed, a.Reopened = &evidence, false
	return nil
}

func (p *Payment) attempt(n int) (*Attempt, error) {
	if n < 1 || n > len(p.Attempts) {
		return nil, fmt.Errorf("no attempt %d", n)
	}
	return &p.Attempts[n-1], nil
}

// settled reports whether nothing can come of the attempt any more that we know of:
// it is closed, or its money went back.
func (p *Payment) settled(a *Attempt) bool {
	if a.Verdict.HasMoney() {
		return a.net(p) <= 0
	}
	return !a.Open()
}

// find adds a finding about an attempt unless the same one stands already.
func (p *Payment) find(kind FindingKind, attempt int, at time.Time, detail string) {
	p.findAbout(kind, attempt, "", at, detail)
}

// findAbout adds a finding unless the same one stands already.
func (p *Payment) findAbout(kind FindingKind, attempt int, about string, at time.Time, detail string) {
	if !p.FoundAbout(kind, attempt, about) {
		p.Findings = append(slices.Clip(p.Findings), Finding{Kind: kind, Attempt: attempt, About: about, At: at, Detail: detail})
	}
}

// FoundAbout reports whether that very finding stands.
func (p Payment) FoundAbout(kind FindingKind, attempt int, about string) bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Kind == kind && f.Attempt == attempt && f.About == about })
}

// Found reports whether any finding of the kind stands for the attempt.
func (p Payment) Found(kind FindingKind, attempt int) bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Kind == kind && f.Attempt == attempt })
}

// Ref is how the attempt's gateway knows it.
func (p Payment) Ref(a Attempt) providers.Ref {
	return providers.Ref{Order: a.Reference, External: a.External, Method: a.Method, Amount: p.Amount, Planned: a.Planned, TwoStage: p.TwoStage, Credentials: a.Credentials}
}

// Evidence lists the closing evidence of all attempts, for the next plan.
func (p Payment) Evidence() []Evidence {
	var all []Evidence
	for _, a := range p.Attempts {
		if a.Closed != nil {
			all = append(all, *a.Closed)
		}
	}
	return all
}
