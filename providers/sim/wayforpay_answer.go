package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// wfpAnswer is an answer or a callback before it is written. Its values are text, json.Number (text without quotes), or lists.
type wfpAnswer map[string]any

// The two strings to sign of what WayForPay says (section 3). All their fields stand in the answer, empty where there is no
// value, because the official SDK miscomputes when one is absent.
var (
	wfpEight = []string{"merchantAccount", "orderReference", "amount", "currency", "authCode", "cardPan", "transactionStatus", "reasonCode"}
	wfpFour  = []string{"merchantAccount", "orderReference", "transactionStatus", "reasonCode"}
)

// The bank behind every card. The country is a numeric code: it may be one, or a name (section 10).
const (
	wfpCountry = "398"
	wfpIssuer  = "SIMULATED BANK"
)

// wfpStranger signs what must not verify.
const wfpStranger = "not the merchant's key"

func (a wfpAnswer) sign(key string, names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprint(a[name])
	}
	return wfpSign(key, parts...)
}

// number writes a number so that the literal in the body is the literal under the signature.
func (w *wayforpay) number(text string) any {
	if w.sw.TextNumbers {
		return text
	}
	return json.Number(text)
}

func (w *wayforpay) amount(minor int64) any {
	if w.sw.TwoDecimals {
		return w.number(major(minor))
	}
	return w.number(shortMajor(minor))
}

func (w *wayforpay) date(t time.Time) any { return w.number(strconv.FormatInt(t.Unix(), 10)) }

// say puts a status and a code into an answer.
func (w *wayforpay) say(a wfpAnswer, status string, code int) {
	a["transactionStatus"], a["reason"], a["reasonCode"] = status, wfpReasons[code].name, w.number(strconv.Itoa(code))
}

// shown is the amount of an order. Once money was taken it is what was taken, which differs from the order's only after a
// partial SETTLE; or it stays the order's, by the switch.
func (w *wayforpay) shown(ord *wfpOrder) int64 {
	if w.sw.SettledShowsHold {
		return ord.Amount
	}
	return cmp.Or(ord.Captured, ord.Amount)
}

// payment is everything WayForPay says about an order: the fields of the CHARGE answer.
func (w *wayforpay) payment(ord *wfpOrder) wfpAnswer {
	kind := "SALE"
	if ord.hold {
		kind = "AUTH"
	}
	a := wfpAnswer{
		"merchantAccount": ord.Account, "orderReference": ord.Reference, "amount": w.amount(w.shown(ord)), "currency": ord.Currency,
		"authCode": ord.authCode, "cardPan": "", "cardType": "", "issuerBankCountry": "", "issuerBankName": "", "recToken": "",
		"email": ord.email, "phone": ord.phone, "createdDate": w.date(ord.Created), "fee": w.amount(wfpFee(ord.Captured)),
		"paymentSystem": "card", "merchantTransactionType": kind,
	}
	if !ord.processed.IsZero() {
		a["processingDate"] = w.date(ord.processed)
	}
	if card := ord.card; card != nil {
		a["cardPan"], a["cardType"], a["recToken"] = card.pan, card.brand, card.token
		a["issuerBankCountry"], a["issuerBankName"] = wfpCountry, wfpIssuer
	}
	w.say(a, ord.Status, ord.code)
	return a
}

// unknown is CHECK_STATUS about an order that does not exist: eight fields, four of them empty.
func (w *wayforpay) unknown(reference string) wfpAnswer {
	a := wfpAnswer{
		"merchantAccount": w.opt.Account, "orderReference": reference, "amount": "", "currency": "", "authCode": "", "cardPan": "",
	}
	w.say(a, wfpDeclined, wfpNotFound)
	return a
}

// verdict answers what was asked of an order, in the form of the operation: REFUND signs four fields, SETTLE four or eight,
// CHARGE eight.
func (w *wayforpay) verdict(c *call, q *wfpRequest, status string, code int) reply {
	a := w.unknown(c.reference)
	w.say(a, status, code)
	names, ord := wfpEight, w.orders[c.reference]
	switch q.kind {
	case wfpRefund:
		for _, field := range []string{"amount", "currency", "authCode", "cardPan"} {
			delete(a, field) // not in the documented answer of REFUND
		}
		names = wfpFour
	case wfpCharge, wfpComplete:
		a["amount"], a["currency"] = w.amount(c.amount), c.currency
	case wfpSettle:
		a["amount"], a["currency"] = w.amount(c.amount), c.currency
		if ord != nil && ord.card != nil {
			a["authCode"], a["cardPan"] = ord.authCode, ord.card.pan
		}
		if !w.sw.SettleSignsEight {
			names = wfpFour
		}
	case wfpStatus:
		if ord != nil && code != wfpNotFound {
			a["amount"], a["currency"] = w.amount(w.shown(ord)), ord.Currency
		}
	}
	return w.signed(c, a, names)
}

// signed signs and writes an answer, spoiled as c.twist asks.
func (w *wayforpay) signed(c *call, a wfpAnswer, names []string) reply {
	w.spoil(c, a)
	key := w.opt.Key
	if c.twist == FaultBadSignature {
		key = wfpStranger
	}
	a["merchantSignature"] = a.sign(key, names)
	return wfpJSON(a)
}

// spoil makes an answer about a payment untrue. It leaves the signature to signed.
func (w *wayforpay) spoil(c *call, a wfpAnswer) {
	switch c.twist {
	case FaultWrongAmount:
		minor, err := parseMinor(fmt.Sprint(a["amount"]))
		if err != nil {
			c.twist = "" // REFUND answers without an amount, CHECK_STATUS of nothing with an empty one
			return
		}
		a["amount"] = w.amount(minor + 100)
	case FaultWrongReference:
		a["orderReference"] = fmt.Sprint("other-", a["orderReference"])
	case FaultUnknownStatus:
		if _, err := strconv.Atoi(c.code); err == nil {
			w.spoilCode(c, a)
			return
		}
		a["transactionStatus"] = cmp.Or(c.code, wfpUndocumentedWord)
	}
}

// plain is an answer without a signature: a code, its text, and what the operation adds.
func (w *wayforpay) plain(c *call, no wfpRefusal, more wfpAnswer) reply {
	a := wfpAnswer{"reason": wfpReasons[no.code].name, "reasonCode": w.number(strconv.Itoa(no.code))}
	if no.text != "" {
		a["reason"] = wfpReasons[no.code].name + ": " + no.text
	}
	for field, v := range more {
		a[field] = v
	}
	w.spoilCode(c, a)
	return wfpJSON(a)
}

// spoilCode spoils an answer that has nothing to spoil but its code.
func (w *wayforpay) spoilCode(c *call, a wfpAnswer) {
	if c.twist != FaultUnknownStatus {
		c.twist = ""
		return
	}
	code, err := strconv.Atoi(c.code)
	if err != nil {
		code = wfpUndocumented
	}
	a["reason"], a["reasonCode"] = "", w.number(strconv.Itoa(code))
}

// refuse answers a fault under which nothing happens. A code that goes with a payment's status is answered signed, so that a
// merchant has every reason to believe it; any other is a bare code, as where WayForPay could not read the request.
func (w *wayforpay) refuse(c *call, kind FaultKind, code string, status int) reply {
	q := wfpWants(c)
	switch kind {
	case FaultThrottle: // no limit is documented, so neither is a form
		return reply{status: cmp.Or(status, http.StatusTooManyRequests), contentType: "text/plain; charset=utf-8", body: []byte("Too Many Requests\n")}
	case FaultUnauthorized: // the signature is the only credential
		rep := w.plain(c, wfpRefusal{code: wfpBadSignature}, nil)
		rep.status = status
		return rep
	case FaultNotFound:
		code = strconv.Itoa(wfpNotFound)
	}
	n, err := strconv.Atoi(code)
	reason, known := wfpReasons[n]
	signs := q.kind == wfpCharge || q.kind == wfpComplete || q.kind == wfpStatus || q.kind == wfpSettle || q.kind == wfpRefund
	var rep reply
	switch {
	case err != nil:
		rep = wfpJSON(wfpAnswer{"reason": "", "reasonCode": code})
	case !known:
		rep = wfpJSON(wfpAnswer{"reason": "", "reasonCode": w.number(strconv.Itoa(n))})
	case !signs || reason.status == "":
		rep = w.plain(c, wfpRefusal{code: n}, nil)
	default:
		rep = w.verdict(c, q, reason.status, n)
	}
	rep.status = status
	rep.unprocessed = n == wfpBalance // "refused now, may be retried": the only code with such a promise
	return rep
}

func wfpJSON(a wfpAnswer) reply {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(a) // text and numbers always encode
	return reply{body: out.Bytes()}
}
