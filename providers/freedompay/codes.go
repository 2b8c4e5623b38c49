package freedompay

import "github.com/payrouter/payrouter/providers"

// class is what a code says about the money (notes, section 6).
type class uint8

// The classes. The zero value is that of a code nobody documented.
const (
	undocumented class = iota
	declined           // D: the issuer or the payer said no
	gateway            // G: the gateway refused, and nothing was charged
	lapsed             // G: the payment's lifetime is over
	unclear            // U: look it up
	charged            // U: the payment was probably made before
	setup              // M: our account or our signature
	request            // M: our request, which this gateway cannot carry out
	duplicate          // M: the order number exists, so there is a payment to find
	forbidden          // M: an operation that the payment's state forbids
	done               // M: an operation that was carried out already
	missing            // no such payment, yet
	clash              // 120: a setting, or the wrong status of a payment that was charged
)

// meaning is a code's class, and the reason we give for it.
type meaning struct {
	class  class
	reason providers.Reason
}

// The meanings that occur.
var (
	hard = meaning{declined, providers.DeclinedHard}
	soft = meaning{declined, providers.DeclinedSoft}
	left = meaning{declined, providers.CanceledByPayer}

	barred = meaning{gateway, providers.Unsupported}
	down   = meaning{gateway, providers.Maintenance}
	over   = meaning{lapsed, providers.Expired}

	unsure   = meaning{unclear, providers.Ambiguous}
	probably = meaning{charged, providers.Ambiguous}

	ours     = meaning{setup, providers.Misconfigured}
	unable   = meaning{request, providers.Unsupported}
	repeated = meaning{duplicate, providers.Duplicate}

	wrongState = meaning{forbidden, providers.Refused}
	already    = meaning{done, providers.Ambiguous}
	unfound    = meaning{missing, providers.NotFound}
	ambivalent = meaning{clash, providers.Ambiguous}
)

// codes is the table of the notes, section 6: the current codes, those that one
// production integrator has grouped, and the legacy ones, which are of three digits.
// Freedom Pay's own descriptions are Russian free text and are never looked at.
var codes = map[string]meaning{
	// The account and the request.
	"1100": ours, // bad signature, with HTTP 401
	"9991": repeated,
	"9992": ours, // method not activated
	"9993": ours, // required URL missing
	"9994": ours, // action disabled
	"9995": ours, // shop is in test mode
	"9996": ours, // no contract
	"9997": ours, // wrong merchant number
	"9998": ours, // bad signature, or merchant not identified
	"9999": unsure,
	"8888": unable, // payout balance
	"8889": hard,   // 3-D Secure

	// Cards, and what a payment's state forbids.
	"9013":  wrongState, // an unsuccessful payment cannot be cancelled
	"10000": unsure,
	"10001": soft, // contact the issuer
	"10003": hard, "10004": hard, "10005": hard,
	"10006": soft, // too frequent
	"10007": hard, // security
	"10008": hard,
	"10009": soft, // not enough money
	"10010": hard,
	"10011": probably, // already successful
	"10012": wrongState,
	"10013": barred, // country
	"10014": soft,   // time interval
	"10015": probably,
	"10016": barred, // contact the shop
	"10017": hard,   // card expired
	"10018": over,
	"10019": soft,   // try another card
	"10020": unable, // refund larger than the payment
	"10021": unsure,
	"10022": soft, // over the card's limit
	"10023": hard, "10024": hard,
	"10025": unsure,
	"10026": unable, // payout
	"10028": soft,
	"10029": unable,
	"10030": unable, // below the least amount
	"10031": unable, // phone
	"10032": hard,
	"10033": already, // cancelled
	"10034": wrongState,
	"10035": wrongState,
	"10036": already, // cleared
	"10037": hard, "10038": hard,
	"10039": wrongState,
	"10040": hard, "10041": hard,

	// Mobile operators, limits, 3-D Secure.
	"11000": unsure,
	"11001": hard, "11002": hard, "11003": hard, "11004": hard, "11005": hard, "11006": hard, "11007": hard, "11008": hard,
	"11009": hard, "11010": hard, "11011": hard,
	"11012": soft,
	"11013": probably, // operation repeated
	"11014": unsure,
	"11015": soft,
	"11016": unable,  // below 1000 tenge
	"11017": already, // cancelled
	"11018": already, // refunded
	"11019": soft, "11020": soft,
	"11021": hard,
	"11022": unable,
	"11023": hard, "11024": hard,
	"11025": wrongState,
	"11026": wrongState, // chargeback
	"11027": barred,     // geography
	"11028": hard, "11036": hard, "11037": hard, "11049": hard, "11050": hard,
	"11051": soft,
	"11052": unsure,
	"11053": hard,
	"11054": unable, // older than 180 days
	"11055": barred,
	"11068": unfound,
	"12000": unsure,
	"99999": unsure, // of a failed payment it is a declined card

	// Grouped by a production integrator.
	"9901": hard, "100171": hard, // expired
	"100091": soft, "100094": soft, // not enough money
	"10045": hard, "13713": hard, "100101": hard, "100384": hard, "100403": hard,
	"11062": hard, "11063": hard, "11065": hard, "100056": hard, "110501": hard, // card data
	"10042": hard, "110100": hard, // 3-D Secure
	"100066": soft, "100228": soft, "1000661": soft, "1000669": soft, // limits
	"101156": unsure, "999993": unsure, // the issuer's fault

	// Legacy.
	"100": ours, "101": ours, "110": ours,
	"120": ambivalent,
	"130": ours, "200": ours,
	"340": unfound,
	"350": unsure, // locked
	"360": over,
	"365": ours, // recurring profile ended
	"400": left,
	"420": soft,
	"465": unsure,
	"466": down, // certificate
	"470": unsure, "475": unsure,
	"490": wrongState,
	"600": unsure,
	"700": unable, "701": unable, "711": unable,
	"850":  down, // no payment system is ready
	"1000": unsure,
	"2000": unsure, // seen in a public mock only
}

func meant(code string) meaning {
	if known, ok := codes[code]; ok {
		return known
	}
	return meaning{undocumented, providers.UnknownCode}
}

// refusal is what the code of a refused call means.
func (a answer) refusal() meaning { return meant(a.text("pg_error_code")) }

// onCreate reads a refusal of init_payment or card/init: no payment was made, except
// where the code leaves that open.
func (m meaning) onCreate(code string) providers.Result {
	result := providers.Result{Reason: m.reason, Code: code}
	switch m.class {
	case declined:
		result.Verdict = providers.Declined
	case gateway, setup, request:
		result.Verdict = providers.Unserved
	case lapsed:
		result.Verdict, result.Reason = providers.Unserved, providers.Unsupported
	case clash:
		result.Verdict, result.Reason = providers.Unserved, providers.Misconfigured
	case unclear, charged, duplicate, undocumented:
	default: // about a payment that cannot exist yet
		result.Reason = providers.Ambiguous
	}
	return result
}

// onFailure reads the failure code of a payment that is seen as failed. An unclear or
// unknown code of such a payment is a refusal that is never carried to another gateway;
// a code that says that the payment was made before leaves everything open.
func (m meaning) onFailure(failure, code string) providers.Result {
	result := providers.Result{Verdict: providers.Declined, Reason: m.reason, Code: code}
	switch {
	case failure == "101": // in old notices: the payment's lifetime ended
		result.Reason = providers.Expired
	case m.class == gateway, m.class == setup, m.class == request:
		result.Verdict = providers.Unserved
	case m.class == charged, m.class == duplicate:
		result.Verdict = providers.Unknown
	case m.class != declined && m.class != lapsed:
		result.Reason = providers.DeclinedHard
	}
	return result
}

// onOperation reads a refusal of a capture, a cancel or a refund, once a status has shown
// that nothing was done.
func (m meaning) onOperation(code string) providers.Result {
	result := providers.Result{Reason: m.reason, Code: code}
	switch m.class {
	case declined, forbidden, request, lapsed:
		result.Verdict, result.Reason = providers.Declined, providers.Refused
	case gateway, setup, missing:
		result.Verdict = providers.Unserved
	case duplicate, clash:
		result.Reason = providers.Ambiguous
	case undocumented, unclear, charged, done:
	}
	return result
}
