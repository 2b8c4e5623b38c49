package sim

import (
	"cmp"
	"encoding/json"
	"maps"
	"strings"
	"time"
)

// tell sends a postLink, or a failurePostLink: failures go to postLink where the merchant gave no other link. Amount is that of the
// step: the payment, or an operation on it.
func (h *halyk) tell(p *halykPayment, ok bool, amount int64) {
	address := p.links.post
	if !ok {
		address = cmp.Or(p.links.failure, p.links.post)
	}
	if address == "" {
		return
	}
	body := h.notice(p, ok, amount)
	lie := maps.Clone(body)
	if h.opt.ForgedAmount {
		lie["amount"] = h.plainTenge(amount - p.bonus + 100)
	} else {
		lie[h.spell("secret_hash", "secretHash")] = strings.ReplaceAll(h.b.guid(), "-", "")
	}
	h.b.notify(&letter{
		Notice:  Notice{Face: h.Name(), Reference: p.invoice, URL: address, Body: halykText(body)},
		forgery: []byte(halykText(lie)),
	})
}

func (h *halyk) notice(p *halykPayment, ok bool, amount int64) map[string]any {
	result, secure := "ok", "no"
	if !ok {
		result = "error"
	}
	if p.secured() {
		secure = "yes"
	}
	body := map[string]any{
		"id": p.o.ID, "dateTime": time.Now().In(halykZone).Format("2006-01-02T15:04:05.000-07:00"),
		h.spell("invoiceId", "invoiceID"): p.invoice, "invoiceIdAlt": p.invoiceAlt,
		"amount": h.plainTenge(amount - p.bonus), "amountBonus": h.plainTenge(p.bonus),
		"currency": p.currency, "terminal": p.terminal.ID, h.spell("accountId", "accountID"): p.account, "description": p.description,
		"language": p.tongue(), "cardMask": p.card.mask(), "cardType": p.card.brand(), h.spell("cardId", "cardID"): p.cardID,
		"issuer": halykIssuer, "reference": p.reference, "intReference": p.internal, "approvalCode": p.approval,
		"secure": secure, "secureDetails": "", "code": result, "reason": halykReason(p.code), "reasonCode": h.plainNumber(p.code),
		"name": p.name, "email": p.email, "phone": p.phone, "ip": "",
	}
	if secret := p.links.secretHash; secret != "" {
		body[h.spell("secret_hash", "secretHash")] = secret
	}
	return body
}

// spell chooses between the usual and the other spelling of a name.
func (h *halyk) spell(usual, other string) string {
	if h.opt.OtherSpellings {
		return other
	}
	return usual
}

// plainTenge writes an amount as notices do: without decimals that are zero.
func (h *halyk) plainTenge(minor int64) any { return h.plainNumber(shortMajor(minor)) }

func (h *halyk) plainNumber(digits string) any {
	if h.opt.OtherSpellings {
		return digits
	}
	return json.RawMessage(digits)
}

func halykText(body map[string]any) string { return string(halykJSON(0, body).body) }
