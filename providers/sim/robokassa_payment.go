package sim

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// The codes of State (notes, section 5). What nobody has opened has none: Robokassa knows nothing of it.
const (
	robokassaUnopened  = 0
	robokassaStarted   = 5
	robokassaCancelled = 10
	robokassaHold      = 20
	robokassaReceived  = 50
	robokassaReturned  = 60
	robokassaStopped   = 80
	robokassaSuccess   = 100
)

// What the ledger says of an offer that Robokassa has no state for.
const (
	robokassaWordUnopened    = "unopened"
	robokassaWordExpired     = "expired unopened"
	robokassaWordDeactivated = "deactivated"
)

// What every payment is made with.
const (
	robokassaLabel  = "BankCardPSKZ"
	robokassaMethod = "BankCard"
	robokassaCard   = "440043******1234"
)

// robokassaFeePoints is the shop's fee in hundredths of a percent: 3.5 %, as in the examples of the notes.
const robokassaFeePoints = 350

// robokassaReturn is where a browser goes afterwards, and how.
type robokassaReturn struct{ url, method string }

// robokassaPayment is one number of the shop.
type robokassaPayment struct {
	*Object
	state   int
	stateAt time.Time
	paidAt  time.Time
	clock   *time.Timer // its end, while it is an offer

	hold, recurring, test bool
	declines              bool // a recurring charge of a card that has no money
	off                   bool // deactivated: nobody can open it any more
	shp                   []robokassaParam
	email, culture, about string
	account, rrn          string
	result2               string
	success, fail         robokassaReturn

	page             string // of /Merchant/Index/
	invoice, encoded string // Id and EncodedId of CreateInvoice; empty for others
	refunding        int64  // accepted and not given back yet
}

// open enters a drafted payment into the books; o brings what its way of creation adds.
func (r *robokassa) open(c *call, p *robokassaPayment, style string) {
	if p.Reference == "" {
		p.Reference = r.b.digits(10)
	}
	o := p.Object
	o.Face, o.Style, o.Status, o.Phase = r.Name(), style, robokassaWordUnopened, Live
	o.ID = robokassaOpKey(r.b.rng)
	p.page = r.b.guid()
	r.payments = append(r.payments, p)
	if p.test { // not stored: the ledger must not know it either
		r.tests[p.Reference] = p
		return
	}
	r.b.open(c, o)
	r.numbers[p.Reference] = p
	r.wind(p)
}

func robokassaOpKey(chance *rand.Rand) string { return guid(chance) + "-" + letters(chance, 10) }

// letters invents n letters. The caller holds the lock.
func (b *Bank) letters(n int) string { return letters(b.rng, n) }

func letters(chance *rand.Rand, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[chance.IntN(len(alphabet))]
	}
	return string(out)
}

// wind sets the clock of an offer's end.
func (r *robokassa) wind(p *robokassaPayment) {
	r.b.cancel(p.clock)
	if !p.LiveUntil.IsZero() {
		p.clock = r.b.after(time.Until(p.LiveUntil), func() { r.expire(p) })
	}
}

// move is the only way from one state to the next.
func (r *robokassa) move(p *robokassaPayment, state int, phase Phase) {
	p.state, p.stateAt, p.Status, p.Phase = state, time.Now(), strconv.Itoa(state), phase
}

// payable says that a payer could pay now. An offer that was deactivated can be paid only by who stands before it already.
func (p *robokassaPayment) payable() bool {
	return p.Phase == Live && (p.LiveUntil.IsZero() || time.Now().Before(p.LiveUntil)) &&
		(p.state == robokassaStarted || p.closedPage() && !p.off)
}

// closedPage says that nobody stands before the page: it was not opened yet, or was left after a decline.
func (p *robokassaPayment) closedPage() bool {
	return p.state == robokassaUnopened || p.state == robokassaCancelled && p.Phase == Live
}

// decline is a card that the bank refuses: the page says no, and the payer may try again. Robokassa tells nobody (notes, section 6).
func (r *robokassa) decline(p *robokassaPayment) {
	r.begin(p)
	if r.sw.DeclineIs10 && p.payable() {
		p.rrn = "6" + r.b.digits(11)
		r.move(p, robokassaCancelled, Live)
	}
}

// begin is a payer who opens the page.
func (r *robokassa) begin(p *robokassaPayment) {
	if !p.closedPage() || !p.payable() {
		return
	}
	first := p.state == robokassaUnopened
	r.move(p, robokassaStarted, Live)
	if late := time.Duration(r.sw.FinishLate); first && late > 0 && !p.LiveUntil.IsZero() && !p.test {
		p.LiveUntil = p.LiveUntil.Add(late)
		r.wind(p)
	}
}

// expire is the end of an offer's time.
func (r *robokassa) expire(p *robokassaPayment) {
	switch {
	case p.Phase != Live:
	case p.state == robokassaUnopened:
		p.Status, p.Phase = robokassaWordExpired, Dead
	case p.state == robokassaStarted, p.state == robokassaCancelled:
		r.move(p, robokassaCancelled, Dead)
	}
}

// deactivate takes an offer down. It reports false when there is nothing to take down any more.
func (r *robokassa) deactivate(p *robokassaPayment) bool {
	switch {
	case p.off || !p.payable():
		return false
	case p.state == robokassaUnopened:
		r.b.cancel(p.clock)
		p.Status, p.Phase = robokassaWordDeactivated, Dead
	case p.closedPage():
		r.b.cancel(p.clock)
		r.move(p, robokassaCancelled, Dead)
	default: // the payer stands before the bank already: when they leave it is over
		if end := time.Now().Add(robokassaSession); p.LiveUntil.IsZero() || end.Before(p.LiveUntil) {
			p.LiveUntil = end
			r.wind(p)
		}
	}
	p.off = true
	return true
}

// pursue takes the money, after a check by hand if the bank makes one.
func (r *robokassa) pursue(p *robokassaPayment) {
	review := time.Duration(r.sw.Review)
	if review == 0 || p.test {
		r.take(p)
		return
	}
	r.move(p, robokassaStopped, Live)
	if end := time.Now().Add(review); p.LiveUntil.Before(end) {
		p.LiveUntil = end
	}
	r.b.after(review, func() {
		if p.state == robokassaStopped {
			r.take(p)
		}
	})
}

// take asks the card, and takes or holds the money. What is no money at all is a test.
func (r *robokassa) take(p *robokassaPayment) {
	r.b.cancel(p.clock)
	p.rrn = "6" + r.b.digits(11)
	switch {
	case p.declines:
		r.move(p, robokassaCancelled, Dead)
	case p.test:
		r.move(p, robokassaSuccess, Charged)
		p.paidAt, p.Captured = time.Now(), p.Amount
		r.tell(p)
	case p.hold:
		r.b.book(p.Object, KindAuthorize, "", p.Amount, "")
		r.move(p, robokassaHold, Held)
		r.tell2(p, "HOLD")
		life := time.Duration(r.sw.HoldLife)
		if life == 0 {
			life = robokassaHoldLife
		}
		r.b.after(life, func() {
			if p.Phase == Held {
				r.release(p, "hold over")
			}
		})
	default:
		r.b.book(p.Object, KindCharge, "", p.Amount, "")
		r.received(p)
	}
}

// received is money that came in: 100 at once, or 50 first. From here on it is told.
func (r *robokassa) received(p *robokassaPayment) {
	p.paidAt = time.Now()
	if credit := time.Duration(r.sw.Credit); credit == 0 {
		r.move(p, robokassaSuccess, Charged)
	} else {
		r.move(p, robokassaReceived, Charged)
		r.b.after(credit, func() {
			if p.state == robokassaReceived {
				r.move(p, robokassaSuccess, Charged)
			}
		})
	}
	if p.recurring {
		r.cards[p.Reference] = RobokassaToken{InvoiceID: p.Reference, Account: p.account}
	}
	r.tell(p)
	r.tell2(p, "OK")
}

// capture takes a part of a hold, or all of it; the rest goes back.
func (r *robokassa) capture(p *robokassaPayment, minor int64) {
	r.b.book(p.Object, KindCapture, "", minor, "")
	if rest := p.Authorized - minor; rest > 0 {
		r.b.book(p.Object, KindVoid, "", rest, "not captured")
	}
	r.received(p)
}

// release gives a whole hold back.
func (r *robokassa) release(p *robokassaPayment, note string) {
	r.b.book(p.Object, KindVoid, "", p.Authorized, note)
	r.move(p, robokassaCancelled, Dead)
}

// sum is OutSum as it stands: what was captured, or else what was asked for. Refunds do not change it.
func (p *robokassaPayment) sum() int64 {
	if p.Captured > 0 {
		return p.Captured
	}
	return p.Amount
}

// paid is IncSum: what the payer paid for it.
func (r *robokassa) paid(p *robokassaPayment) int64 {
	if r.sw.PayerPaysFee {
		return p.sum() + robokassaFee(p.sum())
	}
	return p.sum()
}

func robokassaFee(minor int64) int64 { return (minor*robokassaFeePoints + 5000) / 10000 }
