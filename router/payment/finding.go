package payment

import "time"

// Finding is a disagreement between our books and a provider's, or something a
// person must know. It stays as the record.
type Finding struct {
	Kind    FindingKind
	Attempt int
	About   string // which of several: a refund, another operation, a payment or debit of the gateway's; empty: the attempt
	At      time.Time
	Detail  string
}

// FindingKind is one of a closed set.
type FindingKind string

// The kinds of finding.
const (
	MoneyAfterClose   FindingKind = "money_after_close"  // money on an attempt we had closed
	MoneyTwice        FindingKind = "money_twice"        // money on more attempts than the payment owes, or twice on one
	MoneyFlipped      FindingKind = "money_flipped"      // money we had seen is denied by a later word
	HoldVanished      FindingKind = "hold_vanished"      // a hold ended without our asking
	AmountDiffers     FindingKind = "amount_differs"     // another amount, currency or account than ours
	UnknownCodeSeen   FindingKind = "unknown_code"       // a code or status nobody documented
	Undecided         FindingKind = "undecided"          // nothing decided it within the resolve limit
	ReturnExpected    FindingKind = "return_expected"    // a debit we refused: the bank must give it back
	OperationFailed   FindingKind = "operation_failed"   // a capture, void or refund was refused for good
	ReturnedElsewhere FindingKind = "returned_elsewhere" // more was given back than our books know
	Reappeared        FindingKind = "reappeared"         // an attempt called dead is open again
	CannotGiveBack    FindingKind = "cannot_give_back"   // a surplus that no API of the gateway can return, or above the limit
)

// FindingKinds lists the kinds in a fixed order.
func FindingKinds() []FindingKind {
	return []FindingKind{MoneyAfterClose, MoneyTwice, MoneyFlipped, HoldVanished, AmountDiffers, UnknownCodeSeen,
		Undecided, ReturnExpected, OperationFailed, ReturnedElsewhere, Reappeared, CannotGiveBack}
}
