package sim

import "fmt"

// Statuses of transactions and of orders, which share some words (notes, sections 4.1 and 5).
const (
	ttpAwaiting   = "AwaitingAuthentication"
	ttpAuthorized = "Authorized"
	ttpCompleted  = "Completed"
	ttpCancelled  = "Cancelled"
	ttpDeclined   = "Declined"

	ttpOrderCreated = "Created"
	ttpOrderPaid    = "Paid"
	ttpOrderExpired = "Expired"

	ttpUndocumentedWord = "Frozen"
	ttpUndocumentedCode = 77
)

var ttpStatusCodes = map[string]int{ttpAwaiting: 1, ttpAuthorized: 2, ttpCompleted: 3, ttpCancelled: 4, ttpDeclined: 5}

// ReasonCodes that this bank decides by.
const (
	ttpNoMoney      = 5051
	ttpRefundFailed = 5204
	ttpNot3DS       = 5206
	ttpBadInvoice   = 3001
	ttpBadAccount   = 3002
	ttpBadAmount    = 3003
	ttpOutOfDate    = 3004
	ttpFormatError  = 3005
	ttpUnavailable  = 3006
	ttpNoConnection = 3007
	ttpNotAccepted  = 3008
)

// ttpReasons are the published names of ReasonCodes (sections 6.2 and 6.3). One has none.
var ttpReasons = map[int]string{
	0:             "Approved",
	ttpBadInvoice: "InvalidInvoiceId", ttpBadAccount: "InvalidAccountId", ttpBadAmount: "InvalidAmount", ttpOutOfDate: "OutOfDate",
	ttpFormatError: "FormatError", ttpUnavailable: "Unavailable", ttpNoConnection: "UnableToConnect", ttpNotAccepted: "NotAccepted",
	5001: "ReferToCardIssuer", 5003: "InvalidMerchant", 5004: "PickUpCard", 5005: "DoNotHonor", 5006: "Error",
	5007: "PickUpCardSpecialConditions", 5012: "InvalidTransaction", 5013: "AmountError", 5014: "InvalidCardNumber", 5015: "NoSuchIssuer",
	5017: "CustomerCancellation", 5019: "TransactionError", 5030: "FormatError", 5031: "BankNotSupportedBySwitch",
	5033: "ExpiredCardPickup", 5034: "SuspectedFraud", 5036: "RestrictedCard", 5041: "LostCard", 5043: "StolenCard",
	ttpNoMoney: "InsufficientFunds", 5054: "ExpiredCard", 5055: "InvalidPIN", 5057: "TransactionNotPermitted",
	5058: "TransactionNotPermittedToCard", 5059: "SuspectedFraudDecline", 5061: "ExceedsApprovalAmount", 5062: "RestrictedCard2",
	5063: "SecurityViolation", 5065: "ExceedWithdrawalFrequency", 5082: "IncorrectCVV", 5091: "Timeout", 5092: "CannotReachNetwork",
	5096: "SystemError", 5113: "", 5204: "UnableToProcess", ttpNot3DS: "AuthenticationFailed", 5207: "AuthenticationUnavailable",
	5300: "AntiFraud", 5303: "AcquirerTerminalLimitsExceeded", 5761: "NoPhone", 5762: "InvalidPhone", 5763: "DifferentPhones",
}

// ttpTechnical says whether a refusal is of the kind after which the gateway may try its reserve bank: technical trouble, time-outs
// and suspicions of fraud (section 10).
func ttpTechnical(code int) bool {
	switch code {
	case 5030, 5034, 5059, 5091, 5092, 5096, 5204, 5300:
		return true
	}
	return false
}

// ttpByCheck says whether a refusal came from the merchant's answer to Check.
func ttpByCheck(code int) bool { return code >= ttpBadInvoice && code <= ttpNotAccepted }

// ttpCheckCodes turn an answer to Check into a ReasonCode.
var ttpCheckCodes = map[string]int{"0": 0, "10": ttpBadInvoice, "11": ttpBadAccount, "12": ttpBadAmount, "13": ttpNotAccepted, "20": ttpOutOfDate}

// ttpForPayer is the sentence that a payer may be shown.
func ttpForPayer(code int) string {
	switch code {
	case 0:
		return "Оплата успешно проведена"
	case ttpNoMoney:
		return "Недостаточно средств на карте"
	}
	return fmt.Sprintf("Платёж отклонён (%d)", code)
}

// ttpCard is a card: published, saved under a token, or both.
type ttpCard struct {
	first, last string // six digits and four
	brand       string
	secure      bool // the issuer wants 3-D Secure
	declines    int  // the ReasonCode of every payment with it; 0 approves
	later       int  // the ReasonCode of payments by a token that was saved from it

	token, account string // of a saved card
}

// ttpTestCard finds a published test card (section 2).
func ttpTestCard(pan string) *ttpCard {
	if len(pan) != 16 {
		return nil
	}
	card := &ttpCard{first: pan[:6], last: pan[12:], brand: "Visa"}
	if pan[0] == '5' {
		card.brand = "MasterCard"
	}
	switch pan {
	case "4242424242424242", "5555555555554444":
		card.secure = true
	case "4012888888881881", "5105105105105100":
		card.secure, card.declines = true, ttpNoMoney
	case "4000000000003055", "5205000000003055":
	case "4111111111111111", "5200828282828210":
		card.later = ttpNoMoney
	case "4000056655665556", "5404000000000043":
		card.declines = ttpNoMoney
	default:
		return nil
	}
	return card
}
