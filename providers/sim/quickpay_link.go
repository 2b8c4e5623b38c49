package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// qpLink is the way to a payment window.
type qpLink struct {
	token    string // in its URL
	url      string
	amount   int64
	fields   qpFields // as the merchant sent them
	callback string
	capture  bool      // auto_capture
	until    time.Time // zero is until the link is deleted
}

type qpLinkView struct {
	URL            string  `json:"url"`
	AgreementID    any     `json:"agreement_id"`
	Language       string  `json:"language"`
	Amount         int64   `json:"amount"`
	ContinueURL    *string `json:"continue_url"`
	CancelURL      *string `json:"cancel_url"`
	CallbackURL    *string `json:"callback_url"`
	PaymentMethods *string `json:"payment_methods"`
	AutoFee        bool    `json:"auto_fee"`
	AutoCapture    bool    `json:"auto_capture"`
	BrandingID     any     `json:"branding_id"`
	CustomerEmail  *string `json:"customer_email"`
	Acquirer       *string `json:"acquirer"`
	Deadline       any     `json:"deadline"`
	Framed         bool    `json:"framed"`
	Version        string  `json:"version"`
}

func (l *qpLink) view() *qpLinkView {
	f := l.fields
	number := func(name string) any {
		if n, ok := f.number(name); ok {
			return n
		}
		return nil
	}
	return &qpLinkView{
		URL: l.url, AgreementID: number("agreement_id"), Language: cmp.Or(f.text("language"), "en"), Amount: l.amount,
		ContinueURL: qpOrNull(f.text("continue_url")), CancelURL: qpOrNull(f.text("cancel_url")), CallbackURL: qpOrNull(l.callback),
		PaymentMethods: qpOrNull(f.text("payment_methods")), AutoFee: f.flag("auto_fee"), AutoCapture: l.capture,
		BrandingID: number("branding_id"), CustomerEmail: qpOrNull(f.text("customer_email")), Acquirer: qpOrNull(f.text("acquirer")),
		Deadline: number("deadline"), Framed: f.flag("framed"), Version: "v10",
	}
}

func qpOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// open says that a payer can come in by the link now.
func (l *qpLink) open() bool {
	return l != nil && (l.until.IsZero() || time.Now().Before(l.until))
}

// payable says that a payer could pay now, or try again after a decline.
func (p *qpPayment) payable() bool {
	return p.link.open() && !p.authorized() && p.state != qpPending
}

// putLink makes a payment payable, or replaces the link: the address it had leads nowhere from then on.
func (q *quickpay) putLink(c *call, w *qpWish) reply {
	p, f := w.payment, w.fields
	c.twist = "" // a URL names neither payment nor amount
	amount, ok := f.number("amount")
	if !ok {
		return qpInvalid("amount", "is invalid")
	}
	link := &qpLink{amount: amount, fields: f, callback: f.text("callback_url"), capture: f.flag("auto_capture")}
	for _, name := range []string{"callback_url", "continue_url", "cancel_url"} {
		if f.given(name) && !qpIsURL(f.text(name)) {
			return qpInvalid(name, "is invalid")
		}
	}
	if f.given("deadline") {
		seconds, ok := f.number("deadline")
		if !ok || seconds > int64(10*365*24*time.Hour/time.Second) {
			return qpInvalid("deadline", "is invalid")
		}
		if !q.sw.IgnoresDeadline {
			link.until = time.Now().Add(time.Duration(seconds) * time.Second).Truncate(time.Second) // as deadline_at shows it
		}
	}
	switch {
	case p.state == qpPending:
		return q.busy("link")
	case p.authorized():
		return q.wrongState("link")
	}
	link.token = strings.ReplaceAll(q.b.guid()+q.b.guid(), "-", "")
	link.url = q.pageAddress(c.r, "/payments/"+link.token)
	shown := p.payable() // somebody may have the address that this call replaces
	q.leave(p)
	p.link, p.offered, p.updated = link, link, time.Now()
	q.open(c, p, StyleOffer, amount, link.until)
	if p.o.Style == StyleOffer && (!shown || p.o.Unseen) {
		c.created = p.o
	}
	if !link.until.IsZero() {
		q.b.after(time.Until(link.until), func() {
			if p.window == link {
				p.window = nil
			}
			if p.link == link {
				q.settle(p)
			}
		})
	}
	q.settle(p)
	return qpJSON(http.StatusOK, map[string]string{"url": link.url})
}

// deleteLink takes a payment's link away. An operation under way is not stopped.
func (q *quickpay) deleteLink(c *call, w *qpWish) reply {
	c.twist = "" // no body, no lie
	if w.payment.link == nil && q.sw.MissingLinkIs404 {
		return qpNoSuch("PaymentLink", fmt.Sprint(w.payment.id))
	}
	q.takeDown(w.payment)
	return reply{status: http.StatusNoContent, contentType: qpType}
}

func (q *quickpay) takeDown(p *qpPayment) {
	q.leave(p)
	p.link, p.updated = nil, time.Now()
	q.settle(p)
}

// leave turns the payer out of the window, unless windows outlive their links.
func (q *quickpay) leave(p *qpPayment) {
	if !q.sw.WindowOutlivesLink {
		p.window = nil
	}
}

// pay lets the payer of a payment do something; see QuickPay for the acts.
func (q *quickpay) pay(id, act string) error {
	p := q.payment(qpID(id))
	if p == nil || p.o == nil {
		return fmt.Errorf("quickpay has no payable payment %q", id)
	}
	word, detail, _ := strings.Cut(act, ":")
	switch {
	case detail == "":
	case word == ActPay && isDigits(detail) && len(detail) >= 13:
	case word == ActDecline && isDigits(detail) && detail >= "30000" && len(detail) == 5:
	default:
		return fmt.Errorf("a payer at quickpay cannot %q", act)
	}
	switch word {
	case ActScan:
		q.enter(p)
	case ActConfirm:
		q.submit(p, q.plastic("", ""))
	case ActPay:
		q.enter(p)
		q.submit(p, q.plastic(detail, ""))
	case ActDecline:
		q.enter(p)
		q.submit(p, q.plastic("", cmp.Or(detail, q.sw.DeclineCode, qpRejected)))
	case ActPayLate:
		q.payLate(p)
	case ActPayAgain: // a payment is paid once
	default:
		return fmt.Errorf("a payer at quickpay cannot %q", act)
	}
	return nil
}

// enter brings the payer into the window, if there is one for them.
func (q *quickpay) enter(p *qpPayment) {
	if p.payable() {
		p.window = p.link
	}
}

// submit is the payer's button: one more authorize, while nothing is approved or under way. A declined payer stays in the window.
func (q *quickpay) submit(p *qpPayment, card *qpPlastic) {
	link := p.window
	if link == nil || p.authorized() || p.state == qpPending {
		return
	}
	q.charge(p, link, card)
	if p.state == qpDeclined {
		return
	}
	p.window = nil
	if link != p.link {
		p.o.Excused = true // the merchant took this link away, and was free to go elsewhere
	}
}

// payLate takes money after the end, if the switches break the promise that nobody can pay then.
func (q *quickpay) payLate(p *qpPayment) {
	if !q.sw.LateSuccess || p.o.Style != StyleOffer || p.o.Phase != Dead || p.authorized() {
		return
	}
	p.o.Excused = true // the merchant was free to go elsewhere
	q.charge(p, p.offered, q.plastic("", ""))
}

// charge is one authorize by a link.
func (q *quickpay) charge(p *qpPayment, link *qpLink, card *qpPlastic) {
	op := q.begin(p, qpAuthorize, link.amount, link.callback)
	op.plastic, op.capture = card, link.capture
	card.secure = true
	p.plastic = card
	q.perform(p, op, true)
}
