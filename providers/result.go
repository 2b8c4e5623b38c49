package providers

import (
	"errors"
	"fmt"
	"time"
)

// Result is all that one provider call taught us. Its zero value says Unknown.
type Result struct {
	Verdict  Verdict
	Reason   Reason
	External string // the gateway's id of the attempt (or of the refund), when told

	// Movement is the gateway's id of the payment that moved the money, where one order may
	// be paid more than once: a second one with money on the same attempt is a second charge.
	// Empty where the gateway tells none, or where the order itself is the payment.
	Movement string

	// Amount is the money the gateway speaks of, when it says one: the held or
	// captured sum. The zero Money means that the answer named no amount.
	Amount Money
	// Returned is the sum given back so far on the attempt, when told, else the zero Money
	// (empty currency).
	Returned Money

	Action     *Action       // what the payer must do, when the call created an offer
	Absent     bool          // a look-up says "no such order" (never evidence by itself)
	Until      time.Time     // when the offer is certainly dead by the gateway's own clock: expiry plus confirm window
	AskIn      time.Duration // when the gateway wants to be asked next; 0 means our ladder
	Instrument *Token        // a token the payer agreed to save
	Code       string        // the provider's own code or status, for people and for the drift detector
	Err        error         // for logs; never decides anything about money (see ErrHeldBack)
}

// Signal-free constructors for the adapters: they read better than literals.

// Unsent is the Result of a call that never left: another gateway may be tried.
func Unsent(err error) Result { return Result{Verdict: Unserved, Reason: NotSent, Err: err} }

// ErrHeldBack is in the Err of a Result whose call our own limits or our own code kept from
// being sent. It says nothing about the gateway, which was not even tried (SAFETY section 7),
// while the payment may go elsewhere as after any call that never left.
var ErrHeldBack = errors.New("held back by ourselves")

// HeldBack is Unsent where nobody but we are to blame.
func HeldBack(err error) Result { return Unsent(fmt.Errorf("%w: %w", ErrHeldBack, err)) }

// HeldBack reports whether it was we who kept the call from being sent.
func (r Result) HeldBack() bool { return r.Reason == NotSent && errors.Is(r.Err, ErrHeldBack) }

// Unable is the Result of what this gateway cannot do at all, found before anything was sent:
// another may be tried.
func Unable(err error) Result {
	return Result{Verdict: Unserved, Reason: Unsupported, Err: err}
}

// Doubt is the Result of anything that may have happened.
func Doubt(reason Reason, code string, err error) Result {
	return Result{Verdict: Unknown, Reason: reason, Code: code, Err: err}
}
