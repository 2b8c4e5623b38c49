package sim

import (
	"cmp"
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
	sorted, no := q.sorted(w)
	if no != nil {
		return qpHonest(c, *no)
	}
	sorted = slices.DeleteFunc(sorted, func(p *qpPayment) bool { return !keep(p) })
	page, no := qpPage(w, sorted)
	if no != nil {
		return qpHonest(c, *no)
	}
	views := []qpPaymentView{}
	for _, p := range page {
		v := q.view(p)
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
	is := func(name, value string) bool { return !w.query.Has(name) || w.query.Get(name) == value }
	return func(p *qpPayment) bool {
		at := p.created
		if q.sw.TimesAreUpdates {
			at = p.updated
		}
		at = at.Truncate(time.Second)
		acquirer := ""
		if p.plastic != nil {
			acquirer = qpAcquirer
		}
		return is("order_id", p.order) && is("state", p.state) && is("accepted", strconv.FormatBool(p.accepted)) &&
			is("acquirer", acquirer) && is("fraud_suspected", "false") && is("id", strconv.FormatInt(p.id, 10)) &&
			!at.Before(from) && (to.IsZero() || !at.After(to))
	}, no
}

// sorted copies the payments in the order asked for; ids grow with time, so they decide between equals.
func (q *quickpay) sorted(w *qpWish) ([]*qpPayment, *reply) {
	by, down := cmp.Or(w.query.Get("sort_by"), "id"), cmp.Or(w.query.Get("sort_dir"), "desc")
	if by != "id" && by != "created_at" && by != "updated_at" {
		no := qpInvalid("sort_by", "is invalid")
		return nil, &no
	}
	if down != "asc" && down != "desc" {
		no := qpInvalid("sort_dir", "is invalid")
		return nil, &no
	}
	all := slices.Clone(q.payments)
	slices.SortFunc(all, func(a, b *qpPayment) int {
		order := cmp.Compare(a.id, b.id)
		if by == "updated_at" {
			order = cmp.Or(a.updated.Compare(b.updated), order)
		}
		if down == "desc" {
			order = -order
		}
		return order
	})
	return all, nil
}

// qpPage cuts a page out: the page-th one, or the one after the payment that page_key names.
func qpPage(w *qpWish, all []*qpPayment) ([]*qpPayment, *reply) {
	size, ok := qpSize(w, "page_size", qpPageSize)
	if !ok {
		no := qpInvalid("page_size", "is invalid")
		return nil, &no
	}
	if key := w.query.Get("page_key"); key != "" {
		at := slices.IndexFunc(all, func(p *qpPayment) bool { return strconv.FormatInt(p.id, 10) == key })
		if at < 0 {
			no := qpInvalid("page_key", "is invalid")
			return nil, &no
		}
		all = all[at+1:]
		return all[:min(size, len(all))], nil
	}
	page, ok := qpSize(w, "page", 1)
	if !ok {
		no := qpInvalid("page", "is invalid")
		return nil, &no
	}
	begin := min(len(all), (page-1)*size)
	return all[begin:min(begin+size, len(all))], nil
}

// qpSize reads a small number above zero; what is not given is the usual one.
func qpSize(w *qpWish, name string, usual int) (int, bool) {
	if !w.query.Has(name) {
		return usual, true
	}
	n, err := strconv.Atoi(w.query.Get(name))
	return n, err == nil && n > 0 && n <= 1_000_000
}
