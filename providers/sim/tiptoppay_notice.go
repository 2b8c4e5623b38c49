package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ttpStranger signs what must not verify.
const ttpStranger = "not the merchant's secret"

// ttpField is one parameter of a notice.
type ttpField struct {
	name, value string
	number      bool // JSON writes it without quotes
}

// ttpSign is base64 of HMAC-SHA256 (notes, section 3).
func ttpSign(secret, message string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, message)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// ttpHeaders signs a notice twice: as it is transmitted, and decoded, where + is a space. JSON has nothing to decode.
func ttpHeaders(secret, message string, encoded bool) http.Header {
	plain := message
	if encoded {
		if text, err := url.QueryUnescape(message); err == nil {
			plain = text
		}
	}
	return http.Header{"Content-Hmac": {ttpSign(secret, message)}, "X-Content-Hmac": {ttpSign(secret, plain)}}
}

// notice lists the parameters of a notice, in the order of the published example.
func (t *tiptoppay) notice(kind string, tx *ttpTransaction) []ttpField {
	s := tx.sale
	at := time.Now()
	if kind == TipTopPayPay || kind == TipTopPayFail || kind == TipTopPayCheck {
		at = tx.created
	}
	testMode, status := "1", tx.status
	if t.opt.Live {
		testMode = "0"
	}
	if kind == TipTopPayCheck { // the status that it would get
		status = ttpCompleted
		if s.hold {
			status = ttpAuthorized
		}
	}
	text := func(name, value string) ttpField { return ttpField{name: name, value: value} }
	number := func(name, value string) ttpField { return ttpField{name, value, true} }
	id, date := number("TransactionId", tx.name()), text("DateTime", at.UTC().Format(time.DateTime))
	who := []ttpField{text("InvoiceId", s.Reference), text("AccountId", s.accountID)}
	switch kind {
	case TipTopPayCancel: // no Status
		return append(append([]ttpField{id, number("Amount", major(tx.amount)), date}, who...),
			text("Email", s.email), text("Data", s.data), text("Rrn", tx.rrn))
	case TipTopPayRefund:
		return append(append([]ttpField{
			id, number("PaymentTransactionId", tx.refundOf.name()), number("Amount", major(tx.amount)), date, text("OperationType", "Refund"),
		}, who...), text("Email", s.email), text("Data", s.data), text("Rrn", tx.rrn))
	}
	all := append([]ttpField{
		id, number("Amount", major(tx.amount)), text("Currency", s.Currency), number("PaymentAmount", major(tx.amount)), text("PaymentCurrency", s.Currency),
	}, who...)
	all = append(all, date, number("TestMode", testMode), text("Status", status), text("OperationType", "Payment"),
		text("CardFirstSix", tx.card.first), text("CardLastFour", tx.card.last), text("CardType", tx.card.brand), text("CardExpDate", ttpCardEnd),
		text("SubscriptionId", ""), text("Name", s.name), text("Email", s.email), text("IpAddress", s.ip), text("IpCountry", ""), text("IpCity", ""),
		text("Issuer", "SIMULATED BANK"), text("IssuerBankCountry", "KZ"), text("Description", s.description))
	if tx.fallback != nil {
		all = append(all, number("FallBackScenarioDeclinedTransactionId", tx.fallback.name()))
	}
	switch kind {
	case TipTopPayPay:
		all = append(all, text("AuthCode", tx.authCode), text("Rrn", tx.rrn), text("Token", tx.token), text("GatewayName", t.acquirer(tx)),
			number("TotalFee", major(ttpFee(tx.amount))), text("CardProduct", ""), text("PaymentMethod", ""))
	case TipTopPayConfirm:
		all = append(all, text("AuthCode", tx.authCode), text("Rrn", tx.rrn))
	case TipTopPayFail:
		all = append(all, text("Reason", ttpReasons[tx.code]), number("ReasonCode", strconv.Itoa(tx.code)))
	}
	return append(all, text("Data", s.data))
}

// filled leaves out the parameters without a value, unless the terminal sends them empty.
func (t *tiptoppay) filled(fields []ttpField) []ttpField {
	return slices.DeleteFunc(slices.Clone(fields), func(f ttpField) bool { return f.value == "" && !t.sw.EmptyFields })
}

// ttpEncode writes parameters as a form or query.
func ttpEncode(fields []ttpField, plusForSpace bool) string {
	pairs := make([]string, len(fields))
	for i, f := range fields {
		value := url.QueryEscape(f.value)
		if !plusForSpace {
			value = strings.ReplaceAll(value, "+", "%20") // a plus sign itself is %2B by now
		}
		pairs[i] = f.name + "=" + value
	}
	return strings.Join(pairs, "&")
}

// ttpNoticeJSON writes parameters as one JSON object, in their order.
func ttpNoticeJSON(fields []ttpField) string {
	members := make([]string, len(fields))
	for i, f := range fields {
		value := f.value
		if !f.number {
			value = ttpQuote(value)
		} else if value == "" {
			value = "null"
		}
		members[i] = ttpQuote(f.name) + ":" + value
	}
	return "{" + strings.Join(members, ",") + "}"
}

// ttpQuote writes text for JSON with its letters as they are.
func ttpQuote(text string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // text always encodes
	return strings.TrimSuffix(out.String(), "\n")
}

// letter addresses and signs parameters for a type of notice.
func (t *tiptoppay) letter(kind string, tx *ttpTransaction, secret string, fields []ttpField) *letter {
	box := t.posts[kind]
	get := t.sw.GetNotices || box.get
	asJSON := t.sw.JSONNotices && !get
	contentType, message := "application/x-www-form-urlencoded", ttpEncode(t.filled(fields), t.sw.PlusForSpace)
	if asJSON {
		contentType, message = "application/json", ttpNoticeJSON(t.filled(fields))
	}
	signed := message
	if _, own, has := strings.Cut(box.address, "?"); get && has {
		signed = own + "&" + message // the whole query as it is transmitted
	}
	l := &letter{
		Notice:      Notice{Face: t.Name(), Reference: tx.sale.Reference, URL: box.address, Body: message},
		contentType: contentType, header: ttpHeaders(secret, signed, !asJSON),
		accepted: func(status int, body []byte) bool { return status == http.StatusOK && ttpAnswerCode(body) == "0" },
	}
	if get {
		l.method = http.MethodGet
	}
	return l
}

// tell sends a notice, if its type has an address. The forged copy is about another transaction and signed by nobody who knows the
// secret.
func (t *tiptoppay) tell(kind string, tx *ttpTransaction) {
	if !t.posts[kind].enabled {
		return
	}
	fields := t.notice(kind, tx)
	l := t.letter(kind, tx, t.opt.Secret, fields)
	lie := slices.Clone(fields)
	lie[0].value = strconv.FormatInt(tx.id+1_000_000, 10)
	forged := t.letter(kind, tx, ttpStranger, lie)
	l.forgery, l.forgedHeader = []byte(forged.Body), forged.header
	t.b.notify(l)
}

// ttpAnswerCode reads the code of an answer to a notice; empty when it cannot be parsed.
func ttpAnswerCode(body []byte) string {
	var answer struct {
		Code json.Number `json:"code"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Code.String()
}
