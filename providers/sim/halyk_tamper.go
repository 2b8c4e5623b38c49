package sim

import (
	"cmp"
	"encoding/json"
)

// tamper makes a written row of the list of operations untrue. The id stays where names are left out: the list is never without.
func (h *halyk) tamper(row map[string]any, l lie) {
	chance, paidOut := l.chance(), row["payoutDate"] != ""
	switch l.Kind {
	case TamperDouble:
		row["id"], row["reference"] = guid(chance), digits(chance, 12)
	case TamperForeign:
		row["id"], row["reference"], row["invoiceId"] = guid(chance), digits(chance, 12), cmp.Or(l.Word, digits(chance, 12))
		row["payerName"], row["payerPhone"], row["payerEmail"] = "", "", ""
	case TamperAmount:
		row["amount"] = halykTenge(farther(halykMinor(row["amount"]), l.Amount))
		if paidOut {
			row["payoutAmount"] = halykTenge(farther(halykMinor(row["payoutAmount"]), l.Amount))
		}
	case TamperCurrency:
		row["currency"] = l.Currency
	case TamperWord:
		row["status"] = cmp.Or(l.Word, halykNobodyKnows)
	case TamperDeclined:
		row["status"], row["payoutDate"], row["payoutAmount"], row["approvalCode"] = halykFailed, "", halykTenge(0), ""
	case TamperFee: // it is what the payout lacks
		if paidOut {
			row["payoutAmount"] = halykTenge(halykMinor(row["payoutAmount"]) - l.Amount)
		}
	case TamperUnpaid:
		row["payoutDate"] = ""
	case TamperNameless:
		row["invoiceId"], row["reference"] = "", ""
	}
}

// halykMinor reads an amount that halykTenge wrote.
func halykMinor(written any) int64 {
	text, _ := written.(json.RawMessage)
	minor, _ := parseMinor(string(text))
	return minor
}
