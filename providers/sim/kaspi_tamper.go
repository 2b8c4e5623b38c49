package sim

import "cmp"

// kaspiStrangeOperation is the operation_type of TamperWord when the rule names none.
const kaspiStrangeOperation = "Correction"

// tamper makes a row of the statement untrue.
func (row *kaspiRow) tamper(l lie) {
	id := &row.purchase
	if row.returned != "" {
		id = &row.returned
	}
	switch l.Kind {
	case TamperDouble:
		*id = digits(l.chance(), 11)
	case TamperForeign:
		chance := l.chance()
		*id, row.reference = digits(chance, 11), cmp.Or(l.Word, digits(chance, 12))
	case TamperAmount:
		row.amount = farther(row.amount, l.Amount)
	case TamperWord:
		row.operation = cmp.Or(l.Word, kaspiStrangeOperation)
	case TamperFee:
		row.fee = farther(row.fee, l.Amount)
	case TamperNameless:
		row.purchase, row.returned, row.reference = "", "", ""
	}
}
