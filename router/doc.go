// Package router is the loop that moves a payment: it reads the books, asks the
// pure core (package payment) for the one thing to do, does it, records it, and
// goes round again.
//
//	CreatePayment ─► Open ─► Drive ─┬─ Route: policy ranks, health admits,
//	worker, webhooks, restart ──────┘         Planned is committed, then sent
//	                                ├─ Ask: look-up ─► Observed
//	                                ├─ Operate: capture, void, withdraw, refund
//	                                └─ Rest
//
// Whoever plans an attempt sends it; whoever finds one planned asks. That sentence
// is the crash protocol: there is no recovery mode beside it.
//
// What follows from time follows by a clock that agrees with the database's; a replica
// whose clock does not stands still, and only takes in what others say.
//
// It never retries a request that may have left, never holds a transaction open
// across a call, and never turns "we do not know" into anything else.
package router
