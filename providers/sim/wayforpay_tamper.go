package sim

import "cmp"

// tamper makes a written row of TRANSACTION_LIST untrue.
func (w *wayforpay) tamper(row wfpAnswer, l lie) {
	more := func(name string, minor int64) {
		if text, there := row[name].(string); there {
			was, _ := parseMinor(text)
			row[name] = major(farther(was, minor))
		}
	}
	switch l.Kind {
	case TamperForeign:
		row["orderReference"], row["email"], row["phone"] = cmp.Or(l.Word, digits(l.chance(), 12)), "", ""
	case TamperAmount:
		more("amount", l.Amount)
		more("baseAmount", l.Amount)
		more("settlementAmount", l.Amount)
	case TamperCurrency:
		row["currency"], row["baseCurrency"] = l.Currency, l.Currency
	case TamperWord:
		row["transactionStatus"] = cmp.Or(l.Word, wfpUndocumentedWord)
	case TamperDeclined:
		w.say(row, wfpDeclined, wfpInsufficient)
		row["fee"] = "0"
		delete(row, "settlementDate")
		delete(row, "settlementAmount")
	case TamperFee:
		more("fee", l.Amount)
		more("settlementAmount", -l.Amount)
	case TamperUnpaid:
		delete(row, "settlementDate")
		delete(row, "settlementAmount")
	case TamperNameless:
		row["orderReference"] = ""
	}
}
