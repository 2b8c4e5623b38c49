// Package tiptoppay speaks to TipTop Pay Kazakhstan (formerly CloudPayments), a card
// acquirer. One Gateway is one terminal there.
//
//	ours                  TipTop Pay                              moves money  asks first
//	link, page            /orders/create                          yes          -
//	instrument            /payments/tokens/charge or …/auth       yes          -
//	look-up               /payments/find, /payments/get, …/list   no           -
//	withdraw an order     /orders/cancel                          no           look-up
//	release a hold        /payments/void                          yes          look-up
//	capture               /payments/confirm                       yes          look-up
//	refund                /payments/refund                        yes          look-up
//	look-up of a refund   look-up, /v2/payments/find, then …/list no           -
//	statement             /v2/payments/list                       no           -
//	probe                 /test                                   no           -
//
// An order is a page; a transaction is one try to pay on it, or a charge by token. Only
// transactions have money (status.go):
//
//	order Created ---- the payer tries ----> AwaitingAuthentication (3-D Secure)
//	   |                                        |        |          |
//	   | /orders/cancel                         v        v          v
//	   v                                    Declined  Authorized  Completed
//	order Cancelled                      may try again   |  \______^ confirm
//	                                                     v
//	                                                 Cancelled (void, or 7 days)
//
// Five things decide the shape of this package.
//
// Two ids, and one place for them. An order's Id is told once, by the answer to its
// creation, and is all that can withdraw it; a transaction can always be found by our
// order number. So External is the order's Id for a page and the transaction's id for a
// charge by token, and whatever acts on a page's money finds its transaction first.
//
// Success is about the request, not about the money. A declined transaction is found
// with Success false, and so is one that waits for 3-D Secure. What decides is whether
// there is a Model, and its Status.
//
// One decline is not the end of a page. The payer may try again, and after some refusals
// TipTop Pay itself tries another bank, under a new transaction id. So a declined page
// stays Pending until it is withdrawn or over, and only a look-up, never a notice, ends
// a charge by token. And the last try is not all: where it has no money, all tries of the
// page are read from the terminal's list (page.go), for one of them may have it.
//
// A page has no end of its own: nothing in the request limits its life. But TipTop Pay
// can ask us before each payment (the notification Check), and what we answer with is a
// veto. We put the end into the order's own data, which comes back with the question, and
// refuse what begins later. Pages are therefore offered only where Check is set up.
//
// Notices do not say what they are. Each type has an address of its own, which is ours to
// choose: the gateway's webhook address and one word more, such as …/pay. The signature
// covers the fields and not the address, so a notice is believed only as far as its own
// fields show its type; the rest wakes a look-up. What may be a Check at another type's
// address is never acknowledged, for that would be a payment let through (notices.go).
//
// Every money-moving request carries an X-Request-ID made of our own numbers and of the
// transaction it acts on, so that a repeat within the hour is answered like the first and moves nothing.
//
// Not used: cryptograms and 3-D Secure's second leg (payrouter touches no cards, and its
// token charges are unattended), the Russian QR methods, subscriptions and payouts.
package tiptoppay
