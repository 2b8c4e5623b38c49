package quickpay

import "github.com/payrouter/payrouter/providers"

// class is what a qp_status_code says of one kind of operation, in the words of the
// notes, section 6.
type class uint8

// The classes. The zero value is that of a code nobody documented.
const (
	undocumented class = iota
	elsewhere          // documented, but not for this kind of operation
	success
	declined // DECL: the issuer or the payer said no
	safe     // SAFE once a look shows it as well
	ours     // OURS: our configuration or our request
	unclear  // UNK: look it up
	refused  // the operation is refused, and what was there before is still there
	lapsed   // refused because the hold is over
)

// meaning is what a code says in one column of the table, and the reason we give.
type meaning struct {
	class  class
	reason providers.Reason
}

// The meanings that occur.
var (
	fine  = meaning{class: success}
	other = meaning{elsewhere, providers.UnknownCode}

	hard = meaning{declined, providers.DeclinedHard}
	soft = meaning{declined, providers.DeclinedSoft}

	aborted = meaning{safe, providers.Maintenance}
	setUp   = meaning{ours, providers.Misconfigured} // a person must look
	unable  = meaning{ours, providers.Unsupported}   // this gateway cannot, another may
	unsure  = meaning{unclear, providers.Ambiguous}

	no   = meaning{refused, providers.Refused}
	over = meaning{lapsed, providers.Refused}
)

// statusCode is one row of the table. Only cancels and captures act on a hold: what
// lapses under a refund is no hold of ours any more.
type statusCode struct {
	name                       string
	authorize, capture, refund meaning // cancel reads the column of capture
}

// codes is the table of the notes, section 6.1, in full. The acquirer's own code says
// more of a 40000, but differs by acquirer: it is for people.
var codes = map[literal]statusCode{
	"20000": {"approved", fine, fine, fine},
	"20200": {"waiting for the acquirer", unsure, unsure, unsure},
	"30100": {"3-D Secure needed", soft, other, other}, // nobody is there to pass it
	"30101": {"strong authentication needed", soft, other, other},
	"40000": {"rejected by the acquirer", soft, no, no},
	"40001": {"request data error", setUp, setUp, setUp},
	"40002": {"authorization expired", other, over, no},
	"40003": {"aborted", aborted, no, no},
	"40004": {"found invalid by the acquirer", setUp, setUp, setUp},
	"40300": {"blocked by the fraud filter", hard, other, other}, // safe for money, but fraud is not carried to another gateway
	"41000": {"stored card deleted by the scheme", unable, other, other},
	"42300": {"stored card suspended", hard, other, other},
	"50000": {"gateway error", unsure, unsure, unsure},
	"50300": {"communication error with the acquirer", unsure, unsure, unsure},
}

// Types of operation (notes, section 4.6).
const (
	authorize literal = "authorize"
	recurring literal = "recurring" // an authorize without the payer
	capture   literal = "capture"
	refund    literal = "refund"
	cancel    literal = "cancel"
	renew     literal = "renew"   // makes a hold live longer
	session   literal = "session" // the payer is at a wallet or a bank; moves nothing by itself
)

// meaning is what the operation's code says of it. An operation without a code has not
// been decided, or was decided in a way that nobody documented.
func (o operation) meaning() meaning {
	row, known := codes[o.Code]
	switch {
	case o.Code == "":
		return unsure
	case !known:
		return meaning{undocumented, providers.UnknownCode}
	}
	switch o.Type {
	case authorize, recurring, session:
		return row.authorize
	case refund:
		return row.refund
	}
	return row.capture
}

// waits reports whether the operation is not decided yet. One that does not say so may
// be anything.
func (o operation) waits() bool { return o.Pending == nil || *o.Pending }

// approved reports whether the operation was carried out. Both are needed: an operation
// under way has no code, or a wrong one.
func (o operation) approved() bool { return !o.waits() && o.meaning().class == success }
