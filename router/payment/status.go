package payment

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Status is what a caller sees. It is computed, never stored as a second truth.
type Status string

// The statuses.
const (
	StatusProcessing    Status = "processing"     // undecided, or on its way
	StatusAwaitingPayer Status = "awaiting_payer" // an action is out
	StatusHeld          Status = "held"           // authorised; capture or cancel it
	StatusPaid          Status = "paid"
	StatusDeclined      Status = "declined" // the payer's side said no
	StatusFailed        Status = "failed"   // proved not charged
	StatusCanceled      Status = "canceled"
)

// Statuses lists all statuses in a fixed order.
func Statuses() []Status {
	return []Status{StatusProcessing, StatusAwaitingPayer, StatusHeld, StatusPaid, StatusDeclined, StatusFailed, StatusCanceled}
}

// Final reports whether the status never changes again.
func (s Status) Final() bool {
	return s == StatusPaid || s == StatusDeclined || s == StatusFailed || s == StatusCanceled
}

// Status computes the payment's status:
//
//	kept attempt   finished    open attempt            status
//	Approved       -           -                       paid
//	Held           -           -                       held
//	none           declined    -                       declined
//	none           failed      -                       failed
//	none           canceled    -                       canceled
//	none           no          shown, to be paid       awaiting_payer
//	none           no          otherwise               processing
func (p Payment) Status() Status {
	if kept, ok := p.Kept(); ok {
		if kept.Verdict == providers.Approved {
			return StatusPaid
		}
		return StatusHeld
	}
	if p.Finished != nil {
		return Status(p.Finished.Outcome)
	}
	if a, ok := p.OpenAttempt(); ok && a.Shown && a.Verdict == providers.Pending && p.Cancel == nil &&
		!a.Differs && !p.Found(Undecided, a.N) {
		return StatusAwaitingPayer
	}
	return StatusProcessing
}

// OpenAttempt is the attempt that may still take money and has not; the newest, should
// a gateway have revived an older one.
func (p Payment) OpenAttempt() (Attempt, bool) {
	for _, a := range slices.Backward(p.Attempts) {
		if a.Open() {
			return a, true
		}
	}
	return Attempt{}, false
}

// Last is the newest attempt.
func (p Payment) Last() (Attempt, bool) {
	if len(p.Attempts) == 0 {
		return Attempt{}, false
	}
	return p.Attempts[len(p.Attempts)-1], true
}

// Exposure answers whether an attempt can still take money (SAFETY section 1).
type Exposure string

// The exposures.
const (
	ExposureLive    Exposure = "live"    // an offer is with the payer
	ExposureSent    Exposure = "sent"    // a request may have arrived
	ExposureHeld    Exposure = "held"    // authorised or captured
	ExposureCleared Exposure = "cleared" // shown to hold nothing and to be unable to
)

// Exposure of the attempt.
func (a Attempt) Exposure() Exposure {
	switch {
	case a.Verdict.HasMoney():
		return ExposureHeld
	case !a.Open():
		return ExposureCleared
	case a.Shown || a.Flow == providers.AskFirst:
		return ExposureLive
	}
	return ExposureSent
}

// Advice is what the caller may tell the payer.
type Advice string

// The advice. PayAgainSafe is given only when nothing can be charged any more.
const (
	AdviceNone           Advice = ""
	AdviceWait           Advice = "wait"
	AdvicePayAgainSafe   Advice = "pay_again_safe"
	AdviceAnotherMethod  Advice = "use_another_method"
	AdviceContactSupport Advice = "contact_support"
)

// Resolution tells a caller how an undecided payment will be decided.
type Resolution struct {
	Reason    providers.Reason
	NextCheck time.Time
	ResolveBy time.Time // worst case, after which a person decides
	Advice    Advice
}

// Resolution computes the advice for every status.
func (p Payment) Resolution(now time.Time, t Terms) Resolution {
	t = t.Default()
	var r Resolution
	if last, ok := p.Last(); ok {
		r.Reason = last.Reason
	}
	if at := p.Due(now, t); !at.IsZero() {
		r.NextCheck = Instant(at)
	}
	if p.Sums().Surplus > 0 {
		r.Advice = AdviceContactSupport
		if !p.anyFound(CannotGiveBack, OperationFailed) {
			r.Advice = AdviceWait
		}
		return r
	}
	a, open := p.OpenAttempt()
	switch status := p.Status(); {
	case status == StatusPaid || status == StatusHeld:
		return r
	case open && p.Finished != nil: // told as over, and revived by its gateway
		r.Advice = AdviceContactSupport
	case status == StatusDeclined:
		r.Advice = AdviceAnotherMethod
	case status == StatusFailed || status == StatusCanceled:
		r.Advice = AdvicePayAgainSafe
	case a.Differs || p.anyFound(AmountDiffers, Undecided):
		r.Advice = AdviceContactSupport
	default:
		r.Advice = AdviceWait
	}
	if open {
		r.Reason, r.ResolveBy = a.Reason, Instant(p.resolveBy(&a, t))
	}
	return r
}

func (p *Payment) anyFound(kinds ...FindingKind) bool {
	for _, f := range p.Findings {
		for _, k := range kinds {
			if f.Kind == k {
				return true
			}
		}
	}
	return false
}

// AtRisk reports whether money may have moved or may still move without our
// knowing, on this attempt.
func (a Attempt) AtRisk() bool { return a.Open() }
