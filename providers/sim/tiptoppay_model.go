package sim

import (
	"encoding/json"
	"strconv"
	"time"
)

// ttpCurrencyCode is the number in CurrencyCode. No document says which it is for the tenge; nobody may rely on it.
const ttpCurrencyCode = 4

// ttpFeePercent is what the gateway keeps of a payment.
const ttpFeePercent = 2

func ttpFee(minor int64) int64 { return (minor*ttpFeePercent + 50) / 100 }

func (t *tiptoppay) amount(minor int64) json.Number {
	if t.sw.ShortAmounts {
		return json.Number(shortMajor(minor))
	}
	return json.Number(major(minor))
}

// ttpISO is a date of the API: UTC, and no zone says so (notes, section 4.8).
func ttpISO(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format("2006-01-02T15:04:05")
}

// ttpLegacyDate is the older form, in milliseconds.
func ttpLegacyDate(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return "/Date(" + strconv.FormatInt(at.UnixMilli(), 10) + ")/"
}

// paidOut is when a transaction's money reached the merchant's account: the midnight after it was taken; zero is not yet.
func (tx *ttpTransaction) paidOut() time.Time {
	at := tx.confirmed.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	if tx.status != ttpCompleted || time.Now().Before(at) {
		return time.Time{}
	}
	return at
}

// refunded is the flag of a payment.
func (t *tiptoppay) refunded(tx *ttpTransaction) bool {
	s := tx.sale
	return tx.refundOf == nil && tx.status == ttpCompleted && s.Refunded > 0 && (s.Refunded == s.Captured || t.sw.RefundedAtFirstPartial)
}

// model is everything the gateway says of a transaction: every key of section 4.8, null where there is nothing to say.
func (t *tiptoppay) model(tx *ttpTransaction) ttpObject {
	s, card := tx.sale, tx.card
	m := ttpObject{
		"ReasonCode": tx.code, "PublicId": t.opt.PublicID, "TerminalUrl": "https://shop.example.kz", "TransactionId": tx.id,
		"Amount": t.amount(tx.amount), "Currency": s.Currency, "CurrencyCode": ttpCurrencyCode,
		"PaymentAmount": t.amount(tx.amount), "PaymentCurrency": s.Currency, "PaymentCurrencyCode": ttpCurrencyCode,
		"InvoiceId": ttpOrNull(s.Reference), "AccountId": ttpOrNull(s.accountID), "Email": ttpOrNull(s.email),
		"Description": ttpOrNull(s.description), "JsonData": ttpOrNull(s.data),
		"CreatedDate": ttpLegacyDate(tx.created), "CreatedDateIso": ttpISO(tx.created),
		"PayoutDate": ttpLegacyDate(tx.paidOut()), "PayoutDateIso": ttpISO(tx.paidOut()), "PayoutAmount": nil,
		"AuthDate": ttpLegacyDate(tx.authorized), "AuthDateIso": ttpISO(tx.authorized),
		"ConfirmDate": ttpLegacyDate(tx.confirmed), "ConfirmDateIso": ttpISO(tx.confirmed),
		"AuthCode": ttpOrNull(tx.authCode), "TestMode": !t.opt.Live, "Rrn": ttpOrNull(tx.rrn),
		"OriginalTransactionId": nil, "FallBackScenarioDeclinedTransactionId": nil,
		"IpAddress": ttpOrNull(s.ip), "IpCountry": nil, "IpCity": nil, "IpRegion": nil, "IpDistrict": nil, "IpLatitude": nil, "IpLongitude": nil,
		"CardFirstSix": ttpOrNull(card.first), "CardLastFour": ttpOrNull(card.last), "CardExpDate": ttpCardEnd, "CardType": ttpOrNull(card.brand),
		"CardProduct": nil, "CardCategory": nil, "CardTypeCode": ttpBrandCode(card.brand), "IssuerBankCountry": "KZ", "Issuer": "SIMULATED BANK",
		"Status": tx.status, "StatusCode": ttpStatusCodes[tx.status], "CultureName": s.culture, "Reason": nil, "CardHolderMessage": nil,
		"Type": 0, "Refunded": t.refunded(tx), "Name": ttpOrNull(s.name), "Token": ttpOrNull(tx.token), "SubscriptionId": nil,
		"Gateway": 0, "GatewayName": t.acquirer(tx), "AndroidPay": false, "WalletType": "", "TotalFee": t.amount(0),
	}
	if tx.status != ttpAwaiting {
		m["Reason"], m["CardHolderMessage"] = ttpOrNull(ttpReasons[tx.code]), ttpForPayer(tx.code)
	}
	if tx.refundOf != nil {
		m["Type"], m["OriginalTransactionId"] = 1, tx.refundOf.id
	} else if tx.status == ttpCompleted {
		m["TotalFee"] = t.amount(ttpFee(tx.amount))
	}
	if tx.fallback != nil {
		m["FallBackScenarioDeclinedTransactionId"] = tx.fallback.id
	}
	if !tx.paidOut().IsZero() {
		m["PayoutAmount"] = t.amount(tx.amount - ttpFee(tx.amount))
		if tx.refundOf != nil {
			m["PayoutAmount"] = t.amount(-tx.amount)
		}
	}
	return m
}

// ttpCardEnd is when every card of this bank ends, MM/YY.
const ttpCardEnd = "12/38"

func ttpBrandCode(brand string) int {
	if brand == "MasterCard" {
		return 1
	}
	return 0
}

// acquirer names the bank behind a transaction.
func (t *tiptoppay) acquirer(tx *ttpTransaction) string {
	switch {
	case tx.fallback != nil:
		return "Reserve"
	case !t.opt.Live:
		return "Test"
	}
	return "Simulated"
}
