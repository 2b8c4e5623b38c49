package sim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"
)

// The labels of a refund (notes, 4.5).
const (
	robokassaProcessing = "processing"
	robokassaFinished   = "finished"
	robokassaNoRefund   = "canceled"
)

// Why a refund is refused. The first is documented; the others are ours.
const (
	robokassaNoFunds     = "NotEnoughOperationFunds"
	robokassaNoOperation = "OperationNotFound"
	robokassaNotPaid     = "OperationIsNotPaid"
	robokassaTooMuch     = "RefundSumIsInvalid"
)

const robokassaNoRequest = "Id is invalid or request id does not exist"

// robokassaRefund is one request for a refund.
type robokassaRefund struct {
	id      string
	payment *robokassaPayment
	amount  int64
	label   string
}

// readRefund reads Refund/Create, whose token names a payment by its OpKey and carries no number of ours.
func (r *robokassa) readRefund(c *call, w *robokassaWish) {
	c.currency, c.money = r.opt.Currency, true
	if w.payment = r.byKey(w.token.text("OpKey")); w.payment != nil {
		c.reference = w.payment.Reference
		c.amount = w.payment.Captured - w.payment.Refunded - w.payment.refunding
	}
	if w.token.has("RefundSum") {
		c.amount, _ = robokassaMinor(w.token.text("RefundSum")) // refund refuses what this cannot read
	}
}

// refund accepts a refund or refuses it. Nothing protects it against repetition.
func (r *robokassa) refund(c *call, w *robokassaWish) reply {
	p := w.payment
	robokassaTwists(c) // a new id is all the answer has, and nobody could tell it from another
	wanted := "application/jwt"
	if !w.raw {
		wanted = "application/json"
	}
	switch {
	case w.token == nil, w.raw && r.sw.RefundBody == "json", !w.raw && r.sw.RefundBody == "jwt":
		return robokassaText(http.StatusBadRequest, "The token is missing or malformed")
	case robokassaMedia(c) != wanted:
		return robokassaText(http.StatusUnsupportedMediaType, "Unsupported Media Type")
	case !w.token.signedBy(r.opt.Password3, robokassaRefundAlgs):
		return robokassaText(http.StatusUnauthorized, "The token is not signed with password 3")
	case p == nil || p.test:
		return robokassaRefused(robokassaNoOperation, 0)
	case p.Phase != Charged:
		return robokassaRefused(robokassaNotPaid, 0)
	case c.amount <= 0 || c.amount > p.Captured-p.Refunded-p.refunding:
		return robokassaRefused(robokassaTooMuch, 0)
	case r.sw.NoFunds:
		return robokassaRefused(robokassaNoFunds, 0)
	}
	back := r.refundOf(p, c.amount)
	if takes := time.Duration(r.sw.RefundsTake); takes > 0 {
		r.b.after(takes, func() { r.giveBack(back, "") })
	} else {
		r.giveBack(back, "")
	}
	return robokassaJSON(0, map[string]any{"success": true, "message": nil, "requestId": back.id})
}

// refundOf begins a refund.
func (r *robokassa) refundOf(p *robokassaPayment, minor int64) *robokassaRefund {
	back := &robokassaRefund{id: r.b.guid(), payment: p, amount: minor, label: robokassaProcessing}
	p.refunding += minor
	r.refunds = append(r.refunds, back)
	return back
}

// giveBack ends a refund: with money, unless the switch says otherwise. What the merchant's people do is not switched.
func (r *robokassa) giveBack(back *robokassaRefund, note string) {
	p := back.payment
	p.refunding -= back.amount
	if r.sw.RefundsCancelled && note != byHand {
		back.label = robokassaNoRefund
		return
	}
	back.label = robokassaFinished
	r.b.book(p.Object, KindRefund, back.id, back.amount, note)
	if p.Refunded == p.Captured || r.sw.PartialRefundIs60 {
		r.move(p, robokassaReturned, Charged)
	}
}

func robokassaRefused(message string, status int) reply {
	rep := robokassaJSON(status, map[string]any{"success": false, "message": message, "requestId": nil})
	rep.unprocessed = message == robokassaNoFunds // it may be tried again once the shop has turnover
	return rep
}

func (r *robokassa) refuseRefund(_ *call, kind FaultKind, code string, status int) reply {
	switch kind {
	case FaultUnauthorized:
		return robokassaText(cmp.Or(status, http.StatusUnauthorized), "The token is not signed with password 3")
	case FaultNotFound:
		code = robokassaNoOperation
	}
	return robokassaRefused(code, status)
}

// readRefundState reads GetState, which needs no credentials.
func (r *robokassa) readRefundState(c *call, w *robokassaWish) {
	if back := r.refundBy(w.form.Get("id")); back != nil {
		w.payment = back.payment
		c.reference = back.payment.Reference
	}
}

func (r *robokassa) refundBy(id string) *robokassaRefund {
	for _, back := range r.refunds {
		if back.id == id {
			return back
		}
	}
	return nil
}

func (r *robokassa) showRefund(c *call, w *robokassaWish) reply {
	back := r.refundBy(w.form.Get("id"))
	if back == nil {
		robokassaTwists(c)
		return robokassaJSON(0, map[string]any{"message": robokassaNoRequest})
	}
	robokassaTwists(c, FaultWrongAmount, FaultWrongReference, FaultUnknownStatus)
	id, label := back.id, back.label
	switch c.twist {
	case FaultWrongReference:
		id = r.b.guid()
	case FaultUnknownStatus:
		label = cmp.Or(c.code, "postponed")
	}
	return robokassaJSON(0, map[string]any{
		"requestId": id, "amount": json.Number(major(robokassaTold(c, back.amount))), "label": label,
	})
}

func (r *robokassa) refuseRefundState(_ *call, kind FaultKind, code string, status int) reply {
	switch kind {
	case FaultUnauthorized:
		return robokassaText(cmp.Or(status, http.StatusUnauthorized), "Unauthorized")
	case FaultNotFound:
		code = robokassaNoRequest
	}
	return robokassaJSON(status, map[string]any{"message": code})
}
