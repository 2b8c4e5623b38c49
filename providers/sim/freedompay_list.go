package sim

import "time"

// fpRowName is one payment in get_registry.
const fpRowName = "payment"

// registry is get_registry, our own invention where no list is documented (section 9): the payments of one day of Almaty, by the
// date of payment.
func (f *freedompay) registry(_ *call, q *fpRequest) fpMessage {
	day := q.m.text("pg_date")
	if day == "" {
		return fpSorry(fpMissing)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return fpSorry(fpBadParameter)
	}
	m := fpFine()
	for _, p := range f.payments {
		if p.paid.IsZero() || p.paid.In(fpAlmaty).Format(time.DateOnly) != day {
			continue
		}
		row, all := fpMessage{}, f.view(p)
		for _, name := range []string{
			"pg_payment_id", "pg_order_id", "pg_amount", "pg_currency", "pg_payment_status", "pg_clearing_amount", "pg_refund_amount",
			"pg_net_amount", "pg_payment_date",
		} {
			row.add(name, all.text(name))
		}
		m = append(m, fpField{name: fpRowName, inner: row})
	}
	return m
}

// systems is ps_list: payment systems for an amount, not payments.
func (f *freedompay) systems(_ *call, q *fpRequest) fpMessage {
	minor, err := parseMinor(q.m.text("pg_amount"))
	if err != nil || minor <= 0 {
		return fpSorry(fpMissing)
	}
	return append(fpFine(), fpField{name: "pg_payment_system", inner: fpMessage{
		fpLeaf("pg_name", fpSystem), fpLeaf("pg_payment_method", "bankcard"), fpLeaf("pg_amount", f.amount(minor)),
	}})
}
