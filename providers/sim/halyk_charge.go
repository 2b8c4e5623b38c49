package sim

import (
	"net/http"
	"time"
)

// readCharge reads a payment by saved or encrypted card.
func (h *halyk) readCharge(c *call, w *halykWish) {
	f := w.fields
	h.begins(c, w, halykSale{
		way: halykDirect, invoice: f.text("invoiceId"), invoiceAlt: f.text("invoiceIdAlt"), terminal: f.text("terminalId"),
		amount: halykAmount(f, "amount"), currency: f.text("currency"), description: f.text("description"), account: f.text("accountId"),
		data: f.text("data"), name: f.text("name"), email: f.text("email"), phone: f.text("phone"), cardSave: f.flag("cardSave"),
		links: halykLinks{post: f.text("postLink"), failure: f.text("failurePostLink")},
	}, false)
}

func (h *halyk) chargeSaved(c *call, w *halykWish) reply {
	t, no := h.accept(c, w)
	if t == nil {
		return no
	}
	if w.fields.text("paymentType") != "cardId" || w.sale.amount == 0 || w.sale.terminal == "" {
		return halykSorry(c, halykFormat, "")
	}
	saved := h.savedCard(w.fields.inner("cardId").text("id"))
	if saved == nil {
		return halykSorry(c, halykWrongCard, "")
	}
	w.sale.links = w.sale.links.or(w.grant)
	p := h.offer(c, t, w.sale, time.Time{})
	p.cardID = saved.id
	h.payWith(p, saved.card.PAN)
	return h.charged(c, p)
}

func (h *halyk) chargeCryptogram(c *call, w *halykWish) reply {
	t, no := h.accept(c, w)
	if t == nil {
		return no
	}
	check := w.fields.text("paymentType") == "cardVerification"
	sealed := h.cryptogram(w.fields)
	if sealed == nil || sealed.text("terminalId") != t.ID || w.sale.terminal == "" || check != (w.sale.amount == 0) {
		return halykSorry(c, halykFormat, "")
	}
	w.sale.links = w.sale.links.or(w.grant)
	card := h.pans[sealed.text("hpan")]
	if card != nil && card.Secure && card.Decline == "" && !check {
		p := h.offer(c, t, w.sale, w.grant.until)
		p.card = card
		h.begin(p)
		p.secret = h.b.guid()
		h.become(p, halyk3D, Live)
		return h.charged(c, p)
	}
	p := h.offer(c, t, w.sale, time.Time{})
	p.card = card
	switch {
	case card == nil:
		p.card = &HalykCard{PAN: sealed.text("hpan")}
		h.fail(p, halykFailed, halykNoSuchCard)
	case card.Expiry != sealed.text("expDate") || card.CVC != sealed.text("cvc"):
		h.fail(p, halykFailed, halykWrongCard)
	default:
		h.payWith(p, card.PAN)
	}
	return h.charged(c, p)
}

func (h *halyk) readConfirm(c *call, w *halykWish) {
	if w.grant == nil {
		return
	}
	if p := h.transaction(w.fields.text("ID"), w.grant.client); p != nil {
		c.reference, c.account, c.amount, c.currency = p.invoice, p.terminal.ID, p.amount, p.currency
		c.money, c.once = true, "confirm\x00"+p.o.ID
	}
}

// confirm goes on after the payer's browser came back from 3-D Secure with a PaRes.
func (h *halyk) confirm(c *call, w *halykWish) reply {
	p := h.transaction(w.fields.text("ID"), w.grant.client)
	switch {
	case p == nil:
		return halykSorry(c, halykTechnical, "transaction not found")
	case p.status != halyk3D || !p.payable() || p.secret == "":
		return halykSorry(c, halykTechnical, "transaction does not wait for 3-D Secure")
	case w.fields.text("MD") != p.secret || w.fields.text("PaRes") == "":
		h.fail(p, halykFailed, halyk3DSecure)
	default:
		h.payWith(p, "")
	}
	return h.charged(c, p)
}

// charged answers a payment that ended, or stopped at 3-D Secure, within the call.
func (h *halyk) charged(c *call, p *halykPayment) reply {
	if p.status == halykFailed {
		return halykSorry(c, p.code, "")
	}
	halykTwists(c, FaultWrongAmount, FaultWrongReference, FaultUnknownStatus)
	id, invoice := h.told(c, p)
	answer := map[string]any{
		"id": id, "invoiceId": invoice, "accountId": p.account, "amount": halykTenge(halykTold(c, p.amount)), "amountBonus": 0,
		"currency": p.currency, "reference": p.reference, "intReference": p.internal, "approvalCode": p.approval,
		"cardMask": p.card.mask(), "cardType": p.card.brand(), "cardId": p.cardID, "issuer": halykIssuer, "terminal": p.terminal.ID,
		"status": halykWord(c, p.status), "code": 0, "message": halykMessages["0"], "secure3D": nil,
	}
	if h.opt.OtherSpellings {
		answer["terminal"] = halykNumber(p.terminal.Number)
	}
	if p.status == halyk3D {
		answer["secure3D"] = map[string]string{"paReq": h.b.digits(24), "md": p.secret, "action": halykURL(c.r, "/payform/"+p.o.ID)}
	}
	return halykJSON(http.StatusOK, answer)
}

// told are the two ids that an answer tells.
func (h *halyk) told(c *call, p *halykPayment) (id, invoice string) {
	if c.twist == FaultWrongReference {
		return h.b.guid(), h.b.digits(12)
	}
	return p.o.ID, p.invoice
}
