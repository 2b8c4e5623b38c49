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

func (e *Entry) rowDate() time.Time { return e.Time }

func (e *Entry) rowName() (reference, id string, back bool) {
	return e.Reference, e.ID, e.Kind == KindRefund
}

// statement has one row for every movement of the day that begins at from. Returns are negative rows without a fee.
func (k *kaspi) statement(from time.Time) []byte {
	k.b.mu.Lock()
	defer k.b.mu.Unlock()
	mine := func(yield func(*Entry) bool) {
		for i := range k.b.books.entries {
			if e := &k.b.books.entries[i]; e.Face == k.Name() && !yield(e) {
				return
			}
		}
	}
	var out bytes.Buffer
	out.WriteString(kaspiMark)
	w := csv.NewWriter(&out)
	w.Comma = ';'
	_ = w.Write([]string{"operation_date", "operation_type", "qr_payment_id", "return_operation_id", "external_id", "trade_point_id",
		"organization_bin", "amount", "fee", "net_amount", "product_type"}) // a bytes.Buffer takes everything
	next := from.AddDate(0, 0, 1)
	all := listing[*Entry]{face: k.Name(), begins: true, all: mine, within: func(at time.Time) bool {
		return !at.Before(from) && at.Before(next)
	}}
	for found := range all.rows(k.b) {
		row := k.row(found.of)
		row.date = k.date(found.at)
		for _, l := range found.lies {
			row.tamper(l)
		}
		_ = w.Write(row.cells())
	}
	w.Flush()
	return out.Bytes()
}

// kaspiRow is one row of the statement.
type kaspiRow struct {
	date, operation     string
	purchase, returned  string // ids
	reference           string
	point, bin, product string
	amount, fee         int64 // of a return the amount is negative
}

func (k *kaspi) row(e *Entry) kaspiRow {
	row := kaspiRow{
		operation: "Purchase", purchase: e.ID, reference: e.Reference, bin: e.Account, product: k.opt.Product,
		amount: e.AmountMinor, fee: (e.AmountMinor*k.opt.FeeBasisPoints + 5000) / 10000,
	}
	if e.Kind == KindRefund {
		row.operation, row.purchase, row.returned, row.amount, row.fee = "Return", e.RefundOf, e.ID, -e.AmountMinor, 0
	}
	if p := k.purchase(kaspiID(row.purchase)); p != nil {
		row.point, row.product = strconv.FormatInt(p.device.point.ID, 10), p.product
	}
	return row
}

func (row *kaspiRow) cells() []string {
	return []string{
		row.date, row.operation, row.purchase, row.returned, row.reference, row.point, row.bin,
		major(row.amount), major(row.fee), major(row.amount - row.fee), row.product,
	}
}
