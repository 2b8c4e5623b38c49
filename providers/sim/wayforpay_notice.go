package sim

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// wfpCallbackType is what the JSON of a callback calls itself; frameworks that believe it see one strange form key (section 7).
const wfpCallbackType = "application/x-www-form-urlencoded"

// tell sends the callback of a transition to the order's serviceUrl, if it has one.
func (w *wayforpay) tell(ord *wfpOrder) {
	if ord.serviceURL == "" || w.sw.OnlyApprovedAndDeclined && ord.Status != wfpApproved && ord.Status != wfpDeclined {
		return
	}
	a := w.payment(ord)
	a["acquirerBankName"], a["cardProduct"], a["orderNo"], a["repayUrl"] = wfpIssuer, "", ord.ID, ""
	a["clientName"] = strings.TrimSpace(ord.client)
	if ord.Status == wfpDeclined && ord.Phase == Live {
		a["repayUrl"] = ord.link
	}
	if ord.version2 {
		a["products"] = ord.goods(w)
	}
	// The forged copy claims a payment, signed by nobody who could know of one.
	forged := maps.Clone(a)
	w.say(forged, wfpApproved, wfpOK)
	forged["merchantSignature"] = forged.sign(wfpStranger, wfpEight)
	a["merchantSignature"] = a.sign(w.opt.Key, wfpEight)

	reference, key := ord.Reference, w.opt.Key
	w.b.notify(&letter{
		Notice:      Notice{Face: w.Name(), Reference: reference, URL: ord.serviceURL, Body: string(wfpJSON(a).body)},
		contentType: wfpCallbackType,
		forgery:     wfpJSON(forged).body,
		accepted:    func(status int, body []byte) bool { return wfpAccepts(key, reference, status, body) },
	})
}

// wfpAccepts says whether the merchant took the callback: HTTP 200 and the signed answer, with any whole number as its time.
func wfpAccepts(key, reference string, status int, body []byte) bool {
	var answer struct {
		OrderReference string      `json:"orderReference"`
		Status         string      `json:"status"`
		Time           json.Number `json:"time"`
		Signature      string      `json:"signature"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		return false
	}
	return answer.OrderReference == reference && answer.Status == "accept" && isDigits(answer.Time.String()) &&
		answer.Signature == wfpSign(key, reference, "accept", answer.Time.String())
}

// goods are the products as apiVersion 2 shows them.
func (ord *wfpOrder) goods(w *wayforpay) []wfpAnswer {
	out := make([]wfpAnswer, len(ord.products))
	for i, p := range ord.products {
		out[i] = wfpAnswer{"name": p.name, "count": w.number(shortMajor(p.count)), "price": w.amount(p.price)}
	}
	return out
}
