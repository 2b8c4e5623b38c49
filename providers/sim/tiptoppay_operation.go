package sim

import "time"

// ttpRefundable is how old a payment may be that is refunded (notes, section 4.7).
func ttpRefundable(paid time.Time) bool { return time.Now().Before(paid.AddDate(1, 0, 0)) }

// test is /test, which greets.
func (t *tiptoppay) test(*call, *ttpRequest) ttpAnswer {
	return ttpAnswer{success: true, message: t.b.guid()}
}

func (t *tiptoppay) readConfirm(c *call, q *ttpRequest) {
	t.readOperation(c, q)
	if tx := t.named(q); tx != nil {
		c.once = ttpKey("confirm", tx, q.text("Amount"))
	}
}

// readRefund tells two refunds of one amount apart by their X-Request-ID, the only place for it.
func (t *tiptoppay) readRefund(c *call, q *ttpRequest) {
	t.readOperation(c, q)
	if tx := t.named(q); tx != nil {
		c.once = ttpKey("refund", tx, q.text("Amount"), q.again)
	}
}

func (t *tiptoppay) readOperation(c *call, q *ttpRequest) {
	c.money = true
	t.readByID(c, q)
	c.amount, _ = q.money("Amount")
}

// wrongState refuses an operation that does not fit. No text is documented, and published samples have one or none: so, in turn.
func (t *tiptoppay) wrongState(text string) ttpAnswer {
	t.refused++
	if t.refused%2 == 0 {
		text = ""
	}
	return ttpAnswer{message: text}
}

// operand is the payment that an operation is about.
func (t *tiptoppay) operand(q *ttpRequest) (*ttpTransaction, ttpAnswer) {
	if q.text("TransactionId") == "" {
		return nil, ttpRefusal("TransactionId is required")
	}
	tx := t.named(q)
	if tx == nil {
		return nil, ttpRefusal(ttpNotFoundText)
	}
	if tx.refundOf != nil {
		return nil, t.wrongState("Transaction is a refund")
	}
	return tx, ttpAnswer{}
}

// confirm is /payments/confirm: it takes a hold, or a part of it, once.
func (t *tiptoppay) confirm(_ *call, q *ttpRequest) ttpAnswer {
	tx, no := t.operand(q)
	if tx == nil {
		return no
	}
	minor, refusal := q.money("Amount")
	switch {
	case refusal != "":
		return ttpRefusal(refusal)
	case tx.status != ttpAuthorized:
		return t.wrongState("Transaction is " + tx.status)
	case minor > tx.amount:
		return t.wrongState("Amount is more than authorized")
	}
	t.capture(tx, minor, "")
	return ttpAnswer{success: true}
}

// void is /payments/void, for holds only.
func (t *tiptoppay) void(_ *call, q *ttpRequest) ttpAnswer {
	tx, no := t.operand(q)
	if tx == nil {
		return no
	}
	if tx.status != ttpAuthorized {
		return t.wrongState("Transaction is " + tx.status)
	}
	t.release(tx, "")
	return ttpAnswer{success: true}
}

// refund is /payments/refund: all of a payment or a part, several times up to what was taken.
func (t *tiptoppay) refund(_ *call, q *ttpRequest) ttpAnswer {
	tx, no := t.operand(q)
	if tx == nil {
		return no
	}
	minor, refusal := q.money("Amount")
	switch {
	case refusal != "":
		return ttpRefusal(refusal)
	case tx.status != ttpCompleted:
		return t.wrongState("Transaction is " + tx.status)
	case minor > tx.sale.Captured-tx.sale.Refunded:
		return t.wrongState("Amount is more than there is")
	case !ttpRefundable(tx.confirmed):
		return t.wrongState("Transaction is older than a year")
	}
	back := t.giveBack(tx, minor, "")
	return ttpAnswer{success: true, model: ttpObject{"TransactionId": back.id}}
}
