package sim

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// The payment window, for people who look at the simulation in a browser. Acts and payer rules need none of it.
var qpWindowHTML = template.Must(template.New("window").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated QuickPay</title></head><body>
<h1>Simulated QuickPay</h1>
<p>Order {{.Order}}: {{.Amount}} minor units of {{.Currency}}. State: {{.State}}</p>
{{if .Payable}}<form method="post">
<button name="act" value="pay">Pay</button>
<button name="act" value="decline">Decline</button>
</form>{{end}}
{{if .Back}}<p><a href="{{.Back}}">Back to the shop</a></p>{{end}}
</body></html>
`))

// pageAddress is a page of this face as a payer reaches it.
func (q *quickpay) pageAddress(r *http.Request, path string) string {
	switch {
	case q.opt.PageURL != "":
		return q.opt.PageURL + path
	case r.TLS != nil:
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}

// browser recognises a payer's browser: it comes by a link that lives, or has one open. Deleted links lead nowhere.
func (q *quickpay) browser(w *qpWish, r *http.Request, body []byte) bool {
	token, ok := strings.CutPrefix(r.URL.Path, "/payments/")
	if !ok || (r.Method != http.MethodGet && r.Method != http.MethodPost) {
		return false
	}
	for _, p := range q.payments {
		if p.link != nil && p.link.token == token || p.window != nil && p.window.token == token {
			w.window = p
			if r.Method == http.MethodPost {
				w.query, _ = url.ParseQuery(string(body)) // what cannot be read is no act
			}
			return true
		}
	}
	return false
}

// browse shows the window; POST does the act that the button names.
func (q *quickpay) browse(c *call, w *qpWish) reply {
	c.twist = ""
	p := w.window
	link := p.link
	if link == nil {
		link = p.window
	}
	act := ActScan
	if c.r.Method == http.MethodPost {
		act = w.query.Get("act")
	}
	if err := q.pay(p.o.ID, act); err != nil {
		return qpHTML(http.StatusBadRequest, map[string]any{"Order": p.order, "State": "this act is not possible"})
	}
	back := ""
	switch {
	case p.authorized():
		back = link.fields.text("continue_url")
	case !p.payable():
		back = link.fields.text("cancel_url")
	}
	return qpHTML(0, map[string]any{
		"Order": p.order, "Amount": link.amount, "Currency": p.currency, "State": p.state, "Payable": p.window != nil, "Back": back,
	})
}

func qpHTML(status int, data map[string]any) reply {
	var page strings.Builder
	if err := qpWindowHTML.Execute(&page, data); err != nil {
		panic("sim: quickpay page: " + err.Error())
	}
	return reply{status: status, contentType: "text/html; charset=utf-8", body: []byte(page.String())}
}
