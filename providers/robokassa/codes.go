package robokassa

import "github.com/payrouter/payrouter/providers"

// meaning is what a code says about a payment that did not begin.
type meaning struct {
	verdict providers.Verdict
	reason  providers.Reason
}

// The meanings that occur, in the classes of the notes, section 6.
var (
	setUp   = meaning{providers.Unserved, providers.Misconfigured} // OURS: a person must look
	unable  = meaning{providers.Unserved, providers.Unsupported}   // OURS: this gateway cannot, another may
	aborted = meaning{providers.Unserved, providers.Maintenance}   // SAFE
	late    = meaning{providers.Declined, providers.Expired}       // DECL: the payer came too late
	// UNK: the number is paid. Somebody has had the address, so the offer is no unseen one that
	// could be left behind; a look tells who paid.
	used    = meaning{providers.Pending, providers.PayerConfirming}
	unsure  = meaning{providers.Unknown, providers.Ambiguous}   // UNK
	strange = meaning{providers.Unknown, providers.UnknownCode} // UNK: nobody documented it
)

// startCodes are the errors of the page, which Indexjson.aspx answers as errorCode
// (notes, section 6, in full).
var startCodes = map[string]meaning{
	"20": unsure, "21": unsure, "22": unsure,
	"23": setUp, // test parameters are missing
	"24": unsure,
	"25": setUp, // the shop is not activated
	"26": setUp, // no such shop
	"27": unsure, "28": unsure,
	"29": setUp,  // SignatureValue is wrong
	"30": unable, // a parameter is wrong
	"31": unable, // the sum is wrong
	"32": unsure,
	"33": late,  // the time to pay is over
	"34": setUp, // recurring charges are not allowed
	"35": setUp, // parameters of a recurring charge are wrong
	"36": unsure, "37": unsure,
	"40":  used,    // the number is paid
	"41":  aborted, // canceled before it began
	"42":  setUp,   // the number cannot be used in test mode
	"43":  unsure,
	"51":  late,   // the invoice is over
	"52":  used,   // the invoice is paid
	"53":  unable, // no such invoice
	"60":  unable, // the currency cannot be converted
	"64":  setUp,  // holds are not allowed
	"65":  setUp,  // parameters of a hold are wrong
	"500": unsure,
}

// onStart is what an errorCode other than 0 says.
func onStart(code string) meaning {
	if known, ok := startCodes[code]; ok {
		return known
	}
	return strange
}

// Values of Result/Code, which is about the question (notes, section 5).
const (
	resultOK        = "0"
	resultSignature = "1"
	resultNoShop    = "2"
	resultNotFound  = "3"
	resultTwo       = "4" // a test payment has the same number
	resultInternal  = "1000"
)

// Values of State/Code, which is about the payment (notes, section 5).
const (
	stateStarted  = "5"
	stateNoMoney  = "10"
	stateHeld     = "20"
	stateReceived = "50" // the payer paid; the shop is being credited
	stateReturned = "60"
	stateStopped  = "80" // by a person or by a security check
	stateSuccess  = "100"
)
