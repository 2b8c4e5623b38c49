package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	kaspiReturnPoll = 5  // as published
	kaspiReturnList = 10 // MaxResult of return/operations, as published
)

// kaspiReturn is the QR of an r2 return: its customer must scan it before the merchant sees that customer's purchases.
type kaspiReturn struct {
	id     int64
	point  *KaspiTradePoint
	status string
	timer  *time.Timer
}

// refund is payment/return. It carries no id of the merchant's: a repeat returns money again while some is left.
func (k *kaspi) refund(_ *call, q *kaspiRequest) kaspiAnswer {
	d, code := k.till(q)
	if code != kaspiOK {
		return kaspiRefusal(code)
	}
	amount, err := q.body.amount("Amount")
	if err != nil || amount <= 0 {
		return kaspiAnswer{status: http.StatusBadRequest, bare: `{"Message":"Amount is invalid"}`}
	}
	if q.scheme == "r2" {
		if r := k.returnQR(q.body.id("QrReturnId")); r == nil || r.status != kaspiIdentity || r.point != d.point {
			return kaspiRefusal(kaspiNotFound)
		}
	}
	p := q.purchase
	switch {
	case p == nil || p.device.org != d.org:
		return kaspiRefusal(kaspiNoPurchase)
	case p.device.point != d.point:
		return kaspiRefusal(kaspiForeignPurchase)
	case p.o.Phase != Charged:
		return kaspiRefusal(kaspiReturnNotAllowed)
	case amount > p.o.Captured-p.o.Refunded:
		return kaspiRefusal(kaspiReturnTooMuch)
	case p.product == "Loan" && amount != p.o.Captured:
		return kaspiRefusal(kaspiReturnOnlyWhole)
	}
	id := k.newID()
	k.b.book(p.o, KindRefund, strconv.FormatInt(id, 10), amount, "")
	p.returns = append(p.returns, kaspiGivenBack{time.Now(), amount})
	return kaspiAnswer{data: struct {
		ReturnOperationID json.RawMessage `json:"ReturnOperationId"`
	}{k.idOut(id)}}
}

// kaspiGivenBack is one payment/return of a purchase.
type kaspiGivenBack struct {
	at    time.Time
	minor int64
}

// unshown is the sum of the returns that are younger than age.
func (p *kaspiPurchase) unshown(age time.Duration) int64 {
	var sum int64
	for _, back := range p.returns {
		if time.Since(back.at) < age {
			sum += back.minor
		}
	}
	return sum
}

func (k *kaspi) returnQR(id int64) *kaspiReturn {
	i := slices.IndexFunc(k.returns, func(r *kaspiReturn) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return k.returns[i]
}

func (k *kaspi) createReturn(_ *call, q *kaspiRequest) kaspiAnswer {
	d, code := k.till(q)
	if code != kaspiOK {
		return kaspiRefusal(code)
	}
	r := &kaspiReturn{id: k.newID(), point: d.point, status: kaspiQRCreated}
	r.timer = k.b.after(k.opt.ScanWindow, func() { r.status = kaspiError })
	k.returns = append(k.returns, r)
	type pace struct {
		QrCodeScanEventPollingInterval int64 `json:"QrCodeScanEventPollingInterval"`
		QrCodeScanWaitTimeout          int64 `json:"QrCodeScanWaitTimeout"`
	}
	return kaspiAnswer{data: struct {
		QrToken    string          `json:"QrToken"`
		ExpireDate string          `json:"ExpireDate"`
		QrReturnID json.RawMessage `json:"QrReturnId"`
		Pace       pace            `json:"QrReturnBehaviorOptions"`
	}{k.b.digits(41), k.date(time.Now().Add(k.opt.ScanWindow)), k.idOut(r.id), pace{kaspiReturnPoll, kaspiSeconds(k.opt.ScanWindow)}}}
}

func (k *kaspi) returnStatus(_ *call, q *kaspiRequest) kaspiAnswer {
	r := k.returnQR(kaspiID(q.last))
	if r == nil {
		return kaspiRefusal(kaspiNotFound)
	}
	return kaspiAnswer{data: &kaspiStatus{Status: r.status}}
}

// identify is the customer scanning a return QR. There is one customer, who made every purchase.
func (k *kaspi) identify(r *kaspiReturn) {
	if r.status == kaspiQRCreated {
		k.b.cancel(r.timer)
		r.status = kaspiIdentity
	}
}

// returnOperations lists the last purchases of the customer who scanned, newest first, with the dates that lists have.
func (k *kaspi) returnOperations(_ *call, q *kaspiRequest) kaspiAnswer {
	d, code := k.till(q)
	if code != kaspiOK {
		return kaspiRefusal(code)
	}
	r := k.returnQR(q.body.id("QrReturnId"))
	if r == nil || r.status != kaspiIdentity || r.point != d.point {
		return kaspiRefusal(kaspiNotFound)
	}
	limit := int(q.body.id("MaxResult"))
	if limit <= 0 || limit > kaspiReturnList {
		limit = kaspiReturnList
	}
	type operation struct {
		QrPaymentID     json.RawMessage `json:"QrPaymentId"`
		Amount          json.RawMessage `json:"Amount"`
		TransactionDate string          `json:"TransactionDate"`
	}
	list := []operation{}
	for _, p := range slices.Backward(k.purchases) {
		if len(list) < limit && p.o.Phase == Charged && p.device.point == d.point {
			list = append(list, operation{k.idOut(p.id), kaspiTenge(p.o.Amount), kaspiListDate(p.paid)})
		}
	}
	return kaspiAnswer{data: list}
}
