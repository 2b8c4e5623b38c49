// Package journal is the only SQL in the house: it appends facts and reads them
// back, on SQLite (one file, the default) and on PostgreSQL, with one text for both.
//
//	events     the truth: (payment, seq) is the primary key and the lock
//	archive    the same of payments that were over long ago, packed; a stub of each stays in events
//	payments, attempts, refunds, findings, requests   by-products of the same transaction
//	outbox ──► feed   the gap-free sequence of changes, numbered after the commit
//	statement_lines, statement_days   what gateways tell of each business day, and which reading counts
//	runs, findings    how far a day is held against it, and what was found
//	audit   the chain of what people changed: nothing in it is ever changed or removed
//
// A writer appends seq+1; zero rows inserted means somebody was faster, so it
// reads again and decides again. No transaction stays open across a call to a
// gateway. A COMMIT that returned an error may have committed, so it is read back
// on another connection before anything else is done.
//
// What is written for a payment is a write: statements, each with the rows that it must
// change, made before any transaction begins. Writes that come while a commit is under way
// share the next one (group.go); one that is refused or stopped touches no other.
//
// What waits, for its number or for a worker, is looked for from a floor (floor.go), so that old
// versions of rows that PostgreSQL may not clear away yet are not in the way.
package journal
