// Package sim is one simulated bank: a ledger of money, and one face per payment provider.
//
// A face speaks a provider's protocol, written from the provider's documents and from nothing else. The package imports none of
// this project's other packages, on purpose: an adapter that misread a field must meet a bank that did not.
//
//	merchant --HTTP--> gate (invariants, faults) --> face --> ledger
//	merchant <--HTTP-- notices, biller calls <-------'  ^
//	                            payers (scan, confirm, decline, come late)
//	tests, paydev --> control (/ledger /faults /statements /payers /notices) or the same as Go methods
//
// The ledger never lies; answers do when a fault says so. Tests compare what the router believes with Ledger.
//
// # What is checked when a request arrives
//
//	I7   no other object of the same payment is live, held or charged, on any face (needs Options.PaymentOf);
//	     offers whose answer was lost do not count, since nobody can pay them (Act and payers refuse them, too)
//	I8   the store already holds the attempt (Options.Witness)
//	I9   a money-moving request comes once per reference, unless the last one was answered as unprocessed
//	     (bad credentials, throttled)
//	I11  references are unique under the provider's own rule
//
// A violation is logged at error level, stands in the ledger and is handed to Options.OnViolation. It does not change the answer.
//
// # Faults
//
// A rule is {face, op, kind, delay, times, after, status, code, match, broken_promise}; see Fault. The operations are create,
// charge, status, refund, capture, void, token (credentials and set-up), list, probe, and "*".
//
//	kind             acts?  what the merchant sees
//	refuse           no     connection refused, open connections cut; for delay, or until removed
//	hang             no     no answer, ever
//	act-hang         yes    no answer, ever
//	drop             no     the connection breaks
//	act-drop         yes    the connection breaks
//	http-error       no     status (503) and a line of text
//	act-http-error   yes    status (503) and a line of text
//	html             no     200 and a maintenance page
//	truncate         yes    half a body, then the connection breaks
//	huge             yes    200 MB of JSON
//	slow             yes    the true answer after delay (30 s)
//	trickle          yes    the true answer byte by byte, delay (100 ms) between bytes
//	redirect         no     307 to elsewhere.invalid
//	wrong-amount     yes    another amount (where the answer carries one)
//	wrong-reference  yes    another object's id
//	bad-signature    yes    a signature that does not verify (where there is one)
//	throttle         no     429
//	unauthorized     no     the provider's refusal of credentials: 401, or its own code
//	code             no     the provider's business error code, in its own envelope
//	unknown-status   yes    a status, or code, that no document knows (word in code)
//	act-late         late   the connection breaks; the bank acts after delay (30 s)
//	not-found        no     the provider's own "no such object", though it exists
//
// # Statements
//
// A rule is {face, kind, match, amount_minor, currency, word, by, times}; see Tamper. It is about rows of lists, registries and files:
// what a bank shows of many payments at once. The ledger, and what is said of one payment, stay true. A face shows what its format has
// a place for: QuickPay has no payout dates, for instance.
//
//	kind      what the statement shows
//	omit      the row is missing
//	again     the same row twice
//	double    the row once more under another id of the provider's own
//	foreign   beside the row a charge that nobody asked for, of an order that nobody has (word)
//	amount    another sum (amount_minor more)
//	currency  another currency
//	word      a state that no document knows (word)
//	declined  the charge is declined
//	fee       another fee (amount_minor more)
//	late      the row is dated later (by), and stands where that date belongs
//	unpaid    nothing was paid out yet
//	nameless  our reference, and the provider's ids where the format can do without
//
// # Payers
//
// Nobody pays by default. PayerRule makes the payers of new offers pay, decline, come late or pay twice; Act does one thing now.
// Every face knows pay, decline, pay-late and pay-again.
// The acts of Kaspi are scan, confirm, pay (both), decline, pay-late (after the windows closed; needs KaspiOptions.LateSuccess
// to take money) and pay-again (a second charge on a paid purchase). Acts go to the bank's id or to the merchant's reference.
//
// # Notices
//
// A face that has notices sends them a moment after the event and repeats refused ones at its provider's pace (times
// Options.TimeScale). NoticeRule makes them lost, double, before-answer, reordered, late or forged; Deliveries has what was sent
// and what the merchant said.
//
// # Control endpoints
//
// GET / prints all of them: /ledger, /faults, /statements, /payers, /payers/act, /notices, /healthz, and those of the faces, such as
// /kaspi/biller and /kaspi/statement.
// Unknown fields and kinds are answered 400 with a sentence.
//
// # Time
//
// Everything uses package time plainly, so that a test may run the whole bank in a testing/synctest bubble, through Transport or Dial.
// No lock is held across a sleep, no decision depends on map order, and what is planned for one instant happens in the order of
// planning; one Seed and one order of requests give the same ids.
package sim
