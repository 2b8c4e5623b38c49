// Package kaspi is the adapter for Kaspi Pay: the payer always pays inside the
// Kaspi.kz app, in tenge, in one stage. Sources: the bank's Public QR API v3.9
// (October 2022), called "the document" in comments, and the biller protocol,
// known from its implementers.
//
// Two unrelated protocols meet here. In the QR API we call the bank and poll; in
// the biller protocol the bank calls us before and after it debits.
//
//	method    call             flow      ends when nobody pays
//	qr        qr/create        offer     by its own clock only: scan window, then confirm window
//	link      qr/create-link   offer     likewise
//	push      remote/create    pushed    remote/cancel is binding; else after 24 h
//	account   none             askFirst  our own answer to check is the veto
//
// What Kaspi says and what we make of it:
//
//	QrTokenCreated --scan--> Wait --confirm--> Processed     RemotePaymentCreated
//	 Pending                  Pending           Approved      Pending
//	 awaiting_payer           payer_confirming                awaiting_payer
//	      |                    |                                   |
//	      +------> Error <-----+                             RemotePaymentCanceled
//	               Declined: expired, canceled_by_payer      Declined: released
//
// A purchase is known by Kaspi's own number alone. There is no look-up by our
// reference, so a lost answer to qr/create leaves an orphan nobody can pay (only
// we could have shown it), while a lost answer to remote/create leaves an invoice
// that may be ringing at the payer's phone and stays open.
//
// Schemes differ in rights: r1 knows a key and cannot refund by API, r2 knows a
// client certificate and refunds only when the payer scans a refund QR
// ([Gateway.BeginReturn] and what follows it), r3 does everything.
//
// The adapter never decides from a status call's error code, never believes an
// unsigned notice, never repeats a request, and never sends what it could not
// look up or end.
package kaspi
