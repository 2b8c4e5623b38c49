package sim

import "time"

// readRecurring reads a charge that follows a first payment.
func (r *robokassa) readRecurring(c *call, w *robokassaWish) {
	c.reference, _ = robokassaNumber(w.form.Get("InvoiceID"))
	c.amount, _ = robokassaMinor(w.form.Get("OutSum")) // recur refuses what this cannot read
	c.currency, c.money, c.create = r.opt.Currency, true, true
	if c.reference != "" {
		c.once, c.unique = "charge/"+c.reference, c.reference
	}
}

// recur accepts a charge, or says why not in a text that is not OK. Accepted is not charged: the state says that (notes, 4.4).
func (r *robokassa) recur(c *call, w *robokassaWish) reply {
	minor, err := robokassaMinor(w.form.Get("OutSum"))
	first, known := r.cards[w.form.Get("PreviousInvoiceID")]
	refusal := ""
	switch {
	case w.form.Get("MerchantLogin") != r.opt.Shop:
		refusal = robokassaNoShop
	case err != nil:
		refusal = robokassaBadSum
	case c.reference == "":
		refusal = robokassaBadInvoice
	case !r.recurringSigned(w):
		refusal = robokassaBadSignature
	case r.sw.NoRecurring:
		refusal = robokassaNoRecurring
	case !known:
		refusal = robokassaBadRecurring
	case r.numbers[c.reference] != nil: // a used number: nothing is documented, so it is refused (section 8)
		refusal = robokassaPaid
	case first.Refusal != "":
		robokassaTwists(c)
		return robokassaText(0, first.Refusal)
	}
	if refusal != "" {
		robokassaTwists(c)
		return robokassaText(0, "ERROR "+refusal)
	}
	p := &robokassaPayment{
		Object: &Object{Account: r.opt.Shop, Reference: c.reference, Amount: minor, Currency: r.opt.Currency},
		shp:    robokassaShp(w.form), culture: "ru", about: robokassaAbout(w.form), account: first.Account, declines: first.Declines,
	}
	r.open(c, p, StyleCharge)
	r.move(p, robokassaStarted, Live)
	if takes := time.Duration(r.sw.RecurringTakes); takes > 0 {
		r.b.after(takes, func() { r.pursue(p) })
	} else {
		r.pursue(p)
	}
	robokassaTwists(c, FaultWrongReference, FaultUnknownStatus)
	text := "OK" + c.reference
	switch c.twist {
	case FaultWrongReference:
		text = "OK" + robokassaOther(c.reference)
	case FaultUnknownStatus:
		text = "ACCEPTED"
		if c.code != "" {
			text = c.code
		}
	}
	return robokassaText(0, text)
}

// recurringSigned checks the signature, which PreviousInvoiceID is no part of.
func (r *robokassa) recurringSigned(w *robokassaWish) bool {
	for _, receipt := range robokassaSpellings(w.form.Get("Receipt")) {
		for _, shp := range robokassaOrders(robokassaShp(w.form)) {
			parts := []string{r.opt.Shop, w.form.Get("OutSum"), w.form.Get("InvoiceID")}
			if receipt != "" {
				parts = append(parts, receipt)
			}
			parts = append(parts, r.opt.Password1)
			if r.signedBy(w.form.Get("SignatureValue"), append(parts, robokassaSigned(shp)...)...) {
				return true
			}
		}
	}
	return false
}

func (r *robokassa) refuseRecurring(_ *call, kind FaultKind, code string, status int) reply {
	switch kind {
	case FaultUnauthorized:
		code = robokassaBadSignature
	case FaultNotFound:
		code = robokassaBadRecurring
	}
	return robokassaText(status, "ERROR "+code)
}
