package sim

import (
	"encoding/json"
	"strconv"
	"time"
)

// kaspiStatus is payment/status: v01 has Status alone.
type kaspiStatus struct {
	Status        string          `json:"Status"`
	TransactionID string          `json:"TransactionId,omitempty"`
	LoanOfferName string          `json:"LoanOfferName,omitempty"`
	LoanTerm      json.RawMessage `json:"LoanTerm,omitempty"`
	IsOffer       *bool           `json:"IsOffer,omitempty"`
	ProductType   string          `json:"ProductType,omitempty"`
	Amount        json.RawMessage `json:"Amount,omitempty"`
	StoreName     string          `json:"StoreName,omitempty"`
	Address       string          `json:"Address,omitempty"`
	City          string          `json:"City,omitempty"`
}

func (k *kaspi) status(_ *call, q *kaspiRequest) kaspiAnswer {
	p := q.purchase
	if p == nil {
		return kaspiRefusal(kaspiNotFound)
	}
	now := time.Now()
	if k.opt.ThrottlePolling && !p.asked.IsZero() && now.Sub(p.asked) < k.opt.PollInterval {
		return kaspiThrottled()
	}
	p.asked = now
	s := &kaspiStatus{Status: p.o.Status}
	if q.version == "v01" {
		return kaspiAnswer{data: s}
	}
	s.Amount = k.numberOut(major(p.o.Amount))
	s.StoreName, s.Address, s.City = p.device.org.Name, p.device.org.Address, p.device.org.City
	if p.o.Phase == Charged {
		s.TransactionID, s.ProductType = strconv.FormatInt(p.id, 10), p.product
		if p.product == "Loan" {
			offer := false
			s.LoanOfferName, s.LoanTerm, s.IsOffer = "Kaspi Red", k.numberOut("3"), &offer
		}
	}
	return kaspiAnswer{data: s}
}

type kaspiDetails struct {
	QrPaymentID           json.RawMessage `json:"QrPaymentId"`
	TotalAmount           json.RawMessage `json:"TotalAmount"`
	AvailableReturnAmount json.RawMessage `json:"AvailableReturnAmount"`
	TransactionDate       string          `json:"TransactionDate"`
}

// details is about money that was taken, however often: TotalAmount of a purchase charged twice is twice its price.
// What it says about an unpaid purchase is not documented; here it is not found.
func (k *kaspi) details(c *call, q *kaspiRequest) kaspiAnswer {
	p := q.purchase
	d := k.device(c.r.URL.Query().Get("DeviceToken"))
	if p == nil || p.o.Phase != Charged || d == nil || d.org != p.device.org {
		return kaspiRefusal(kaspiNotFound) // the documented codes of this call have none for a device
	}
	return kaspiAnswer{data: &kaspiDetails{
		QrPaymentID: k.idOut(p.id), TotalAmount: kaspiTenge(p.o.Captured),
		AvailableReturnAmount: kaspiTenge(p.o.Captured - p.o.Refunded + p.unshown(k.opt.RefundsShowAfter)), TransactionDate: k.date(p.paid),
	}}
}
