package sim

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"
)

// ttpPage is how many rows a page has (notes, section 9).
const ttpPage = 100

func (t *tiptoppay) readFind(c *call, q *ttpRequest) { c.reference = q.text("InvoiceId") }

// get is /payments/get: exactly that transaction, a refund included.
func (t *tiptoppay) get(_ *call, q *ttpRequest) ttpAnswer {
	if q.text("TransactionId") == "" {
		return ttpRefusal("TransactionId is required")
	}
	return t.found(t.named(q))
}

// find is /payments/find: the last payment with an InvoiceId, whichever attempt that was.
func (t *tiptoppay) find(c *call, _ *ttpRequest) ttpAnswer {
	return t.search(c.reference, func(tx *ttpTransaction) bool { return tx.refundOf == nil })
}

// findLast is /v2/payments/find: the last operation, which may be a refund.
func (t *tiptoppay) findLast(c *call, _ *ttpRequest) ttpAnswer {
	return t.search(c.reference, func(*ttpTransaction) bool { return true })
}

func (t *tiptoppay) search(invoice string, counts func(*ttpTransaction) bool) ttpAnswer {
	if invoice == "" {
		return ttpRefusal("InvoiceId is required")
	}
	var last *ttpTransaction
	for _, tx := range t.rows {
		if tx.sale.Reference == invoice && counts(tx) && (last == nil || tx.id > last.id) {
			last = tx
		}
	}
	return t.found(last)
}

// found answers with a transaction. Of a declined one Success is false: it is no word about the question (section 4.4).
func (t *tiptoppay) found(tx *ttpTransaction) ttpAnswer {
	if tx == nil {
		return ttpAnswer{message: ttpNotFoundText}
	}
	return ttpAnswer{success: tx.status != ttpDeclined || t.sw.FoundIsSuccess, model: t.model(tx)}
}

// ttpZones are the time zones that the lists know. ALMT is written down as UTC+6 still, although Almaty left it in 2024.
var ttpZones = map[string]time.Duration{"": 0, "UTC": 0, "GMT": 0, "ALMT": 6 * time.Hour, "MSK": 3 * time.Hour}

// listDay is /payments/list: all that was created on one day.
func (t *tiptoppay) listDay(_ *call, q *ttpRequest) ttpAnswer {
	offset, known := ttpZones[q.text("TimeZone")]
	begin, err := time.Parse(time.DateOnly, q.text("Date"))
	switch {
	case q.text("Date") == "":
		return ttpRefusal("Date is required")
	case err != nil:
		return ttpRefusal("Invalid Date value")
	case !known:
		return ttpRefusal("Invalid TimeZone value")
	}
	begin = begin.Add(-offset)
	return ttpAnswer{success: true, model: t.models(slices.Collect(t.list(true, begin, begin.Add(24*time.Hour-time.Second), nil)))}
}

// listPeriod is /v2/payments/list: a page of what was created in a period, both ends included.
func (t *tiptoppay) listPeriod(_ *call, q *ttpRequest) ttpAnswer {
	begin, end, refusal := q.period()
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	if _, known := ttpZones[q.text("TimeZone")]; !known {
		return ttpRefusal("Invalid TimeZone value")
	}
	var statuses []string
	if text := q.text("Statuses"); text != "" {
		if err := json.Unmarshal([]byte(text), &statuses); err != nil {
			statuses = strings.Split(text, ",") // of a form
		}
		for _, status := range statuses {
			if status == ttpAwaiting || ttpStatusCodes[status] == 0 {
				return ttpRefusal("Invalid Statuses value")
			}
		}
	}
	from, refusal := q.offset()
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	page, _ := cut(t.list(from == 0, begin, end, statuses), from, ttpPage)
	return ttpAnswer{success: true, model: t.models(page)}
}

// period reads the two ends, which must say their offset from UTC.
func (q *ttpRequest) period() (begin, end time.Time, refusal string) {
	for _, edge := range []struct {
		name string
		at   *time.Time
	}{{"CreatedDateGte", &begin}, {"CreatedDateLte", &end}} {
		at, err := time.Parse(time.RFC3339, q.text(edge.name))
		switch {
		case q.text(edge.name) == "":
			return begin, end, edge.name + " is required"
		case err != nil:
			return begin, end, "Invalid " + edge.name + " value"
		}
		*edge.at = at
	}
	if end.Before(begin) {
		return begin, end, "Invalid CreatedDateLte value"
	}
	return begin, end, ""
}

// offset reads which page is asked for, as the number of rows before it.
func (q *ttpRequest) offset() (from int, refusal string) {
	n, ok := q.integer("PageNumber")
	if !ok || n < 1 {
		return 0, "Invalid PageNumber value"
	}
	return int(min(n-1, 1<<30)) * ttpPage, ""
}

// page cuts a page of a hundred out of rows. Nothing says how many there are.
func (t *tiptoppay) page(q *ttpRequest, rows []ttpObject) ttpAnswer {
	from, refusal := q.offset()
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	from = min(from, len(rows))
	return ttpAnswer{success: true, model: rows[from:min(from+ttpPage, len(rows))]}
}

func (tx *ttpTransaction) rowDate() time.Time { return tx.created }

func (tx *ttpTransaction) rowName() (reference, id string, back bool) {
	return tx.sale.Reference, tx.name(), tx.refundOf != nil
}

// list is what was created from begin to end, in whole seconds as the dates have them, oldest first. No statuses are all. begins says
// that the first page is asked for.
func (t *tiptoppay) list(begins bool, begin, end time.Time, statuses []string) iter.Seq[statementRow[*ttpTransaction]] {
	found := each(t.rows, false, func(tx *ttpTransaction) bool {
		return (tx.status != ttpAwaiting || t.sw.ListsAwaiting) && (statuses == nil || slices.Contains(statuses, tx.status))
	})
	within := func(at time.Time) bool {
		at = at.Truncate(time.Second)
		return !at.Before(begin) && !at.After(end)
	}
	return listing[*ttpTransaction]{face: t.Name(), begins: begins, all: found, within: within}.rows(t.b)
}

// models writes rows.
func (t *tiptoppay) models(rows []statementRow[*ttpTransaction]) []ttpObject {
	all := []ttpObject{}
	for _, row := range rows {
		m := t.model(row.of)
		m["CreatedDate"], m["CreatedDateIso"] = ttpLegacyDate(row.at), ttpISO(row.at)
		for _, l := range row.lies {
			t.tamper(m, l)
		}
		all = append(all, m)
	}
	return all
}

// ttpActChargeback is a payer who complains to the issuer about a payment.
const ttpActChargeback = "chargeback"

// claim adds a row to /chargebacks/list. The ledger knows payments and refunds only, so it stays as it is.
func (t *tiptoppay) claim(tx *ttpTransaction) {
	t.claims = append(t.claims, ttpObject{
		"ChargeBackId": 700_000 + len(t.claims) + 1, "TransactionId": tx.id, "TerminalUrl": "https://shop.example.kz", "Gateway": t.acquirer(tx),
		"Operation": "Presentment", "Type": "Chargeback", "Card": tx.card.first + "******" + tx.card.last,
		"Date": ttpISO(time.Now()), "Amount": t.amount(tx.amount), "Currency": tx.sale.Currency,
	})
}

// listChargebacks is /chargebacks/list, over a year at most.
func (t *tiptoppay) listChargebacks(_ *call, q *ttpRequest) ttpAnswer {
	begin, end, refusal := q.period()
	if refusal == "" && end.After(begin.AddDate(1, 0, 0)) {
		refusal = "Invalid CreatedDateLte value"
	}
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	rows := []ttpObject{}
	for _, row := range t.claims {
		date, _ := row["Date"].(string)
		if at, err := time.Parse("2006-01-02T15:04:05", date); err == nil && !at.Before(begin) && !at.After(end) {
			rows = append(rows, row)
		}
	}
	return t.page(q, rows)
}

// listTokens is /payments/tokens/list.
func (t *tiptoppay) listTokens(_ *call, q *ttpRequest) ttpAnswer {
	rows := []ttpObject{}
	for _, card := range t.cards {
		rows = append(rows, ttpObject{
			"Token": card.token, "AccountId": ttpOrNull(card.account), "CardMask": card.first + "******" + card.last, "CardType": card.brand,
			"ExpirationDateMonth": 12, "ExpirationDateYear": 2038,
		})
	}
	return t.page(q, rows)
}
