package sim

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
)

const fpPagePath = "/pay.html"

// fpPage is a hosted page: a payment's, or one on which a user saves a card.
type fpPage struct {
	p                *fpPayment
	user, post, back string
	saved            bool
}

func (page *fpPage) reference() string {
	if page.p == nil {
		return ""
	}
	return page.p.Reference
}

// address is a page as a payer reaches it.
func (f *freedompay) address(r *http.Request, customer string) string {
	base := f.opt.PageURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	return base + fpPagePath + "?customer=" + customer
}

// browse is a payer on a page: GET looks, POST does the act that the button names.
func (f *freedompay) browse(c *call, q *fpRequest) reply {
	c.twist = ""
	if c.r.Method != http.MethodPost {
		return f.show(q.page)
	}
	switch act := q.m.text("act"); {
	case q.page.p != nil && q.page.p.Unseen:
		return fpHTML(http.StatusNotFound, "Not found", "")
	case q.page.p != nil:
		if err := f.pay(q.page.p.ID, act); err != nil {
			return fpHTML(http.StatusBadRequest, "Not possible", html.EscapeString(err.Error()))
		}
	case act == "save" && !q.page.saved:
		f.save(q.page)
	}
	return f.show(q.page)
}

func (f *freedompay) show(page *fpPage) reply {
	switch {
	case page.p != nil:
		return f.page(page.p)
	case page.saved:
		return fpHTML(0, "Card saved", fpLink(page.back))
	}
	return fpHTML(0, "Save a card", fpButtons("save"))
}

// page shows a payment with its buttons, or what became of it and the way back to the shop, which proves nothing there.
func (f *freedompay) page(p *fpPayment) reply {
	title := html.EscapeString(p.Reference + ": " + major(p.Amount) + " " + p.Currency)
	body := "<p>" + html.EscapeString(p.description) + "</p><p>" + html.EscapeString(p.Status) + "</p>"
	switch {
	case p.Phase == Live && p.Style == StyleOffer:
		return fpHTML(0, title, body+fpButtons(ActPay, ActDecline))
	case p.Phase == Held, p.Phase == Charged:
		return fpHTML(0, title, body+fpLink(f.back(p, p.success)))
	}
	return fpHTML(0, title, body+fpLink(f.back(p, p.fail)))
}

// back is the shop's address with what the browser carries there, signed with that address's last segment.
func (f *freedompay) back(p *fpPayment, shop string) string {
	u, err := url.Parse(shop)
	if err != nil || shop == "" {
		return ""
	}
	m := fpMessage{}
	m.add("pg_order_id", p.Reference)
	m.add("pg_payment_id", p.ID)
	u.RawQuery = f.signed(m, fpScript(u.Path), f.opt.Secret).form("")
	return u.String()
}

func fpButtons(acts ...string) string {
	out := `<form method="post">`
	for _, act := range acts {
		out += fmt.Sprintf(`<button name="act" value="%s">%s</button>`, act, act)
	}
	return out + "</form>"
}

func fpLink(shop string) string {
	if shop == "" {
		return ""
	}
	return `<p><a href="` + html.EscapeString(shop) + `">Back to the shop</a></p>`
}

// fpHTML writes a page; title and body are escaped already.
func fpHTML(status int, title, body string) reply {
	return reply{status: status, contentType: "text/html; charset=utf-8", body: []byte(
		"<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1>" + body + "</body></html>\n")}
}
