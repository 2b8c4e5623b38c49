package sim

import (
	"slices"
	"strconv"
	"time"
)

// wfpPeriod is the longest window of TRANSACTION_LIST (notes, section 9).
const wfpPeriod = 31 * 24 * time.Hour

// wfpRow is one row of TRANSACTION_LIST: an attempt to pay, a SETTLE or a REFUND. Refunds never change an attempt's row.
type wfpRow struct {
	kind               string
	order              *wfpOrder
	pan, brand         string
	amount             int64
	status             string
	code               int
	created, processed time.Time
	decided            bool // of an attempt: its status is final
}

func (row *wfpRow) rowDate() time.Time { return row.created }

// rowName has the order's id, although the list never shows it: rows have none.
func (row *wfpRow) rowName() (reference, id string, back bool) {
	return row.order.Reference, row.order.ID, row.kind == wfpRefund
}

// row adds one.
func (w *wayforpay) row(ord *wfpOrder, kind string, minor int64, status string, code int) *wfpRow {
	now := time.Now()
	row := &wfpRow{kind: kind, order: ord, amount: minor, status: status, code: code, created: now, processed: now}
	if ord.card != nil {
		row.pan, row.brand = ord.card.pan, ord.card.brand
	}
	w.rows = append(w.rows, row)
	return row
}

// list is TRANSACTION_LIST: the whole window in one answer, filtered by createdDate.
func (w *wayforpay) list(c *call, q *wfpRequest) reply {
	begin, okBegin := wfpUnix(q.text("dateBegin"))
	end, okEnd := wfpUnix(q.text("dateEnd"))
	switch {
	case !okBegin || !okEnd || end.Before(begin):
		return w.plain(c, wfpRefusal{wfpFormat, "dateBegin or dateEnd"}, nil)
	case end.Sub(begin) > wfpPeriod:
		return w.plain(c, wfpRefusal{wfpFormat, "the period must not exceed 31 days"}, nil)
	}
	within := func(at time.Time) bool {
		at = at.Truncate(time.Second) // dates have whole seconds, and both ends belong to the window
		return w.sw.ListIgnoresDates || !at.Before(begin) && !at.After(end)
	}
	all := listing[*wfpRow]{face: w.Name(), begins: true, all: slices.Values(w.rows), within: within}
	rows := []wfpAnswer{}
	for row := range all.rows(w.b) {
		rows = append(rows, w.listed(row, q.text("apiVersion") == "2"))
	}
	if len(rows) == 0 || c.twist == FaultBadSignature {
		c.twist = ""
	} else {
		w.spoil(c, rows[0])
	}
	return wfpJSON(wfpAnswer{"reason": wfpReasons[wfpOK].name, "reasonCode": w.number(strconv.Itoa(wfpOK)), "transactionList": rows})
}

// listed writes a row as seen live: amounts are strings with two decimals, dates strings of digits, there is no recToken,
// and a refund's amount is positive.
func (w *wayforpay) listed(r statementRow[*wfpRow], version2 bool) wfpAnswer {
	row, ord := r.of, r.of.order
	date := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	a := wfpAnswer{
		"transactionType": row.kind, "orderReference": ord.Reference, "createdDate": date(r.at),
		"amount": major(row.amount), "currency": ord.Currency, "baseAmount": major(row.amount), "baseCurrency": ord.Currency,
		"processingDate": date(row.processed), "cardPan": row.pan, "cardType": row.brand, "issuerBankCountry": wfpCountry,
		"issuerBankName": wfpIssuer, "email": ord.email, "phone": ord.phone, "paymentSystem": "card", "fee": "0",
	}
	w.say(a, row.status, row.code)
	if row.status == wfpApproved {
		fee := wfpFee(row.amount)
		a["fee"], a["settlementAmount"] = major(fee), major(row.amount-fee)
		a["settlementDate"] = date(wfpSettled(row.processed))
	}
	if version2 {
		a["products"], a["clientFields"] = ord.goods(w), []string{}
	}
	for _, l := range r.lies {
		w.tamper(a, l)
	}
	return a
}
