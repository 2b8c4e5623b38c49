package sim

import (
	"slices"
	"time"
)

// fpRowName is one payment in get_registry.
const fpRowName = "payment"

func (p *fpPayment) rowDate() time.Time { return p.paid }

// registry is get_registry, our own invention where no list is documented (section 9): the payments of one day of Almaty, by the
// date of payment.
func (f *freedompay) registry(_ *call, q *fpRequest) fpMessage {
	day := q.m.text("pg_date")
	if day == "" {
		return fpSorry(fpMissing)
	}
	midnight, err := time.ParseInLocation(time.DateOnly, day, fpAlmaty)
	if err != nil {
		return fpSorry(fpBadParameter)
	}
	next := midnight.AddDate(0, 0, 1)
	all := listing[*fpPayment]{face: f.Name(), begins: true, all: slices.Values(f.payments), within: func(at time.Time) bool {
		return !at.IsZero() && !at.Before(midnight) && at.Before(next)
	}}
	m := fpFine()
	for r := range all.rows(f.b) {
		row, view := fpMessage{}, f.view(r.of)
		view.set("pg_payment_date", fpLocal(r.at))
		for _, name := range []string{
			"pg_payment_id", "pg_order_id", "pg_amount", "pg_currency", "pg_payment_status", "pg_clearing_amount", "pg_refund_amount",
			"pg_net_amount", "pg_payment_date",
		} {
			row.add(name, view.text(name))
		}
		for _, l := range r.lies {
			f.tamper(&row, l)
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
