package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// readOrder understands /orders/create. Without a mail or message of the gateway's own, only the merchant can show the page.
func (t *tiptoppay) readOrder(c *call, q *ttpRequest) {
	c.money, c.create, c.inert = true, true, !q.mails()
	t.readWish(c, q)
}

// readWish fills in what orders and payments share. One InvoiceId names one attempt, although the gateway would take it again.
func (t *tiptoppay) readWish(c *call, q *ttpRequest) {
	c.reference, c.currency = q.text("InvoiceId"), q.text("Currency")
	c.amount, _ = q.money("Amount")
	if c.reference != "" {
		c.once = "order/" + c.reference
	}
}

// mails says whether the gateway itself sends the page's address to the payer.
func (q *ttpRequest) mails() bool {
	return q.flag("SendEmail") && q.text("Email") != "" || (q.flag("SendSms") || q.flag("SendViber")) && q.text("Phone") != ""
}

// wish reads what orders and payments share, or the gateway's reason to refuse it.
func (t *tiptoppay) wish(q *ttpRequest) (*ttpSale, *Object, string) {
	minor, refusal := q.money("Amount")
	switch currency := q.text("Currency"); {
	case refusal != "":
		return nil, nil, refusal
	case currency == "":
		return nil, nil, "Currency is required"
	case !slices.Contains(t.opt.Currencies, currency):
		return nil, nil, "Invalid Currency value"
	}
	s := &ttpSale{
		description: q.text("Description"), accountID: q.text("AccountId"), email: q.text("Email"), phone: q.text("Phone"),
		ip: q.text("IpAddress"), culture: q.text("CultureName"), data: q.text("JsonData"), name: q.text("Name"),
	}
	if s.culture == "" {
		s.culture = "ru-RU"
	}
	return s, &Object{Reference: q.text("InvoiceId"), Amount: minor, Currency: q.text("Currency")}, ""
}

// createOrder is /orders/create: a page, and no transaction before its payer submits it.
func (t *tiptoppay) createOrder(c *call, q *ttpRequest) ttpAnswer {
	s, o, refusal := t.wish(q)
	switch {
	case refusal != "":
	case s.description == "":
		refusal = "Description is required"
	case t.sw.EmailRequired && s.email == "":
		refusal = "Email is required"
	}
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	o.ID, o.Style, o.Status = t.orderID(), StyleOffer, ttpOrderCreated
	if q.mails() {
		o.Style = StylePush
	}
	s.hold, s.success, s.failure = q.flag("RequireConfirmation"), q.text("SuccessRedirectUrl"), q.text("FailRedirectUrl")
	if t.opt.OrderLife > 0 {
		o.LiveUntil = time.Now().Add(t.opt.OrderLife)
		t.b.after(t.opt.OrderLife, func() { t.shut(s, ttpOrderExpired) })
	}
	t.orders++
	s.number, s.link = 50_212+t.orders, t.address(c.r, "/d/"+o.ID)
	t.open(c, s, o)
	return ttpAnswer{success: true, model: t.orderModel(s)}
}

// orderID invents sixteen letters and digits.
func (t *tiptoppay) orderID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	id := make([]byte, 16)
	for i := range id {
		id[i] = letters[t.b.rng.IntN(len(letters))]
	}
	return string(id)
}

func (t *tiptoppay) orderModel(s *ttpSale) ttpObject {
	return ttpObject{
		"Id": s.ID, "Number": s.number, "Amount": t.amount(s.Amount), "Currency": s.Currency, "CurrencyCode": ttpCurrencyCode,
		"Email": ttpOrNull(s.email), "Phone": ttpOrNull(s.phone), "Description": s.description, "RequireConfirmation": s.hold,
		"Url": s.link, "CultureName": s.culture, "CreatedDate": ttpLegacyDate(s.Created), "CreatedDateIso": ttpISO(s.Created),
		"PaymentDate": nil, "PaymentDateIso": nil, "StatusCode": 0, "Status": ttpOrderCreated, "InternalId": 91_827_363 + s.number - 50_212,
	}
}

// readCancel finds the order's reference, which the request does not carry.
func (t *tiptoppay) readCancel(c *call, q *ttpRequest) {
	if s := t.sale(q.text("Id")); s != nil {
		c.reference, c.currency = s.Reference, s.Currency
	}
}

// cancelOrder is /orders/cancel: no new transaction can begin. One that waits for 3-D Secure or for the reserve bank is not
// stopped, which is why a merchant must look afterwards (notes, section 10).
func (t *tiptoppay) cancelOrder(_ *call, q *ttpRequest) ttpAnswer {
	s := t.sale(q.text("Id"))
	switch {
	case q.text("Id") == "":
		return ttpRefusal("Id is required")
	case s == nil || s.Style == StyleCharge:
		return ttpRefusal(ttpNotFoundText)
	case s.paid != nil:
		return ttpAnswer{message: "Order is paid"}
	case s.closed:
		return t.wrongState("Order is closed")
	}
	t.shut(s, ttpCancelled)
	return ttpAnswer{success: true}
}

// address is a page of this face as a payer reaches it.
func (t *tiptoppay) address(r *http.Request, path string) string {
	switch {
	case t.opt.PageURL != "":
		return t.opt.PageURL + path
	case r.TLS != nil:
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}

// readByID finds the transaction that a request names, and what is known of it.
func (t *tiptoppay) readByID(c *call, q *ttpRequest) {
	if tx := t.named(q); tx != nil {
		c.reference, c.currency, c.amount = tx.sale.Reference, tx.sale.Currency, tx.amount
	}
}

// named is the transaction of TransactionId; nil when there is none.
func (t *tiptoppay) named(q *ttpRequest) *ttpTransaction {
	id, ok := q.integer("TransactionId")
	if !ok {
		return nil
	}
	return t.transaction(id)
}

// key makes what I9 counts: an operation on a transaction, and what tells two of them apart.
func ttpKey(op string, tx *ttpTransaction, more ...string) string {
	return strings.Join(append([]string{op, tx.name()}, more...), "/")
}
