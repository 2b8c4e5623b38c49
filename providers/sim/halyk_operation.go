package sim

import (
	"slices"
	"time"
)

const halykRefundMin = 10_00 // tenge, as published

// halykAsked is the amount that an operation names in its query or body; zero is none, and means all.
type halykAsked struct {
	amount int64
	wrong  string // why it cannot be read
}

// asked reads ?amount= and, for a charge, {"amount":}, which must not contradict each other.
func (w *halykWish) asked(body bool) halykAsked {
	var a halykAsked
	if text := w.query.Get("amount"); w.query.Has("amount") {
		minor, err := parseMinor(text)
		if err != nil || minor <= 0 {
			return halykAsked{wrong: "amount is not an amount"}
		}
		a.amount = minor
	}
	if _, given := w.fields["amount"]; given && body {
		minor := halykAmount(w.fields, "amount")
		switch {
		case minor <= 0:
			return halykAsked{wrong: "amount is not an amount"}
		case a.amount != 0 && a.amount != minor:
			return halykAsked{wrong: "the two amounts differ"}
		}
		a.amount = minor
	}
	return a
}

func (h *halyk) readCapture(c *call, w *halykWish) {
	h.readOperation(c, w)
	if p := h.operand(w); p != nil {
		c.money, c.once, c.amount = true, "charge\x00"+p.o.ID, p.o.Authorized
		if a := w.asked(true); a.amount > 0 {
			c.amount = a.amount
		}
	}
}

func (h *halyk) readCancel(c *call, w *halykWish) {
	h.readOperation(c, w)
	if p := h.operand(w); p != nil {
		c.once, c.amount = "cancel\x00"+p.o.ID, p.o.Authorized
	}
}

// readRefund makes a refund unrepeatable by its externalID only: two refunds without one may be meant.
func (h *halyk) readRefund(c *call, w *halykWish) {
	h.readOperation(c, w)
	p := h.operand(w)
	if p == nil {
		return
	}
	c.money, c.amount = true, p.payout()
	if a := w.asked(false); a.amount > 0 {
		c.amount = a.amount
	}
	if external := w.query.Get("externalID"); external != "" {
		c.once = "refund\x00" + p.o.ID + "\x00" + external
	}
}

// operand is the transaction that an operation names; nil when the client has none such.
func (h *halyk) operand(w *halykWish) *halykPayment {
	if w.grant == nil {
		return nil
	}
	return h.transaction(w.id, w.grant.client)
}

// operate checks what the operations have in common. Every wrong state is answered with code 100.
func (h *halyk) operate(c *call, p *halykPayment, want Phase, a halykAsked, limit int64) (reply, bool) {
	switch {
	case p == nil:
		return halykSorry(c, halykTechnical, "transaction not found"), false
	case p.o.Phase != want:
		return halykSorry(c, halykTechnical, "transaction is "+p.status), false
	case a.wrong != "":
		return halykSorry(c, halykFormat, a.wrong), false
	case a.amount > limit:
		return halykSorry(c, halykFormat, "amount is more than there is"), false
	}
	return reply{}, true
}

// capture takes a hold, or a part of it, and lets go of the rest.
func (h *halyk) capture(c *call, w *halykWish) reply {
	p, a := h.operand(w), w.asked(true)
	if p != nil && a.amount == 0 {
		a.amount = p.o.Authorized
	}
	if no, ok := h.operate(c, p, Held, a, h.holdOf(p)); !ok {
		return no
	}
	h.b.book(p.o, KindCapture, "", a.amount, "")
	if rest := p.o.Authorized - a.amount; rest > 0 {
		h.b.book(p.o, KindVoid, "", rest, "rest of a partial capture")
	}
	h.become(p, halykCharge, Charged)
	p.qr = halykQRPaid
	return h.operated(c, p, a.amount, "")
}

func (h *halyk) holdOf(p *halykPayment) int64 {
	if p == nil {
		return 0
	}
	return p.o.Authorized
}

func (h *halyk) cancel(c *call, w *halykWish) reply {
	p := h.operand(w)
	if no, ok := h.operate(c, p, Held, halykAsked{}, 0); !ok {
		return no
	}
	h.release(p, halykCancel)
	return h.operated(c, p, p.o.Authorized, "")
}

func (h *halyk) refund(c *call, w *halykWish) reply {
	p, a, external := h.operand(w), w.asked(false), w.query.Get("externalID")
	var rest int64
	if p != nil {
		rest = p.payout()
	}
	if no, ok := h.operate(c, p, Charged, a, rest); !ok {
		return no
	}
	switch {
	case rest == 0:
		return halykSorry(c, halykTechnical, "transaction is "+p.status)
	case a.amount != 0 && a.amount < halykRefundMin:
		return halykSorry(c, halykFormat, "the smallest refund is 10 tenge")
	case h.opt.RefuseExternalID && external != "" &&
		slices.ContainsFunc(p.refunds, func(r halykReturn) bool { return r.externalID == external }):
		return halykSorry(c, halykTechnical, "externalID already used")
	}
	if a.amount == 0 {
		a.amount = rest
	}
	made := halykReturn{id: h.b.guid(), externalID: external, amount: a.amount, at: time.Now()}
	p.refunds = append(p.refunds, made)
	h.rows = append(h.rows, &halykRow{at: made.at, p: p, back: &made})
	h.b.book(p.o, KindRefund, made.id, made.amount, external)
	if p.payout() == 0 || h.opt.RefundAtFirstPartial {
		h.become(p, halykRefund, Charged)
	}
	return h.operated(c, p, made.amount, external)
}

// operated answers an operation that was done, and tells the merchant's other ear about it if the options say so.
func (h *halyk) operated(c *call, p *halykPayment, amount int64, external string) reply {
	if h.opt.OperationNotices {
		h.tell(p, true, amount)
	}
	if external == "" {
		halykTwists(c, FaultUnknownStatus)
		return halykDone(c, "")
	}
	halykTwists(c, FaultUnknownStatus, FaultWrongReference)
	if c.twist == FaultWrongReference {
		external = h.b.digits(12)
	}
	return halykDone(c, external)
}
