package tiptoppay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The types of notices: the last step of the address that each is sent to.
const (
	noticeCheck   = "check"
	noticePay     = "pay"
	noticeFail    = "fail"
	noticeConfirm = "confirm"
	noticeRefund  = "refund"
	noticeCancel  = "cancel"
)

var (
	errForged  = errors.New("tiptoppay: the notice's signature is missing or wrong")
	errMethod  = errors.New("tiptoppay: a notice is posted, or got")
	errAddress = errors.New("tiptoppay: the address names no type of notice; set each in the cabinet: …/check, /pay, /fail, /confirm, /refund, /cancel")
	errFields  = errors.New("tiptoppay: the notice's fields cannot be read")
	errNotOurs = errors.New("tiptoppay: the notice names no order of ours")
)

// Codes of our answers (notes, section 7).
const (
	codeAccepted = 0
	codeNoOrder  = 10
	codeAmount   = 12 // another amount than is owed
	codeNotNow   = 13
	codeTooLate  = 20
)

// delivery is what Answer needs of a notice that was authentic.
type delivery struct {
	step   step
	amount providers.Money // Check: what the payer is about to pay; the zero Money if it cannot be read
	until  time.Time       // Check of a page: when it is over; zero if that cannot be read
	page   bool            // Check: about a page
	alien  bool            // Check: of the other mode than the terminal's
}

// step is what the address says of a notice, held against what its fields show.
type step uint8

// The steps. The zero value is the careful one: it acknowledges nothing.
const (
	misplaced step = iota // a question where none belongs or something else where one does, or nobody can tell
	nowhere               // at an address that we do not have
	asks                  // Check, at its own address
	tells                 // anything else, at an address that is no Check's
)

// Hear reads a notice. Its type is told by the address alone, which nobody signs, so a
// notice is a Fact only where its own fields cannot be those of another type:
//
//	check           Question   no money moves; the answer is a veto
//	pay             Fact       with a money status and a bank's AuthCode, which no Check has
//	fail            Fact       of a page: a try came to nothing, the next may not
//	anything else   Hint       a look-up tells; so it does of what stands at the wrong address
//
// A Fact also needs Content-HMAC. X-Content-HMAC is computed after decoding, where a
// separator and an encoded one are the same, so it proves the words and not the fields.
//
// There is neither a time nor an event's id under the signature: a replayed notice
// verifies for ever. Key makes repeats recognisable; that a status never moves backwards
// is the router's merge.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	message, err := transmitted(n)
	if err != nil {
		return providers.Heard{Err: err}
	}
	proof := g.authentic(http.Header(n.Header), message)
	if proof == forged {
		return providers.Heard{Forged: true, Err: errForged}
	}
	kind := strings.Trim(n.Path, "/")
	switch kind {
	case noticeCheck, noticePay, noticeFail, noticeConfirm, noticeRefund, noticeCancel:
	default:
		return providers.Heard{Err: errAddress, Detail: delivery{step: nowhere}}
	}
	f, err := readFields(message)
	if err != nil {
		return providers.Heard{Err: err, Detail: delivery{}}
	}
	stands := f.step(kind)
	if !orderly(f["InvoiceId"]) {
		return providers.Heard{Err: errNotOurs, Detail: delivery{step: stands}}
	}
	heard := providers.Heard{Kind: providers.Hint, Detail: delivery{step: stands}}
	heard.Ref.Order, heard.Key = f["InvoiceId"], f.key(kind)
	switch {
	case stands == asks:
		heard.Kind = providers.Question
		heard.Detail = g.question(f)
	case proof != raw || stands == misplaced:
	case kind == noticePay:
		g.paid(f, &heard)
	case kind == noticeFail:
		g.failed(f, &heard)
	}
	return heard
}

// transmitted is what Content-HMAC is computed over.
func transmitted(n providers.Notice) (string, error) {
	switch n.Method {
	case http.MethodPost:
		return string(n.Body), nil
	case http.MethodGet:
		return n.Query, nil
	}
	return "", errMethod
}

// step tells whether a notice stands where it belongs. Who set up the addresses may have
// mistaken one for another, and no signature covers them. A Check that came to /pay and
// were acknowledged as if it told something would be a payment let through unasked, after
// its page's end or at a gateway that the payment has left. A Pay that came to /check and
// were answered as a question would be lost.
func (f fields) step(kind string) step {
	switch {
	case f.mayAsk() != (kind == noticeCheck):
		return misplaced
	case kind == noticeCheck:
		return asks
	}
	return tells
}

// mayAsk reports whether a notice may be a Check for all that its fields show. Nothing is
// decided yet when Check asks, so it has no word of a bank, no reason and no earlier
// transaction; and it names its currency and the status to be, which of all others only
// a Cancel names neither of (notes, section 7).
func (f fields) mayAsk() bool {
	for _, name := range []string{"AuthCode", "Rrn", "Reason", "PaymentTransactionId"} {
		if f[name] != "" {
			return false
		}
	}
	reason, operation := f["ReasonCode"], f["OperationType"]
	return (reason == "" || reason == "0") && (operation == "" || operation == "Payment") && (f["Currency"] != "" || f["Status"] != "")
}

// question is what Check asks.
func (g *Gateway) question(f fields) delivery {
	d := delivery{step: asks, page: !strings.HasPrefix(f["InvoiceId"], tokenPrefix), alien: !g.ourMode(f)}
	if sum, err := providers.ParseMoney(f["Amount"], f["Currency"]); err == nil {
		d.amount = sum
	}
	if end := readNote(embedded(f["Data"])).Until; end > 0 {
		d.until = time.Unix(end, 0)
	}
	return d
}

// paid makes a Fact of a Pay notice that can be nothing else.
func (g *Gateway) paid(f fields, heard *providers.Heard) {
	t := f.transaction()
	sum, err := t.sum()
	operation := f["OperationType"]
	switch {
	case err != nil, sum.Minor == 0, !g.ourMode(f), f["AuthCode"] == "", operation != "" && operation != "Payment",
		!aTransactionID.MatchString(f["TransactionId"]), f["PaymentTransactionId"] != "":
		return
	}
	result := t.standing(view{})
	if !result.Verdict.HasMoney() {
		return
	}
	result.Amount, result.Instrument, result.Movement = sum, t.token(), f["TransactionId"]
	if strings.HasPrefix(f["InvoiceId"], tokenPrefix) {
		result.External = f["TransactionId"]
	}
	heard.Kind, heard.Result = providers.Fact, result
}

// failed makes a Fact of a Fail notice about a page. One about a charge by token is a
// Hint: TipTop Pay may be trying another bank.
func (g *Gateway) failed(f fields, heard *providers.Heard) {
	t := f.transaction()
	if strings.HasPrefix(f["InvoiceId"], tokenPrefix) || !g.ourMode(f) || t.Status != "" && t.Status != statusDeclined ||
		codes[t.ReasonCode].class == undocumented {
		return
	}
	t.Status = statusDeclined
	if result := t.declined(view{offer: true}); result.Verdict == providers.Pending {
		heard.Kind, heard.Result = providers.Fact, result
	}
}

// ourMode reports whether a notice says to be of the terminal's own mode.
func (g *Gateway) ourMode(f fields) bool {
	if g.config.TestMode {
		return f["TestMode"] == "1" || f["TestMode"] == "true"
	}
	return f["TestMode"] == "0" || f["TestMode"] == "false"
}

// fields are those of a notice, by TipTop Pay's names.
type fields map[string]string

// readFields reads a form, a query or a JSON object. A field that stands twice is none
// that could be believed.
func readFields(message string) (fields, error) {
	f := fields{}
	if isObject(message) {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(message), &object) != nil {
			return nil, errFields
		}
		for name, value := range object {
			var scalar literal
			if scalar.UnmarshalJSON(value) == nil { // nothing else that we read is an object
				f[name] = string(scalar)
			} else if name == "Data" {
				f[name] = string(value)
			}
		}
		return f, nil
	}
	form, err := url.ParseQuery(message)
	if err != nil {
		return nil, errFields
	}
	for name, values := range form {
		if len(values) != 1 {
			return nil, errFields
		}
		f[name] = values[0]
	}
	return f, nil
}

// transaction is as much of one as a notice tells.
func (f fields) transaction() transaction {
	return transaction{TransactionID: literal(f["TransactionId"]), Amount: literal(f["Amount"]), Currency: literal(f["Currency"]),
		Status: literal(f["Status"]), ReasonCode: literal(f["ReasonCode"]), Token: literal(f["Token"]),
		CardFirstSix: literal(f["CardFirstSix"]), CardLastFour: literal(f["CardLastFour"]), CardType: literal(f["CardType"])}
}

// key names a delivery by what the notes, section 7, deduplicate by. The fields are
// hashed, for they name a payer.
func (f fields) key(kind string) string {
	all := url.Values{}
	for name, value := range f {
		all.Set(name, value)
	}
	digest := sha256.Sum256([]byte(all.Encode()))
	return strings.Join([]string{kind, shown(literal(f["TransactionId"]), aTransactionID), shown(literal(f["Status"]), aWord), hex.EncodeToString(digest[:12])}, ";")
}

// Answer says code 0 to every authentic notice that is stored, understood or not: it is
// the one answer that ends TipTop Pay's repeating. To Check it says whether the payer may
// pay; there anything but 0, and any failure, refuses the payment and nothing is repeated.
//
// A notice that stands at the wrong address is stored and wakes a look, but is answered
// that we cannot accept it: a question is a payment refused then, which is what an unset
// Check must come to, and anything else is repeated until the addresses are put right. So
// is what cannot be read, for it may be a question. An address that we do not have is not
// found.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	d, authentic := h.Detail.(delivery)
	switch {
	case r.Kind == providers.TryLater:
		return text(http.StatusServiceUnavailable, "try later")
	case !authentic:
		return text(http.StatusForbidden, "refused")
	case d.step == nowhere:
		return text(http.StatusNotFound, "no such address")
	case d.step == misplaced:
		return code(codeNotNow)
	case d.step == asks:
		return code(d.ruling(r, time.Now()))
	case r.Kind == providers.Accepted || r.Kind == providers.Unmatched || r.Kind == providers.Rejected:
		return code(codeAccepted)
	}
	return text(http.StatusServiceUnavailable, "try later")
}

// ruling is the answer to Check. The end of the page is asked of the page itself, so that
// nobody begins to pay after it whatever the ruling; a page that does not tell its end is
// none that we let anybody begin to pay.
func (d delivery) ruling(r providers.Ruling, now time.Time) int {
	switch {
	case r.Kind == providers.Unmatched || r.Kind == providers.Rejected:
		return codeNoOrder
	case r.Kind == providers.Gone, !d.until.IsZero() && !now.Before(d.until):
		return codeTooLate
	case r.Kind != providers.Payable, d.alien, d.page && d.until.IsZero():
		return codeNotNow
	case d.amount != r.Amount:
		return codeAmount
	}
	return codeAccepted
}

func code(n int) providers.Reply {
	return providers.Reply{Status: http.StatusOK, ContentType: "application/json", Body: []byte(`{"code":` + strconv.Itoa(n) + `}`)}
}

func text(status int, words string) providers.Reply {
	return providers.Reply{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(words + "\n")}
}
