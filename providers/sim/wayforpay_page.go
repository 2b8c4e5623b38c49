package sim

import (
	"fmt"
	"html"
	"net/http"
	"strings"
)

// address is a page of this face as a payer reaches it.
func (w *wayforpay) address(r *http.Request, path string) string {
	switch {
	case w.opt.PageURL != "":
		return w.opt.PageURL + path
	case r.TLS != nil:
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}

// browse is a payer on an offer's page: GET looks, POST does the act that the button names.
func (w *wayforpay) browse(c *call, q *wfpRequest) reply {
	c.twist = ""
	if c.r.Method == http.MethodPost {
		if err := w.pay(q.order.ID, q.text("act")); err != nil {
			return wfpHTML(http.StatusBadRequest, "Not possible", html.EscapeString(err.Error()))
		}
	}
	return w.page(q.order)
}

// page shows an offer with its buttons, or what became of it, with the form that brings the browser back to the shop.
func (w *wayforpay) page(ord *wfpOrder) reply {
	title := html.EscapeString(ord.Reference + ": " + major(ord.Amount) + " " + ord.Currency)
	if ord.Phase == Live && ord.Style == StyleOffer {
		buttons := fmt.Sprintf(`<form method="post" action="%s">`, html.EscapeString(ord.link))
		for _, act := range []string{ActPay, ActDecline} {
			buttons += fmt.Sprintf(`<button name="act" value="%s">%s</button>`, act, act)
		}
		return wfpHTML(0, title, "<p>"+html.EscapeString(ord.Status)+"</p>"+buttons+"</form>")
	}
	if ord.returnURL == "" {
		return wfpHTML(0, title, html.EscapeString(ord.Status))
	}
	a := w.payment(ord)
	a["merchantSignature"] = a.sign(w.opt.Key, wfpEight)
	var back strings.Builder
	fmt.Fprintf(&back, `<p>%s</p><form method="post" action="%s">`, html.EscapeString(ord.Status), html.EscapeString(ord.returnURL))
	for _, name := range append([]string{"merchantSignature", "reason"}, wfpEight...) {
		fmt.Fprintf(&back, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(fmt.Sprint(a[name])))
	}
	back.WriteString(`<button>Back to the shop</button></form>`)
	return wfpHTML(0, title, back.String())
}

// wfpHTML writes a page; title and body are escaped already.
func wfpHTML(status int, title, body string) reply {
	return reply{status: status, contentType: "text/html; charset=utf-8", body: []byte(
		"<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1>" + body + "</body></html>\n")}
}
