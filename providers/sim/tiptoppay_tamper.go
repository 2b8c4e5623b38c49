package sim

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"strconv"
)

// tamper makes a written row of a list untrue. TransactionId stays where names are left out: no row is without.
func (t *tiptoppay) tamper(row ttpObject, l lie) {
	more := func(name string, minor int64) {
		if number, told := row[name].(json.Number); told {
			was, _ := parseMinor(number.String())
			row[name] = t.amount(farther(was, minor))
		}
	}
	unnamed := func() { row["InvoiceId"], row["AccountId"], row["JsonData"] = nil, nil, nil }
	switch l.Kind {
	case TamperDouble:
		ttpRenumber(row, l.chance())
	case TamperForeign:
		chance := l.chance()
		ttpRenumber(row, chance)
		unnamed()
		row["InvoiceId"], row["Email"], row["Description"], row["Token"] = cmp.Or(l.Word, digits(chance, 12)), nil, nil, nil
	case TamperAmount:
		more("Amount", l.Amount)
		more("PaymentAmount", l.Amount)
		more("PayoutAmount", l.Amount)
	case TamperCurrency:
		row["Currency"], row["PaymentCurrency"] = l.Currency, l.Currency
	case TamperWord:
		row["Status"], row["StatusCode"] = cmp.Or(l.Word, ttpUndocumentedWord), ttpUndocumentedCode
	case TamperDeclined:
		row["Status"], row["StatusCode"], row["ReasonCode"] = ttpDeclined, ttpStatusCodes[ttpDeclined], ttpNoMoney
		row["Reason"], row["CardHolderMessage"] = ttpReasons[ttpNoMoney], ttpForPayer(ttpNoMoney)
		row["TotalFee"] = t.amount(0)
		for _, name := range []string{
			"AuthDate", "AuthDateIso", "ConfirmDate", "ConfirmDateIso", "PayoutDate", "PayoutDateIso", "PayoutAmount", "AuthCode", "Rrn",
		} {
			row[name] = nil
		}
	case TamperFee:
		more("TotalFee", l.Amount)
		more("PayoutAmount", -l.Amount)
	case TamperUnpaid:
		row["PayoutDate"], row["PayoutDateIso"], row["PayoutAmount"] = nil, nil, nil
	case TamperNameless:
		unnamed()
	}
}

// ttpRenumber makes a row one of another transaction.
func ttpRenumber(row ttpObject, chance *rand.Rand) {
	id, _ := strconv.ParseInt(digits(chance, 10), 10, 64)
	row["TransactionId"], row["AuthCode"], row["Rrn"] = id, "A"+digits(chance, 5), digits(chance, 12)
}
