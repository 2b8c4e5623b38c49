package tiptoppay

import "github.com/payrouter/payrouter/providers"

// class is what a reason code says of a declined transaction, in the words of the notes,
// section 6.2.
type class uint8

// The classes. The zero value is that of a code nobody documented.
const (
	undocumented class = iota
	fine               // 0: nothing was refused
	declined           // D: the issuer or the payer said no
	safe               // G and M: refused before any charge, by the gateway, its bank or our own set-up
)

// meaning is a class and the reason we give.
type meaning struct {
	class  class
	reason providers.Reason
	// again: a technical refusal or one for suspicion, after which TipTop Pay itself may
	// try a second bank under a new transaction (notes, section 10). It ends nothing until
	// a look has come late enough.
	again bool
}

// The meanings that occur.
var (
	approved = meaning{class: fine}

	hard      = meaning{class: declined, reason: providers.DeclinedHard}
	soft      = meaning{class: declined, reason: providers.DeclinedSoft}
	suspected = meaning{class: declined, reason: providers.DeclinedHard, again: true}
	left      = meaning{class: declined, reason: providers.CanceledByPayer}
	invalid   = meaning{class: declined, reason: providers.InvalidRequest}
	vetoed    = meaning{class: declined, reason: providers.Released}
	over      = meaning{class: declined, reason: providers.Expired}

	unable  = meaning{class: safe, reason: providers.Unsupported}
	limited = meaning{class: safe, reason: providers.Unsupported, again: true}
	setUp   = meaning{class: safe, reason: providers.Misconfigured}
	down    = meaning{class: safe, reason: providers.Maintenance}
	passing = meaning{class: safe, reason: providers.Maintenance, again: true}
)

// codes is the table of the notes, sections 6.2 and 6.3. A soft decline may be tried at
// another gateway; what the schemes forbid to repeat is therefore hard. The Russian codes
// 6001 to 6025 are unknown here.
var codes = map[literal]meaning{
	"":  approved, // null: the status alone speaks
	"0": approved,

	"3001": setUp, // our answer to Check was 10: no such order
	"3002": setUp, // 11: another account
	"3003": setUp, // 12: another amount
	"3004": over,  // 20: our veto, the time is over
	"3005": down,  // our answer to Check could not be read
	"3006": down,  // our address failed
	"3007": down,  // our address could not be reached
	"3008": vetoed,

	"5001": hard,      // ReferToCardIssuer; not to be repeated
	"5003": hard,      // InvalidMerchant; not to be repeated
	"5004": hard,      // PickUpCard
	"5005": hard,      // DoNotHonor; not to be repeated
	"5006": hard,      // Error: of the network, or a wrong CVV
	"5007": hard,      // PickUpCardSpecialConditions
	"5012": hard,      // InvalidTransaction; not to be repeated
	"5013": unable,    // AmountError: too small or too large here
	"5014": hard,      // InvalidCardNumber
	"5015": hard,      // NoSuchIssuer
	"5017": left,      // CustomerCancellation
	"5019": soft,      // TransactionError: no reason given
	"5030": passing,   // FormatError of the bank's own making
	"5031": unable,    // BankNotSupportedBySwitch
	"5033": hard,      // ExpiredCardPickup; not to be repeated
	"5034": suspected, // SuspectedFraud; not to be repeated
	"5036": hard,      // RestrictedCard
	"5041": hard,      // LostCard
	"5043": hard,      // StolenCard
	"5051": soft,      // InsufficientFunds
	"5054": hard,      // ExpiredCard
	"5055": hard,      // InvalidPIN
	"5057": hard,      // TransactionNotPermitted; not to be repeated
	"5058": hard,      // TransactionNotPermittedToCard
	"5059": suspected, // SuspectedFraudDecline
	"5061": soft,      // ExceedsApprovalAmount
	"5062": hard,      // RestrictedCard2
	"5063": hard,      // SecurityViolation
	"5065": soft,      // ExceedWithdrawalFrequency
	"5082": hard,      // IncorrectCVV
	"5091": passing,   // Timeout: the issuer is not there
	"5092": passing,   // CannotReachNetwork
	"5096": passing,   // SystemError
	"5113": unable,    // the issuer's country is not taken
	"5204": passing,   // UnableToProcess
	"5206": hard,      // AuthenticationFailed
	"5207": unable,    // AuthenticationUnavailable
	"5300": limited,   // AntiFraud: the bank's limits
	"5303": unable,    // AcquirerTerminalLimitsExceeded
	"5761": invalid,   // NoPhone
	"5762": invalid,   // InvalidPhone
	"5763": hard,      // DifferentPhones
}
