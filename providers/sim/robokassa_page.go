package sim

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readStart reads the fields of Index.aspx, which are those of Indexjson.aspx too.
func (r *robokassa) readStart(c *call, w *robokassaWish) {
	w.draft, w.code = r.draft(w.form)
	c.currency = r.opt.Currency
	c.amount, _ = robokassaMinor(w.form.Get("OutSum")) // draft refuses what this cannot read
	c.reference, _ = robokassaNumber(cmp.Or(w.form.Get("InvId"), w.form.Get("InvoiceID")))
	if w.draft == nil || w.draft.test {
		return
	}
	if w.route.page && r.numbers[c.reference] != nil {
		return // the same address again
	}
	c.create, c.inert, c.unique = true, true, c.reference
	if !w.route.page {
		c.money = true
		if c.reference != "" {
			c.once = "start/" + c.reference
		}
	}
}

// arrived is a payer or a browser with a composed address: the payment is made if it is new. A code says why not.
func (r *robokassa) arrived(c *call, w *robokassaWish) (*robokassaPayment, string) {
	if w.code != "" {
		return nil, w.code
	}
	draft := w.draft
	p := r.numbers[draft.Reference]
	if draft.test {
		p = r.tests[draft.Reference]
	}
	if code := robokassaReopened(p, draft); code != "" {
		return nil, code
	}
	if p == nil {
		p = draft
		r.open(c, p, StyleOffer)
	}
	return p, ""
}

// robokassaReopened says why a number cannot be opened now. The first opening decides about ExpirationDate; another sum for the
// same number is nothing that the documents allow, so it is refused.
func robokassaReopened(p, draft *robokassaPayment) string {
	switch {
	case p == nil && !draft.LiveUntil.IsZero() && !time.Now().Before(draft.LiveUntil):
		return robokassaTooLate
	case p == nil:
		return ""
	case p.Authorized > 0 || p.state >= robokassaHold:
		return robokassaPaid
	case p.Amount != draft.Amount:
		return robokassaBadSum
	case p.Phase == Dead && p.off:
		return robokassaNoInvoice
	case p.Phase == Dead:
		return robokassaTooLate
	}
	return ""
}

// openPage is Index.aspx in a browser.
func (r *robokassa) openPage(c *call, w *robokassaWish) reply {
	robokassaTwists(c)
	p, code := r.arrived(c, w)
	if code != "" {
		return robokassaErrorPage(code)
	}
	r.begin(p)
	return r.page(c.r, p)
}

func (r *robokassa) readPage(c *call, w *robokassaWish) {
	i := slices.IndexFunc(r.payments, func(p *robokassaPayment) bool {
		return w.id == p.page || p.encoded != "" && w.id == p.encoded
	})
	if i >= 0 {
		w.payment = r.payments[i]
		c.reference = w.payment.Reference
	}
}

// browse is a payer on the page of a known payment: GET looks, POST does the act that the button names.
func (r *robokassa) browse(c *call, w *robokassaWish) reply {
	robokassaTwists(c)
	p := w.payment
	switch {
	case p == nil || p.off && p.state == robokassaUnopened:
		return robokassaErrorPage(robokassaNoInvoice)
	case p.Phase == Dead && p.invoice != "":
		return robokassaErrorPage(robokassaOver)
	case p.Phase == Dead:
		return robokassaErrorPage(robokassaTooLate)
	}
	r.begin(p)
	if c.r.Method == http.MethodPost {
		if !p.payable() {
			return robokassaErrorPage(robokassaPaidNumber(p))
		}
		if err := r.pay(p.ID, w.form.Get("act")); err != nil {
			return robokassaHTML(http.StatusBadRequest, "Not possible", html.EscapeString(err.Error()))
		}
	}
	return r.page(c.r, p)
}

// robokassaPaidNumber is what the page says of a number that is paid already.
func robokassaPaidNumber(p *robokassaPayment) string {
	if p.invoice != "" {
		return robokassaPaidInvoice
	}
	return robokassaPaid
}

// page shows an offer with its buttons, or what became of it and the way back to the shop.
func (r *robokassa) page(q *http.Request, p *robokassaPayment) reply {
	title := html.EscapeString(p.Reference + ": " + major(p.Amount) + " " + p.Currency)
	var b strings.Builder
	fmt.Fprintf(&b, "<p>%d</p>", p.state)
	if p.payable() {
		fmt.Fprintf(&b, `<form method="post" action="%s">`, html.EscapeString(r.link(q, "/Merchant/Index/"+p.page)))
		for _, act := range []string{ActPay, ActDecline} {
			fmt.Fprintf(&b, `<button name="act" value="%s">%s</button>`, act, act)
		}
		b.WriteString("</form>")
	}
	if to, fields := r.back(p); to.url != "" {
		fmt.Fprintf(&b, `<form method="%s" action="%s">`, html.EscapeString(strings.ToLower(to.method)), html.EscapeString(to.url))
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			fmt.Fprintf(&b, `<input type="hidden" name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(fields.Get(name)))
		}
		b.WriteString("<button>Back to the shop</button></form>")
	}
	return robokassaHTML(http.StatusOK, title, b.String())
}

// link is an address of the face as a payer reaches it.
func (r *robokassa) link(q *http.Request, path string) string {
	switch {
	case r.opt.PageURL != "":
		return r.opt.PageURL + path
	case q.TLS != nil:
		return "https://" + q.Host + path
	}
	return "http://" + q.Host + path
}

// back is the way from the page to the shop, without an address where there is none: SuccessURL once there is money, and FailURL while there is none. The first is signed with password 1, the second is not
// signed at all; neither says anything that a server may believe (notes, 7.3).
func (r *robokassa) back(p *robokassaPayment) (robokassaReturn, url.Values) {
	sum := r.sumText(p.sum())
	fields := url.Values{"OutSum": {sum}, "InvId": {p.Reference}, "Culture": {p.culture}}
	for _, shp := range p.shp {
		fields.Set(shp.name, shp.value)
	}
	to := robokassaReturn{cmp.Or(p.fail.url, r.opt.FailURL), p.fail.method}
	if p.state == robokassaHold || p.state >= robokassaReceived && p.state != robokassaStopped {
		to = robokassaReturn{cmp.Or(p.success.url, r.opt.SuccessURL), p.success.method}
		password := r.opt.Password1
		if p.test {
			password = r.opt.TestPassword1
			fields.Set("IsTest", "1")
		}
		fields.Set("SignatureValue", r.hash(append([]string{sum, p.Reference, password}, robokassaSigned(p.shp)...)...))
	}
	to.method = cmp.Or(to.method, http.MethodGet)
	return to, fields
}

func robokassaErrorPage(code string) reply {
	return robokassaHTML(http.StatusOK, "Error "+code, "<p>The payment cannot be made.</p>")
}

// robokassaHTML writes a page; title and body are escaped already.
func robokassaHTML(status int, title, body string) reply {
	return reply{status: status, contentType: "text/html; charset=utf-8", body: []byte(
		"<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1>" + body + "</body></html>\n")}
}

// start is Indexjson.aspx: the same as the page, with a link to it for an answer. Nobody has opened it yet.
func (r *robokassa) start(c *call, w *robokassaWish) reply {
	robokassaTwists(c, FaultWrongReference, FaultUnknownStatus)
	p, code := r.arrived(c, w)
	if code != "" {
		c.twist = ""
		return robokassaStartError(code, 0)
	}
	id, errorCode := p.page, 0
	switch c.twist {
	case FaultWrongReference:
		id = r.b.guid()
	case FaultUnknownStatus:
		errorCode = robokassaStrange(c.code)
	}
	return robokassaJSON(0, map[string]any{"invoiceID": id, "errorCode": errorCode})
}

// robokassaStrange is a number for unknown-status: the rule's own, or one that nobody knows.
func robokassaStrange(code string) int {
	if n, err := strconv.Atoi(code); err == nil {
		return n
	}
	return 987
}

func (r *robokassa) refuseStart(_ *call, kind FaultKind, code string, status int) reply {
	switch kind {
	case FaultUnauthorized:
		code = robokassaBadSignature
	case FaultNotFound:
		code = robokassaNoInvoice
	}
	return robokassaStartError(code, status)
}

func robokassaStartError(code string, status int) reply {
	return robokassaJSON(status, map[string]any{"errorCode": robokassaStrange(code), "errorMessage": "error " + code})
}
