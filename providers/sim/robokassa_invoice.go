package sim

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// readInvoice reads CreateInvoice.
func (r *robokassa) readInvoice(c *call, w *robokassaWish) {
	c.reference, _ = robokassaNumber(w.token.text("InvId"))
	c.amount, _ = robokassaMinor(w.token.text("OutSum")) // createInvoice refuses what this cannot read
	c.currency, c.money, c.create, c.inert = r.opt.Currency, true, true, true
	if c.reference != "" {
		c.once, c.unique = "start/"+c.reference, c.reference
	}
}

// invoiceAllowed says what is wrong with a token of the invoice service; empty is nothing.
func (r *robokassa) invoiceAllowed(c *call, w *robokassaWish) string {
	switch {
	case w.token == nil || w.raw || robokassaMedia(c) != "application/json": // the token comes as a JSON string
		return "the body is not a token"
	case w.token.text("MerchantLogin") != r.opt.Shop:
		return "shop not found"
	case !w.token.signedBy(r.opt.Shop+":"+r.opt.Password1, robokassaInvoiceAlgs):
		return "bad signature"
	}
	return ""
}

// createInvoice makes a link that can be switched off. Until its payer opens it OpStateExt knows nothing of it.
func (r *robokassa) createInvoice(c *call, w *robokassaWish) reply {
	t := w.token
	wrong := r.invoiceAllowed(c, w)
	minor, err := robokassaMinor(t.text("OutSum"))
	number, valid := robokassaNumber(t.text("InvId"))
	if asked := t.text("InvId"); asked == "" || asked == "0" {
		number, valid = "", true // Robokassa assigns one
	}
	life := time.Duration(r.sw.InvoiceLife)
	if life == 0 {
		life = robokassaInvoiceLife
	}
	until := time.Now().Add(life)
	if text := t.text("ExpirationDate"); wrong == "" && r.sw.InvoiceObeysExpirationDate && text != "" {
		if until, err = robokassaExpiry(text); err != nil || !until.After(time.Now()) {
			wrong = "bad ExpirationDate"
		}
	}
	switch {
	case wrong != "":
	case t.text("InvoiceType") != "OneTime": // Reusable is not simulated: one number is one payment here
		wrong = "bad InvoiceType"
	case err != nil:
		wrong = "bad OutSum"
	case !valid || len([]rune(t.text("Description"))) > robokassaDescription:
		wrong = "bad parameters"
	case number != "" && r.numbers[number] != nil:
		wrong = "InvId is used"
	}
	if wrong != "" {
		robokassaTwists(c)
		return robokassaInvoiceSorry(wrong, 0)
	}
	p := &robokassaPayment{
		Object: &Object{Account: r.opt.Shop, Reference: number, Amount: minor, Currency: r.opt.Currency, LiveUntil: until},
		about:  t.text("Description"), culture: cmp.Or(t.text("Culture"), "ru"), account: robokassaCard,
		success: robokassaReturn{t.inner("SuccessUrl2Data").text("Url"), t.inner("SuccessUrl2Data").text("Method")},
		fail:    robokassaReturn{t.inner("FailUrl2Data").text("Url"), t.inner("FailUrl2Data").text("Method")},
		invoice: r.b.guid(), encoded: r.b.letters(22), shp: robokassaUserFields(t),
	}
	r.open(c, p, StyleOffer)
	robokassaTwists(c, FaultWrongReference)
	told := p.Reference
	if c.twist != "" {
		told = robokassaOther(told)
	}
	return robokassaJSON(0, map[string]any{
		"isSuccess": true, "url": r.link(c.r, "/Merchant/Invoice/"+p.encoded), "id": p.invoice, "invId": json.Number(told), "message": nil,
	})
}

// robokassaUserFields are the merchant's own parameters of an invoice. How UserFields look is not documented: here they are an
// object, of which what is called Shp_ is treated as the same parameter of Index.aspx.
func robokassaUserFields(t *robokassaJWT) []robokassaParam {
	in, form := t.inner("UserFields"), url.Values{}
	for name := range in.fields {
		form.Set(name, in.text(name))
	}
	return robokassaShp(form)
}

// readDeactivation reads DeactivateInvoice, which names an invoice by EncodedId, Id or InvId.
func (r *robokassa) readDeactivation(c *call, w *robokassaWish) {
	c.reference, _ = robokassaNumber(w.token.text("InvId"))
	encoded, id := w.token.text("EncodedId"), w.token.text("Id")
	i := slices.IndexFunc(r.payments, func(p *robokassaPayment) bool {
		return p.invoice != "" && (p.encoded == encoded || p.invoice == id || p.Reference == c.reference)
	})
	if i >= 0 {
		w.payment = r.payments[i]
		c.reference = w.payment.Reference
	}
}

func (r *robokassa) deactivateInvoice(c *call, w *robokassaWish) reply {
	robokassaTwists(c)
	wrong := r.invoiceAllowed(c, w)
	switch {
	case wrong != "":
	case w.payment == nil:
		wrong = "invoice not found"
	case !r.deactivate(w.payment):
		wrong = "invoice cannot be deactivated"
	}
	if wrong != "" {
		return robokassaInvoiceSorry(wrong, 0)
	}
	return robokassaJSON(0, map[string]any{"isSuccess": true, "message": nil})
}

func (r *robokassa) refuseInvoice(_ *call, kind FaultKind, code string, status int) reply {
	switch kind {
	case FaultUnauthorized:
		code = "bad signature"
	case FaultNotFound:
		code = "invoice not found"
	}
	return robokassaInvoiceSorry(code, status)
}

// robokassaInvoiceSorry is a refusal: the service answers 200 always.
func robokassaInvoiceSorry(message string, status int) reply {
	return robokassaJSON(status, map[string]any{"isSuccess": false, "message": message})
}

// The words of GetInvoiceInformationList.
const (
	robokassaInvoicePaid    = "Paid"
	robokassaInvoiceExpired = "Expired"
	robokassaInvoiceNotPaid = "Notpaid"
)

func (p *robokassaPayment) invoiceStatus() string {
	switch {
	case !p.paidAt.IsZero():
		return robokassaInvoicePaid
	case p.Phase == Dead || p.off:
		return robokassaInvoiceExpired
	}
	return robokassaInvoiceNotPaid
}

// robokassaPages are the page and the size that a list asks for; both count from 1, and a page has 20 rows if nothing is said.
func robokassaPages(t *robokassaJWT) (page, size int, ok bool) {
	page, errPage := strconv.Atoi(cmp.Or(t.text("CurrentPage"), "1"))
	size, errSize := strconv.Atoi(cmp.Or(t.text("PageSize"), "20"))
	return page, size, errPage == nil && errSize == nil && page >= 1 && size >= 1 && page < 1e6 && size <= 1000
}

// listInvoices is GetInvoiceInformationList: invoices made by CreateInvoice only, oldest first. The names of its fields are ours.
func (r *robokassa) listInvoices(c *call, w *robokassaWish) reply {
	t := w.token
	wrong := r.invoiceAllowed(c, w)
	page, size, ok := robokassaPages(t)
	from, badFrom := robokassaBound(t.text("DateFrom"))
	to, badTo := robokassaBound(t.text("DateTo"))
	if wrong == "" && (!ok || badFrom != nil || badTo != nil) {
		wrong = "bad parameters"
	}
	if wrong != "" {
		robokassaTwists(c)
		return robokassaInvoiceSorry(wrong, 0)
	}
	rows := []*robokassaPayment{}
	for _, p := range r.payments {
		status, statuses := p.invoiceStatus(), t.words("InvoiceStatuses")
		types := t.words("InvoiceTypes")
		switch {
		case p.invoice == "" || len(statuses) > 0 && !slices.Contains(statuses, status) || len(types) > 0 && !slices.Contains(types, "OneTime"):
		case !from.IsZero() && p.Created.Before(from) || !to.IsZero() && p.Created.After(to):
		default:
			rows = append(rows, p)
		}
	}
	total := len(rows)
	rows = rows[min((page-1)*size, total):min(page*size, total)]
	if len(rows) == 0 {
		robokassaTwists(c)
	} else {
		robokassaTwists(c, FaultWrongAmount, FaultWrongReference, FaultUnknownStatus)
	}
	list := []map[string]any{}
	for i, p := range rows {
		list = append(list, robokassaInvoiceRow(c, p, i == 0))
	}
	return robokassaJSON(0, map[string]any{"isSuccess": true, "totalCount": total, "invoices": list, "message": nil})
}

// robokassaInvoiceRow is one row; lies are told in the first.
func robokassaInvoiceRow(c *call, p *robokassaPayment, lie bool) map[string]any {
	number, status, sum := p.Reference, p.invoiceStatus(), p.sum()
	if lie {
		sum = robokassaTold(c, sum)
		switch c.twist {
		case FaultWrongReference:
			number = robokassaOther(number)
		case FaultUnknownStatus:
			status = cmp.Or(c.code, "Frozen")
		}
	}
	return map[string]any{
		"id": p.invoice, "encodedId": p.encoded, "invId": json.Number(number), "outSum": json.Number(major(sum)), "status": status,
		"invoiceType": "OneTime", "description": p.about, "createDate": robokassaDate(p.Created), "expirationDate": robokassaDate(p.LiveUntil),
	}
}

// robokassaBound reads one end of a window; none is no bound.
func robokassaBound(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return robokassaExpiry(text)
}
