package wayforpay

import "github.com/payrouter/payrouter/providers"

// class is what a reason code says, in the words of the notes, section 6.
type class uint8

// The classes. The zero value is that of a code nobody documented.
const (
	undocumented class = iota
	elsewhere          // documented, but not for this kind of call
	success            // the status says what happened
	declined           // DECL: the issuer or the payer said no
	safe               // SAFE: refused before any charge
	safeOnceSeen       // SAFE, after CHECK_STATUS says so as well
	ours               // OURS: our configuration or our request
	unclear            // UNK: look it up
	refused            // an operation is refused for good
	retryable          // an operation is refused now and may be asked for again
	stale              // refused because the order stands otherwise than we think
	accepted           // an operation is accepted and will be done later
	missing            // no such payment attempt
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
	left = meaning{declined, providers.CanceledByPayer}

	down     = meaning{safe, providers.Maintenance}
	barred   = meaning{safe, providers.Unsupported}
	gateDown = meaning{safeOnceSeen, providers.Maintenance}

	setUp   = meaning{ours, providers.Misconfigured} // a person must look
	unable  = meaning{ours, providers.Unsupported}   // this gateway cannot, another may
	useless = meaning{ours, providers.Refused}       // an operation that would be refused again

	unsure   = meaning{unclear, providers.Ambiguous}
	repeated = meaning{unclear, providers.Duplicate}

	no      = meaning{refused, providers.Refused}
	notNow  = meaning{retryable, providers.Throttled}
	reread  = meaning{stale, providers.Ambiguous}
	later   = meaning{accepted, providers.Processing}
	unknown = meaning{missing, providers.NotFound}
)

// reasonCode is one row of the table.
type reasonCode struct {
	name      string // WayForPay's
	charge    meaning
	operation meaning // capture, void, refund, and look-ups as far as they fail themselves
}

// codes is the table of the notes, section 6, in full (wiki page 852131). Other tables
// on the net are shifted by one.
var codes = map[string]reasonCode{
	"1100": {"Ok", fine, fine},
	"4100": {"Ok (regular API)", other, fine},
	"1101": {"Declined To Card Issuer", hard, other},
	"1102": {"Bad CVV2", hard, other},
	"1103": {"Expired card", hard, other},
	"1104": {"Insufficient Funds", soft, other},
	"1105": {"Invalid Card", hard, other},
	"1106": {"Exceed Withdrawal Frequency", soft, other},
	"1108": {"Three Ds Fail", hard, other},
	"1109": {"Format Error", setUp, setUp},
	"1110": {"Invalid Currency", unable, useless},
	"1112": {"Duplicate Order ID", repeated, other},
	"1113": {"Invalid signature", setUp, setUp},
	"1114": {"Fraud", hard, other}, // safe for money, but fraud is not carried to another gateway
	"1115": {"Parameter missing", setUp, setUp},
	"1116": {"Token not found", unable, other},
	"1117": {"API Not Allowed", setUp, setUp},
	"1118": {"Merchant Restriction", barred, no},
	"1120": {"Authentication unavailable", down, other},
	"1121": {"Account Not Found", setUp, setUp},
	"1122": {"Gate Declined", gateDown, no},
	"1123": {"Refund Not Allowed", other, no},
	"1124": {"Cardholder session expired", left, other},
	"1125": {"Cardholder canceled the request", left, other},
	"1126": {"Illegal Order State", unsure, reread},
	"1127": {"Order Not Found", other, unknown},
	"1128": {"Refund Limit Exceeded", other, no},
	"1129": {"ScriptError", unsure, unsure},
	"1130": {"Invalid Amount", unable, useless},
	"1131": {"Transaction in processing", unsure, unsure},
	"1132": {"Transaction Is Delayed", unsure, unsure},
	"1133": {"Invalid commission", setUp, other},
	"1134": {"Transaction is pending", unsure, unsure}, // antifraud
	"1135": {"Card limits failed", soft, other},
	"1136": {"Merchant balance very small", other, notNow},
	"1137": {"Invalid Confirmation Amount", unable, useless},
	"1138": {"RefundInProcessing", other, later},
	"1139": {"payout to card declined", other, other},
	"1140": {"payout to card declined", other, other},
	"1141": {"Partial void not supported", other, no}, // SETTLE less instead
	"1142": {"Refused a credit", hard, other},
	"1143": {"Invalid phone number", unable, other},
	"1144": {"awaiting delivery", unsure, unsure}, // instalments
	"1145": {"awaiting credit decision", unsure, unsure},
	"1146": {"Restricted card", hard, other},
	"1147": {"client not found", setUp, setUp},
	"1148": {"client not linked", setUp, setUp},
	"1149": {"client locked", setUp, setUp},
	"1151": {"", unsure, unsure}, // listed by one client, without a text
	"4107": {"regular API failure", other, no},
	"5100": {"Wait 3ds data", unsure, unsure},
	"5105": {"waiting amount confirmation", unsure, unsure},
}

// The codes that are looked at by themselves.
const (
	okCode       literal = "1100"
	notFound     literal = "1127"
	inProcessing literal = "1131"
	inReview     literal = "1134"
	wantsThreeDS literal = "5100"
)

// doubt is the reason for Unknown where the meaning itself settles nothing.
func (m meaning) doubt() providers.Reason {
	switch m.reason {
	case providers.Duplicate, providers.UnknownCode:
		return m.reason
	}
	return providers.Ambiguous
}

// onCharge is what the answer's code says about a payment.
func (a answer) onCharge() meaning {
	if known, ok := codes[string(a.ReasonCode)]; ok {
		return known.charge
	}
	return meaning{undocumented, providers.UnknownCode}
}

// onOperation is what the answer's code says about a capture, a void, a withdrawal or a refund.
func (a answer) onOperation() meaning {
	if known, ok := codes[string(a.ReasonCode)]; ok {
		return known.operation
	}
	return meaning{undocumented, providers.UnknownCode}
}
