// Package office is the back office: what runs once a day and what finance asks for. Its
// work is reconciliation. A gateway's own books of one business day are read, kept beside
// ours, and held against ours; what a line says that we did not know is taken in through
// the payment's own door, and what still differs is a finding that a person can own and
// close.
//
//	due days ──[plan]──► runs ──[read]──► staged lines ──[match]──► observations (heal)
//	                      ▲                                     └──► findings
//	people, imports ──────┘
//
// Where a provider lists nothing, the day is walked: each payment that our books begin on it,
// and each of which they give something back on it, is asked about. Such a statement shows
// what we know of as the provider has it. What is unknown to us it never shows; only notices
// and the files of a cabinet do.
//
// # What makes a run safe to interrupt
//
// Everything that a run has done stands in the books with how far it is, in one commit:
// whoever takes it up after a crash goes on from there. A reading counts for nothing until
// it has come to its end; only then does it become the statement of its day. Judging the
// same orders twice finds the same under the same names, so that a second run adds nothing.
// A run has one owner at a time, over all replicas, and nobody else can write for it.
//
// # What makes it cheap
//
// The unit of judgement is not the day but the order: all lines of all days that tell of it
// beside the attempt that it is. Runs take orders in pages, so that memory does not grow
// with the day, and midnight needs no special case.
//
// # What outlives its term
//
// A [Keeper] removes notices that are old, and erases payers from payments that are over.
// Money is never removed. It is a pass like a run: small commits, one process at a time.
package office
