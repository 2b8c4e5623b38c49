// Package payment is the pure core: what happened to a payment, what that means
// and what is the one thing to do next. It has no clock, no database and no
// network; time comes in as an argument.
//
// A payment is the fold of its events. Events are facts, appended and never
// edited; nothing else changes a payment, and its status is computed.
//
//	Opened ─► Planned ─► Observed* ─► Closed ─► Planned ─► …
//	             │            │
//	             │            └► money: the payment is held or paid
//	             └ committed before anything is sent: a crash leaves a question, never a hole
//
//	OperationPlanned ─► OperationObserved*      capture, void, withdraw, refund
//	CaptureRequested, CancelRequested, RefundRequested, SwitchRequested   wishes
//	Finished                                    no attempt will follow
//
// Two rules carry the weight. A new attempt can be planned only when every
// earlier one is closed by evidence (FAILOVER section 1), and [Payment.Apply]
// refuses a plan without it. And facts are never refused: money seen on a
// closed attempt is recorded, raises a finding, and [Payment.Next] gives back
// whatever is more than the payment owes. An attempt that was closed and is seen
// on its way to money again is open again, until it is proved dead anew.
//
// The loop that does what Next says lives in package router.
package payment
