package sim

import (
	"cmp"
	"net/http"
)

// What unknown-status says when the rule names nothing.
const qpNobodyKnows = "29999"

// qpHonest refuses a call truthfully, whatever a fault wanted to twist.
func qpHonest(c *call, rep reply) reply {
	c.twist = ""
	return rep
}

// spoil makes a payment's answer untrue. Answers are not signed; what bad-signature spoils is the callback of the operation.
func (q *quickpay) spoil(c *call, v *qpPaymentView) {
	last := len(v.Operations) - 1
	switch c.twist {
	case FaultWrongReference:
		v.ID, v.OrderID = v.ID-1_000_000, "other-"+v.OrderID[:min(len(v.OrderID), 14)]
	case FaultWrongAmount:
		i := last
		for i >= 0 && v.Operations[i].Amount == nil {
			i--
		}
		switch {
		case i >= 0:
			v.Operations[i].Amount = qpMore(v.Operations[i].Amount)
		case v.Link != nil:
			v.Link.Amount += 100
		default:
			c.twist = ""
		}
	case FaultUnknownStatus:
		q.puzzle(v, c.code)
	default:
		c.twist = ""
	}
}

// puzzle says a word, or a usual one, that nobody knows: as the code of the newest operation, or else as the state.
func (q *quickpay) puzzle(v *qpPaymentView, word string) {
	if last := len(v.Operations) - 1; last >= 0 {
		v.Operations[last].Pending = false
		v.Operations[last].StatusCode = q.statusCode(cmp.Or(word, qpNobodyKnows))
		return
	}
	v.State = cmp.Or(word, "limbo")
}

// qpMore is an amount that is one major unit more.
func qpMore(amount *int64) *int64 {
	more := int64(100)
	if amount != nil {
		more += *amount
	}
	return &more
}

// refuse answers a fault under which nothing happens. A documented code of a failed operation makes an operation that failed with
// it, as the gateway would remember; any other code is shown once, in an operation that nobody finds again. Calls
// that make no operation have the code in the error body.
func (q *quickpay) refuse(c *call, kind FaultKind, code string, status int) reply {
	w := qpWants(c)
	switch kind {
	case FaultThrottle:
		return qpRefusal(cmp.Or(status, http.StatusTooManyRequests), "Too many requests", nil, "")
	case FaultUnauthorized:
		return qpUnauthorized(status)
	case FaultNotFound:
		if w.route.listing {
			return qpJSON(http.StatusOK, []any{})
		}
		return qpNoSuch(cmp.Or(w.route.kind, "Payment"), cmp.Or(w.id, "0"))
	}
	if w.no != nil {
		return *w.no
	}
	if w.route.operation == "" {
		return qpRefusal(cmp.Or(status, http.StatusBadRequest), "Error "+code, nil, code)
	}
	if _, documented := qpMessages[code]; documented && code >= qpWants3DS {
		w.forced = code
		rep := w.route.act(q, c, w)
		rep.status = cmp.Or(status, rep.status)
		return rep
	}
	v := q.view(w.payment)
	amount, _ := w.fields.number("amount")
	v.Operations = append(v.Operations, q.viewOperation(&qpOperation{
		n: len(v.Operations) + 1, kind: w.route.operation, amount: amount, code: code, callback: w.callback, created: w.payment.updated,
	}))
	return qpJSON(cmp.Or(status, q.doneStatus()), v)
}
