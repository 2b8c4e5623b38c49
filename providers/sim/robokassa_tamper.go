package sim

import (
	"cmp"
	"strconv"
	"time"
)

// robokassaNobodyKnows is the state of TamperWord when the rule names none.
const robokassaNobodyKnows = "77"

// tamper makes a row of the registry untrue.
func (row *robokassaRow) tamper(l lie) {
	switch l.Kind {
	case TamperDouble:
		row.key = robokassaOpKey(l.chance())
	case TamperForeign:
		chance := l.chance()
		row.key, row.number = robokassaOpKey(chance), cmp.Or(l.Word, digits(chance, 10))
	case TamperAmount:
		row.sum = farther(row.sum, l.Amount)
	case TamperWord:
		row.state = cmp.Or(l.Word, robokassaNobodyKnows)
	case TamperDeclined:
		row.state, row.paidAt, row.fee, row.refunded = strconv.Itoa(robokassaCancelled), time.Time{}, 0, 0
	case TamperFee:
		row.fee = farther(row.fee, l.Amount)
	case TamperNameless:
		row.number, row.key = "", ""
	}
}
