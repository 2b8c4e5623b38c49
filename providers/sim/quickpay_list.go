package sim

import (
	"cmp"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const qpPageSize = 20

// qpListTime is how min_time and max_time are written.
const qpListTime = "2006-01-02 15:04:05 -0700"

// list is GET /payments: a bare array, newest first, cut into pages.
func (q *quickpay) list(c *call, w *qpWish) reply {
	keep, no := q.filter(w)
	if no != nil {
		return qpHonest(c, *no)
	}
	rows, no := q.rows(c, w, keep)
	if no != nil {
		return qpHonest(c, *no)
	}
	page, no := qpPage(w, rows)
	if no != nil {
		return qpHonest(c, *no)
	}
	views := []qpPaymentView{}
	for _, row := range page {
		v := q.view(row.of)
		v.CreatedAt = qpTime(row.at)
		for _, l := range row.lies {
			q.tamper(&v, l)
		}
		if size, ok := qpSize(w, "operations_size", len(v.Operations)); ok {
			v.Operations = v.Operations[max(len(v.Operations)-size, 0):]
		}
		views = append(views, v)
	}
	if len(views) == 0 {
		c.twist = ""
	} else {
		q.spoil(c, &views[0])
	}
	return qpJSON(http.StatusOK, views)
}

// filter reads the conditions of a list.
func (q *quickpay) filter(w *qpWish) (keep func(*qpPayment) bool, no *reply) {
	moment := func(name string) time.Time {
		text := w.query.Get(name)
		if text == "" || no != nil {
			return time.Time{}
		}
		t, err := time.Parse(qpListTime, text)
		if err != nil {
			bad := qpInvalid(name, "is invalid")
			no = &bad
		}
		return t
	}
	from, to := moment("min_time"), moment("max_time")
	if no != nil {
		return nil, no
	}
	values := map[string]func(*qpPayment) string{
		"order_id": func(p *qpPayment) string { return p.order },
		"state":    func(p *qpPayment) string { return p.state },
		"accepted": func(p *qpPayment) string { return strconv.FormatBool(p.accepted) },
		"acquirer": func(p *qpPayment) string {
			if p.plastic == nil {
				return ""
			}
			return qpAcquirer
		},
		"fraud_suspected": func(*qpPayment) string { return "false" },
		"id":              func(p *qpPayment) string { return strconv.FormatInt(p.id, 10) },
	}
	maps.DeleteFunc(values, func(name string, _ func(*qpPayment) string) bool { return !w.query.Has(name) })
	return func(p *qpPayment) bool {
		at := p.created
		if q.sw.TimesAreUpdates {
			at = p.updated
		}
		at = at.Truncate(time.Second)
		for name, of := range values {
			if of(p) != w.query.Get(name) {
				return false
			}
		}
		return !at.Before(from) && (to.IsZero() || !at.After(to))
	}, nil
}

func (p *qpPayment) rowDate() time.Time { return p.created }

func (p *qpPayment) rowName() (reference, id string, back bool) {
	return p.order, strconv.FormatInt(p.id, 10), false
}

// rows are what a list shows, in the order asked for. Ids grow with time, so they decide between equals. A list of one order or id
// is a question about one payment, and answered with the truth.
func (q *quickpay) rows(c *call, w *qpWish, keep func(*qpPayment) bool) (iter.Seq[statementRow[*qpPayment]], *reply) {
	by, dir := cmp.Or(w.query.Get("sort_by"), "id"), cmp.Or(w.query.Get("sort_dir"), "desc")
	if by != "id" && by != "created_at" && by != "updated_at" {
		no := qpInvalid("sort_by", "is invalid")
		return nil, &no
	}
	if dir != "asc" && dir != "desc" {
		no := qpInvalid("sort_dir", "is invalid")
		return nil, &no
	}
	down := dir == "desc"
	l := listing[*qpPayment]{all: each(q.payments, down, keep), newestFirst: down}
	if c.op == OpList && !w.query.Has("id") {
		l.face, l.begins = q.Name(), qpBegins(w)
	}
	rows := l.rows(q.b)
	if by != "updated_at" {
		return rows, nil
	}
	return slices.Values(slices.SortedStableFunc(rows, func(a, b statementRow[*qpPayment]) int {
		if down {
			a, b = b, a
		}
		return a.of.updated.Compare(b.of.updated)
	})), nil
}

// qpBegins says that a list is asked for from its beginning.
func qpBegins(w *qpWish) bool {
	page, _ := qpSize(w, "page", 1)
	return page == 1 && w.query.Get("page_key") == ""
}

// qpPage cuts a page out: the page-th one, or the one after the payment that page_key names.
func qpPage(w *qpWish, rows iter.Seq[statementRow[*qpPayment]]) ([]statementRow[*qpPayment], *reply) {
	size, ok := qpSize(w, "page_size", qpPageSize)
	if !ok {
		no := qpInvalid("page_size", "is invalid")
		return nil, &no
	}
	if key := w.query.Get("page_key"); key != "" {
		return qpPageAfter(rows, key, size)
	}
	number, ok := qpSize(w, "page", 1)
	if !ok {
		no := qpInvalid("page", "is invalid")
		return nil, &no
	}
	page, _ := cut(rows, (number-1)*size, size)
	return page, nil
}

// qpPageAfter is the page after the last row with an id.
func qpPageAfter(rows iter.Seq[statementRow[*qpPayment]], id string, size int) (page []statementRow[*qpPayment], no *reply) {
	known := false
	for row := range rows {
		switch {
		case strconv.FormatInt(qpShownID(row), 10) == id:
			known, page = true, nil
		case known && len(page) < size:
			page = append(page, row)
		}
	}
	if !known {
		no := qpInvalid("page_key", "is invalid")
		return nil, &no
	}
	return page, nil
}

// qpSize reads a small number above zero; what is not given is the usual one.
func qpSize(w *qpWish, name string, usual int) (int, bool) {
	if !w.query.Has(name) {
		return usual, true
	}
	n, err := strconv.Atoi(w.query.Get(name))
	return n, err == nil && n > 0 && n <= 1_000_000
}
