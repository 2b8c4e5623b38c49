package sim

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// tamper makes a payment of the list untrue. What moved money are its operations, so these carry most lies.
func (q *quickpay) tamper(v *qpPaymentView, l lie) {
	switch l.Kind {
	case TamperDouble:
		chance := l.chance()
		v.ID, v.ULID = qpInventedID(chance), qpInventedULID(chance)
	case TamperForeign:
		chance := l.chance()
		v.ID, v.ULID, v.OrderID = qpInventedID(chance), qpInventedULID(chance), cmp.Or(l.Word, digits(chance, 12))
		v.Link, v.DeadlineAt, v.Variables = nil, nil, json.RawMessage("{}")
	case TamperAmount: // of what was held, and of the first capture
		captured := false
		for i := range v.Operations {
			op := &v.Operations[i]
			switch {
			case op.Type == qpAuthorize:
			case op.Type == qpCapture && !captured:
				captured = true
				v.Balance += farther(*op.Amount, l.Amount) - *op.Amount
			default:
				continue
			}
			sum := farther(*op.Amount, l.Amount)
			op.Amount = &sum
		}
	case TamperCurrency:
		v.Currency = l.Currency
	case TamperWord:
		q.puzzle(v, l.Word)
	case TamperDeclined:
		v.State, v.Accepted, v.Balance = qpDeclined, false, 0
		v.Operations = slices.DeleteFunc(v.Operations, func(op qpOperationView) bool { return op.Type != qpAuthorize })
		for i := range v.Operations {
			declined := q.viewOperation(&qpOperation{code: qpRejected, why: qpMessages[qpRejected]})
			op := &v.Operations[i]
			op.Pending, op.StatusCode, op.StatusMsg = false, declined.StatusCode, declined.StatusMsg
			op.AcquirerCode, op.AcquirerMsg = declined.AcquirerCode, declined.AcquirerMsg
		}
	case TamperFee:
		if v.Fee != nil {
			fee := farther(*v.Fee, l.Amount)
			v.Fee = &fee
		}
	case TamperLate: // the list itself has dated the payment
		v.UpdatedAt = qpLater(v.UpdatedAt, time.Duration(l.By))
		for i := range v.Operations {
			v.Operations[i].CreatedAt = qpLater(v.Operations[i].CreatedAt, time.Duration(l.By))
		}
	}
}

// qpShownID is the id that a row of the list bears.
func qpShownID(row statementRow[*qpPayment]) int64 {
	if l, invented := row.invented(); invented {
		return qpInventedID(l.chance())
	}
	return row.of.id
}

func qpInventedID(chance *rand.Rand) int64 {
	id, _ := strconv.ParseInt(digits(chance, 10), 10, 64)
	return id
}

func qpInventedULID(chance *rand.Rand) string { return "01" + digits(chance, 24) }

func qpLater(written string, by time.Duration) string {
	at, _ := time.Parse(time.RFC3339, written)
	return qpTime(at.Add(by))
}
