package sim

import (
	"html/template"
	"strings"
)

// The bank's page, for people who look at the simulation in a browser. Acts and payer rules need none of it.
//
//	merchant's page --> payment-api.js: halyk.pay(object) --> POST /payform --.
//	invoice link, QR, 3-D Secure --> GET /payform/{id} ------------------------+--> POST /payform/{id} act=pay --> backLink

// halykScript is the part of payment-api.js that leaves for the bank's page. The widget of the real script is not simulated.
const halykScript = `var halyk = (function (here) {
  return {
    pay: function (payment) {
      var form = document.createElement("form"), field = document.createElement("input");
      form.method = "POST";
      form.action = here + "/payform";
      field.type = "hidden";
      field.name = "payment";
      field.value = JSON.stringify(payment);
      form.appendChild(field);
      document.body.appendChild(form);
      form.submit();
    }
  };
})(new URL("..", document.currentScript.src).href.replace(/\/$/, ""));
`

var halykPageHTML = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Halyk ePay</title></head><body>
<h1>Simulated Halyk ePay</h1>
<p>Invoice {{.Invoice}}: {{.Amount}} {{.Currency}}. {{.Description}}</p>
<p>Status: {{.Status}}</p>
{{if .Payable}}<form method="post" action="/payform/{{.ID}}">
<button name="act" value="pay">Pay</button>
<button name="act" value="decline">Not enough money</button>
<button name="act" value="3d">Stop in 3-D Secure</button>
</form>{{end}}
{{if .Back}}<p><a href="{{.Back}}">Back to the shop</a></p>{{end}}
</body></html>
`))

func (h *halyk) showScript(_ *call, _ *halykWish) reply {
	return reply{contentType: "text/javascript; charset=utf-8", body: []byte(halykScript)}
}

// openPage takes the payment object from a browser. Its token is what pays; the object may add to it and not contradict it.
func (h *halyk) openPage(c *call, w *halykWish) reply {
	f, err := readHalykBody([]byte(w.form.Get("payment")))
	if err != nil {
		return halykSorry(c, halykFormat, "payment is not a payment object")
	}
	g := h.grants[f.inner("auth").text("access_token")]
	if g == nil || g.page == nil || !g.page.payable() {
		return halykUnauthorized(halykPlain, 0)
	}
	p := g.page
	amount := halykAmount(f, "amount")
	switch {
	case f.text("invoiceId") != g.invoice || amount != g.amount || f.text("currency") != g.currency || f.text("terminal") != g.terminal:
		return halykSorry(c, halykFormat, "invoiceId, amount, currency and terminal are not the token's")
	case len(g.invoice) > halykInvoiceMax || len(g.invoice) < halykInvoiceMin:
		return halykSorry(c, halykFormat, "invoiceId is 6 to 15 digits")
	case len(f.text("description")) > halykDescriptionMax:
		return halykSorry(c, halykDescription, "")
	}
	p.invoiceAlt, p.description, p.account, p.data = f.text("invoiceIdAlt"), f.text("description"), f.text("accountId"), f.text("data")
	p.language, p.name, p.email, p.phone = f.text("language"), f.text("name"), f.text("email"), f.text("phone")
	p.cardSave, p.back, p.backFailed = f.flag("cardSave"), f.text("backLink"), f.text("failureBackLink")
	p.links = halykLinks{post: f.text("postLink"), failure: f.text("failurePostLink")}.or(g)
	return p.page("")
}

func (h *halyk) showPage(_ *call, w *halykWish) reply {
	p := h.payment(w.id)
	if p == nil {
		return halykNowhere()
	}
	return p.page("")
}

func (p *halykPayment) page(back string) reply {
	var page strings.Builder
	err := halykPageHTML.Execute(&page, map[string]any{
		"ID": p.o.ID, "Invoice": p.invoice, "Amount": major(p.amount), "Currency": p.currency, "Description": p.description,
		"Status": p.o.Status, "Payable": p.payable(), "Back": back,
	})
	if err != nil {
		panic("sim: halyk page: " + err.Error())
	}
	return reply{contentType: "text/html; charset=utf-8", body: []byte(page.String())}
}

// actOnPage presses a button and shows the browser the way back to the merchant, to whom it proves nothing.
func (h *halyk) actOnPage(c *call, w *halykWish) reply {
	p := h.payment(w.id)
	if p == nil {
		return halykNowhere()
	}
	if err := h.pay(p.o.ID, w.form.Get("act")); err != nil {
		return halykSorry(c, halykFormat, err.Error())
	}
	if p.o.Phase == Live {
		return p.page("")
	}
	if p.o.Phase == Dead && p.backFailed != "" {
		return p.page(p.backFailed)
	}
	return p.page(p.back)
}
