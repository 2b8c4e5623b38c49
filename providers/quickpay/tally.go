package quickpay

import "github.com/payrouter/payrouter/providers"

// tally is what a payment's operations come to. Amounts are in minor units.
type tally struct {
	authorized int64   // of the last approved authorize; the payer may have tried before
	authorizer literal // the id of that authorize
	captured   int64   // all approved captures
	refunded   int64   // all approved refunds

	held     bool // an authorize was approved
	canceled bool // and the hold released
	lapsed   bool // or the acquirer says that it is over
	refused  bool // a capture of the hold was refused

	tries, sessions                 int         // authorizes of any outcome, and payers who began something else
	last                            operation   // the last of them
	authorizing, operating, refunds bool        // pending: authorizes and payers at it, captures and cancels, refunds
	doubt                           [4]doubtful // finished without anybody knowing how, by kind
	unreadable, strange             bool        // an amount that is none; an approved operation of a type nobody documented
}

// doubtful is why a kind of operation cannot be read.
type doubtful struct {
	reason providers.Reason
	code   literal
}

// The kinds of doubt.
const (
	inAuthorize = iota
	inCapture
	inVoid // and in whatever else acts on a hold as a whole
	inRefund
)

// count adds the operations up. The order is that in which they were begun.
func (p payment) count() tally {
	var t tally
	if p.Operations == nil {
		t.unreadable = true
		return t
	}
	for _, o := range *p.Operations {
		t.add(o)
	}
	return t
}

func (t *tally) add(o operation) {
	kind, pending := inAuthorize, &t.authorizing
	switch o.Type {
	case authorize, recurring:
		t.tries++
		t.last = o
	case session:
		t.sessions++
	case capture:
		kind, pending = inCapture, &t.operating
	case cancel, renew:
		kind, pending = inVoid, &t.operating
	case refund:
		kind, pending = inRefund, &t.refunds
	}
	meant := o.meaning()
	switch {
	case o.waits():
		*pending = true
	case meant.class == success:
		t.approve(o)
	case meant.class == undocumented || meant.class == elsewhere || meant.class == unclear:
		t.doubt[kind] = doubtful{meant.reason, o.Code}
	case meant.class == lapsed:
		t.lapsed = true
	case o.Type == capture:
		t.refused = true
	}
}

func (t *tally) approve(o operation) {
	amount, readable := o.Amount.whole()
	readable = readable && amount > 0 // money of no amount is no money that we understand
	switch o.Type {
	case authorize, recurring:
		t.held, t.authorized, t.authorizer = true, amount, o.ID
		t.canceled, t.lapsed, t.refused = false, false, false // those were of an earlier hold
	case capture:
		t.captured += amount
	case refund:
		t.refunded += amount
	case cancel:
		t.canceled, readable = true, true // its amount may be empty
		t.doubt[inVoid] = doubtful{}      // whatever became of an earlier one, the hold is gone
	case renew:
		t.lapsed, readable = false, true
	case session:
		readable = true
	default:
		t.strange = true
	}
	t.unreadable = t.unreadable || !readable
	if t.captured < 0 || t.refunded < 0 { // the sum has no room: no such money exists
		t.unreadable = true
	}
}
