package sim

import "time"

// settle is SETTLE, the one capture of a hold; what it does not take is released.
func (w *wayforpay) settle(c *call, q *wfpRequest) reply {
	ord := w.orders[c.reference]
	minor, err := parseMinor(q.text("amount"))
	switch {
	case ord == nil:
		return w.verdict(c, q, wfpDeclined, wfpNotFound)
	case err != nil || minor <= 0:
		return w.plain(c, wfpRefusal{code: wfpBadAmount}, nil)
	case q.text("currency") != ord.Currency:
		return w.plain(c, wfpRefusal{code: wfpBadCurrency}, nil)
	case ord.Phase != Held:
		return w.verdict(c, q, wfpDeclined, wfpIllegalState)
	case minor > ord.Authorized:
		return w.plain(c, wfpRefusal{code: wfpBadSettle}, nil)
	}
	w.b.book(ord.Object, KindCapture, "", minor, "")
	if rest := ord.Authorized - minor; rest > 0 {
		w.b.book(ord.Object, KindVoid, "", rest, "not captured")
	}
	w.row(ord, wfpSettle, minor, wfpApproved, wfpOK)
	w.move(ord, wfpApproved, wfpOK, Charged)
	return w.verdict(c, q, wfpApproved, wfpOK)
}

// refund is REFUND: it releases a hold or gives money back. Nothing protects it against repetition (notes, 4.6).
func (w *wayforpay) refund(c *call, q *wfpRequest) reply {
	ord := w.orders[c.reference]
	minor, err := parseMinor(q.text("amount"))
	switch {
	case ord == nil:
		return w.verdict(c, q, wfpDeclined, wfpNotFound)
	case err != nil || minor <= 0:
		return w.plain(c, wfpRefusal{code: wfpBadAmount}, nil)
	case q.text("currency") != ord.Currency:
		return w.plain(c, wfpRefusal{code: wfpBadCurrency}, nil)
	}
	switch {
	case ord.Phase == Held && minor < ord.Authorized:
		return w.verdict(c, q, wfpDeclined, wfpNoPartialVoid)
	case ord.Phase == Held && minor > ord.Authorized:
		return w.verdict(c, q, wfpDeclined, wfpRefundLimit)
	case ord.Phase == Held:
		w.release(ord, q.text("comment"))
		return w.verdict(c, q, wfpVoided, wfpOK)
	case ord.Phase != Charged:
		return w.verdict(c, q, wfpDeclined, wfpIllegalState)
	case minor > ord.Captured-ord.Refunded-ord.refunding:
		return w.verdict(c, q, wfpDeclined, wfpRefundLimit)
	}
	row := w.row(ord, wfpRefund, minor, wfpRefunding, wfpRefundWaits)
	ord.refunding += minor
	if w.sw.RefundsTake == 0 {
		w.refunded(ord, row, q.text("comment"))
		return w.verdict(c, q, wfpRefunded, wfpOK)
	}
	w.move(ord, wfpRefunding, wfpRefundWaits, Charged)
	w.b.after(time.Duration(w.sw.RefundsTake), func() { w.refunded(ord, row, q.text("comment")) })
	return w.verdict(c, q, wfpRefunding, wfpRefundWaits)
}

// refunded pays an accepted refund out. The order is Refunded, fully or partly, once no other refund waits.
func (w *wayforpay) refunded(ord *wfpOrder, row *wfpRow, note string) {
	ord.refunding -= row.amount
	w.b.book(ord.Object, KindRefund, "r"+w.b.digits(12), row.amount, note)
	row.status, row.code, row.processed = wfpRefunded, wfpOK, time.Now()
	if ord.refunding == 0 {
		w.move(ord, wfpRefunded, wfpOK, Charged)
	}
}

// withoutLate takes back from a status what RefundsShowAfter hides yet, and returns the sum that it shows as given back.
func (w *wayforpay) withoutLate(ord *wfpOrder, a wfpAnswer) int64 {
	shown, late, waits := ord.Refunded, false, false
	for _, row := range w.rows {
		switch {
		case row.order != ord || row.kind != wfpRefund || row.status == wfpVoided:
		case time.Since(row.created) >= time.Duration(w.sw.RefundsShowAfter):
			waits = waits || row.status == wfpRefunding
		default:
			late = true
			if row.status == wfpRefunded {
				shown -= row.amount
			}
		}
	}
	switch {
	case !late:
	case waits:
		w.say(a, wfpRefunding, wfpRefundWaits)
	case shown > 0:
		w.say(a, wfpRefunded, wfpOK)
	default:
		w.say(a, wfpApproved, wfpOK)
	}
	return shown
}

// wfpFee is the merchant's fee: 2 %, as in the examples of the notes.
func wfpFee(minor int64) int64 { return (minor*2 + 50) / 100 }

// wfpSettled is when a payment reaches the merchant's account: the next midnight, in UTC.
func wfpSettled(processed time.Time) time.Time {
	return processed.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
}
