// Package freedompay speaks to Freedom Pay, formerly PayBox.money, a payment service
// provider in Kazakhstan, Kyrgyzstan and Uzbekistan.
//
// One Gateway is one merchant account there. Requests are signed forms, answers signed XML:
//
//	ours                 Freedom Pay                   moves money   believed
//	link, page           init_payment.php              can be paid   ok and an address
//	instrument           card/init, then card/direct   the second    a status word with it
//	look-up, probe       get_status3.php               no            sums, then the word
//	capture              do_capture.php                yes           ok and the sum
//	void                 cancel.php                    yes           ok
//	refund               revoke.php or g2g/refund      yes           ok
//	statement            get_status3.php, one by one   no            sums, then the word (tell.go)
//	                     or get_registry.php, if ever  no            (registry.go)
//
// A payment at Freedom Pay, and what we make of it (status.go):
//
//	new -> process -> success, captured 1 ---------------------> refunded
//	 |        |  \--> success, captured 0 -- do_capture.php, or
//	 |        |            |                 five days --> success, captured 1
//	 |        |            \-- cancel.php --> revoked
//	 |        \-----> error: a page may let the payer try again
//	 \--> incomplete
//
// Six things decide the shape of this package.
//
// A hold takes the money by itself. Five days after it neither captured nor cancelled holds
// are captured, which is the opposite of what most gateways do. The claims say so: whoever
// does not want the money must cancel in time.
//
// A failure is believed when it is seen twice. A payment whose direct charge was answered
// with an error had been charged (incident EX-1001). So card/direct is sent once and never
// again; after an error, and whenever a payment looks failed, the status is read once
// more. A notice of a failure only wakes a look-up, and a late success corrects it.
//
// Sums beat words. What was captured, returned and released stands in sums; the word of a
// status is second, and a word that nobody documented settles nothing. The status may lag
// a few seconds behind a capture or a refund: captures may safely come again ("already
// cleared" is success), refunds wait (Config.RefundSettle).
//
// Nothing ends a page but its lifetime, five minutes at the least. "Not found" proves
// nothing about a page, and hardly anything about a card: init makes a second payment
// under a number that is there, so a card charge asks first.
//
// card/init moves no money. Whatever happens before card/direct has left proves that
// nothing was taken, and another gateway may be tried.
//
// Signatures cover values without names (sign.go). An answer is tied to our request by the
// secret, by the script name and by ids and sums inside it; a notice is a Fact only when
// its values can belong to no other names (notices.go). The kind of a notice is the last
// segment of the address that it comes to, which is also its script name; in the cabinet
// these addresses are <webhook address>/result, /refund, /capture and /check.
//
// Not used: calls with card data and everything else under PCI DSS, payouts (a secret of
// their own), invoices, recurring profiles, storing of cards, and nested fields in
// requests.
package freedompay
