package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// ttpNotFoundText is what the gateway says of something that does not exist.
const ttpNotFoundText = "Not found"

// ttpObject is a JSON object. Its values are text, json.Number, whole numbers, booleans and nil.
type ttpObject map[string]any

// ttpAnswer is an answer of the API before it is written.
type ttpAnswer struct {
	success bool
	message string // empty is null
	model   any    // a ttpObject, a list of them, or nil for none
	code    string // ErrorCode; empty is null
	refused bool   // before a transaction existed
}

// ttpRefusal refuses a request before anything exists.
func ttpRefusal(text string) ttpAnswer { return ttpAnswer{message: text, refused: true} }

// write makes the JSON. An answer without a model has no Model at all.
func (a ttpAnswer) write() []byte {
	all := ttpObject{"Success": a.success, "Message": ttpOrNull(a.message)}
	if a.model != nil {
		all["Model"], all["ErrorCode"] = a.model, ttpOrNull(a.code)
	} else if a.code != "" {
		all["ErrorCode"] = a.code
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(all) // such values always encode
	return out.Bytes()
}

func ttpOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// say writes an answer, spoiled as c.twist asks. The original stays as it is: it may be repeated.
func (t *tiptoppay) say(c *call, a ttpAnswer) reply {
	switch model := a.model.(type) {
	case ttpObject:
		a.model = t.spoil(c, model)
	case []ttpObject:
		if len(model) == 0 {
			c.twist = ""
			break
		}
		rows := append([]ttpObject{}, model...)
		rows[0] = t.spoil(c, rows[0])
		a.model = rows
	default:
		c.twist = ""
	}
	rep := reply{body: a.write()}
	if a.refused {
		rep.status = t.sw.RefusalStatus
	}
	return rep
}

// spoil makes a copy of a model untrue, or clears c.twist where it has no place for the lie. Nothing is signed, and a number that
// the merchant has never heard before is no lie it could see.
func (t *tiptoppay) spoil(c *call, model ttpObject) ttpObject {
	lie := maps.Clone(model)
	switch amount, priced := model["Amount"].(json.Number); {
	case c.twist == FaultWrongAmount && priced:
		minor, _ := parseMinor(amount.String())
		lie["Amount"] = t.amount(minor + 100)
		if _, paid := model["PaymentAmount"]; paid {
			lie["PaymentAmount"] = lie["Amount"]
		}
	case c.twist == FaultWrongReference && model["InvoiceId"] != nil:
		lie["InvoiceId"] = fmt.Sprint("other-", model["InvoiceId"])
		if id, ok := model["TransactionId"].(int64); ok {
			lie["TransactionId"] = id + 1_000_000
		}
	case c.twist == FaultUnknownStatus && model["Status"] != nil:
		lie["Status"], lie["StatusCode"] = cmp.Or(c.code, ttpUndocumentedWord), ttpUndocumentedCode
	default:
		c.twist = ""
	}
	return lie
}

// refuse answers a fault under which nothing happens. A published ReasonCode of a payment is a declined transaction that nobody can
// find afterwards. Any other code stands in ErrorCode; of a payment also as the ReasonCode of a transaction without a status.
func (t *tiptoppay) refuse(c *call, kind FaultKind, code string, status int) reply {
	switch kind {
	case FaultThrottle:
		return ttpThrottled(status)
	case FaultUnauthorized:
		return reply{status: cmp.Or(status, http.StatusUnauthorized), contentType: "text/plain; charset=utf-8", body: []byte("Unauthorized\n")}
	case FaultNotFound:
		return reply{status: status, body: ttpAnswer{message: ttpNotFoundText}.write()}
	}
	n, err := strconv.Atoi(code)
	_, published := ttpReasons[n]
	a := ttpAnswer{code: code}
	if s, o, refusal := t.wish(ttpWants(c)); c.op == OpCharge && err == nil && refusal == "" {
		o.Created, s.Object = time.Now(), o
		tx := &ttpTransaction{id: t.newID(), sale: s, card: &ttpCard{}, amount: o.Amount, status: ttpDeclined, code: n, created: o.Created}
		model := t.model(tx)
		if published && n != 0 {
			a.code = ""
		} else {
			model["Status"], model["StatusCode"], model["Reason"], model["CardHolderMessage"] = nil, nil, nil, nil
		}
		a.model = model
	}
	return reply{status: status, body: a.write()}
}
