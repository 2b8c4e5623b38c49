package sim

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	halykQRLife         = 20 * time.Minute // as published; then the bank cancels the QR
	halykInvoiceMin     = 6
	halykInvoiceMax     = 15
	halykLinkInvoiceMax = 17  // the documented sample of an invoice link is that long
	halykDescriptionMax = 125 // bytes
)

// begins fills a call that starts a payment.
func (h *halyk) begins(c *call, w *halykWish, s halykSale, inert bool) {
	h.present(w.grant, s.invoice)
	w.sale = s
	c.reference, c.currency, c.amount = s.invoice, s.currency, max(s.amount, 0)
	c.account = s.terminal
	if w.grant != nil {
		c.account = w.grant.terminal
	}
	if s.invoice == "" || halykVerification(s.amount, s.currency) {
		return
	}
	c.money, c.create, c.inert = true, true, inert
	c.once = c.account + "\x00" + s.invoice
	c.unique = halykTail(s.invoice)
}

// accept checks what every way to pay has in common. A non-nil terminal is where the payment may begin.
func (h *halyk) accept(c *call, w *halykWish) (*HalykTerminal, reply) {
	s, g, t := &w.sale, w.grant, h.terminal(w.grant.terminal)
	longest := halykInvoiceMax
	if s.way == halykLink {
		longest = halykLinkInvoiceMax
	}
	code, why := "", ""
	switch {
	case g.invoice != "" && g.invoice != s.invoice:
		halykTwists(c)
		return nil, halykUnauthorized(halykPlain, 0) // a token of another payment
	case t == nil || t.Client != g.client:
		code = halykMerchant
	case s.terminal != "" && s.terminal != g.terminal:
		code, why = halykMerchant, "terminal is not the token's"
	case !isDigits(s.invoice) || len(s.invoice) < halykInvoiceMin || len(s.invoice) > longest:
		code, why = halykFormat, "invoice number is 6 to 15 digits"
	case s.amount == 0 && !halykVerification(s.amount, s.currency):
		code = halykZeroAmount
	case s.amount < 0 || s.amount > 0 && s.currency != "KZT":
		code, why = halykFormat, "amount is a number of tenge"
	case g.invoice != "" && (g.amount != s.amount || g.currency != s.currency):
		code, why = halykFormat, "amount and currency are not the token's"
	case len(s.description) > halykDescriptionMax:
		code = halykDescription
	case h.used(t, s.invoice):
		code, why = halykTechnical, "invoice already used"
	}
	if code != "" {
		return nil, halykSorry(c, code, why)
	}
	return t, reply{}
}

// halykAmount reads an amount; -1 is none.
func halykAmount(f halykBody, name string) int64 {
	minor, err := f.tenge(name)
	if err != nil {
		return -1
	}
	return minor
}

func (h *halyk) readInvoice(c *call, w *halykWish) {
	f := w.fields
	s := halykSale{
		way: halykLink, invoice: f.text("invoice_id"), amount: halykAmount(f, "amount"), currency: f.text("currency"),
		account: f.text("account_id"), language: f.text("language"), description: f.text("description"),
		email: f.text("recipient_contact"), phone: f.text("recipient_contact_sms"),
		back: f.text("back_link"), backFailed: f.text("failure_back_link"),
		links: halykLinks{post: f.text("post_link"), failure: f.text("failure_post_link")},
	}
	s.mailed = s.email != "" || s.phone != ""
	h.begins(c, w, s, !s.mailed)
}

func (h *halyk) makeInvoice(c *call, w *halykWish) reply {
	t, no := h.accept(c, w)
	if t == nil {
		return no
	}
	days, found := strings.CutSuffix(w.fields.text("expire_period"), "d")
	n, err := strconv.ParseUint(days, 10, 8)
	if !found || err != nil || n == 0 {
		return halykSorry(c, halykFormat, "expire_period is days: 1d")
	}
	if w.fields.text("shop_id") == "" {
		return halykSorry(c, halykMerchant, "shop_id is missing")
	}
	w.sale.links = w.sale.links.or(w.grant)
	p := h.offer(c, t, w.sale, time.Now().AddDate(0, 0, int(n)))
	halykTwists(c, FaultWrongReference)
	id := p.o.ID
	if c.twist == FaultWrongReference {
		id = h.b.guid()
	}
	return halykJSON(http.StatusOK, map[string]any{"id": id, "invoice_url": halykURL(c.r, "/payform/"+id)})
}

func (h *halyk) readQR(c *call, w *halykWish) {
	f, s := w.fields, halykSale{way: halykQR}
	if g := w.grant; g != nil {
		s.invoice, s.amount, s.currency, s.terminal = g.invoice, g.amount, g.currency, g.terminal
	}
	s.description, s.language, s.account = f.text("description"), f.text("language"), f.text("accountId")
	s.email, s.phone = f.text("payerEmail"), f.text("payerPhone")
	s.links = halykLinks{post: f.text("postLink"), failure: f.text("failurePostLink")}
	h.begins(c, w, s, true)
}

func (h *halyk) makeQR(c *call, w *halykWish) reply {
	t, no := h.accept(c, w)
	if t == nil {
		return no
	}
	if t.NoQR {
		return halykSorry(c, halykMerchant, "terminal is not enabled for QR")
	}
	for _, name := range []string{"postLink", "failurePostLink"} {
		if _, given := w.fields[name]; given && !halykIsURL(w.fields.text(name)) {
			return halykSorry(c, halykFormat, name+" is not a URL")
		}
	}
	w.sale.links = w.sale.links.or(w.grant)
	p := h.offer(c, t, w.sale, time.Now().Add(halykQRLife))
	p.bill, p.qr, p.o.Status = h.b.digits(10), halykQRNew, halykQRNew
	halykTwists(c, FaultWrongReference)
	id, bill := p.o.ID, p.bill
	if c.twist == FaultWrongReference {
		id, bill = h.b.guid(), h.b.digits(10)
	}
	page := halykURL(c.r, "/payform/"+id)
	return halykJSON(http.StatusOK, map[string]any{
		"billNumber": bill, "qrcode": page, "homebankLink": page + "?app=homebank", "onlinebankLink": page + "?app=onlinebank",
	})
}

func halykIsURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func (h *halyk) readQRStatus(c *call, w *halykWish) {
	if p := h.ofBill(w); p != nil {
		c.reference, c.account = p.invoice, p.terminal.ID
	}
}

// ofBill finds the QR that a status question is about.
func (h *halyk) ofBill(w *halykWish) *halykPayment {
	bill := w.query.Get("billNumber")
	for _, p := range h.payments {
		if bill != "" && p.bill == bill && w.grant != nil && p.terminal.Client == w.grant.client {
			return p
		}
	}
	return nil
}

func halykNoBill() reply { return halykRefusal(halykTechnical, "bill not found") }

func (h *halyk) showQR(c *call, w *halykWish) reply {
	p := h.ofBill(w)
	if p == nil {
		halykTwists(c)
		return halykNoBill()
	}
	halykTwists(c, FaultWrongAmount, FaultUnknownStatus)
	return halykJSON(http.StatusOK, map[string]any{
		"status": halykWord(c, p.qr), "trType": "QR", "secure3D": nil, "issuer": halykIssuer, "fee": 0,
		"amount": halykTenge(halykTold(c, p.amount)), "currency": p.currency, "paymentChannel": "homebank",
		"errDescription": map[bool]string{true: halykMessages[p.code]}[p.code != "0"], "retCode": p.code,
	})
}

// halykTold is the amount that an answer tells.
func halykTold(c *call, minor int64) int64 {
	if c.twist == FaultWrongAmount {
		return minor + 100
	}
	return minor
}

// halykWord is the status that an answer tells.
func halykWord(c *call, status string) string {
	if c.twist == FaultUnknownStatus {
		return cmp.Or(c.code, halykNobodyKnows)
	}
	return status
}
