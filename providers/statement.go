package providers

import "time"

// Window is a half-open span of time.
type Window struct{ From, To time.Time }

// StatementLine is one movement in a provider's own books.
type StatementLine struct {
	Kind     LineKind
	Order    string // our reference, when the line carries it
	External string // the gateway's id
	Verdict  Verdict
	Amount   Money // always positive; Kind tells the direction
	Fee      Money // zero Money when not told
	At       time.Time
	Settled  time.Time // when it was or will be paid out to us; zero when not told
	// Reason is Released where a hold was given back, which a payer's declined try is not;
	// nothing else is told.
	Reason Reason
	Code   string // the provider's own status
}

// LineKind is the direction of a StatementLine.
type LineKind string

// The kinds of statement line.
const (
	LineCharge LineKind = "charge"
	LineRefund LineKind = "refund"
)

// Asked is an attempt of ours that a provider is asked about, with what was sent there to be
// given back of it.
type Asked struct {
	Ref     Ref
	Refunds []Refund
}

// Told is what a provider's own books say of one attempt. The zero value says that they have
// no such payment. Its lines have our reference as their order, and no time where none is
// told.
type Told struct {
	Known    bool
	Charge   StatementLine
	Refunds  []StatementLine // as far as refunds are told one by one: ours, by the gateway's id
	Returned Money           // given back in all, those among it; the zero Money where no sum is told
}
