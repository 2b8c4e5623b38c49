package quickpay

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// literal is a scalar as it stood in a body: QuickPay and its clients write ids, amounts
// and codes as numbers or as strings. Null and a field that is absent are both empty.
type literal string

var errScalar = errors.New("quickpay: a field is neither text nor a number")

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

// whole reads a literal that is an integer of at least zero, in plain digits.
func (l literal) whole() (int64, bool) {
	if l == "" || len(l) > 1 && l[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(l) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(l), 10, 64)
	return n, err == nil
}

// isID reports whether a literal can be an id: they are positive and may exceed 32 bits.
func (l literal) isID() bool {
	n, ok := l.whole()
	return ok && n > 0
}

// payment is what we read of a payment object, in answers, lists and callbacks. Its
// metadata and addresses are a person's and are not read.
type payment struct {
	ID         literal         `json:"id"`
	MerchantID literal         `json:"merchant_id"`
	OrderID    literal         `json:"order_id"`
	Type       literal         `json:"type"`
	Accepted   *bool           `json:"accepted"`
	Variables  json.RawMessage `json:"variables"`
	Currency   literal         `json:"currency"`
	State      literal         `json:"state"`
	Link       *link           `json:"link"`
	Operations *[]operation    `json:"operations"`
	TestMode   *bool           `json:"test_mode"`
	Balance    literal         `json:"balance"` // captured less refunded, minor units
	Fee        literal         `json:"fee"`
	CreatedAt  literal         `json:"created_at"`
	DeadlineAt literal         `json:"deadline_at"` // when the link ends
}

type link struct {
	Amount      literal         `json:"amount"`
	AutoCapture json.RawMessage `json:"auto_capture"`
}

// captures reports whether what is authorised is captured without being asked for: the link
// says so, and our variables do where there is no link, or none any more.
func (p payment) captures() bool {
	return p.Link != nil && string(p.Link.AutoCapture) == "true" || p.ours().Capture == byItself
}

// operation is one step at the acquirer.
type operation struct {
	ID        literal `json:"id"`
	Type      literal `json:"type"`
	Amount    literal `json:"amount"`
	Pending   *bool   `json:"pending"`
	Code      literal `json:"qp_status_code"`
	CreatedAt literal `json:"created_at"`
}

// variables are what we put on a payment, and find again everywhere.
type variables struct {
	Attempt string `json:"attempt"`
	Method  string `json:"method"`
	Capture string `json:"capture,omitempty"` // byItself, or nothing
}

// byItself is of one stage: QuickPay captures what it authorised.
const byItself = "auto"

// ours reads our variables. Where there are none, or others, all is empty.
func (p payment) ours() variables {
	var v variables
	if json.Unmarshal(p.Variables, &v) != nil {
		return variables{}
	}
	return v
}

var (
	errNotObject = errors.New("quickpay: the answer is no JSON object")
	errNotList   = errors.New("quickpay: the answer is no JSON list")
	errMalformed = errors.New("quickpay: the answer is malformed")
)

// readPayment reads a payment object. Its errors quote nothing of the body.
func readPayment(body []byte) (payment, error) {
	var p payment
	if !begins(body, '{') {
		return payment{}, errNotObject
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return payment{}, malformed(err)
	}
	return p, nil
}

// readPayments reads a bare array of payment objects.
func readPayments(body []byte) ([]payment, error) {
	if !begins(body, '[') {
		return nil, errNotList
	}
	var all []*payment
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, malformed(err)
	}
	found := make([]payment, len(all))
	for i, p := range all {
		if p == nil {
			return nil, errMalformed
		}
		found[i] = *p
	}
	return found, nil
}

func begins(body []byte, with byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && body[0] == with
}

func malformed(err error) error {
	if errors.Is(err, errScalar) {
		return errScalar
	}
	return errMalformed
}

// sum is an amount of this payment.
func (p payment) sum(minor int64) providers.Money {
	return providers.Money{Minor: minor, Currency: string(p.Currency)}
}

// instant reads an ISO 8601 time.
func (l literal) instant() (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, string(l))
	return at.UTC(), err == nil && !at.IsZero()
}

// The bodies we send. Whatever is empty is left out.
type (
	newPayment struct {
		OrderID   string    `json:"order_id"`
		Currency  string    `json:"currency"`
		Variables variables `json:"variables"`
	}
	newLink struct {
		Amount         int64  `json:"amount"`
		AutoCapture    bool   `json:"auto_capture"`
		Deadline       int64  `json:"deadline"` // seconds
		ContinueURL    string `json:"continue_url,omitempty"`
		CancelURL      string `json:"cancel_url,omitempty"`
		CallbackURL    string `json:"callback_url,omitempty"`
		Language       string `json:"language,omitempty"`
		PaymentMethods string `json:"payment_methods,omitempty"`
	}
	newAuthorize struct {
		Amount      int64     `json:"amount"`
		Card        cardToken `json:"card"`
		AutoCapture bool      `json:"auto_capture"`
	}
	cardToken struct {
		Token string `json:"token"`
	}
	part struct { // of a capture or a refund
		Amount int64 `json:"amount"`
	}
	nothing struct{} // an empty body is {}
)
