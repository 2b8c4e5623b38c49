// Package halyk speaks Halyk Bank's ePay (the second generation, OAuth and
// JSON) for one terminal.
//
// # Ways to pay
//
//	method      what we send                          what the payer gets
//	page        a token for this payment, no more     a widget: script and JSON object
//	link        POST /invoice                         a URL
//	qr          POST /payment/qr/generate             a code for Homebank
//	instrument  POST /payments/cards/auth             nothing: the saved card is charged
//
// The first three are offers that only we hand out. The bank is given no e-mail
// and no phone with them, so it tells nobody, and an offer whose creation got no
// answer was never shown.
//
// Every payment has a token of its own, bound to its number, amount and
// terminal. Look-ups share a service token that lives until shortly before its
// end. What moves money is sent once, with a token fetched for it.
//
// # What proves what
//
//	notice (postLink)      a hint: its secret is echoed, not computed over the body
//	check-status by number how the money stands: number, terminal, amount and
//	                       currency must be ours, else Mismatch
//	resultCode 102         "no such number": Absent; counts only for saved cards
//	HTTP 200 of a charge   CHARGE and AUTH, if everything matches
//	HTTP 400 of a charge   only codes that the bank marks as final
//	QR status              for what check-status does not know yet
//
// A failed try on a page, link or QR is Pending until the offer has ended: no
// document says that the payer cannot try another card with the same token
// (Config.OneTry is for merchants who have the bank's word).
//
// # What it never does
//
// It never sees a card: the bank's cryptopay call, with an encrypted card and
// PCI scope, is left out on purpose. Also not spoken, because nothing here needs
// them: the card check with a zero amount (no payment), the list of saved cards
// (its answer is not documented; tokens come with the payment's status), the
// look-up by transaction id (seen once, shows the same), the older GET
// /operation, the cabinet's password grant, Apple Pay and Halyk ID. The first
// ePay (signed XML) is another protocol.
//
// The facts come from the bank's documents at epayment.kz/docs; what they leave
// open is decided for the careful side, in a comment where it is decided.
package halyk
