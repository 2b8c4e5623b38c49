package halyk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// qrRequest makes a QR ("QR by API"). Number and amount are the token's. payerEmail
// and payerPhone are left out for the same reason as a link's recipient.
type qrRequest struct {
	PostLink        string `json:"postLink"`
	FailurePostLink string `json:"failurePostLink"`
	Description     string `json:"description"`
	Language        string `json:"language"`
	AccountID       string `json:"accountId,omitempty"`
}

type qrAnswer struct {
	BillNumber text `json:"billNumber"`
	QRCode     text `json:"qrcode"`
}

// offerQR asks for a QR. Its id is the bill number; the transaction gets one of its
// own when somebody pays.
func (g *Gateway) offerQR(ctx context.Context, c providers.Charge) providers.Result {
	body := encode(qrRequest{PostLink: c.NotifyURL, FailurePostLink: c.NotifyURL, Description: describe(c),
		Language: g.config.Language, AccountID: c.CustomerID})
	var qr qrAnswer
	if failed := g.create(ctx, c, payScope, "/payment/qr/generate", body, &qr); failed != nil {
		return *failed
	}
	if !isID(qr.BillNumber) || qr.QRCode == "" {
		return providers.Doubt(providers.Unreadable, "", errors.New("no readable billNumber or no qrcode"))
	}
	dead := time.Now().Add(qrLife)
	if outlives(c, dead) {
		return providers.Doubt(providers.Ambiguous, "", errOutlived)
	}
	r := offered(providers.Action{Kind: providers.ShowQR, Text: string(qr.QRCode), Expires: dead}, dead)
	r.External = string(qr.BillNumber)
	return r
}

// qrStatus is the answer of GET /qr. All but the status is from the bank's SDK.
type qrStatus struct {
	Status   text `json:"status"`
	Amount   text `json:"amount"`
	Currency text `json:"currency"`
	RetCode  text `json:"retCode"`
	Code     text `json:"code"` // of an API error, instead of the above
}

// askQR asks for a QR's own status, once check-status knows of nothing under way.
// The bill number names our QR, whose amount the token fixed; the answer has no
// order number or terminal to compare.
func (g *Gateway) askQR(ctx context.Context, deadline time.Time, ref providers.Ref) providers.Result {
	answer, failed := g.ask(ctx, deadline, http.MethodGet, "/qr?billNumber="+url.QueryEscape(ref.External), nil)
	if failed != nil {
		return *failed
	}
	var qr qrStatus
	if err := readObject(answer.Body, &qr); err != nil {
		return providers.Doubt(providers.Unreadable, "", err)
	}
	if qr.Status == "" {
		if qr.Code == "" {
			return providers.Doubt(providers.Unreadable, "", errors.New("no status"))
		}
		return doubt(qr.Code)
	}
	return judgeQR(ref, qr, time.Now())
}

func judgeQR(ref providers.Ref, qr qrStatus, now time.Time) providers.Result {
	code := word(qr.Status)
	money := qr.Status == "AUTH" || qr.Status == "PAID"
	amount, reason, err := compareQR(ref, qr, money)
	if reason != providers.NoReason {
		return providers.Doubt(reason, code, err)
	}
	pending := func(reason providers.Reason) providers.Result {
		return providers.Result{Verdict: providers.Pending, Reason: reason, Code: code}
	}
	switch qr.Status {
	case "NEW":
		return pending(providers.AwaitingPayer)
	case "RETURN": // the customer left the app; what is left is the QR's own end
		return pending(providers.AwaitingPayer)
	case "SCANNED":
		return pending(providers.PayerConfirming)
	case "AUTH":
		return providers.Result{Verdict: providers.Held, Amount: amount, Code: code}
	case "PAID":
		return providers.Result{Verdict: providers.Approved, Amount: amount, Code: code}
	case "REJECTED": // final, not charged: refused, or over after 20 minutes
		if m, known := meaningOf(qr.RetCode); known && m.class == declined {
			return taken(m, codes(code, qr.RetCode))
		}
		r := providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedSoft, Code: codes(code, qr.RetCode)}
		if !ref.Planned.IsZero() && !now.Before(ref.Planned.Add(qrLife)) {
			r.Reason = providers.Expired
		}
		return r
	case "BLOCKED", "CLOSED": // named, but what becomes of the money is not said
		return providers.Doubt(providers.Ambiguous, code, nil)
	}
	return providers.Doubt(providers.UnknownCode, code, nil)
}

// compareQR holds amount and currency against ours, where they are told.
func compareQR(ref providers.Ref, qr qrStatus, money bool) (providers.Money, providers.Reason, error) {
	none := providers.Money{}
	if qr.Amount == "" {
		return none, providers.NoReason, nil
	}
	amount, err := readAmount(qr.Amount)
	switch {
	case err != nil:
		return none, providers.Unreadable, err
	case qr.Currency != "" && string(qr.Currency) != ref.Amount.Currency:
		return none, providers.Mismatch, errOtherCurrency
	case amount != ref.Amount && (money || !amount.IsZero()):
		return none, providers.Mismatch, errOtherAmount
	}
	return amount, providers.NoReason, nil
}
