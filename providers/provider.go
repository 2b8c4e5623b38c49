package providers

import (
	"context"
	"time"
)

// Provider is one gateway account at a payment company. All methods are safe
// for concurrent use. None returns an error: what failed is in the Result. A
// method that moves money sends at most one money-moving request per call and
// never repeats it by itself, not even after a refused token, unless the
// provider documents the refusal as unprocessed.
type Provider interface {
	// Claims says what the provider promises, as data. It never changes.
	Claims() Claims
	// Charge starts the attempt: a direct charge, an offer, a push, or (for
	// ask-first methods) nothing but the words for the payer. It returns
	// Unserved only with proof that nothing was taken on.
	Charge(ctx context.Context, c Charge) Result
	// Lookup asks how the attempt stands. A failed look-up is Unknown; "no such
	// order" is Unknown with Absent set. It moves no money.
	Lookup(ctx context.Context, ref Ref) Result
}

// Capturer takes the money of a hold.
type Capturer interface {
	// Capture takes amount, at most what is held. Approved: taken, with Amount.
	// Declined: refused for good. Unserved: not carried out, may be asked again.
	// Anything else is settled by Lookup.
	Capture(ctx context.Context, ref Ref, amount Money) Result
}

// Canceler ends an attempt that has not taken money.
type Canceler interface {
	// Cancel releases a hold or withdraws an offer; with ref.KeepHold it withdraws
	// an offer and refuses what is held, as what is captured. Approved: the gateway
	// says so (a Lookup must still confirm). Declined: refused, the attempt stands
	// as it is. Unserved with NotFound is no proof of anything.
	Cancel(ctx context.Context, ref Ref) Result
}

// Refunder gives captured money back.
type Refunder interface {
	// Refund gives back once. Approved: given back. Pending: accepted, later.
	// Declined: refused for good. Unserved: not carried out. Anything else is
	// settled by LookupRefund.
	Refund(ctx context.Context, r Refund) Result
	// LookupRefund tells whether the refund went through. Approved and Pending
	// as above. Where the provider keeps no refund ids the adapter compares
	// the sum returned now with r.Before: equal means Absent, r.Before plus
	// r.Amount means Approved, anything else is Unknown.
	LookupRefund(ctx context.Context, r Refund) Result
}

// Listener understands what the provider sends to us.
type Listener interface {
	// Hear reads one inbound request. It does no I/O.
	Hear(n Notice) Heard
	// Answer writes what the provider wants to read, given what we made of it.
	Answer(h Heard, r Ruling) Reply
}

// Prober asks something cheap and read-only that shows the gateway to be alive.
type Prober interface {
	// Probe returns Approved when the gateway works for us, Declined or Unserved
	// with Misconfigured when it works but refuses us, anything else when it does
	// not work.
	Probe(ctx context.Context) Result
}

// Expirer knows when its credentials end, because they say so themselves.
type Expirer interface {
	// Expires is the end of the first that ends, such as a client certificate; the zero
	// time where none says. It reads what is in use now.
	Expires() time.Time
}

// Forgetter deletes a saved instrument at the provider.
type Forgetter interface {
	// Forget makes the token unusable. Approved: gone, or never there.
	Forget(ctx context.Context, token Token) Result
}

// Reporter reads the provider's own books.
type Reporter interface {
	// Report calls line for every movement of [from, to) in the provider's order
	// and stops at the first error, its own or line's.
	Report(ctx context.Context, w Window, line func(StatementLine) error) error
}

// Teller reads the provider's own books of one payment at a time, where it lists none.
type Teller interface {
	// Tell asks about one attempt of ours, and says what the provider says, also where that is
	// not what we asked for. A state that nobody can read is a line whose verdict is Unknown.
	// Only the provider's own word that it has no such payment, and an attempt that there is
	// nothing to ask by, tell nothing: the zero Told. Whatever else is no answer (a lost one, a
	// 5xx, a refused or an unreadable one) is an error and never an absence. It moves no money.
	Tell(ctx context.Context, a Asked) (Told, error)
}
