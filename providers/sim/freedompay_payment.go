package sim

import (
	"time"
)

const (
	fpHoldLife   = 5 * 24 * time.Hour   // then a hold is cleared, not released (section 1)
	fpRefundTime = 180 * 24 * time.Hour // how long a payment can be refunded
	fpSession    = 15 * time.Minute     // how long a payer may stand before the card form; ours, nothing is documented
)

// The card that a payer brings, masked as in the notes.
const (
	fpUsualPan   = "4400-43XX-XXXX-1234"
	fpUsualBrand = "VI"
	fpUsualOwner = "TEST PAYER"
	fpUsualExp   = "12/30"
)

// fpCard is a payer's card: saved, or in the payer's hand.
type fpCard struct {
	token    string // pg_card_token; empty for a card that is not saved
	user     string // pg_user_id of its owner
	pan      string // masked
	brand    string
	declines string    // the failure code it always ends with; empty pays
	until    time.Time // when the recurring profile ends; zero is never
}

// fpPayment is one pg_payment_id. Status and Phase of its Object are the truth.
type fpPayment struct {
	*Object
	fpWish
	clock    *time.Timer // ends the lifetime, the session, or the hold
	checking bool        // the merchant is being asked before money is taken
	customer string      // names its page

	saved               *fpCard // what card/init named
	card                *fpCard // presented; nil while pg_captured is absent
	tries               int
	auth, rrn, internal string
	failure             string // pg_failure_code
	paid                time.Time
	profile             string      // pg_recurring_profile
	rejectable          bool        // the first success callback has not been answered yet
	late                *fpDispatch // the success callback that waits for a refund's

	refunds   []*fpReturn
	refunding int64     // accepted and not paid out yet
	revoked   *fpReturn // the cancellation of the hold

	before fpMessage // what status calls say until fresh, if money has just moved
	fresh  time.Time
}

// fpReturn is money that goes back: a refund, or a hold that is cancelled.
type fpReturn struct {
	id, rrn string
	amount  int64
	at      time.Time
	done    bool
}

// fpWish is what the merchant said about a payment.
type fpWish struct {
	order, description, user, email, phone string
	amount                                 int64
	currency                               string
	hold, testing                          bool
	lifetime                               time.Duration
	starts                                 bool          // pg_recurring_start
	recurs                                 time.Duration // pg_recurring_lifetime; zero is without end
	method                                 string        // how callbacks come: GET, POST or XML
	check, result, refund, capture         string        // where they go
	success, fail                          string        // where the browser goes
	own                                    fpMessage     // the merchant's fields
}

func (p *fpPayment) captured() bool { return p.Phase == Charged }

// open begins a payment.
func (f *freedompay) open(c *call, w fpWish, style string) *fpPayment {
	id := f.newID()
	for f.payment(id) != nil {
		id = f.newID()
	}
	p := &fpPayment{fpWish: w, customer: f.b.guid()}
	p.Object = f.b.open(c, &Object{
		Face: f.Name(), Account: f.opt.MerchantID, Reference: w.order, ID: id, Style: style, Status: fpNew, Phase: Live,
		Amount: w.amount, Currency: w.currency, LiveUntil: time.Now().Add(w.lifetime),
	})
	f.payments = append(f.payments, p)
	f.pages[p.customer] = &fpPage{p: p}
	p.clock = f.b.after(w.lifetime, func() { f.expire(p) })
	return p
}

// payment finds one by its number.
func (f *freedompay) payment(id string) *fpPayment {
	for _, p := range f.payments {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// find looks for a payment by number and, where one is given, by order. By order alone it is the last one (section 4.3).
func (f *freedompay) find(id, order string) *fpPayment {
	if id != "" {
		if p := f.payment(id); p != nil && (order == "" || order == p.Reference) {
			return p
		}
		return nil
	}
	var last *fpPayment
	for _, p := range f.payments {
		if order != "" && p.Reference == order {
			last = p
		}
	}
	return last
}

// begin presents a card.
func (f *freedompay) begin(p *fpPayment, card *fpCard) {
	p.card, p.failure, p.Status, p.paid = card, "", fpProcess, time.Now()
	p.tries++
}

// decide asks the merchant if they want to be asked, and then the card.
func (f *freedompay) decide(p *fpPayment) {
	if p.check == "" {
		f.finish(p)
		return
	}
	p.checking = true
	f.ask(p, func(allowed bool) {
		p.checking = false
		if allowed {
			f.finish(p)
		} else {
			f.decline(p, fpShopRefused)
		}
	})
}

// finish asks the card, and takes or holds the money.
func (f *freedompay) finish(p *fpPayment) {
	if p.card.declines != "" {
		f.decline(p, p.card.declines)
		return
	}
	f.b.cancel(p.clock)
	p.auth, p.rrn, p.internal = f.b.digits(6), f.b.digits(12), f.b.digits(16)
	p.Status, p.paid = fpSuccess, time.Now()
	p.rejectable = p.result != "" && !f.sw.NeverRejectable
	if p.starts {
		p.profile = f.b.digits(8)
		profile := *p.card
		if p.recurs > 0 {
			profile.until = time.Now().Add(p.recurs)
		}
		f.profiles[p.profile] = &profile
	}
	if p.hold {
		f.b.book(p.Object, KindAuthorize, "", p.Amount, p.note())
		p.Phase = Held
		p.clock = f.b.after(fpHoldLife, func() { f.clear(p, p.Authorized, "held for 5 days") })
	} else {
		f.b.book(p.Object, KindCharge, "", p.Amount, p.note())
		p.Phase = Charged
	}
	f.tellSuccess(p)
}

// note marks test payments in the ledger.
func (p *fpPayment) note() string {
	if p.testing {
		return "test"
	}
	return ""
}

// decline ends an attempt without money. Whether the payer may try again on the same page is not documented.
func (f *freedompay) decline(p *fpPayment, code string) {
	p.failure, p.Status, p.paid, p.Phase = code, fpError, time.Now(), Dead
	if f.sw.RetryAfterDecline && p.Style == StyleOffer && time.Now().Before(p.LiveUntil) {
		p.Phase = Live
	}
	f.b.cancel(p.clock)
	if p.Phase == Live {
		p.clock = f.b.after(time.Until(p.LiveUntil), func() { f.expire(p) })
	}
	f.tellFailure(p)
}

// expire is the end of a lifetime. An attempt under way goes on.
func (f *freedompay) expire(p *fpPayment) {
	switch p.Status {
	case fpNew:
		f.lapse(p)
		if f.sw.TellIncomplete {
			f.tellIncomplete(p)
		}
	case fpError:
		p.Phase = Dead
	}
}

// lapse ends what nobody has tried to pay.
func (f *freedompay) lapse(p *fpPayment) {
	f.b.cancel(p.clock)
	p.Status, p.Phase = fpIncomplete, Dead
}

// session ends an attempt whose payer has left the card form.
func (f *freedompay) session(p *fpPayment) {
	try := p.tries
	f.b.after(fpSession, func() {
		if p.tries == try && p.Status == fpProcess && !p.checking {
			f.decline(p, fpTimeOver)
		}
	})
}

// clear takes held money; what it does not take is released.
func (f *freedompay) clear(p *fpPayment, minor int64, note string) {
	if p.Phase != Held {
		return
	}
	f.freeze(p)
	f.b.cancel(p.clock)
	f.b.book(p.Object, KindCapture, "", minor, note)
	if rest := p.Authorized - minor; rest > 0 {
		f.b.book(p.Object, KindVoid, "", rest, "not captured")
	}
	p.Phase = Charged
	f.tellCapture(p)
}

// release gives a whole hold back.
func (f *freedompay) release(p *fpPayment, note string) {
	f.b.cancel(p.clock)
	p.revoked = f.goesBack(p.Authorized)
	p.revoked.done = true
	f.b.book(p.Object, KindVoid, p.revoked.id, p.Authorized, note)
	p.Status, p.Phase = fpRevoked, Dead
}

// giveBack accepts a refund, and pays it out now or later.
func (f *freedompay) giveBack(p *fpPayment, minor int64, note string) *fpReturn {
	f.freeze(p) // the list of refunds lags as the sums do
	made := f.goesBack(minor)
	p.refunds = append(p.refunds, made)
	p.refunding += minor
	pay := func() {
		f.freeze(p)
		p.refunding -= minor
		made.done, made.at = true, time.Now()
		f.b.book(p.Object, KindRefund, made.id, minor, note)
		if p.Refunded == p.Captured && !f.sw.RefundedIsSuccess {
			p.Status = fpRefunded
		}
		f.tellRefund(p, made)
	}
	if f.sw.RefundsTake > 0 {
		f.b.after(time.Duration(f.sw.RefundsTake), pay)
	} else {
		pay()
	}
	return made
}

func (f *freedompay) goesBack(minor int64) *fpReturn {
	return &fpReturn{id: f.newID(), rrn: f.b.digits(12), amount: minor, at: time.Now()}
}

// left is what can still be refunded.
func (p *fpPayment) left() int64 { return p.Captured - p.Refunded - p.refunding }

// freeze keeps what status calls say now for as long as they lag behind the books.
func (f *freedompay) freeze(p *fpPayment) {
	if time.Now().Before(p.fresh) {
		return
	}
	if lag := f.sw.lag(); lag > 0 {
		p.before, p.fresh = f.view(p), time.Now().Add(lag)
	}
}

// undo is the merchant's lawful "rejected": the money goes back (section 7).
func (f *freedompay) undo(p *fpPayment) {
	const note = "rejected by the merchant"
	switch {
	case p.Phase == Held:
		f.release(p, note)
	case p.captured() && p.left() > 0:
		f.giveBack(p, p.left(), note)
	}
}

// settleByHand takes an offer down that nobody is paying, releases a hold, and gives everything else back at once.
func (f *freedompay) settleByHand(o *Object) {
	p := f.payment(o.ID)
	switch {
	case p == nil:
	case p.Phase == Held:
		f.release(p, byHand)
	case p.captured() && p.left() > 0:
		f.giveBack(p, p.left(), byHand)
	case p.Phase == Live && p.Status == fpNew:
		f.lapse(p)
	case p.Phase == Live && p.Status == fpError:
		f.b.cancel(p.clock)
		p.Phase = Dead
	}
}
