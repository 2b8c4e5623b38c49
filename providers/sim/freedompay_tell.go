package sim

import (
	"cmp"
	"time"
)

const (
	fpSystem     = "EPAYWEBKZT"
	fpOvertake   = time.Second      // between a refund callback and the result that it has overtaken
	fpHeldResult = 10 * time.Minute // how long a result waits to be overtaken
)

// basics are what every callback but capture begins with.
func (f *freedompay) basics(p *fpPayment, minor int64) fpMessage {
	m := fpMessage{}
	m.add("pg_order_id", p.Reference)
	m.add("pg_payment_id", p.ID)
	m.add("pg_amount", f.amount(minor))
	m.add("pg_currency", p.Currency)
	m.add("pg_description", p.description)
	m.add("pg_testing_mode", fpBit(p.testing))
	return m
}

func (f *freedompay) tellSuccess(p *fpPayment) {
	m := f.basics(p, p.Amount)
	m.add("pg_net_amount", f.amount(fpNet(p.Amount)))
	m.add("pg_ps_amount", shortMajor(p.Amount))
	m.add("pg_ps_full_amount", f.amount(p.Amount))
	m.add("pg_ps_currency", p.Currency)
	m.add("pg_payment_system", fpSystem)
	m.add("pg_result", "1")
	m.add("pg_payment_date", fpLocal(p.paid))
	m.add("pg_user_phone", p.phone)
	m.add("pg_need_phone_notification", fpBit(p.phone != ""))
	m.add("pg_user_contact_email", p.email)
	m.add("pg_need_email_notification", fpBit(p.email != ""))
	m.add("pg_captured", fpBit(p.captured()))
	m.add("pg_reference", p.rrn)
	m.add("pg_card_owner", fpUsualOwner)
	m = append(m, p.cardFields().without("pg_card_name")...)
	m.add("pg_auth_code", p.auth)
	m.add("pg_recurring_profile", p.profile)
	d := &fpDispatch{p: p, kind: fpResult, url: p.result, method: p.method, content: append(m, p.own...)}
	switch {
	case f.sw.WrongStatus && p.Style == StyleCharge:
		f.b.after(wrongStatusLater, func() { f.tell(d) })
	case f.sw.ResultAfterRefund:
		p.late = d
		f.b.after(fpHeldResult, func() { f.tellLate(p) })
	default:
		f.tell(d)
	}
}

// tellLate sends the success callback that was held back, once.
func (f *freedompay) tellLate(p *fpPayment) {
	if d := p.late; d != nil {
		p.late = nil
		f.tell(d)
	}
}

func (f *freedompay) tellFailure(p *fpPayment) {
	m := f.basics(p, p.Amount)
	m.add("pg_result", "0")
	m.add("pg_failure_code", p.failure)
	m.add("pg_failure_description", cmp.Or(fpTexts[p.failure], "Платёж не выполнен"))
	f.tell(&fpDispatch{p: p, kind: fpResult, url: p.result, method: p.method, content: append(m, p.own...)})
}

func (f *freedompay) tellIncomplete(p *fpPayment) {
	m := f.basics(p, p.Amount)
	m.add("pg_result", "2")
	f.tell(&fpDispatch{p: p, kind: fpResult, url: p.result, method: p.method, content: append(m, p.own...)})
}

// tellRefund names the refunded sum: no other field of the documented ones could.
func (f *freedompay) tellRefund(p *fpPayment, made *fpReturn) {
	m := f.basics(p, made.amount).without("pg_description", "pg_testing_mode")
	m.add("pg_net_amount", f.amount(fpNet(made.amount)))
	m.add("pg_ps_full_amount", f.amount(made.amount))
	m.add("pg_ps_currency", p.Currency)
	m.add("pg_payment_system", fpSystem)
	m.add("pg_refund_date", fpLocal(made.at))
	m.add("pg_refund_type", "refund")
	m.add("pg_refund_system", fpSystem)
	m.add("pg_refund_id", made.id)
	f.tell(&fpDispatch{p: p, kind: fpRefund, url: p.refund, method: p.method, content: append(m, p.own...)})
	if p.late != nil {
		f.b.after(noticeDelay+fpOvertake, func() { f.tellLate(p) })
	}
}

func (f *freedompay) tellCapture(p *fpPayment) {
	m := fpMessage{}
	m.add("pg_order_id", p.Reference)
	m.add("pg_payment_id", p.ID)
	f.tell(&fpDispatch{p: p, kind: fpCapture, url: p.capture, method: p.method, content: m})
}
