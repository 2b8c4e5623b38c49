package kaspi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Under r2 a refund needs the payer at the counter: BeginReturn makes a QR, the
// payer scans it, ReturnScanned says so, Returnable lists what that payer bought,
// and Return gives one purchase back. The router cannot do this by itself and the
// claims do not offer it; a cash desk can.

const identified = "CustomerIdentityObtained"

// BeginReturn makes the QR that the payer scans to be recognised, under our own id
// of the refund. Pending: Action holds the QR and External the number of the
// return. No money hangs on it.
func (g *Gateway) BeginReturn(ctx context.Context, id string) providers.Result {
	if g.config.Scheme != R2 {
		return cannot("refunds by scan belong to scheme r2")
	}
	token, result, ok := g.desk(ctx)
	if !ok {
		return result
	}
	request := struct {
		DeviceToken string
		ExternalID  string `json:"ExternalId,omitempty"`
	}{token, id}
	var answer struct {
		QRToken    string `json:"QrToken"`
		ExpireDate moment
		ID         number `json:"QrReturnId"`
		Options    struct {
			QRCodeScanEventPollingInterval seconds `json:"QrCodeScanEventPollingInterval"`
		} `json:"QrReturnBehaviorOptions"`
	}
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/return/create", body: request,
		timeout: g.config.Timeouts.Create, codes: settingUp, moves: true,
	}, &answer)
	switch {
	case !ok:
		return result
	case answer.QRToken == "" || answer.ID == "" || !answer.ExpireDate.After(time.Now()):
		return providers.Doubt(providers.Unreadable, "", errors.New("a refund QR without its text, number or end"))
	}
	return providers.Result{
		Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: string(answer.ID),
		Action: &providers.Action{Kind: providers.ShowQR, Text: answer.QRToken, Expires: answer.ExpireDate.Time},
		Until:  answer.ExpireDate.Time,
		AskIn:  answer.Options.QRCodeScanEventPollingInterval.or(g.config.PollInterval),
	}
}

// ReturnScanned asks whether the payer has scanned the QR of BeginReturn. Nothing is
// refunded by the scan. Pending: not yet; the Result says when it never will be.
func (g *Gateway) ReturnScanned(ctx context.Context, returnID string) (bool, providers.Result) {
	id := number(returnID)
	if g.config.Scheme != R2 || !id.valid() {
		return false, cannot("no refund by scan")
	}
	var answer struct{ Status string }
	result, ok := g.do(ctx, call{
		method: http.MethodGet, url: g.base + "/return/status/" + string(id), timeout: g.config.Timeouts.Status, codes: asking,
	}, &answer)
	if !ok {
		return false, undecided(result)
	}
	result = providers.Result{Code: word(answer.Status), External: returnID}
	switch answer.Status {
	case identified:
		result.Verdict, result.Reason = providers.Pending, providers.Processing
		return true, result
	case "QrTokenCreated":
		result.Verdict, result.Reason = providers.Pending, providers.AwaitingPayer
	case "Error":
		result.Verdict, result.Reason = providers.Declined, providers.Expired
	default:
		result.Reason = providers.UnknownCode
	}
	return false, result
}

// Purchase is one that the payer at the counter made and may give back.
type Purchase struct {
	External string // Kaspi's number of it
	Amount   providers.Money
	At       time.Time
}

// Returnable lists the last purchases, ten at most, of the payer who scanned.
// Approved: the list is the bank's.
func (g *Gateway) Returnable(ctx context.Context, returnID string) ([]Purchase, providers.Result) {
	id := number(returnID)
	if g.config.Scheme != R2 || !id.valid() {
		return nil, cannot("no refund by scan")
	}
	token, result, ok := g.desk(ctx)
	if !ok {
		return nil, result
	}
	request := struct {
		DeviceToken string
		ID          number `json:"QrReturnId"`
		MaxResult   int
	}{token, id, 10}
	var answer []struct {
		ID              number `json:"QrPaymentId"`
		Amount          tenge
		TransactionDate moment
	}
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/return/operations", body: request, timeout: g.config.Timeouts.Status, codes: settingUp,
	}, &answer)
	if !ok {
		return nil, result
	}
	var purchases []Purchase
	for _, p := range answer {
		if p.ID == "" || !p.Amount.told {
			return nil, providers.Doubt(providers.Unreadable, "", errors.New("a purchase without number or amount"))
		}
		purchases = append(purchases, Purchase{External: string(p.ID), Amount: p.Amount.money, At: p.TransactionDate.Time})
	}
	return purchases, providers.Result{Verdict: providers.Approved}
}

// Return gives back, once, part or all of a purchase of the payer who scanned. Its
// Result means what Refund's means, and LookupRefund settles a lost answer.
func (g *Gateway) Return(ctx context.Context, returnID string, r providers.Refund) providers.Result {
	id := number(returnID)
	switch {
	case g.config.Scheme != R2 || !id.valid():
		return cannot("no refund by scan")
	case r.Ref.Method == providers.Account || !number(r.Ref.External).valid():
		return notFound.result("")
	case !payable(r.Amount):
		return cannot("Kaspi gives back positive amounts of tenge only")
	}
	return g.giveBack(ctx, r, id)
}
