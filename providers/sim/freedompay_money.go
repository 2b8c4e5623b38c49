package sim

import (
	"cmp"
	"strings"
	"time"
)

// sum reads how much a call is about: the Merchant API's own field, or pg_amount of its /g2g twin. Absent is everything.
func (q *fpRequest) sum(name string, everything int64) (int64, bool) {
	if strings.HasPrefix(q.route.path, "/g2g/") {
		name = "pg_amount"
	}
	text := q.m.text(name)
	if text == "" {
		return everything, true
	}
	minor, err := parseMinor(text)
	return minor, err == nil && minor >= 0
}

// missing says why a call on a payment cannot even be looked into.
func (f *freedompay) missing(q *fpRequest) string {
	switch {
	case q.m.text("pg_payment_id") == "":
		return fpMissing
	case q.p == nil:
		return f.notFound(q).text("pg_error_code")
	}
	return ""
}

func (f *freedompay) readCapture(c *call, q *fpRequest) {
	c.money = true
	if q.about(c); q.p != nil {
		c.amount, _ = q.sum("pg_clearing_amount", q.p.Authorized)
		c.once = "capture/" + q.p.ID
	}
}

// capture is do_capture and g2g/clearing: the one capture of a hold.
func (f *freedompay) capture(_ *call, q *fpRequest) fpMessage {
	p, no := q.p, f.missing(q)
	if no != "" {
		return fpSorry(no)
	}
	minor, ok := q.sum("pg_clearing_amount", p.Authorized)
	switch {
	case p.captured():
		no = fpCleared
	case p.Status == fpRevoked:
		no = fpCancelled
	case p.Phase != Held:
		no = fpNotHeld
	case !ok || minor == 0:
		no = fpBadParameter
	case minor > p.Authorized:
		no = fpIncorrect
	}
	if no != "" {
		return fpSorry(no)
	}
	f.clear(p, minor, "")
	if q.script == "clearing" {
		return fpFine(fpLeaf("pg_status_clearing", "1"), fpLeaf("pg_clearing_amount", f.amount(p.Captured)))
	}
	return fpFine(fpLeaf("pg_amount", f.amount(p.Amount)), fpLeaf("pg_clearing_amount", f.amount(p.Captured)))
}

func (f *freedompay) readCancel(c *call, q *fpRequest) {
	c.money = true
	if q.about(c); q.p != nil && q.p.Phase != Live { // a link that was not cancelled may become a hold that is
		c.once = "cancel/" + q.p.ID
	}
}

// cancel releases a hold. Nothing ends an unpaid link: it stays payable (section 4.5).
func (f *freedompay) cancel(_ *call, q *fpRequest) fpMessage {
	p, no := q.p, f.missing(q)
	switch {
	case no != "":
	case p.Status == fpRevoked:
		no = fpCancelled
	case p.captured():
		no = fpCaptured
	case p.Status == fpError || p.Status == fpIncomplete:
		no = fpNotCancelable
	case p.Phase != Held:
		no = fpIncorrect
	}
	if no != "" {
		return fpSorry(no)
	}
	f.release(p, "")
	if strings.HasPrefix(q.route.path, "/g2g/") {
		return fpFine(fpLeaf("pg_revoke_status", "success"), fpLeaf("pg_payment_revoke_id", p.revoked.id))
	}
	return fpFine()
}

func (f *freedompay) readRefund(c *call, q *fpRequest) {
	c.money = true
	if q.about(c); q.p != nil {
		c.amount, _ = q.sum("pg_refund_amount", 0)
		c.amount = cmp.Or(c.amount, q.p.left())
		// Only a key tells two refunds of one sum apart; without one a repeat shows in the ledger alone.
		if key := q.m.text("pg_idempotency_key"); key != "" {
			c.once = "refund/" + key
		}
	}
}

// refund is revoke and g2g/refund. Nothing but the key protects revoke against repetition, and nothing at all its twin.
func (f *freedompay) refund(_ *call, q *fpRequest) fpMessage {
	p, no := q.p, f.missing(q)
	if no != "" {
		return fpSorry(no)
	}
	minor, ok := q.sum("pg_refund_amount", 0)
	if minor == 0 { // absent or 0 is everything
		minor = p.left()
	}
	switch {
	case !ok:
		no = fpBadParameter
	case p.Status == fpRevoked:
		no = fpCancelled
	case !p.captured():
		no = fpNotCaptured
	case time.Since(p.paid) > fpRefundTime:
		no = fpTooOld
	case minor == 0:
		no = fpAllRefunded
	case minor > p.left():
		no = fpTooMuch
	}
	if no != "" {
		return fpSorry(no)
	}
	made := f.giveBack(p, minor, "")
	if q.script != "refund" {
		return fpFine()
	}
	status := "pending"
	if made.done {
		status = "success"
	}
	return fpFine(fpLeaf("pg_refund_status", status), fpLeaf("pg_payment_refund_id", made.id))
}
