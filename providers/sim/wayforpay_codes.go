package sim

// The values of transactionStatus (notes, section 5).
const (
	wfpCreated      = "Created"
	wfpInProcessing = "InProcessing"
	wfpPending      = "Pending"
	wfpHeld         = "WaitingAuthComplete"
	wfpApproved     = "Approved"
	wfpDeclined     = "Declined"
	wfpExpired      = "Expired"
	wfpVoided       = "Voided"
	wfpRefunding    = "RefundInProcessing"
	wfpRefunded     = "Refunded"

	wfpRemoved = "Removed" // for the ledger only: a removed invoice without an attempt is 1127 to CHECK_STATUS
)

// The reason codes this face gives by itself (section 6); a fault or a token may give any other.
const (
	wfpOK            = 1100
	wfpInsufficient  = 1104
	wfpThreeDSFail   = 1108
	wfpFormat        = 1109
	wfpBadCurrency   = 1110
	wfpDuplicate     = 1112
	wfpBadSignature  = 1113
	wfpFraud         = 1114
	wfpMissing       = 1115
	wfpNoToken       = 1116
	wfpNotAllowed    = 1117
	wfpNoAccount     = 1121
	wfpSessionOver   = 1124
	wfpIllegalState  = 1126
	wfpNotFound      = 1127
	wfpRefundLimit   = 1128
	wfpBadAmount     = 1130
	wfpProcessing    = 1131
	wfpReview        = 1134
	wfpBalance       = 1136
	wfpBadSettle     = 1137
	wfpRefundWaits   = 1138
	wfpNoPartialVoid = 1141
	wfpWaits3DS      = 5100

	// What unknown-status says when its rule names nothing: a code where an answer has no status, else a status.
	wfpUndocumented     = 1999
	wfpUndocumentedWord = "Frozen"
)

// wfpReason is one row of section 6.
type wfpReason struct {
	name string
	// status is the transactionStatus of a signed answer with this code. Where it is empty the request never became a payment,
	// and the answer is a code without signature: "error answers may lack some or all signed fields" (section 3).
	status string
}

var wfpReasons = map[int]wfpReason{
	1100: {"Ok", wfpApproved},
	1101: {"Declined To Card Issuer", wfpDeclined},
	1102: {"Bad CVV2", wfpDeclined},
	1103: {"Expired card", wfpDeclined},
	1104: {"Insufficient Funds", wfpDeclined},
	1105: {"Invalid Card", wfpDeclined},
	1106: {"Exceed Withdrawal Frequency", wfpDeclined},
	1108: {"Three Ds Fail", wfpDeclined},
	1109: {"Format Error", ""},
	1110: {"Invalid Currency", ""},
	1112: {"Duplicate Order ID", wfpDeclined},
	1113: {"Invalid signature", ""},
	1114: {"Fraud", wfpDeclined},
	1115: {"Parameter missing", ""},
	1116: {"Token not found", ""},
	1117: {"API Not Allowed", ""},
	1118: {"Merchant Restriction", wfpDeclined},
	1120: {"Authentication unavailable", wfpDeclined},
	1121: {"Account Not Found", ""},
	1122: {"Gate Declined", wfpDeclined},
	1123: {"Refund Not Allowed", wfpDeclined},
	1124: {"Cardholder session expired", wfpDeclined},
	1125: {"Cardholder canceled the request", wfpDeclined},
	1126: {"Illegal Order State", wfpDeclined},
	1127: {"Order Not Found", wfpDeclined},
	1128: {"Refund Limit Exceeded", wfpDeclined},
	1129: {"ScriptError", ""},
	1130: {"Invalid Amount", ""},
	1131: {"Transaction in processing", wfpInProcessing},
	1132: {"Transaction Is Delayed", wfpInProcessing},
	1133: {"Invalid commission", ""},
	1134: {"Transaction is pending", wfpPending},
	1135: {"Card limits failed", wfpDeclined},
	1136: {"Merchant balance very small", wfpDeclined},
	1137: {"Invalid Confirmation Amount", ""},
	1138: {"RefundInProcessing", wfpRefunding},
	1141: {"Partial void not supported", wfpDeclined},
	1142: {"Refused a credit", wfpDeclined},
	1143: {"Invalid phone number", ""},
	1144: {"Awaiting delivery", wfpInProcessing},
	1145: {"Awaiting credit decision", wfpInProcessing},
	1146: {"Restricted card", wfpDeclined},
	1147: {"Client not found", ""},
	1148: {"Client not linked", ""},
	1149: {"Client locked", ""},
	5100: {"Wait 3ds data", wfpInProcessing},
	5105: {"Waiting amount confirmation", wfpInProcessing},
}
