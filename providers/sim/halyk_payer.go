package sim

import (
	"cmp"
	"time"
)

// payerDoes finds what an act means for this offer. It does nothing by itself.
func (h *halyk) payerDoes(p *halykPayment, word, detail string) (known bool, do func()) {
	switch word {
	case ActPay, ActConfirm:
		return true, func() { h.payWith(p, detail) }
	case "pay-bonus":
		return true, func() {
			p.bonus = p.amount / 10
			h.payWith(p, "")
		}
	case ActDecline:
		return true, func() { h.fail(p, halykFailed, cmp.Or(detail, halykNoMoney)) }
	case "reject":
		return true, func() { h.fail(p, halykReject, halykNoMoney) }
	}
	if p.bill != "" {
		return h.payerOfQR(p, word)
	}
	status, known := map[string]string{ActScan: halykNew, "fingerprint": halykFingerprint, "3d": halyk3D}[word]
	return known, func() {
		if h.begin(p) {
			h.become(p, status, Live)
		}
	}
}

func (h *halyk) payerOfQR(p *halykPayment, word string) (known bool, do func()) {
	status, known := map[string]string{
		ActScan: halykQRScanned, "leave": halykQRReturn, "close": halykQRClosed, "block": halykQRBlocked,
	}[word]
	return known, func() { p.qr, p.o.Status = status, status }
}

// payWith pays with a card, the usual one if none is named. What the card's issuer says is the end of it.
func (h *halyk) payWith(p *halykPayment, pan string) {
	if card := h.pans[pan]; card != nil {
		p.card = card
	}
	if p.card != nil && p.card.Decline != "" {
		h.fail(p, halykFailed, p.card.Decline)
		return
	}
	h.take(p)
}

// payLate takes money for an offer whose time is over, if the options break the bank's promise.
func (h *halyk) payLate(p *halykPayment) {
	over := p.o.Status == halykExpired || p.o.Status == halyk3D
	if !h.opt.LateSuccess || p.o.Phase != Dead || !over || time.Now().Before(p.o.LiveUntil) {
		return
	}
	p.o.Excused = true // the merchant was free to go elsewhere
	h.take(p)
}
