package sim

import "cmp"

// tamper makes a written row of the registry untrue. pg_payment_id stays where names are left out: no row is without.
func (f *freedompay) tamper(row *fpMessage, l lie) {
	more := func(name string, minor int64) {
		if was, err := parseMinor(row.text(name)); err == nil && was != 0 { // a sum of nothing is no sum that could be wrong
			row.set(name, f.amount(farther(was, minor)))
		}
	}
	switch l.Kind {
	case TamperDouble:
		row.set("pg_payment_id", "9"+digits(l.chance(), 9))
	case TamperForeign:
		chance := l.chance()
		row.set("pg_payment_id", "9"+digits(chance, 9))
		row.set("pg_order_id", cmp.Or(l.Word, digits(chance, 12)))
	case TamperAmount:
		more("pg_amount", l.Amount)
		more("pg_clearing_amount", l.Amount)
		more("pg_net_amount", l.Amount)
	case TamperCurrency:
		row.set("pg_currency", l.Currency)
	case TamperWord:
		row.set("pg_payment_status", cmp.Or(l.Word, fpUndocumented))
	case TamperDeclined:
		*row = row.without("pg_clearing_amount", "pg_refund_amount", "pg_net_amount")
		row.set("pg_payment_status", fpError)
	case TamperFee: // it is what the net amount lacks
		more("pg_net_amount", -l.Amount)
	case TamperNameless:
		*row = row.without("pg_order_id")
	}
}
