package sim

import (
	"cmp"
	"time"
)

func (f *freedompay) readStatus(c *call, q *fpRequest) {
	if q.p != nil {
		c.reference = q.p.Reference
	}
}

// notFound is the answer about a payment that does not exist, or not yet.
func (f *freedompay) notFound(q *fpRequest) fpMessage {
	if f.sw.ZeroID && q.route.op == OpStatus {
		return fpFine(fpLeaf("pg_payment_id", "0"))
	}
	if f.sw.LegacyNotFound {
		return fpSorry(fpNotFoundOld)
	}
	return fpSorry(fpNotFound)
}

// seen is what a status call may know: not a payment that is too new, and not yet what has just changed. A nil payment comes with
// the answer that says why.
func (f *freedompay) seen(q *fpRequest) (*fpPayment, fpMessage) {
	switch {
	case q.m.text("pg_payment_id") == "" && q.m.text("pg_order_id") == "":
		return nil, fpSorry(fpMissing)
	case q.p == nil, time.Since(q.p.Created) < time.Duration(f.sw.HiddenFor):
		return nil, f.notFound(q)
	case time.Now().Before(q.p.fresh):
		return q.p, q.p.before
	}
	return q.p, f.view(q.p)
}

// status is get_status3 and g2g/status_v2.
func (f *freedompay) status(_ *call, q *fpRequest) fpMessage {
	p, m := f.seen(q)
	if p == nil {
		return m
	}
	return fpFine(m...)
}

// legacyStatus is get_status and get_status2: the state in pg_transaction_status, with fewer words when asked by number.
func (f *freedompay) legacyStatus(_ *call, q *fpRequest) fpMessage {
	p, m := f.seen(q)
	if p == nil {
		return m
	}
	word, byID := m.text("pg_payment_status"), q.m.text("pg_payment_id") != ""
	switch {
	case word == fpNew && !byID:
		word = "partial"
	case word == fpProcess && !byID:
		word = "pending"
	case word == fpProcess:
		word = "new"
	case word == fpSuccess:
		word = "ok"
	case word == fpError:
		word = "failed"
	case word == fpRefunded && byID:
		word = "revoked"
	}
	m = m.without("pg_payment_status")
	m.set("pg_transaction_status", word)
	return fpFine(m...)
}

// view is everything that Freedom Pay says about a payment.
func (f *freedompay) view(p *fpPayment) fpMessage {
	m := fpMessage{fpLeaf("pg_payment_id", p.ID)}
	m.add("pg_order_id", p.Reference)
	m.add("pg_can_reject", fpBit(p.rejectable))
	m.add("pg_payment_method", "bankcard")
	m.add("pg_amount", f.amount(p.Amount))
	m.add("pg_currency", p.Currency)
	m.add("pg_payment_status", cmp.Or(f.sw.StatusWord, p.Status))
	if p.Authorized > 0 {
		m.add("pg_clearing_amount", f.amount(p.Captured))
		m.add("pg_net_amount", f.amount(fpNet(p.Amount)))
	}
	if p.Refunded > 0 {
		m.add("pg_refund_amount", f.amount(-p.Refunded))
	}
	if p.revoked != nil {
		m.add("pg_revoke_amount", f.amount(p.revoked.amount))
	}
	if p.card != nil {
		m.add("pg_captured", fpBit(p.captured()))
		m = append(m, p.cardFields()...)
	}
	m.add("pg_reference", p.rrn)
	m.add("pg_intreference", p.internal)
	m.add("pg_auth_code", p.auth)
	m.add("pg_create_date", fpLocal(p.Created))
	if !p.paid.IsZero() {
		m.add("pg_payment_date", fpLocal(p.paid))
		m.add("pg_datetime", p.paid.UTC().Format("2006-01-02T15:04:05-07:00"))
	}
	if p.failure != "" {
		m.add("pg_failure_code", p.failure)
		m.add("pg_failure_description", fpTexts[p.failure])
		m.add("pg_error_code", p.failure)
		m.add("pg_error_description", fpTexts[p.failure])
	}
	if len(p.refunds) > 0 {
		rows := fpMessage{}
		for _, made := range p.refunds {
			rows = append(rows, fpField{name: "pg_refund_payment", inner: f.returned(made)})
		}
		m = append(m, fpField{name: "pg_refund_payments", inner: rows})
	}
	if p.revoked != nil {
		row := fpField{name: "pg_revoked_payment", inner: f.returned(p.revoked)}
		m = append(m, fpField{name: "pg_revoked_payments", inner: fpMessage{row}})
	}
	return m
}

// returned is one row of what went back.
func (f *freedompay) returned(made *fpReturn) fpMessage {
	status := fpProcess
	if made.done {
		status = fpSuccess
	}
	return fpMessage{
		fpLeaf("pg_payment_id", made.id), fpLeaf("pg_payment_status", status), fpLeaf("pg_amount", f.amount(-made.amount)),
		fpLeaf("pg_payment_date", fpLocal(made.at)), fpLeaf("pg_reference", made.rrn),
	}
}

// cardFields are the presented card, masked.
func (p *fpPayment) cardFields() fpMessage {
	m := fpMessage{}
	m.add("pg_card_name", fpUsualOwner)
	m.add("pg_card_pan", p.card.pan)
	m.add("pg_card_exp", fpUsualExp)
	m.add("pg_card_brand", p.card.brand)
	m.add("pg_card_token", p.card.token)
	return m
}

func fpBit(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

// fpNet is an amount after the gateway's fee of 2.9 %, as in the examples of the notes.
func fpNet(minor int64) int64 { return minor - (minor*29+500)/1000 }
