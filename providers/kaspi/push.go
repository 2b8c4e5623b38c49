package kaspi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/payrouter/payrouter/providers"
)

const (
	// app is where an invoice rings.
	app = "Kaspi.kz"
	// commentLength keeps an invoice's comment short; no limit is published.
	commentLength = 100
	canceled      = "RemotePaymentCanceled"
)

// mobile is a Kazakhstan mobile number in E.164. The document writes 87XXXXXXXXX,
// live clients send 77XXXXXXXXX.
var mobile = regexp.MustCompile(`^\+(77\d{9})$`)

func phoneNumber(e164 string) (string, bool) {
	found := mobile.FindStringSubmatch(e164)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// invite pushes an invoice to the payer's phone. It cannot carry our reference but
// in a comment and cannot be found by it: a lost answer stays open.
func (g *Gateway) invite(ctx context.Context, c providers.Charge) providers.Result {
	phone, reachable := phoneNumber(c.Payer.Phone)
	switch {
	case g.config.Scheme != R3:
		return cannot("invoices need scheme r3")
	case !reachable:
		return cannot("an invoice needs a Kazakhstan mobile number, +77XXXXXXXXX")
	case outlives(c, time.Now().Add(g.Claims().Timeouts.Charge+g.config.PushLife+g.config.ConfirmWindow)):
		return cannot("the invoice would outlive the payment")
	}
	token, result, ok := g.desk(ctx)
	if !ok {
		return result
	}
	request := struct {
		OrganizationBIN string `json:"OrganizationBin"`
		DeviceToken     string
		Amount          tenge
		PhoneNumber     string
		Comment         string
	}{g.bin(), token, tenge{money: c.Ref.Amount}, phone, comment(c)}
	var answer struct {
		ID number `json:"QrPaymentId"`
	}
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/remote/create", body: request,
		timeout: g.config.Timeouts.Charge, codes: inviting, moves: true,
	}, &answer)
	switch {
	case !ok:
		return result
	case answer.ID == "":
		return providers.Doubt(providers.Unreadable, "", errors.New("an invoice without its number"))
	}
	begin := time.Now().Add(g.config.PushLife)
	end := begin.Add(g.config.ConfirmWindow) // opened at the last moment, confirmed at the last moment
	return providers.Result{
		Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: string(answer.ID), Until: end,
		Action: &providers.Action{Kind: providers.ConfirmPush, Service: app, Expires: begin},
	}
}

// comment begins with our reference, the only trace of it at the bank.
func comment(c providers.Charge) string {
	text := strings.TrimSpace(c.Ref.Order + " " + c.Description)
	if utf8.RuneCountInString(text) > commentLength {
		text = string([]rune(text)[:commentLength])
	}
	return text
}

// Cancel withdraws an invoice. A QR or a link has no such call: only its own clock
// ends it; an account payment ends by our answer to the bank's question.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	if ref.Method != providers.Push || g.config.Scheme != R3 {
		return refused.result(notOffered)
	}
	id := number(ref.External)
	if !id.valid() {
		return notFound.result("")
	}
	token, result, ok := g.desk(ctx)
	if !ok {
		return result
	}
	request := struct {
		OrganizationBIN string `json:"OrganizationBin"`
		ID              number `json:"QrPaymentId"`
		DeviceToken     string
	}{g.bin(), id, token}
	var answer struct{ Status string }
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/remote/cancel", body: request,
		timeout: g.config.Timeouts.Refund, codes: withdrawing, moves: true,
	}, &answer)
	switch {
	case !ok:
		return result
	case answer.Status != canceled:
		return providers.Doubt(providers.UnknownCode, word(answer.Status), nil)
	}
	return providers.Result{Verdict: providers.Approved, Code: canceled}
}

// notOffered is the Code of what the account's scheme or the method does not know.
const notOffered = "not offered by the provider"

// newNameLimiter keeps PayerName below the document's 50 calls a minute: ten at
// once, then one every 1.5 s.
func newNameLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(1500*time.Millisecond), 10) }

// PayerName asks whose phone it is, so that a cashier can read the name back before
// an invoice is sent. Approved: the name is the bank's. The name is personal data.
func (g *Gateway) PayerName(ctx context.Context, e164 string) (string, providers.Result) {
	phone, reachable := phoneNumber(e164)
	switch {
	case g.config.Scheme != R3 || !reachable:
		return "", cannot("invoices need scheme r3 and a Kazakhstan mobile number")
	case !g.names.Allow():
		return "", providers.Result{Verdict: providers.Unserved, Reason: providers.Throttled}
	}
	token, result, ok := g.desk(ctx)
	if !ok {
		return "", result
	}
	query := url.Values{"phoneNumber": {phone}, "deviceToken": {token}}
	var answer struct{ ClientName string }
	result, ok = g.do(ctx, call{
		method: http.MethodGet, url: g.base + "/remote/client-info?" + query.Encode(),
		timeout: g.config.Timeouts.Status, codes: inviting,
	}, &answer)
	if !ok {
		return "", result
	}
	return answer.ClientName, providers.Result{Verdict: providers.Approved}
}
