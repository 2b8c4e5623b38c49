package sim

// readHold reads Confirm and Cancel.
func (r *robokassa) readHold(c *call, w *robokassaWish) {
	c.reference, _ = robokassaNumber(w.form.Get("InvoiceID"))
	c.amount, _ = robokassaMinor(w.form.Get("OutSum")) // confirm refuses what this cannot read; cancel need not say it
	c.currency, c.money = r.opt.Currency, true
	if c.reference != "" {
		c.once = string(c.op) + "/" + c.reference
	}
}

// confirm takes a hold or a part of it. There is one confirmation: a second one is refused (notes, 4.3).
func (r *robokassa) confirm(c *call, w *robokassaWish) reply {
	minor, err := robokassaMinor(w.form.Get("OutSum"))
	p, signed := r.numbers[c.reference], false
	for _, receipt := range robokassaSpellings(w.form.Get("Receipt")) {
		parts := []string{r.opt.Shop, w.form.Get("OutSum"), w.form.Get("InvoiceID")}
		if receipt != "" {
			parts = append(parts, receipt)
		}
		signed = signed || r.signedBy(w.form.Get("SignatureValue"), append(parts, r.opt.Password1)...)
	}
	if w.form.Get("MerchantLogin") != r.opt.Shop || !signed || err != nil || p == nil || p.Phase != Held || minor > p.Authorized {
		return r.holdAnswer(c, false)
	}
	r.capture(p, minor)
	return r.holdAnswer(c, true)
}

// cancel releases a hold. The sum is never under its signature.
func (r *robokassa) cancel(c *call, w *robokassaWish) reply {
	p := r.numbers[c.reference]
	signed := r.signedBy(w.form.Get("SignatureValue"), r.opt.Shop, "", w.form.Get("InvoiceID"), r.opt.Password1)
	if w.form.Get("MerchantLogin") != r.opt.Shop || !signed || p == nil || p.Phase != Held {
		return r.holdAnswer(c, false)
	}
	r.release(p, "")
	return r.holdAnswer(c, true)
}

// holdAnswer is a body that no document describes: three spellings have been seen or guessed at.
func (r *robokassa) holdAnswer(c *call, ok bool) reply {
	robokassaTwists(c, FaultUnknownStatus)
	word := "false"
	if ok {
		word = "true"
	}
	if c.twist != "" {
		word = "maybe"
		if c.code != "" {
			word = c.code
		}
	}
	return robokassaText(0, map[string]string{
		"": "{success:" + word + "}", "space": "{success: " + word + "}", "json": `{"success":` + word + "}",
	}[r.sw.HoldAnswer])
}

// refuseHold has no place for a code.
func (r *robokassa) refuseHold(c *call, _ FaultKind, _ string, status int) reply {
	rep := r.holdAnswer(c, false)
	rep.status = status
	return rep
}
