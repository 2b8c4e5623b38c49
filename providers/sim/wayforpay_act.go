package sim

import (
	"fmt"
	"net/http"
	"time"
)

// read sorts a request by operation. A REFUND of a hold is a void, although it looks the same on the wire.
func (w *wayforpay) read(r *http.Request, body []byte) *call {
	q := w.parse(r, body)
	c := &call{op: OpProbe, wants: q, account: q.text("merchantAccount"), reference: q.text("orderReference"), currency: q.text("currency")}
	c.amount, _ = parseMinor(q.text("amount")) // act refuses what this cannot read
	once := ""
	switch q.kind {
	case wfpInvoice, wfpPurchase:
		c.op, c.money, c.create, c.inert = OpCreate, true, true, true
		once = "order/" + c.reference
	case wfpCharge:
		c.op, c.money, c.create = OpCharge, true, true
		once = "order/" + c.reference // one orderReference names one order, however it was begun
	case wfpComplete:
		c.op, c.money = OpCharge, true
		if ord := q.order; ord != nil {
			c.account, c.reference, c.amount, c.currency = ord.Account, ord.Reference, ord.Amount, ord.Currency
		}
		once = "complete/" + c.reference
	case wfpStatus:
		c.op = OpStatus
	case wfpRemove:
		c.op = OpVoid
	case wfpSettle:
		c.op, c.money = OpCapture, true
		once = "settle/" + c.reference + "/" + q.text("amount")
	case wfpRefund:
		c.op, c.money = OpRefund, true
		if ord := w.orders[c.reference]; ord != nil && ord.Phase == Held {
			c.op = OpVoid
		}
		// There is no refund id; the comment is the only place where a merchant can tell two refunds apart (notes, 4.6).
		once = "refund/" + c.reference + "/" + q.text("amount") + "/" + q.text("comment")
	case wfpList:
		c.op = OpList
	case wfpBrowser:
		c.op, c.reference = OpTest, q.order.Reference
	}
	if c.reference != "" {
		c.once = once
		if c.create {
			c.unique = c.reference
		}
	}
	return c
}

// wfpWants is what read understood.
func wfpWants(c *call) *wfpRequest {
	q, _ := c.wants.(*wfpRequest)
	return q
}

func (w *wayforpay) act(c *call) reply {
	q := wfpWants(c)
	switch q.kind {
	case wfpNowhere:
		c.twist = ""
		return wfpHTML(http.StatusNotFound, "Not found", "")
	case wfpBrowser:
		return w.browse(c, q)
	}
	if no := w.check(q); no.code != 0 {
		return w.plain(c, no, nil)
	}
	switch q.kind {
	case wfpInvoice, wfpPurchase:
		return w.offer(c, q)
	case wfpCharge:
		return w.charge(c, q)
	case wfpComplete:
		return w.complete(c, q)
	case wfpStatus:
		return w.status(c)
	case wfpRemove:
		return w.remove(c)
	case wfpSettle:
		return w.settle(c, q)
	case wfpRefund:
		return w.refund(c, q)
	default: // check lets nothing else through
		return w.list(c, q)
	}
}

// offer makes an invoice or the page of a hosted form: no money moves.
func (w *wayforpay) offer(c *call, q *wfpRequest) reply {
	ord, no := w.draft(q)
	if no.code == 0 && w.orders[c.reference] != nil {
		no = wfpRefusal{code: wfpDuplicate}
	}
	if no.code != 0 {
		return w.plain(c, no, nil)
	}
	life, ok := q.life("orderTimeout", wfpLinkLife)
	if !ok {
		return w.plain(c, wfpRefusal{wfpFormat, "orderTimeout"}, nil)
	}
	id := "i" + w.b.digits(12)
	w.open(c, ord, &Object{ID: id, Style: StyleOffer, Status: wfpCreated, LiveUntil: time.Now().Add(life)})
	ord.code, ord.link = wfpProcessing, w.address(c.r, "/page?vkh="+id)
	if q.kind == wfpInvoice {
		ord.link = w.address(c.r, "/invoice/"+id)
	}
	w.b.after(life, func() { w.expire(ord) })
	if q.kind == wfpInvoice {
		return w.plain(c, wfpRefusal{code: wfpOK}, wfpAnswer{
			"invoiceUrl": ord.link,
			"qrCode":     w.address(c.r, "/qr/?code="+id),
		})
	}
	c.twist = "" // a page says nothing that a server reads
	if c.r.URL.Query().Get("behavior") == "offline" {
		return wfpJSON(wfpAnswer{"url": ord.link})
	}
	return w.page(ord)
}

// charge takes money from a saved card inside the call.
func (w *wayforpay) charge(c *call, q *wfpRequest) reply {
	ord, no := w.draft(q)
	card := w.cards[q.text("recToken")]
	secure := q.text("merchantTransactionSecureType")
	switch {
	case no.code != 0:
	case secure != "" && secure != "AUTO" && secure != "3DS" && secure != "NON3DS":
		no = wfpRefusal{wfpFormat, "merchantTransactionSecureType"}
	case q.text("recToken") == "" && q.text("card") != "":
		no = wfpRefusal{wfpNotAllowed, "card data"} // needs a PCI DSS contract
	case q.text("recToken") == "":
		no = wfpRefusal{wfpMissing, "recToken"}
	case w.orders[c.reference] != nil:
		return w.verdict(c, q, wfpDeclined, wfpDuplicate)
	case card == nil:
		no = wfpRefusal{code: wfpNoToken}
	}
	if no.code != 0 {
		return w.plain(c, no, nil)
	}
	w.open(c, ord, &Object{ID: "c" + w.b.digits(12), Style: StyleCharge, Status: wfpInProcessing})
	w.begin(ord, card)
	if !w.sw.ThreeDS && secure != "3DS" {
		w.decide(ord)
		return w.signed(c, w.payment(ord), wfpEight)
	}
	ord.ticket, ord.md = w.b.guid(), w.b.digits(16)
	ord.LiveUntil = time.Now().Add(wfpSession)
	w.move(ord, wfpInProcessing, wfpWaits3DS, Live)
	w.session(ord)
	a := w.payment(ord)
	a["authTicket"], a["d3Md"], a["d3Pareq"] = ord.ticket, ord.md, w.b.digits(24)
	a["d3AcsUrl"], a["returnUrl"] = w.address(c.r, "/acs"), ord.returnURL
	return w.signed(c, a, wfpEight)
}

// complete is COMPLETE_3DS: whoever holds ticket and md has been at the bank, so any PaRes is a payer who agreed.
// A payer who did not agree has ended the attempt before (ActDecline).
func (w *wayforpay) complete(c *call, q *wfpRequest) reply {
	ord := q.order
	switch {
	case ord == nil:
		return w.plain(c, wfpRefusal{code: wfpNotFound}, nil)
	case q.text("d3ds_md") != ord.md:
		return w.plain(c, wfpRefusal{wfpFormat, "d3ds_md"}, nil)
	case ord.Status != wfpInProcessing:
		return w.plain(c, wfpRefusal{code: wfpIllegalState}, nil)
	}
	w.decide(ord)
	return w.signed(c, w.payment(ord), wfpEight)
}

// status is CHECK_STATUS: what is known of the payment, or the trap of 4.4, Declined with 1127.
func (w *wayforpay) status(c *call) reply {
	ord := w.orders[c.reference]
	if ord == nil || ord.Status == wfpRemoved {
		return w.signed(c, w.unknown(c.reference), wfpEight)
	}
	a := w.payment(ord)
	if ord.Status == wfpCreated && w.sw.UnpaidInvoiceIs1127 {
		w.say(a, wfpDeclined, wfpNotFound)
	}
	for _, field := range []string{"recToken", "email", "phone", "merchantTransactionType"} {
		delete(a, field) // documented for CHARGE and the callback only
	}
	a["refundAmount"] = w.amount(w.withoutLate(ord, a))
	if w.sw.NoRefundAmount {
		delete(a, "refundAmount")
	}
	if ord.Captured > 0 {
		a["settlementDate"], a["settlementAmount"] = w.date(wfpSettled(ord.processed)), w.amount(ord.Captured-wfpFee(ord.Captured))
	}
	return w.signed(c, a, wfpEight)
}

// takeDown ends an offer that nobody is paying at this moment.
func (w *wayforpay) takeDown(ord *wfpOrder) {
	switch ord.Status {
	case wfpCreated:
		ord.Status, ord.Phase = wfpRemoved, Dead
	case wfpDeclined, wfpExpired:
		ord.Phase = Dead
	}
	ord.removed = true
}

// remove is REMOVE_INVOICE. An attempt that is under way is not stopped: the payer stands before the bank already, which is
// why a merchant must still ask CHECK_STATUS afterwards (notes, section 5).
func (w *wayforpay) remove(c *call) reply {
	ord := w.orders[c.reference]
	if ord == nil || ord.kind != wfpInvoice || ord.removed {
		return w.plain(c, wfpRefusal{code: wfpNotFound}, nil)
	}
	switch ord.Status {
	case wfpCreated, wfpDeclined, wfpExpired, wfpInProcessing, wfpPending:
	default: // paid
		return w.plain(c, wfpRefusal{code: wfpIllegalState}, nil)
	}
	w.takeDown(ord)
	a := wfpAnswer{"reason": "Removed", "reasonCode": w.number(fmt.Sprint(wfpOK))}
	w.spoilCode(c, a)
	return wfpJSON(a)
}
