package sim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// kaspiAddress is where the biller protocol's calls come from; a forger claims it in a header that anybody can write.
const kaspiAddress = "194.187.247.152"

// kaspiNotice is notifyPayment of the project's brief. Only the first two fields are promised there.
type kaspiNotice struct {
	OrderID         string          `json:"OrderId,omitempty"`
	Status          string          `json:"Status"`
	QrPaymentID     json.RawMessage `json:"QrPaymentId,omitempty"`
	Amount          json.RawMessage `json:"Amount,omitempty"`
	TransactionDate string          `json:"TransactionDate,omitempty"`
}

// tellScan is the brief's scan: the customer has opened the order. The answer changes nothing at the bank.
func (k *kaspi) tellScan(p *kaspiPurchase) {
	if p.o.Style == StylePush {
		return // OrderId would be all that it says, and an invoice has none
	}
	body := kaspiJSON(struct {
		OrderID string `json:"OrderId"`
	}{p.o.Reference})
	k.tell(p, strings.TrimSuffix(k.opt.NotifyURL, "/")+"/scan", body, nil)
}

// tellStatus is the brief's notifyPayment, sent for every final status. Its forgery claims the opposite.
func (k *kaspi) tellStatus(p *kaspiPurchase) {
	n := kaspiNotice{OrderID: p.o.Reference, Status: p.o.Status}
	if p.o.Style == StylePush {
		n.OrderID = "" // OrderId is the ExternalId, and an invoice has none: its reference stands in a comment
	}
	if !k.opt.BareNotices || n.OrderID == "" {
		n.QrPaymentID, n.Amount = k.idOut(p.id), kaspiTenge(p.o.Amount)
		if p.o.Phase == Charged {
			n.TransactionDate = k.date(p.paid)
		}
	}
	lie := n
	lie.Status = kaspiProcessed
	if n.Status == kaspiProcessed {
		lie.Status = kaspiError
	}
	k.tell(p, k.opt.NotifyURL, kaspiJSON(n), kaspiJSON(lie))
}

// tell needs a URL, and a reference for OrderId.
func (k *kaspi) tell(p *kaspiPurchase, url string, body, forgery []byte) {
	if k.opt.NotifyURL == "" || p.o.Reference == "" {
		return
	}
	k.b.notify(&letter{
		Notice:       Notice{Face: k.Name(), Reference: p.o.Reference, URL: url, Body: string(body)},
		forgery:      forgery,
		forgedHeader: http.Header{"X-Forwarded-For": {kaspiAddress}},
	})
}

func kaspiJSON(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("sim: kaspi notice: " + err.Error())
	}
	return body
}
