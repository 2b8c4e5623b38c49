// Package providertest is the suite that every adapter must pass. It asks each of
// them the same questions in the same words, over real HTTP, against the simulated
// bank, in virtual time. The comments of package providers are the contract; here
// they are made to be answered.
//
//	          wish, ref, refund               real HTTP, in memory
//	questions ------------------> adapter <======================> providers/sim
//	    |          Result            ^                                |     |
//	    |                            '----- notices, questions -------'     |
//	    '---- acts of payers, faults, time ----> ledger: what happened -----'
//
// A question never believes the adapter. It does something, makes the bank, the
// network, the caller or the payer fail in one exact way, and holds the Result
// against the ledger: what the bank really took, and what it still could take.
//
// Each adapter brings a [Subject]: how its bank is made, how it is made, and what
// nobody can know about its provider but its documents. [Run] asks only about what
// the adapter claims, by [providers.Claims] and by the interfaces it has; what it
// does not offer is skipped, and the [Record] that Run returns says so. [Table]
// writes records side by side.
//
// An adapter's test ends with [Keep], which holds its records against a file beside the
// adapter. [Kept] reads that file, and [Capabilities] makes of all of them the table that
// the README shows:
//
//	Run --> Record --> Keep == providers/NAME/testdata/capabilities.json --> Kept
//	                                    README.md <-- make capabilities <------'
//
// Some rules hold for every call of every question and are checked in calls.go
// alone: a reason belongs to its verdict, no call lasts longer than is claimed, and
// neither secrets nor personal data stand in anything that is logged or kept.
//
// [Hostile] puts the same subject in front of real sockets, in real time, whose other
// end breaks, stalls, floods, redirects, lies about who it is or cannot be found. What
// moves money is counted where it comes out of the socket.
//
//	deeds, look-ups --> adapter <== TCP, TLS ==> peer -- once, if at all --> providers/sim
//	                                              '--- blow: blows.go, oddities.go, certificates.go
//
// The suite is itself judged: its own test plants mistakes in a correct adapter, and
// each must be found.
package providertest
