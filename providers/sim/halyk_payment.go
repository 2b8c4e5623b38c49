package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Ways to start a payment.
const (
	halykPage   = "page"
	halykLink   = "invoice"
	halykQR     = "qr"
	halykDirect = "card"
)

// Status names of a transaction.
const (
	halykNew         = "NEW"
	halykFingerprint = "FINGERPRINT"
	halyk3D          = "3D"
	halykAuth        = "AUTH"
	halykCharge      = "CHARGE"
	halykCancel      = "CANCEL"
	halykCancelOld   = "CANCEL_OLD"
	halykRefund      = "REFUND"
	halykFailed      = "FAILED"
	halykReject      = "REJECT"
	halykVerified    = "VERIFIED"
)

// Status names of a QR.
const (
	halykQRNew      = "NEW"
	halykQRScanned  = "SCANNED"
	halykQRBlocked  = "BLOCKED"
	halykQRAuth     = "AUTH"
	halykQRPaid     = "PAID"
	halykQRRejected = "REJECTED"
	halykQRClosed   = "CLOSED"
	halykQRReturn   = "RETURN"
)

// What becomes of an offer without a transaction, in our words: the bank says nothing about it.
const (
	halykOffered = "OFFERED"
	halykExpired = "EXPIRED"
	halykUsed    = "USED" // its invoice has been paid, or tried, in another way
)

// halykSale is what the merchant said about a payment.
type halykSale struct {
	way         string
	invoice     string
	invoiceAlt  string
	terminal    string
	amount      int64
	currency    string
	description string
	account     string // the merchant's customer, who may have saved cards
	language    string
	data        string
	name        string
	email       string
	phone       string
	cardSave    bool
	mailed      bool   // the bank itself sends the link to the payer
	back        string // where the browser goes afterwards
	backFailed  string
	links       halykLinks
}

// halykPayment is one way to pay an invoice, and the transaction once somebody has tried.
type halykPayment struct {
	halykSale
	o        *Object
	terminal *HalykTerminal
	clock    *time.Timer // ends the offer, or the hold

	bill string // of a QR; empty otherwise
	qr   string // what its status says

	// Of the transaction.
	created   time.Time // zero until there is one
	status    string
	code      string // why it failed; 0
	card      *HalykCard
	cardID    string // of the saved card
	bonus     int64  // paid with bonuses, included in the amount
	reference string // RRN
	internal  string // intReference
	approval  string
	secret    string // md of 3-D Secure
	refunds   []halykReturn
}

// halykReturn is one refund.
type halykReturn struct {
	id, externalID string
	amount         int64
	at             time.Time
}

// begun says that a transaction exists: only then does the bank know the invoice.
func (p *halykPayment) begun() bool { return !p.created.IsZero() }

// payable says that a payer could pay now.
func (p *halykPayment) payable() bool {
	return p.o.Phase == Live && (p.o.LiveUntil.IsZero() || time.Now().Before(p.o.LiveUntil))
}

// offer opens a way to pay. A zero until is for what ends within the call.
func (h *halyk) offer(c *call, t *HalykTerminal, s halykSale, until time.Time) *halykPayment {
	style := StyleOffer
	switch {
	case s.way == halykDirect:
		style = StyleCharge
	case s.way == halykLink && s.mailed:
		style = StylePush
	}
	p := &halykPayment{halykSale: s, terminal: t, code: "0"}
	p.o = h.b.open(c, &Object{
		Face: h.Name(), Account: t.ID, Reference: s.invoice, ID: h.b.guid(), Style: style, Status: halykOffered, Phase: Live,
		Amount: s.amount, Currency: s.currency, LiveUntil: until,
	})
	h.payments = append(h.payments, p)
	if !until.IsZero() {
		p.clock = h.b.after(time.Until(until), func() { h.expire(p) })
	}
	return p
}

// used says that a number cannot be taken (again): a transaction has it, or its last six digits.
func (h *halyk) used(t *HalykTerminal, invoice string) bool {
	return slices.ContainsFunc(h.payments, func(p *halykPayment) bool {
		return p.begun() && p.terminal == t && halykTail(p.invoice) == halykTail(invoice)
	})
}

// begin makes the transaction and with it closes every other way to pay the invoice. It reports false where there can be none.
func (h *halyk) begin(p *halykPayment) bool {
	if p.begun() {
		return true
	}
	if h.used(p.terminal, p.invoice) {
		h.kill(p, halykUsed)
		return false
	}
	p.created = time.Now()
	h.rows = append(h.rows, &halykRow{at: p.created, p: p})
	p.reference, p.internal = h.b.digits(12), strings.ToUpper(h.b.guid()[:8]+h.b.guid()[:4])
	if p.card == nil {
		p.card = h.pans[halykUsualCard]
	}
	h.become(p, halykNew, Live)
	for _, q := range h.payments {
		if q != p && q.terminal == p.terminal && q.invoice == p.invoice && q.o.Phase == Live {
			h.kill(q, halykUsed)
		}
	}
	return true
}

func (h *halyk) become(p *halykPayment, status string, phase Phase) {
	p.status, p.o.Status, p.o.Phase = status, status, phase
	if phase != Live {
		h.b.cancel(p.clock)
	}
}

// kill ends an offer that has no transaction.
func (h *halyk) kill(p *halykPayment, why string) {
	h.b.cancel(p.clock)
	p.o.Status, p.o.Phase, p.qr = why, Dead, halykQRRejected
}

// expire ends an offer whose time is over. A transaction that stopped at 3D keeps that name, and the merchant has to know what it
// means by then.
func (h *halyk) expire(p *halykPayment) {
	switch {
	case p.o.Phase != Live:
	case !p.begun():
		h.kill(p, halykExpired)
	case p.status == halyk3D:
		h.become(p, halyk3D, Dead)
	default:
		h.fail(p, halykFailed, halyk3DSecure)
	}
}

// take moves the money, or holds it, as the terminal does.
func (h *halyk) take(p *halykPayment) {
	if !h.begin(p) {
		return
	}
	p.approval = h.b.digits(6)
	switch {
	case p.amount == 0:
		h.become(p, halykVerified, Dead)
	case p.terminal.TwoStep:
		h.b.book(p.o, KindAuthorize, "", p.amount, "")
		h.become(p, halykAuth, Held)
		p.qr = halykQRAuth
		if h.opt.HoldLife > 0 {
			p.clock = h.b.after(h.opt.HoldLife, func() { h.release(p, halykCancelOld) })
		}
	default:
		h.b.book(p.o, KindCharge, "", p.amount, "")
		h.become(p, halykCharge, Charged)
		p.qr = halykQRPaid
	}
	if p.cardSave && p.cardID == "" {
		p.cardID = h.save(p.account, p.card)
	}
	h.tell(p, true, p.amount)
}

// fail ends a transaction without money; status is FAILED or REJECT.
func (h *halyk) fail(p *halykPayment, status, code string) {
	if !h.begin(p) {
		return
	}
	p.code = code
	h.become(p, status, Dead)
	p.qr = halykQRRejected
	h.tell(p, false, p.amount)
}

// release gives a hold back.
func (h *halyk) release(p *halykPayment, status string) {
	h.b.book(p.o, KindVoid, "", p.o.Authorized, "")
	h.become(p, status, Dead)
	p.qr = halykQRRejected
}

// pay lets a payer act. An offer that is over, or paid, takes no act; that is no error.
func (h *halyk) pay(id, act string) error {
	p := h.payment(id)
	if p == nil {
		return fmt.Errorf("halyk has no offer %q", id)
	}
	word, detail, _ := strings.Cut(act, ":")
	if detail != "" && word != ActPay && word != ActDecline {
		return fmt.Errorf("halyk payers cannot %q", act)
	}
	if word == ActPay && detail != "" && h.pans[detail] == nil {
		return fmt.Errorf("halyk has no such card")
	}
	if word == ActDecline && detail != "" && !isDigits(detail) {
		return fmt.Errorf("halyk declines with a number, not %q", detail)
	}
	if act == ActPayLate {
		h.payLate(p)
		return nil
	}
	if act == ActPayAgain {
		return nil // an invoice is paid once: the bank answers that it is used
	}
	known, done := h.payerDoes(p, word, detail)
	if !known {
		return fmt.Errorf("halyk payers cannot %q", act)
	}
	if p.payable() && !(p.qr == halykQRReturn || p.qr == halykQRClosed) {
		done()
	}
	return nil
}
