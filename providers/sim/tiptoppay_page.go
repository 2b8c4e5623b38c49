package sim

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// The pages of the gateway and of the issuer, for people who look at the simulation in a browser. Acts and payer rules need none.
//
//	Model.Url of an order --> GET /d/{id} --act=pay|decline--> POST /d/{id} --> SuccessRedirectUrl or FailRedirectUrl
//	AcsUrl with MD, PaReq, TermUrl --> POST /acs --> form with MD, PaRes --> TermUrl

var ttpPageHTML = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated TipTop Pay</title></head><body>
<h1>Simulated TipTop Pay</h1>
<p>{{.Invoice}}: {{.Amount}} {{.Currency}}. {{.Description}}</p>
<p>Status: {{.Status}}</p>
{{if .Payable}}<form method="post" action="{{.Link}}">
<button name="act" value="pay">Pay</button>
<button name="act" value="decline">Not enough money</button>
<button name="act" value="scan">Stop in 3-D Secure</button>
</form>{{end}}
{{if .Back}}<p><a href="{{.Back}}">Back to the shop</a></p>{{end}}
</body></html>
`))

var ttpACSHTML = template.Must(template.New("acs").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated issuer</title></head><body>
<h1>Simulated issuer: 3-D Secure</h1>
<p>{{.Amount}} {{.Currency}}</p>
{{if .PaRes}}<form method="post" action="{{.TermUrl}}">
<input type="hidden" name="MD" value="{{.MD}}"><input type="hidden" name="PaRes" value="{{.PaRes}}">
<button>Back to the shop</button>
</form>{{else}}<form method="post" action="/acs">
<input type="hidden" name="MD" value="{{.MD}}"><input type="hidden" name="TermUrl" value="{{.TermUrl}}">
<button name="act" value="confirm">Confirm</button>
<button name="act" value="decline">Decline</button>
</form>{{end}}
</body></html>
`))

// browse is a payer on an order's page: GET looks, POST does the act that the button names.
func (t *tiptoppay) browse(c *call, q *ttpRequest) reply {
	c.twist = ""
	s := q.sale
	if c.r.Method == http.MethodPost {
		if err := t.pay(s.ID, q.text("act")); err != nil {
			return reply{status: http.StatusBadRequest, contentType: "text/plain; charset=utf-8", body: []byte(err.Error() + "\n")}
		}
	}
	status, back := s.Status, ""
	switch {
	case s.paid != nil:
		status, back = ttpOrderPaid, s.success
	case s.Status == ttpDeclined || s.closed:
		back = s.failure
	}
	return ttpHTML(ttpPageHTML, map[string]any{
		"Invoice": s.Reference, "Amount": major(s.Amount), "Currency": s.Currency, "Description": s.description, "Link": s.link,
		"Status": status, "Payable": s.paid == nil && !s.closed && s.trying == nil, "Back": back,
	})
}

// bankPage is the issuer's page, to which the payer's browser brings MD, PaReq and TermUrl.
func (t *tiptoppay) bankPage(c *call, q *ttpRequest) reply {
	c.twist = ""
	id, _ := strconv.ParseInt(q.md, 10, 64)
	tx := t.transaction(id)
	if tx == nil || tx.sale.Style != StyleCharge {
		return reply{status: http.StatusNotFound, contentType: "text/plain; charset=utf-8", body: []byte("Not Found\n")}
	}
	paRes := ""
	if act := q.text("act"); act != "" {
		if err := t.pay(tx.sale.ID, act); err != nil {
			return reply{status: http.StatusBadRequest, contentType: "text/plain; charset=utf-8", body: []byte(err.Error() + "\n")}
		}
		paRes = "eJz" + t.b.digits(24)
	}
	return ttpHTML(ttpACSHTML, map[string]any{
		"Amount": major(tx.amount), "Currency": tx.sale.Currency, "MD": tx.name(), "TermUrl": q.text("TermUrl"), "PaRes": paRes,
	})
}

func ttpHTML(page *template.Template, fill map[string]any) reply {
	var out strings.Builder
	if err := page.Execute(&out, fill); err != nil {
		panic("sim: tiptoppay page: " + err.Error())
	}
	return reply{contentType: "text/html; charset=utf-8", body: []byte(out.String())}
}
