package freedompay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// noticeKind is the last segment of an address that we gave to Freedom Pay: it says what
// a notice is about, and it is the script name of its signature.
type noticeKind string

// The kinds of notice (notes, section 7).
const (
	checkNotice   noticeKind = "check"   // asked before money is taken
	resultNotice  noticeKind = "result"  // a payment succeeded or failed
	refundNotice  noticeKind = "refund"  // a refund was made
	captureNotice noticeKind = "capture" // a hold was captured, perhaps by itself
)

var noticeKinds = []noticeKind{checkNotice, resultNotice, refundNotice, captureNotice}

// ownStage is a field of our own that comes back with notices: a payment was asked for as
// a hold, so that captured money may be less than the payment's amount.
const (
	ownStage  = "stage"
	stageHold = "hold"
)

var (
	errPath      = errors.New("freedompay: notices end in /check, /result, /refund or /capture")
	errShape     = errors.New("freedompay: the notice cannot be read")
	errForged    = errors.New("freedompay: the notice's signature is missing or wrong")
	errAccount   = errors.New("freedompay: the notice is about another merchant")
	errNoPayment = errors.New("freedompay: the notice names no payment")
)

// authentic is what Answer needs of a notice whose signature was good.
type authentic struct {
	kind       noticeKind
	salt       string
	amount     providers.Money
	rejectable bool // a refusal of the result gives the money back
	ours       bool // a check about the mode that we work in
}

// Hear reads a callback. It comes as a form, as a query or as XML in the field pg_xml; we
// ask for a form, but the cabinet may say otherwise.
//
//	check                            Question
//	result, success, whole           Fact: held or approved
//	result of a test where real
//	money is taken, or the reverse   Fact: a mismatch
//	any other result, refund,
//	capture                          Hint
//
// A failure is a Hint since it must be confirmed by a second reading; refunds and
// captures are, since their notices name no sums that could be held against ours.
//
// A signature covers values without their names. A message is therefore a Fact only when
// each name is one that Freedom Pay is known to send and no value has a semicolon, which
// would make the signed string ambiguous. Whatever else there is only wakes a look-up.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	kind := noticeKind(n.Path)
	if !slices.Contains(noticeKinds, kind) {
		return providers.Heard{Err: errPath}
	}
	m, err := readNotice(n)
	if err != nil {
		return providers.Heard{Err: err}
	}
	detail := authentic{kind: kind, salt: m.text(fieldSalt), rejectable: m.text("pg_can_reject") == "1", ours: g.mode(m)}
	if !m.signedBy(string(kind), g.config.Secret) {
		return providers.Heard{Forged: true, Err: errForged}
	}
	ref := providers.Ref{Order: m.text("pg_order_id"), External: m.text("pg_payment_id")}
	merchant, told := m.told("pg_merchant_id")
	switch {
	case told && merchant != g.config.MerchantID:
		return providers.Heard{Err: errAccount}
	case !identifier(ref.Order, longestOrder) || !number(ref.External) || detail.salt == "":
		return providers.Heard{Err: errNoPayment}
	}
	if amount, err := providers.ParseMoney(m.text("pg_amount"), m.text("pg_currency")); err == nil {
		detail.amount = amount
	}
	heard := providers.Heard{Kind: providers.Hint, Ref: ref, Key: m.key(kind), Detail: detail}
	switch {
	case kind == checkNotice:
		heard.Kind = providers.Question
	case kind == resultNotice && m.plainlyNamed():
		if result, ok := g.result(m, detail); ok {
			heard.Kind, heard.Result = providers.Fact, result
			heard.Result.External, heard.Result.Movement = ref.External, ref.External
		}
	}
	return heard
}

// result reads a success. It reports false when only a look-up can tell.
func (g *Gateway) result(m node, d authentic) (providers.Result, bool) {
	captured := m.text("pg_captured")
	code := strings.TrimSpace("result " + shown(m.text("pg_result")) + " captured " + shown(captured))
	if m.text("pg_result") != "1" || d.amount.Minor <= 0 {
		return providers.Result{}, false
	}
	if !d.ours {
		return providers.Doubt(providers.Mismatch, "testing mode "+shown(m.text("pg_testing_mode")), nil), true
	}
	switch {
	case captured == "0":
		return providers.Result{Verdict: providers.Held, Amount: d.amount, Code: code}, true
	case captured == "1" && m.text(ownStage) == "":
		return providers.Result{Verdict: providers.Approved, Amount: d.amount, Code: code}, true
	}
	return providers.Result{}, false // a capture of a part, or no word about it
}

// mode reports whether a notice is about the mode that we work in, as far as it says so.
func (g *Gateway) mode(m node) bool {
	mode, told := m.told("pg_testing_mode")
	return !told || mode == flag(g.config.TestMode)
}

// readNotice reads the message of a callback in each of its three forms.
func readNotice(n providers.Notice) (node, error) {
	var text string
	switch n.Method {
	case http.MethodGet:
		text = n.Query
	case http.MethodPost:
		text = string(n.Body)
	default:
		return node{}, errShape
	}
	m, err := parseForm(text)
	if err != nil {
		return node{}, errShape
	}
	if body, wrapped := m.told("pg_xml"); wrapped && len(m.children) == 1 {
		if m, err = parseXML([]byte(body), "request"); err != nil {
			if m, err = parseXML([]byte(body), "response"); err != nil {
				return node{}, errShape
			}
		}
	}
	return m, nil
}

// key names a delivery: salt and signature differ each time, all else is the same.
func (m node) key(kind noticeKind) string {
	rest := node{}
	for _, field := range m.children {
		if field.name != fieldSalt {
			rest.children = append(rest.children, field)
		}
	}
	sum := sha256.New()
	for _, value := range append([]string{string(kind)}, rest.values()...) {
		piece := sha256.Sum256([]byte(value))
		sum.Write(piece[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// names are the fields of a result that are known to be sent.
var names = func() map[string]bool {
	known := map[string]bool{ownStage: true}
	for _, name := range strings.Fields(`pg_order_id pg_payment_id pg_merchant_id pg_amount pg_currency pg_net_amount
		pg_ps_amount pg_ps_full_amount pg_ps_currency pg_payment_system pg_payment_method pg_description pg_result
		pg_payment_date pg_can_reject pg_user_id pg_user_phone pg_need_phone_notification pg_user_contact_email
		pg_need_email_notification pg_testing_mode pg_captured pg_reference pg_intreference pg_card_pan pg_card_exp
		pg_card_owner pg_card_name pg_card_brand pg_card_token pg_auth_code pg_recurring_profile pg_failure_code
		pg_failure_description pg_salt pg_sig`) {
		known[name] = true
	}
	return known
}()

// plainlyNamed reports whether the values under the signature can belong to no other names.
func (m node) plainlyNamed() bool {
	seen := map[string]bool{}
	for _, field := range m.children {
		if !names[field.name] || seen[field.name] || len(field.children) > 0 || strings.Contains(field.value, ";") {
			return false
		}
		seen[field.name] = true
	}
	return true
}

// Answer writes a signed message with one of three words.
//
//	ruling              check      result                            other
//	Accepted, Payable   ok         ok                                ok
//	Gone, AlreadyPaid   rejected   rejected if it can be, else ok    ok
//	Unmatched           rejected   error: it comes again             error
//	Busy                rejected   error                             error
//	Rejected            HTTP 403, not signed
//	TryLater            HTTP 503, not signed: it comes again
//
// A check is also rejected when it asks for another sum than is owed, or for test money
// where real money is owed.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	known, ok := h.Detail.(authentic)
	switch {
	case r.Kind == providers.Rejected:
		return bare(http.StatusForbidden, "refused")
	case r.Kind == providers.TryLater:
		return bare(http.StatusServiceUnavailable, "try later")
	case !ok:
		return bare(http.StatusNotFound, "no such payment")
	}
	word := known.word(r)
	reply := flat("pg_status", word, "pg_description", sayings[word], fieldSalt, known.salt)
	if word == statusError {
		reply.add("pg_error_description", sayings[word])
	}
	reply.add(fieldSig, reply.sign(string(known.kind), g.config.Secret))
	return providers.Reply{Status: http.StatusOK, ContentType: "application/xml; charset=utf-8", Body: reply.writeXML()}
}

// statusRejected refuses a payment.
const statusRejected = "rejected"

// sayings are pg_description of our answers; a payer may see that of a refusal.
var sayings = map[string]string{
	statusOK:       "accepted",
	statusRejected: "this order can no longer be paid",
	statusError:    "not understood, send it again",
}

func (a authentic) word(r providers.Ruling) string {
	if a.kind == checkNotice {
		if r.Kind == providers.Payable && a.ours && a.amount == r.Amount {
			return statusOK
		}
		return statusRejected
	}
	switch r.Kind {
	case providers.Accepted, providers.Payable:
		return statusOK
	case providers.Gone, providers.AlreadyPaid:
		if a.kind == resultNotice && a.rejectable {
			return statusRejected
		}
		return statusOK
	case providers.TryLater, providers.Unmatched, providers.Rejected, providers.Busy:
	}
	return statusError
}

func bare(status int, text string) providers.Reply {
	return providers.Reply{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n")}
}
