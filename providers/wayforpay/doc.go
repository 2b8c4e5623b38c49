// Package wayforpay speaks to WayForPay, a Ukrainian payment facilitator.
//
// One Gateway is one merchant account there. All requests go to one address; what
// a request is stands in its transactionType:
//
//	ours                 WayForPay          moves money  answer signed
//	link, page, qr       CREATE_INVOICE     yes          no
//	instrument           CHARGE + recToken  yes          8 fields
//	look-up, probe       CHECK_STATUS       no           8 fields
//	withdraw an invoice  REMOVE_INVOICE     yes          no
//	void, refund         REFUND             yes          4 fields
//	capture              SETTLE             yes          4 or 8 fields
//	statement            TRANSACTION_LIST   no           no
//
// A payment at WayForPay, and what we make of it (status.go):
//
//	Created -> InProcessing -> Approved -----------> RefundInProcessing -> Refunded
//	   |            |     \--> Pending (antifraud) -> Approved | Declined
//	   |            |     \--> WaitingAuthComplete -- SETTLE -> Approved
//	   |            |                     \-- REFUND, or 21 days -> Voided
//	   |            \--> Declined
//	   \--> Expired
//
// Four things decide the shape of this package.
//
// The order number is everything. WayForPay gives no id of its own, no refund id
// and no idempotency key. A second request with the same orderReference is refused
// with 1112, which says that the order exists, not how it stands. Refunds are told
// apart only by the sum given back, and one is called absent only when the status tells
// that sum and the list shows no other (refund.go).
//
// 1127 beats a decline. "Order not found" may come together with the status
// Declined. It means that no payment attempt is known, never that a bank said no;
// an invoice nobody has opened may answer so too. It can count as proof for a token
// charge only, and only when repeated late enough, and beside no status that tells of
// a payment.
//
// A decline on an invoice is not an end. The payer may try another card on the same
// page, so it stays Pending until the invoice is removed or over. On a token charge a
// decline is final. A notice does not say which of the two it is about, and only the
// order number is under its signature: numbers of token charges therefore begin with
// a prefix of their own (claims.go).
//
// Text is signed, numbers travel. A signature covers the amount as text, while
// re-serialising may change a JSON number. Answers are therefore verified over the
// literal of the body first and over the shortest decimal form after that (sign.go),
// and our own amounts are sent in the shortest form, which nothing can shorten.
//
// An answer that is unsigned or wrongly signed is doubt, never a decline. Some error
// answers are known to come unsigned; those of our own making (1109, 1113, 1115 and
// their kin) are reported as Unknown with their code, and only CHECK_STATUS closes
// the attempt.
//
// Not used: charges with card data and COMPLETE_3DS (payrouter touches no cards and
// its token charges are unattended), the hosted form (it has no end that anybody
// documents, so an offer made with it could never be proved dead), card verification,
// and the recurring API, which sends a password in clear.
package wayforpay
