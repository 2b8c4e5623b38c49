package kaspi

import "github.com/payrouter/payrouter/providers"

// outcome is what a code means for the operation it answers.
type outcome struct {
	verdict providers.Verdict
	reason  providers.Reason
}

var (
	ambiguous     = outcome{providers.Unknown, providers.Ambiguous}
	closed        = outcome{providers.Unknown, providers.ServerError}   // a question, and nobody there to answer it
	denied        = outcome{providers.Unknown, providers.Misconfigured} // a question that is not ours to ask
	maintenance   = outcome{providers.Unserved, providers.Maintenance}
	unsupported   = outcome{providers.Unserved, providers.Unsupported}
	misconfigured = outcome{providers.Unserved, providers.Misconfigured}
	notFound      = outcome{providers.Unserved, providers.NotFound}
	refused       = outcome{providers.Declined, providers.Refused}
)

// codes says what each StatusCode means for one kind of operation. A code that is
// not listed for it is Unknown, whatever it means elsewhere.
type codes struct {
	known  map[int64]outcome
	denied outcome // HTTP 401 and 403
}

// result is the Result of a StatusCode that is not 0.
func (c codes) result(code int64) providers.Result {
	o, ok := c.known[code]
	if !ok {
		o.reason = providers.UnknownCode
	}
	return o.result(codeText(code))
}

func (o outcome) result(code string) providers.Result {
	return providers.Result{Verdict: o.verdict, Reason: o.reason, Code: code}
}

// The meanings are the document's; what they prove is section 6 of the
// provider notes. The signs are as printed: codes of the trade point are positive.
var (
	// creating: qr/create and qr/create-link. Whatever was refused here was shown to nobody.
	creating = codes{denied: misconfigured, known: map[int64]outcome{
		-999:      maintenance,   // service temporarily unavailable
		-10000:    misconfigured, // no client certificate, maybe also a foreign address
		-1501:     misconfigured, // device not found
		-1502:     misconfigured, // device inactive
		-1503:     misconfigured, // device belongs to another trade point
		-1601:     ambiguous,     // purchase not found: no answer to a creation
		-14000002: misconfigured, // no trade points exist
		-99000002: misconfigured, // trade point not found
		990000018: maintenance,   // trade point disabled
		990000026: unsupported,   // trade point does not accept QR
		990000028: unsupported,   // wrong amount
		990000033: unsupported,   // no payment methods available
	}}

	// inviting: remote/create and remote/client-info. Six codes have no published
	// meaning; their classes are our reading.
	inviting = codes{denied: misconfigured, known: map[int64]outcome{
		-999:      ambiguous, // the invoice may be on the phone
		-10000:    misconfigured,
		-1401:     misconfigured, // undocumented
		-1404:     unsupported,   // undocumented: the phone is not a client's
		-1501:     misconfigured,
		-1502:     misconfigured,
		-1601:     ambiguous,
		-99000002: misconfigured,
		99000010:  unsupported, // undocumented, printed without a sign
		990000018: maintenance,
		990000028: unsupported,
		990000029: unsupported, // undocumented
		990000031: unsupported, // undocumented
		990000032: unsupported, // undocumented: no invoices to this client
	}}

	// withdrawing: remote/cancel. Codes without a published meaning decide nothing.
	withdrawing = codes{denied: misconfigured, known: map[int64]outcome{
		-999:      ambiguous,
		-10000:    misconfigured,
		-1401:     ambiguous,
		-1404:     ambiguous,
		-1501:     misconfigured,
		-99000001: notFound, // purchase with that id not found
		-99000002: misconfigured,
		990000018: maintenance,
	}}

	// returning: payment/return. -99000005 is looked into first, see Refund.
	returning = codes{denied: misconfigured, known: map[int64]outcome{
		-999:        ambiguous,
		-10000:      misconfigured,
		-1501:       misconfigured,
		-1502:       misconfigured,
		-1601:       notFound,
		-99000001:   notFound,
		-99000002:   misconfigured,
		-99000003:   misconfigured, // the purchase belongs to another trade point
		exceedsPaid: ambiguous,
		-99000006:   ambiguous,     // refund failed; try again, then call the bank
		-99000011:   misconfigured, // the purchase's status does not allow a refund
		-99000020:   refused,       // partial refund not possible
		990000018:   refused,
	}}

	// asking: payment/status and payment/details. No code closes anything: -1601 for
	// a number we hold is a riddle, not an absence. The others say why there is no answer.
	asking = codes{denied: denied, known: map[int64]outcome{
		-999: closed, -10000: denied, -1601: ambiguous,
	}}

	// settingUp: ping, trade points, devices and the refund QR. No money hangs on it.
	settingUp = codes{denied: misconfigured, known: map[int64]outcome{
		-999:      maintenance,
		-10000:    misconfigured,
		-1501:     misconfigured,
		-1502:     misconfigured,
		-1503:     misconfigured,
		-14000002: misconfigured,
		-99000002: misconfigured,
		990000018: maintenance,
		990000026: unsupported,
	}}
)

// exceedsPaid is the code of a refund that is more than what is left.
const exceedsPaid = -99000005

// deviceGone are the codes after which a registered device is registered anew.
func deviceGone(code string) bool { return code == "-1501" || code == "-1502" }
