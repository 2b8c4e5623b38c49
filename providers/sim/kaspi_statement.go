package sim

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// kaspiMark begins the statement, as the export of a spreadsheet would.
const kaspiMark = "\ufeff"

// serveStatement writes the CSV of one day. The columns are our own design: those of the bank's export are not published.
func (k *kaspi) serveStatement(w http.ResponseWriter, r *http.Request) {
	day, err := time.ParseInLocation(time.DateOnly, r.URL.Query().Get("date"), kaspiZone)
	if err != nil {
		badRequest(w, fmt.Errorf("date must look like 2026-11-23"))
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(k.statement(day))
}

// statement has one row for every movement of the day that begins at from. Returns are negative rows without a fee.
func (k *kaspi) statement(from time.Time) []byte {
	k.b.mu.Lock()
	defer k.b.mu.Unlock()
	var out bytes.Buffer
	out.WriteString(kaspiMark)
	w := csv.NewWriter(&out)
	w.Comma = ';'
	row := func(cells ...string) { _ = w.Write(cells) } // a bytes.Buffer takes everything
	row("operation_date", "operation_type", "qr_payment_id", "return_operation_id", "external_id", "trade_point_id",
		"organization_bin", "amount", "fee", "net_amount", "product_type")
	for _, e := range k.b.books.entries {
		if e.Face != k.Name() || e.Time.Before(from) || !e.Time.Before(from.AddDate(0, 0, 1)) {
			continue
		}
		kind, purchase, returned, point, product := "Purchase", e.ID, "", "", k.opt.Product
		amount, fee := e.AmountMinor, (e.AmountMinor*k.opt.FeeBasisPoints+5000)/10000
		if e.Kind == KindRefund {
			kind, purchase, returned, amount, fee = "Return", e.RefundOf, e.ID, -e.AmountMinor, 0
		}
		if p := k.purchase(kaspiID(purchase)); p != nil {
			point, product = strconv.FormatInt(p.device.point.ID, 10), p.product
		}
		row(k.date(e.Time), kind, purchase, returned, e.Reference, point, e.Account, major(amount), major(fee), major(amount-fee), product)
	}
	w.Flush()
	return out.Bytes()
}
