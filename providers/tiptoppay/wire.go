package tiptoppay

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The paths (notes, section 4).
const (
	ordersCreate  = "/orders/create"
	ordersCancel  = "/orders/cancel"
	tokensCharge  = "/payments/tokens/charge"
	tokensAuth    = "/payments/tokens/auth"
	paymentsFind  = "/payments/find"
	paymentsGet   = "/payments/get"
	confirm       = "/payments/confirm"
	void          = "/payments/void"
	refund        = "/payments/refund"
	operationFind = "/v2/payments/find"
	operationList = "/v2/payments/list"
	ping          = "/test"
)

// orderRequest makes a page. Nothing is sent to anybody: what is false must be said, for
// the terminal may have other habits.
type orderRequest struct {
	Amount              json.Number
	Currency            string
	Description         string
	InvoiceID           string `json:"InvoiceId"`
	AccountID           string `json:"AccountId,omitempty"`
	Email               string `json:",omitempty"`
	RequireConfirmation bool
	SendEmail           bool
	SendSms             bool
	SendViber           bool
	SuccessRedirectURL  string `json:"SuccessRedirectUrl,omitempty"`
	FailRedirectURL     string `json:"FailRedirectUrl,omitempty"`
	CultureName         string `json:",omitempty"`
	JSONData            note   `json:"JsonData"`
}

// tokenRequest charges a saved card.
type tokenRequest struct {
	Amount           json.Number
	Currency         string
	AccountID        string `json:"AccountId"`
	Token            string
	TrInitiatorCode  int
	PaymentScheduled *int   `json:",omitempty"`
	InvoiceID        string `json:"InvoiceId"`
	Description      string
	IPAddress        string `json:"IpAddress,omitempty"`
}

// operationRequest acts on a transaction.
type operationRequest struct {
	TransactionID json.Number `json:"TransactionId"`
	Amount        json.Number `json:",omitempty"`
	JSONData      *note       `json:"JsonData,omitempty"`
}

// note is what we let TipTop Pay keep for us: it comes back as Data in notices and as
// JsonData in transactions.
type note struct {
	Until  int64  `json:"until,omitempty"`  // unix seconds: when a page is over
	Refund string `json:"refund,omitempty"` // our id of a refund
}

// readNote reads a note of ours, or nothing: anybody may have written what stands there.
func readNote(text embedded) note {
	var n note
	if json.Unmarshal([]byte(text), &n) != nil {
		return note{}
	}
	return n
}

// The questions by our order number and by their ids.
type (
	byOrder struct {
		InvoiceID string `json:"InvoiceId"`
	}
	byTransaction struct {
		TransactionID json.Number `json:"TransactionId"`
	}
	byID struct {
		ID string `json:"Id"`
	}
)

// encode writes a body; nil has none.
func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return json.Marshal(body)
}

// literal is a scalar exactly as it stood in a body, so that amounts keep their digits.
// Null and a field that is absent are both empty.
type literal string

var errScalar = errors.New("tiptoppay: a field is neither text, number nor truth value")

// UnmarshalJSON keeps the text of a string and the letters of anything else untouched.
func (l *literal) UnmarshalJSON(raw []byte) error {
	switch first := raw[0]; {
	case first == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return errScalar
		}
		*l = literal(text)
	case first == '-', first >= '0' && first <= '9', first == 't', first == 'f':
		*l = literal(raw)
	case first == 'n':
		*l = ""
	default:
		return errScalar
	}
	return nil
}

// embedded is JSON that we gave to TipTop Pay: it comes back as a text that holds it, or
// as it is. Either way this is its text; null is empty.
type embedded string

// UnmarshalJSON keeps the text of a string and the letters of anything else untouched.
func (e *embedded) UnmarshalJSON(raw []byte) error {
	var text literal
	if err := text.UnmarshalJSON(raw); err == nil {
		*e = embedded(text)
		return nil
	}
	*e = embedded(raw)
	return nil
}

// answer is the envelope of every answer.
type answer struct {
	Success bool
	Message literal
	Model   json.RawMessage // nil when there is none
}

// transaction is what we read of a model (notes, section 4.8). Nothing else of it is
// kept: models carry a payer's name, e-mail and address.
type transaction struct {
	TransactionID literal `json:"TransactionId"`
	OriginalID    literal `json:"OriginalTransactionId"` // of a refund: what it gives back
	Type          literal // 0: a payment
	PublicID      literal `json:"PublicId"`
	InvoiceID     literal `json:"InvoiceId"`
	TestMode      literal
	Amount        literal
	Currency      literal
	Status        literal
	StatusCode    literal
	ReasonCode    literal
	Token         literal
	CardFirstSix  literal
	CardLastFour  literal
	CardType      literal
	JSONData      embedded `json:"JsonData"`
	TotalFee      literal
	Created       literal `json:"CreatedDateIso"`
	AcsURL        literal `json:"AcsUrl"` // 3-D Secure
	PaReq         literal
}

// order is what we read of the model of a page.
type order struct {
	ID                  literal `json:"Id"`
	Amount              literal
	Currency            literal
	RequireConfirmation literal
	URL                 literal `json:"Url"`
	Status              literal
}

var (
	errNotObject = errors.New("tiptoppay: the answer is no JSON object")
	errMalformed = errors.New("tiptoppay: the answer is malformed")
	errSuccess   = errors.New("tiptoppay: the answer does not say whether it is a success")
)

// parseAnswer reads an envelope. Its errors quote nothing of the body.
func parseAnswer(body []byte) (answer, error) {
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return answer{}, errNotObject
	}
	var envelope struct {
		Success *bool
		Message literal
		Model   json.RawMessage
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return answer{}, errMalformed
	}
	if envelope.Success == nil {
		return answer{}, errSuccess
	}
	said := answer{Success: *envelope.Success, Message: envelope.Message, Model: envelope.Model}
	if string(said.Model) == "null" {
		said.Model = nil
	}
	return said, nil
}

// readModel reads what a model must be an object for. Its error quotes nothing of it.
func readModel(model json.RawMessage, into any) error {
	if len(model) == 0 || model[0] != '{' || json.Unmarshal(model, into) != nil {
		return errMalformed
	}
	return nil
}

// code is the provider's words for people: "Declined 5051". What does not look like a
// status or a number is not repeated; it could hold anything.
func (t transaction) code() string {
	reason := t.ReasonCode
	if reason == "0" {
		reason = ""
	}
	return strings.TrimSpace(shown(t.Status, aWord) + " " + shown(reason, aNumber))
}

var (
	aWord          = regexp.MustCompile(`^[A-Za-z]{1,24}$`)
	aNumber        = regexp.MustCompile(`^[0-9]{1,6}$`)
	aTransactionID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	digits         = regexp.MustCompile(`^[0-9]+$`)
	anOrderID      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// namesOrder reports whether an id can be that of an order: it never looks like a
// transaction's.
func namesOrder(id string) bool { return anOrderID.MatchString(id) && !digits.MatchString(id) }

func shown(l literal, shape *regexp.Regexp) string {
	if l != "" && !shape.MatchString(string(l)) {
		return "?"
	}
	return string(l)
}

// token is the saved card that came with a transaction, if one did.
func (t transaction) token() *providers.Token {
	if t.Token == "" {
		return nil
	}
	return &providers.Token{Value: providers.NewSecret(string(t.Token)), Mask: mask(t.CardFirstSix, t.CardLastFour), Brand: shown(t.CardType, aBrand)}
}

var (
	aBrand   = regexp.MustCompile(`^[A-Za-z][A-Za-z ]{0,23}$`)
	sixOf    = regexp.MustCompile(`^[0-9]{6}$`)
	lastFour = regexp.MustCompile(`^[0-9]{4}$`)
)

func mask(first, last literal) string {
	if !sixOf.MatchString(string(first)) || !lastFour.MatchString(string(last)) {
		return ""
	}
	return string(first) + "******" + string(last)
}

// created is when the transaction began: UTC without a zone.
func (t transaction) created() (time.Time, error) { return readDate(t.Created) }

var errDate = errors.New("tiptoppay: a date cannot be read")

func readDate(text literal) (time.Time, error) {
	const layout = "2006-01-02T15:04:05"
	at, err := time.Parse(layout, string(text)) // fractions of a second are read too, and an hour of one digit
	if err != nil || at.Year() < 2000 || !strings.HasPrefix(string(text), at.Format(layout)) {
		return time.Time{}, errDate
	}
	return at, nil
}
