// Package robokassa speaks to Robokassa, a payment aggregator with a Russian and a
// Kazakhstan deployment.
//
// One Gateway is one shop there. Its services stand on hosts of their own, each group
// with an address in the configuration:
//
//	ours                    Robokassa                         moves money  answer
//	link, page              signed address of Index.aspx      no call      -
//	  with start: json      Indexjson.aspx                    no           JSON
//	  with invoice_base     CreateInvoice                     no           JSON
//	instrument              Recurring                         yes          "OK" and the number: accepted
//	look-up, probe          OpStateExt                        no           XML
//	withdraw an invoice     DeactivateInvoice                 no           JSON
//	capture, void of holds  Payment/Confirm, Payment/Cancel   yes          {success:true}: accepted
//	refund                  RefundService/Refund/Create       yes          JSON: accepted
//	look-up of a refund     GetState, or else OpStateExt      no           JSON, XML
//
// A payment at Robokassa, by the code of its state, and what we make of it (status.go):
//
//	3 not found (nobody has opened the address)
//	| opened
//	5 ------> 80 stopped for a check
//	|  \------> 20 held -- Confirm --> 50 money received --> 100 success --> 60 returned
//	|              \-- Cancel, or 7 days --> 10, which releases it
//	\--> 10 no money came, and the address may be opened again while it is alive
//
// Six things decide the shape of this package.
//
// Answers accept, states tell. What Recurring, Confirm and Refund/Create answer says that
// the request was taken on, not that it was carried out. So those calls end Pending, and
// the state is asked by Lookup. Everything that does not accept in the documented words is
// Unknown: the words of a refusal are documented nowhere.
//
// An address cannot be taken back. It is composed here, lives until its ExpirationDate, and
// Robokassa knows nothing of it until a payer opens it: state 3 is then true, and the address
// still alive. It therefore lives for a short time (link_life), never longer than the
// payment, and only its own end closes it. ExpirationDate is not under the signature: a
// payer who changes it in the address can pay late, which is then seen as money after the
// end. A link of CreateInvoice can be switched off, but what ends it by itself is not
// documented: the shop must know (invoice_life), and payments that end sooner get an address.
//
// State 5 is a payer at work. It stays while the page is open and cards are declined on
// it, and nothing tells these apart, so it is never taken for proof that nobody pays.
// State 10 is none either, of any offer: an unpaid number may be opened again. The end of an
// offer is the one that it was made with, whatever the configuration says now.
//
// Only success is told. There is no notice of a failure. A notice (ResultURL) signs the
// sum and the number, as text exactly as sent, and is a fact. A hold is told by a second
// kind (ResultUrl2), a fact only if Robokassa's certificate is configured; it names what
// the payer paid, not our sum, so of success it is a hint and no more.
//
// A look names no number. Its answer is held against the sum, against Shp_attempt, which
// every address and every recurring charge carries, against the time of the attempt's plan,
// since a number may have been used before, and against the operation's key (OpKey) once
// money was seen under one.
//
// Refunds have no number of ours. After a lost answer nothing can tell whether one was
// made, unless the state is 60. Where Robokassa answered with a number of its own
// (requestId), GetState is asked by that.
//
// The number of a payment (InvId) is a positive integer. Ours are decimal digits that begin
// with a digit other than 0, so that text and integer are one. Nothing compares gateways: two
// of one shop need beginnings of their own (reference_prefix), as a renamed one does. Test
// gateways have one, since a number used in both test and live answers code 4 for ever.
//
// Not used: the saved-card page (needs the payer and the card's code), split payments,
// CalcOutSumm and the lists of methods. No list covers all payments: GetInvoiceInformationList
// has the invoices of CreateInvoice only, and its fields are not documented in full. So the
// shop's books are walked, number by number (tell.go).
package robokassa
