// Package quickpay speaks to QuickPay, a Danish gateway in front of many acquirers.
//
// One Gateway is one account there. The protocol is REST with JSON; amounts are
// integers in minor units, and every operation is asked for with ?synchronized:
//
//	ours                 QuickPay                                          moves money
//	link, page           POST /payments, PUT /payments/{id}/link           the PUT
//	instrument           POST /payments, POST /cards/{card}/tokens,
//	                     POST /payments/{id}/authorize                     the authorize
//	look-up              GET /payments/{id}, or GET /payments?order_id=    no
//	withdraw a link      DELETE /payments/{id}/link, then a look           the DELETE
//	void                 POST /payments/{id}/cancel                        yes
//	capture, refund      POST /payments/{id}/capture, …/refund             yes
//	statement            GET /payments, page by page                       no
//	probe                GET /ping                                         no
//
// A payment at QuickPay, and what we make of it (status.go):
//
//	no operation   -- link -->  authorize  -------->  capture  -->  refund
//	not offered                 |   Held, or in       Approved      Approved, Returned
//	or AwaitingPayer            |   one stage Pending
//	                            |-- refused: on a link the payer may try again (Pending),
//	                            |            of a saved card it is the end (Declined)
//	                            '-- cancel: Declined, Released
//
// Five things decide the shape of this package.
//
// Operations are the truth. The payment's state is a summary, and accepted stays true
// after a cancel. What counts is each operation by itself: pending, approved (20000),
// refused by a documented code, or unclear. They are added up and held against the
// amount that was asked for and against the balance; where these disagree the answer
// is doubt.
//
// HTTP says little about money. A decline comes with 2xx and stands on the operation; a
// 202 may show an operation that is still pending. Only a refusal in QuickPay's own
// words (an error object with a message) is believed to be one: a bare 4xx may come from
// anything on the way.
//
// A payment has no amount until its link or its authorize names one. Creating it offers
// nothing, so what fails before the second step has charged nobody. The order number is
// unique: when it exists already the old payment is read. Its link may be replaced,
// because one payment can be authorised once only; a card is never charged again on it.
//
// Callbacks are facts, but for a hold that is about to be captured by itself. The whole body
// is signed with the account's private key. There is no time under the signature, so replays
// verify; a snapshot is only ever added to what is known. Whether a rejected one is final, and
// whether a hold stays one, depends on how the payment was made: our variables in it say so.
//
// A deleted link may leave a window open. The documents say that nobody can pay after
// the link was deleted, and say nothing of the payer who stands in the window at that
// moment. So a withdrawal is claimed to be binding only when withdraw_links says so, and
// it and a link's own end are followed by a margin of one open window. The end of a link is
// the one that QuickPay shows (deadline_at); one that lives and shows none is doubt.
//
// Not used: card numbers (payrouter touches none, and a saved card can be made by
// nothing else that is documented, so no token is ever returned), subscriptions, renew,
// and fees on the payer's side.
package quickpay
