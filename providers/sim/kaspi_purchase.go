package sim

import (
	"fmt"
	"strconv"
	"time"
)

// Statuses of a purchase. There is no declined: a refusal of the payer and a lack of money both end in Error.
//
//	QrTokenCreated ------ scan --> Wait -- confirm --> Processed
//	RemotePaymentCreated -- scan -/  |
//	   |  |   window over, refused   | window over, refused    (Processed --take-back--> Error)
//	   |  +-----------> Error <------+
//	   +-- remote/cancel --> RemotePaymentCanceled
const (
	kaspiQRCreated      = "QrTokenCreated"
	kaspiRemoteCreated  = "RemotePaymentCreated"
	kaspiRemoteCanceled = "RemotePaymentCanceled"
	kaspiWait           = "Wait"
	kaspiProcessed      = "Processed"
	kaspiError          = "Error"
	kaspiIdentity       = "CustomerIdentityObtained" // of a return QR
)

// kaspiPurchase is a QR, a link or a remote invoice.
type kaspiPurchase struct {
	o       *Object
	id      int64
	device  *kaspiDevice
	product string
	paid    time.Time
	expired bool // ended by its own clock and not by a person
	asked   time.Time
	timer   *time.Timer
	offer   kaspiOffer
	returns []kaspiGivenBack // by payment/return
}

// kaspiActTakeBack is the bank returning a purchase by itself: "Error" also means "already returned" (notes, sections 1 and 5).
const kaspiActTakeBack = "take-back"

// purchase finds one by its id; nil when there is none.
func (k *kaspi) purchase(id int64) *kaspiPurchase { return k.byID[id] }

// begin opens a purchase that ends by itself after window.
func (k *kaspi) begin(c *call, d *kaspiDevice, style, status string, window time.Duration) *kaspiPurchase {
	now := time.Now()
	p := &kaspiPurchase{id: k.newID(), device: d, product: k.opt.Product}
	p.o = k.b.open(c, &Object{
		Face: k.Name(), Account: d.org.BIN, Reference: c.reference, ID: strconv.FormatInt(p.id, 10),
		Style: style, Status: status, Phase: Live, Amount: c.amount, Currency: "KZT",
		LiveUntil: now.Add(window + k.opt.ConfirmWindow), // scanned at the last moment, confirmed at the last moment
	})
	k.purchases, k.byID[p.id] = append(k.purchases, p), p
	k.expire(p, window)
	return p
}

// expire ends a purchase after d, unless something else happens to it first.
func (k *kaspi) expire(p *kaspiPurchase, d time.Duration) {
	k.b.cancel(p.timer)
	p.timer = k.b.after(d, func() {
		p.expired = true
		k.end(p, kaspiError)
	})
}

func (p *kaspiPurchase) unscanned() bool {
	return p.o.Status == kaspiQRCreated || p.o.Status == kaspiRemoteCreated
}

func (k *kaspi) scan(p *kaspiPurchase) {
	if !p.unscanned() {
		return
	}
	p.o.Status = kaspiWait
	p.o.LiveUntil = time.Now().Add(k.opt.ConfirmWindow)
	k.expire(p, k.opt.ConfirmWindow)
	k.tellScan(p)
}

func (k *kaspi) confirm(p *kaspiPurchase) {
	if p.o.Status == kaspiWait {
		k.take(p, "")
	}
}

// take moves the money.
func (k *kaspi) take(p *kaspiPurchase, note string) {
	k.b.cancel(p.timer)
	p.o.Status, p.o.Phase, p.paid = kaspiProcessed, Charged, time.Now()
	k.b.book(p.o, KindCharge, "", p.o.Amount, note)
	k.tellStatus(p)
}

// end closes a purchase without money.
func (k *kaspi) end(p *kaspiPurchase, status string) {
	k.b.cancel(p.timer)
	p.o.Status, p.o.Phase, p.o.LiveUntil = status, Dead, time.Now()
	k.tellStatus(p)
}

func (k *kaspi) pay(id, act string) error {
	p := k.purchase(kaspiID(id))
	if p == nil {
		return fmt.Errorf("%s is not a purchase of the QR API", id)
	}
	switch act {
	case ActScan:
		k.scan(p)
	case ActConfirm:
		k.confirm(p)
	case ActPay:
		k.scan(p)
		k.confirm(p)
	case ActDecline:
		k.scan(p)
		if p.o.Status == kaspiWait {
			k.end(p, kaspiError)
		}
	case ActPayLate:
		return k.payLate(p)
	case ActPayAgain:
		if p.o.Phase == Charged {
			k.b.book(p.o, KindCharge, strconv.FormatInt(k.newID(), 10), p.o.Amount, "paid again")
		}
	case kaspiActTakeBack:
		k.takeBack(p)
	default:
		return fmt.Errorf("a Kaspi payer cannot %q; there are %q", act,
			[]string{ActScan, ActConfirm, ActPay, ActDecline, ActPayLate, ActPayAgain, kaspiActTakeBack})
	}
	return nil
}

// takeBack returns what is left of a paid purchase, unasked, and ends it.
func (k *kaspi) takeBack(p *kaspiPurchase) {
	if p.o.Status != kaspiProcessed {
		return
	}
	if left := p.o.Captured - p.o.Refunded; left > 0 {
		k.b.book(p.o, KindRefund, strconv.FormatInt(k.newID(), 10), left, "taken back by the bank")
	}
	k.end(p, kaspiError)
}

// payLate takes the money of a purchase that time has closed, if the options let Kaspi break its promise.
// The object is excused from I7 from then on, since no merchant could know.
func (k *kaspi) payLate(p *kaspiPurchase) error {
	if p.o.Phase == Live {
		return fmt.Errorf("purchase %d is still open: it can be paid, but not late", p.id)
	}
	if k.opt.LateSuccess && p.expired && p.o.Status == kaspiError {
		p.o.Excused = true
		k.take(p, "late success")
	}
	return nil
}
