package providers

import "fmt"

// Verdict says what is known about the money of one attempt or operation. The
// zero value is the careful one.
type Verdict uint8

const (
	Unknown  Verdict = iota // money may have moved; look it up, charge nobody else
	Pending                 // money has not moved yet and still may
	Held                    // authorised, not captured
	Approved                // money moved (for an operation: it was carried out)
	Declined                // definitely refused by the payer's side or by the gateway's rules
	Unserved                // proved never taken on: another gateway may be tried
)

var verdictNames = [...]string{"unknown", "pending", "held", "approved", "declined", "unserved"}

// Verdicts lists all verdicts in their numeric order.
func Verdicts() []Verdict { return []Verdict{Unknown, Pending, Held, Approved, Declined, Unserved} }

// String returns the lower-case name, as used in metrics, logs and storage.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a name and refuses any other text.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q", text)
}

// HasMoney reports whether the verdict says that money is with the gateway for
// us, held or captured.
func (v Verdict) HasMoney() bool { return v == Held || v == Approved }

// Reason says why a verdict was reached. It is a closed set: reasons become
// metric labels and part of the API.
type Reason string

// The reasons. The comment names the verdict each belongs to.
const (
	NoReason Reason = "" // Approved and Held need none

	// Unserved: proved not taken on.
	NotSent       Reason = "not_sent"      // no connection was obtained, or the call never began
	Throttled     Reason = "throttled"     // documented: not executed, come back later
	Maintenance   Reason = "maintenance"   // documented as not executed: technical decline, terminal blocked, service closed
	Misconfigured Reason = "misconfigured" // our credentials or set-up were refused; a person is paged
	Unsupported   Reason = "unsupported"   // this gateway cannot: currency, limit, method, capability
	NotFound      Reason = "not_found"     // the object to act on does not exist there (operations, not charges)

	// Declined: a definite no.
	DeclinedHard    Reason = "declined_hard"     // stolen, closed, fraud, payer said no: end
	DeclinedSoft    Reason = "declined_soft"     // funds, limits, do not honour: end unless policy allows one more
	InvalidRequest  Reason = "invalid_request"   // our request is wrong everywhere
	CanceledByPayer Reason = "canceled_by_payer" // the payer left or refused
	Expired         Reason = "expired"           // nobody paid in time and nobody can any more
	Released        Reason = "released"          // a hold was given back, or an offer withdrawn
	Refused         Reason = "refused"           // the gateway refused an operation (capture, refund, void) for good

	// Pending: not yet.
	AwaitingPayer   Reason = "awaiting_payer"   // an offer is out, the payer has not acted
	PayerConfirming Reason = "payer_confirming" // scanned or opened; confirmation is on its way
	StepUp          Reason = "step_up"          // the payer is at the bank's 3-D Secure page
	Processing      Reason = "processing"       // accepted, result later
	Review          Reason = "review"           // antifraud or manual review at the gateway

	// Unknown: may have moved.
	Timeout      Reason = "timeout"       // no answer in time after sending
	Broken       Reason = "broken"        // connection reset or answer cut after sending
	ServerError  Reason = "server_error"  // any 5xx
	Unreadable   Reason = "unreadable"    // unparsable, wrong type, too large, 3xx, undocumented 4xx
	BadSignature Reason = "bad_signature" // answer unsigned or wrongly signed
	Mismatch     Reason = "mismatch"      // other reference, amount, currency or account than ours
	Duplicate    Reason = "duplicate"     // the gateway says our reference exists already
	Ambiguous    Reason = "ambiguous"     // a documented code that means "may have happened"
	UnknownCode  Reason = "unknown_code"  // a code, status or field nobody documented
	Panicked     Reason = "panicked"      // the adapter failed after sending
)

// AboutTheQuestion reports whether a look-up refused for this reason says why the
// question was not answered, and nothing about the attempt (FAILOVER section 2, row 22).
func (r Reason) AboutTheQuestion() bool {
	switch r {
	case NotSent, Throttled, Misconfigured, NotFound:
		return true
	}
	return false
}

// Reasons lists every reason but NoReason, in a fixed order.
func Reasons() []Reason {
	return []Reason{
		NotSent, Throttled, Maintenance, Misconfigured, Unsupported, NotFound,
		DeclinedHard, DeclinedSoft, InvalidRequest, CanceledByPayer, Expired, Released, Refused,
		AwaitingPayer, PayerConfirming, StepUp, Processing, Review,
		Timeout, Broken, ServerError, Unreadable, BadSignature, Mismatch, Duplicate, Ambiguous, UnknownCode, Panicked,
	}
}
