package wayforpay

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// Values of transactionType (notes, section 4).
const (
	createInvoice   = "CREATE_INVOICE"
	removeInvoice   = "REMOVE_INVOICE"
	charge          = "CHARGE"
	checkStatus     = "CHECK_STATUS"
	settle          = "SETTLE"
	refund          = "REFUND"
	transactionList = "TRANSACTION_LIST"
)

// Values of merchantTransactionType.
const (
	oneStage = "SALE"
	twoStage = "AUTH"
)

// request is every request there is. Empty fields are left out, as the official SDK
// does, but stay in the string to sign. Amounts are numbers in their shortest decimal
// form: a string or trailing zeros might be re-serialised and break the signature.
type request struct {
	TransactionType               string        `json:"transactionType"`
	MerchantAccount               string        `json:"merchantAccount"`
	MerchantAuthType              string        `json:"merchantAuthType,omitempty"`
	MerchantDomainName            string        `json:"merchantDomainName,omitempty"`
	MerchantTransactionType       string        `json:"merchantTransactionType,omitempty"`
	MerchantTransactionSecureType string        `json:"merchantTransactionSecureType,omitempty"`
	MerchantSignature             string        `json:"merchantSignature"`
	APIVersion                    int           `json:"apiVersion"`
	Language                      string        `json:"language,omitempty"`
	ReturnURL                     string        `json:"returnUrl,omitempty"`
	ServiceURL                    string        `json:"serviceUrl,omitempty"`
	OrderReference                string        `json:"orderReference,omitempty"`
	OrderDate                     int64         `json:"orderDate,omitempty"` // unix seconds, as all dates
	Amount                        json.Number   `json:"amount,omitempty"`
	Currency                      string        `json:"currency,omitempty"`
	OrderTimeout                  int64         `json:"orderTimeout,omitempty"` // seconds
	HoldTimeout                   int64         `json:"holdTimeout,omitempty"`  // seconds
	PaymentSystems                string        `json:"paymentSystems,omitempty"`
	RecToken                      string        `json:"recToken,omitempty"`
	ProductName                   []string      `json:"productName,omitempty"`
	ProductCount                  []json.Number `json:"productCount,omitempty"`
	ProductPrice                  []json.Number `json:"productPrice,omitempty"`
	ClientFirstName               string        `json:"clientFirstName,omitempty"`
	ClientLastName                string        `json:"clientLastName,omitempty"`
	ClientEmail                   string        `json:"clientEmail,omitempty"`
	ClientPhone                   string        `json:"clientPhone,omitempty"`
	ClientIPAddress               string        `json:"clientIpAddress,omitempty"`
	Comment                       string        `json:"comment,omitempty"`
	DateBegin                     int64         `json:"dateBegin,omitempty"`
	DateEnd                       int64         `json:"dateEnd,omitempty"`
}

// movesMoney says which requests must never leave twice. All but the two that read.
func (r request) movesMoney() bool {
	return r.TransactionType != checkStatus && r.TransactionType != transactionList
}

// encode writes the body. HTML characters are not escaped: names are signed as they are.
func (r request) encode() ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimRight(body.Bytes(), "\n"), nil
}

// literal is a scalar exactly as it stood in a body: WayForPay sends amounts, dates
// and codes as numbers or as strings, and signs their text. Null and a field that is
// absent are both empty.
type literal string

var errScalar = errors.New("wayforpay: a field is neither text nor a number")

// UnmarshalJSON keeps the text of a string and the digits of a number untouched.
func (l *literal) UnmarshalJSON(raw []byte) error {
	switch first := raw[0]; {
	case first == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return errScalar
		}
		*l = literal(text)
	case first == '-' || first >= '0' && first <= '9':
		*l = literal(raw)
	case string(raw) == "null":
		*l = ""
	default:
		return errScalar
	}
	return nil
}

// answer is what we read of every answer and notice. Nothing else of them is kept:
// they carry a payer's phone, e-mail and bank.
type answer struct {
	MerchantAccount   literal `json:"merchantAccount"`
	OrderReference    literal `json:"orderReference"`
	MerchantSignature literal `json:"merchantSignature"`
	Amount            literal `json:"amount"`
	Currency          literal `json:"currency"`
	AuthCode          literal `json:"authCode"`
	CardPan           literal `json:"cardPan"`
	CardType          literal `json:"cardType"`
	RecToken          literal `json:"recToken"`
	TransactionStatus literal `json:"transactionStatus"`
	ReasonCode        literal `json:"reasonCode"`
	RefundAmount      literal `json:"refundAmount"`
	TransactionType   literal `json:"merchantTransactionType"` // of notices and of CHARGE
	InvoiceURL        literal `json:"invoiceUrl"`
	QRCode            literal `json:"qrCode"`
}

var (
	errNotObject = errors.New("wayforpay: the answer is no JSON object")
	errMalformed = errors.New("wayforpay: the answer is malformed")
)

// parseAnswer reads a JSON object. Its errors quote nothing of the body.
func parseAnswer(body []byte) (answer, error) {
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return answer{}, errNotObject
	}
	var a answer
	switch err := json.Unmarshal(body, &a); {
	case errors.Is(err, errScalar):
		return answer{}, errScalar
	case err != nil:
		return answer{}, errMalformed
	}
	return a, nil
}

// code is the provider's words for people: "Declined 1101". What does not look like a
// status or a number is not repeated; it could hold anything.
func (a answer) code() string {
	return strings.TrimSpace(shown(a.TransactionStatus, aWord) + " " + shown(a.ReasonCode, aNumber))
}

var (
	aWord   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,23}$`)
	aNumber = regexp.MustCompile(`^[0-9]{1,6}$`)
)

func shown(l literal, shape *regexp.Regexp) string {
	if l != "" && !shape.MatchString(string(l)) {
		return "?"
	}
	return string(l)
}
