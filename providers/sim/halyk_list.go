package sim

import (
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Bounds of the list; nothing is published.
const (
	halykListMax  = 1000 // operations in a page
	halykPagesMax = 1_000_000
)

// halykQuery is what POST /operations asks for.
type halykQuery struct {
	from, to     time.Time // zero is unbounded; both ends belong to it
	offset, size int
	ascending    bool
}

func halykNoRecords() reply {
	return halykJSON(http.StatusOK, map[string]any{"totalCount": 0, "records": []any{}})
}

func (h *halyk) list(c *call, w *halykWish) reply {
	q, wrong := h.readQuery(w.fields)
	if wrong != "" {
		return halykSorry(c, halykFormat, wrong)
	}
	halykTwists(c, FaultWrongAmount, FaultWrongReference, FaultUnknownStatus)
	page, total := cut(h.records(w.grant, q), q.offset, q.size)
	records := []map[string]any{}
	for _, r := range page {
		records = append(records, h.record(c, r))
	}
	return halykJSON(http.StatusOK, map[string]any{"totalCount": total, "records": records})
}

// readQuery reads a query. The text says what it does not understand, because an ignored filter would return other operations.
func (h *halyk) readQuery(f halykBody) (halykQuery, string) {
	var search, order []halykBody
	if raw, given := f["searchParameters"]; given && json.Unmarshal(raw, &search) != nil {
		return halykQuery{}, "searchParameters is not a list"
	}
	if raw, given := f["orderParameters"]; given && json.Unmarshal(raw, &order) != nil {
		return halykQuery{}, "orderParameters is not a list"
	}
	var q halykQuery
	var page int
	paging := f.inner("paging")
	if json.Unmarshal(paging["page"], &page) != nil || json.Unmarshal(paging["size"], &q.size) != nil ||
		page < 0 || page > halykPagesMax || q.size < 1 || q.size > halykListMax {
		return q, "paging needs a page and a size up to 1000"
	}
	if !h.opt.PagesFromZero {
		page = max(page-1, 0)
	}
	q.offset = page * q.size
	for _, s := range search {
		var ends []string
		if s.text("name") != "created_date" || s.text("method") != "between" ||
			json.Unmarshal(s["searchParameter"], &ends) != nil || len(ends) != 2 {
			return q, "searchParameters knows created_date between two dates"
		}
		var err1, err2 error
		q.from, err1 = time.Parse(time.RFC3339, ends[0])
		q.to, err2 = time.Parse(time.RFC3339, ends[1])
		if err1 != nil || err2 != nil {
			return q, "searchParameter has a date that is none"
		}
	}
	for _, o := range order {
		way := o.text("typeOrder")
		if o.text("field") != "created_date" || way != "ASC" && way != "DESC" {
			return q, "orderParameters knows created_date, ASC or DESC"
		}
		q.ascending = way == "ASC"
	}
	return q, ""
}

func (q halykQuery) holds(t time.Time) bool {
	return (q.from.IsZero() || !t.Before(q.from)) && (q.to.IsZero() || !t.After(q.to))
}

// halykRow is one row: a transaction, or a refund.
type halykRow struct {
	at   time.Time
	p    *halykPayment
	back *halykReturn // nil for the transaction itself
}

func (r *halykRow) rowDate() time.Time { return r.at }

func (r *halykRow) rowName() (reference, id string, back bool) {
	if r.back != nil {
		return r.p.invoice, r.back.id, true
	}
	return r.p.invoice, r.p.o.ID, false
}

// records finds the client's transactions, and refunds as rows of their own where the options want it. A token for one terminal
// sees that terminal only.
func (h *halyk) records(g *halykGrant, q halykQuery) iter.Seq[statementRow[*halykRow]] {
	mine := each(h.rows, !q.ascending, func(r *halykRow) bool {
		t := r.p.terminal
		return t.Client == g.client && (g.terminal == "" || g.terminal == t.ID) && (r.back == nil || h.opt.RefundRows)
	})
	l := listing[*halykRow]{face: h.Name(), begins: q.offset == 0, all: mine, newestFirst: !q.ascending, within: q.holds}
	return l.rows(h.b)
}

// record writes a row.
func (h *halyk) record(c *call, r statementRow[*halykRow]) map[string]any {
	row := h.transactionRecord(c, r.of.p)
	if back := r.of.back; back != nil {
		row["id"], row["status"] = back.id, halykWord(c, halykRefund)
		row["amount"], row["payoutAmount"] = halykTenge(halykTold(c, back.amount)), halykTenge(-back.amount)
		row["payoutDate"] = halykDate(back.at.AddDate(0, 0, 1))
	}
	row["createdDate"] = halykDate(r.at)
	for _, l := range r.lies {
		h.tamper(row, l)
	}
	return row
}

func (h *halyk) transactionRecord(c *call, p *halykPayment) map[string]any {
	id, invoice := h.told(c, p)
	payout, paid := p.payout(), ""
	if h.opt.RefundRows { // then the refunds stand elsewhere
		payout = p.o.Captured
	}
	payout -= payout * h.opt.FeeBasisPoints / 10_000
	if p.o.Captured > 0 {
		paid = halykDate(p.created.AddDate(0, 0, 1))
	}
	status := p.status
	if h.opt.RefundRows && status == halykRefund {
		status = halykCharge
	}
	return map[string]any{
		"id": id, "invoiceId": invoice, "reference": p.reference, "amount": halykTenge(halykTold(c, p.settled())),
		"orgAmount": halykTenge(p.amount), "currency": p.currency, "payoutDate": paid,
		"payoutAmount": halykTenge(payout), "status": halykWord(c, status), "cardMask": p.card.mask(), "cardType": p.card.brand(),
		"issuer": halykIssuer, "approvalCode": p.approval, "payerName": p.name, "payerPhone": p.phone, "payerEmail": p.email,
	}
}
