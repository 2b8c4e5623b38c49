package sim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	kaspiAmountMax     = 10_000_000_00 // tiyn; the real limits are not published
	kaspiClientInfoMax = 50            // per device, as published
	kaspiClientName    = "Aigerim S."
)

// kaspiOffer is the answer of qr/create and qr/create-link, which name the same things differently.
type kaspiOffer struct {
	QrToken        string          `json:"QrToken,omitempty"`
	PaymentLink    string          `json:"PaymentLink,omitempty"`
	ExpireDate     string          `json:"ExpireDate"`
	QrPaymentID    json.RawMessage `json:"QrPaymentId,omitempty"`
	PaymentID      json.RawMessage `json:"PaymentId,omitempty"`
	PaymentMethods []string        `json:"PaymentMethods"`
	QrPace         *kaspiPace      `json:"QrPaymentBehaviorOptions,omitempty"`
	LinkPace       *kaspiPace      `json:"PaymentBehaviorOptions,omitempty"`
}

type kaspiPace struct {
	StatusPollingInterval      int64 `json:"StatusPollingInterval"`
	QrCodeScanWaitTimeout      int64 `json:"QrCodeScanWaitTimeout,omitempty"`
	LinkActivationWaitTimeout  int64 `json:"LinkActivationWaitTimeout,omitempty"`
	PaymentConfirmationTimeout int64 `json:"PaymentConfirmationTimeout"`
}

func (o *kaspiOffer) misname(id json.RawMessage) {
	if o.QrToken != "" {
		o.QrPaymentID = id
	} else {
		o.PaymentID = id
	}
}

func (k *kaspi) createQR(c *call, q *kaspiRequest) kaspiAnswer {
	return k.create(c, q, func(p *kaspiPurchase, o *kaspiOffer) {
		o.QrToken, o.QrPaymentID = k.b.digits(41), k.idOut(p.id)
		o.QrPace = k.pace()
		o.QrPace.QrCodeScanWaitTimeout = kaspiSeconds(k.opt.ScanWindow)
	})
}

func (k *kaspi) createLink(c *call, q *kaspiRequest) kaspiAnswer {
	return k.create(c, q, func(p *kaspiPurchase, o *kaspiOffer) {
		o.PaymentLink, o.PaymentID = "https://pay.kaspi.kz/pay/"+k.b.digits(20), k.idOut(p.id)
		o.LinkPace = k.pace()
		o.LinkPace.LinkActivationWaitTimeout = kaspiSeconds(k.opt.ScanWindow)
	})
}

func (k *kaspi) pace() *kaspiPace {
	return &kaspiPace{
		StatusPollingInterval: kaspiSeconds(k.opt.PollInterval), PaymentConfirmationTimeout: kaspiSeconds(k.opt.ConfirmWindow),
	}
}

func (k *kaspi) create(c *call, q *kaspiRequest, fill func(*kaspiPurchase, *kaspiOffer)) kaspiAnswer {
	d, code := k.till(q)
	switch {
	case code != kaspiOK:
		return kaspiRefusal(code)
	case d.point.NoQR:
		return kaspiRefusal(kaspiPointWithoutQR)
	case !kaspiPayable(q.body):
		return kaspiRefusal(kaspiWrongAmount)
	}
	if earlier := k.byExternalID(c.reference); earlier != nil && k.opt.ExternalID != KaspiRepeatNew {
		if k.opt.ExternalID == KaspiRepeatRefuse {
			return kaspiRefusal(kaspiExternalIDTaken)
		}
		if earlier.o.Unseen {
			c.created = earlier.o // the repeated answer is the one that shows it
		}
		again := earlier.offer
		return kaspiAnswer{data: &again}
	}
	p := k.begin(c, d, StyleOffer, kaspiQRCreated, k.opt.ScanWindow)
	p.offer = kaspiOffer{
		ExpireDate: k.date(p.o.Created.Add(k.opt.ScanWindow)), PaymentMethods: []string{"Gold", "Red", "Loan"},
	}
	fill(p, &p.offer)
	offer := p.offer
	return kaspiAnswer{data: &offer}
}

func (k *kaspi) byExternalID(id string) *kaspiPurchase {
	i := slices.IndexFunc(k.purchases, func(p *kaspiPurchase) bool { return p.o.Style == StyleOffer && p.o.Reference == id })
	if id == "" || i < 0 {
		return nil
	}
	return k.purchases[i]
}

func kaspiPayable(body kaspiBody) bool {
	amount, err := body.amount("Amount")
	return err == nil && amount > 0 && amount <= kaspiAmountMax
}

type kaspiInvoice struct {
	QrPaymentID json.RawMessage `json:"QrPaymentId"`
}

func (k *kaspi) createInvoice(c *call, q *kaspiRequest) kaspiAnswer {
	d, code := k.till(q)
	if code == kaspiOK {
		code = k.reachable(q.body.text("PhoneNumber"))
	}
	switch {
	case code != kaspiOK:
		return kaspiRefusal(code)
	case !kaspiPayable(q.body):
		return kaspiRefusal(kaspiWrongAmount)
	}
	p := k.begin(c, d, StylePush, kaspiRemoteCreated, k.opt.InvoiceLife)
	return kaspiAnswer{data: &kaspiInvoice{k.idOut(p.id)}}
}

// reachable says whether an invoice can be sent to a phone: 87XXXXXXXXX as documented, 77XXXXXXXXX as in live use.
func (k *kaspi) reachable(phone string) kaspiCode {
	switch {
	case len(phone) != 11 || !isDigits(phone) || !strings.HasPrefix(phone, "87") && !strings.HasPrefix(phone, "77"):
		return kaspiBadPhone
	case slices.ContainsFunc(k.opt.NotClients, func(s string) bool { return samePhone(s, phone) }):
		return kaspiNotClient
	case slices.ContainsFunc(k.opt.NoInvoices, func(s string) bool { return samePhone(s, phone) }):
		return kaspiNoInvoices
	}
	return kaspiOK
}

// samePhone compares the ten digits after the country's prefix.
func samePhone(a, b string) bool { return a[max(len(a)-10, 0):] == b[max(len(b)-10, 0):] }

// clientInfo spells its parameters in lower case, unlike every other call.
func (k *kaspi) clientInfo(c *call, _ *kaspiRequest) kaspiAnswer {
	query := c.r.URL.Query()
	d := k.device(query.Get("deviceToken"))
	switch {
	case d == nil, d.deleted:
		return kaspiRefusal(kaspiNoDevice)
	case d.point.Disabled:
		return kaspiRefusal(kaspiPointDisabled)
	}
	now := time.Now()
	d.asked = slices.DeleteFunc(d.asked, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	if len(d.asked) >= kaspiClientInfoMax {
		return kaspiThrottled()
	}
	d.asked = append(d.asked, now)
	if code := k.reachable(query.Get("phoneNumber")); code != kaspiOK {
		return kaspiRefusal(code)
	}
	return kaspiAnswer{data: struct {
		ClientName string `json:"ClientName"`
	}{kaspiClientName}}
}

// cancelInvoice withdraws an invoice that nobody has opened. A second call gets the same answer. What happens while the payer is
// confirming is not documented: here it is then too late.
func (k *kaspi) cancelInvoice(_ *call, q *kaspiRequest) kaspiAnswer {
	d, code := k.till(q)
	p := q.purchase
	switch {
	case code != kaspiOK:
		return kaspiRefusal(code)
	case p == nil, p.device.org != d.org:
		return kaspiRefusal(kaspiNoPurchase)
	case p.o.Status == kaspiRemoteCreated:
		k.end(p, kaspiRemoteCanceled)
	case p.o.Status != kaspiRemoteCanceled:
		return kaspiRefusal(kaspiNoPurchase)
	}
	return kaspiAnswer{data: &kaspiStatus{Status: kaspiRemoteCanceled}}
}
