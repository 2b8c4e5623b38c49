package sim

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// operate begins an operation of an API call and answers with the payment. The snapshot of an operation under way is taken before
// the payment learns of it: state and balance are old (section 4).
func (q *quickpay) operate(c *call, w *qpWish, op *qpOperation) reply {
	p := w.payment
	op.forced, op.missign = w.forced, c.twist == FaultBadSignature
	snapshot := q.view(p)
	if q.perform(p, op, w.synchronized && !q.sw.SynchronizedStillPending) {
		return q.tellPayment(c, q.doneStatus(), p)
	}
	q.spoil(c, &snapshot)
	return qpJSON(http.StatusAccepted, snapshot)
}

func (q *quickpay) doneStatus() int {
	if q.sw.SynchronizedIs202 {
		return http.StatusAccepted
	}
	return http.StatusOK
}

func (q *quickpay) authorize(c *call, w *qpWish) reply {
	p, f := w.payment, w.fields
	amount, ok := f.number("amount")
	given := f.object("card")
	switch {
	case !ok:
		return qpHonest(c, qpInvalid("amount", "is invalid"))
	case p.state == qpPending:
		return qpHonest(c, q.busy(qpAuthorize))
	case p.authorized():
		return qpHonest(c, q.wrongState(qpAuthorize))
	}
	card, no := (*qpPlastic)(nil), (*reply)(nil)
	if given.given("token") {
		card, no = q.spend(given.text("token"))
	} else {
		card, no = q.typed(given)
	}
	if no != nil {
		return qpHonest(c, *no)
	}
	if p.o == nil {
		q.open(c, p, StyleCharge, amount, time.Time{})
	}
	op := q.begin(p, qpAuthorize, amount, w.callback)
	op.plastic, op.capture = card, f.flag("auto_capture")
	p.plastic = card
	return q.operate(c, w, op)
}

// capture takes held money, while the last good operation is the authorize, or a capture that left something.
func (q *quickpay) capture(c *call, w *qpWish) reply {
	p := w.payment
	good := p.lastGood()
	return q.take(c, w, qpCapture, good == qpAuthorize || good == qpCapture && p.uncaptured() > 0, p.uncaptured())
}

// refund gives captured money back, until nothing is left.
func (q *quickpay) refund(c *call, w *qpWish) reply {
	return q.take(c, w, qpRefund, w.payment.balance() > 0, w.payment.balance())
}

// take begins an operation with an amount, where the payment allows it.
func (q *quickpay) take(c *call, w *qpWish, kind string, allowed bool, most int64) reply {
	p := w.payment
	amount, ok := w.fields.number("amount")
	switch {
	case !ok:
		return qpHonest(c, qpInvalid("amount", "is invalid"))
	case p.state == qpPending:
		return qpHonest(c, q.busy(kind))
	case !allowed:
		return qpHonest(c, q.wrongState(kind))
	case amount > most:
		return qpHonest(c, qpInvalid("amount", "must be less than or equal to "+strconv.FormatInt(most, 10)))
	}
	return q.operate(c, w, q.begin(p, kind, amount, w.callback))
}

// cancel releases a whole hold. What is left of one after a capture cannot be cancelled (not documented).
func (q *quickpay) cancel(c *call, w *qpWish) reply { return q.onHold(c, w, qpCancel) }

// renew makes a hold live as long again.
func (q *quickpay) renew(c *call, w *qpWish) reply { return q.onHold(c, w, qpRenew) }

func (q *quickpay) onHold(c *call, w *qpWish, kind string) reply {
	p := w.payment
	switch {
	case p.state == qpPending:
		return qpHonest(c, q.busy(kind))
	case p.lastGood() != qpAuthorize:
		return qpHonest(c, q.wrongState(kind))
	}
	return q.operate(c, w, q.begin(p, kind, p.o.Authorized, w.callback))
}

// getOperation is one operation of a payment.
func (q *quickpay) getOperation(c *call, w *qpWish) reply {
	p := w.payment
	if w.n < 1 || w.n > int64(len(p.operations)) {
		return qpHonest(c, qpNoSuch("Operation", strconv.FormatInt(w.n, 10)))
	}
	v := q.viewOperation(p.operations[w.n-1])
	switch c.twist {
	case FaultUnknownStatus:
		v.StatusCode = q.statusCode(cmp.Or(c.code, qpNobodyKnows))
	case FaultWrongAmount:
		v.Amount = qpMore(v.Amount)
	case FaultWrongReference:
		v.ID++
	default:
		c.twist = ""
	}
	return qpJSON(http.StatusOK, v)
}

// settleByHand is the merchant's people in the manager.
func (q *quickpay) settleByHand(o *Object) {
	p := q.payment(qpID(o.ID))
	if p == nil || p.state == qpPending {
		return
	}
	switch {
	case p.balance() > 0:
		q.manage(p, qpRefund, p.balance())
	case p.held() > 0 && p.o.Captured == 0:
		q.manage(p, qpCancel, p.o.Authorized)
	case o.Phase == Live:
		p.window = nil
		q.takeDown(p)
	}
}

func (q *quickpay) manage(p *qpPayment, kind string, amount int64) {
	op := q.begin(p, kind, amount, "")
	op.forced, op.note = qpApproved, byHand
	q.finish(p, op)
}
