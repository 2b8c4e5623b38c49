package robokassa

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"regexp"

	"github.com/payrouter/payrouter/providers"
)

var (
	errNotBegun     = errors.New("robokassa: not begun, because the payment could not be looked up first")
	errNotPart      = errors.New("robokassa: the amount is no part of the payment")
	errUnderWay     = errors.New("robokassa: the payment is under way; ask again when it is decided")
	errNoRecall     = errors.New("robokassa: nothing here can be taken back; it ends by itself")
	errNotAccepting = errors.New("robokassa: the request was not accepted in the documented words")
)

// success is how Confirm and Cancel accept a request. Their bodies are documented nowhere;
// these are the spellings that the official SDK looks for, and JSON's (notes, section 4.3).
var success = regexp.MustCompile(`^\{ ?"?success"?: ?true ?\}$`)

// Capture takes amount of a hold by Confirm, once. What is not captured is released. The
// answer only accepts the request, so it is Pending: the state tells what became of it.
func (g *Gateway) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	switch {
	case !amount.PartOf(ref.Amount) || !g.claims.Carries(amount.Currency):
		return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest, Err: errNotPart}
	case !isNumber(ref.Order):
		return providers.Unable(errNotNumber)
	}
	sum := amount.Decimal()
	m := message{before: []string{g.config.MerchantLogin, sum, ref.Order}}
	if result, ok := g.operate(ctx, "Confirm", m, url.Values{"InvoiceID": {ref.Order}, "OutSum": {sum}}); !ok {
		return result
	}
	return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: "success"}
}

// Cancel releases a hold by Payment/Cancel, or switches an invoice's link off. Which of the
// two it takes, and whether either is harmless now, only a look can tell.
//
//	seen                    with an invoice's link      with an address
//	20                      release the hold            release the hold; refused with KeepHold
//	10 after a seen hold    -                           nothing is left to do
//	3, 10                   switch it off               nothing can be done
//	5                       switch it off: Pending,     nothing can be done
//	                        for who has opened the page
//	                        may still pay
//	80                      ask again                   ask again
//	50, 60, 100             refused                     refused
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	seen := g.Lookup(ctx, ref)
	waits := seen.Absent || seen.Verdict == providers.Pending && seen.Reason == providers.AwaitingPayer
	opened := seen.Verdict == providers.Pending && seen.Reason == providers.PayerConfirming
	switch {
	case seen.Verdict == providers.Held && !ref.KeepHold:
		return g.void(ctx, ref)
	case seen.Verdict.HasMoney():
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case seen.Verdict == providers.Declined:
		return providers.Result{Verdict: providers.Approved, Code: seen.Code} // it holds nothing
	case (waits || opened) && isInvoice(ref):
		result := g.withdraw(ctx, ref)
		if opened && result.Verdict == providers.Approved {
			result.Verdict, result.Reason = providers.Pending, providers.Processing
		}
		return result
	case seen.Absent:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: seen.Code, Err: errNoRecall}
	case waits || opened:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: seen.Code, Err: errNoRecall}
	case seen.Verdict == providers.Pending:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: seen.Code, Err: errUnderWay}
	}
	return notBegun(seen)
}

// void releases a hold whole. That the request was accepted is the gateway's word; a look
// must confirm it. The sum, which need not be sent, is never under the signature.
func (g *Gateway) void(ctx context.Context, ref providers.Ref) providers.Result {
	m := message{before: []string{g.config.MerchantLogin, "", ref.Order}}
	if result, ok := g.operate(ctx, "Cancel", m, url.Values{"InvoiceID": {ref.Order}}); !ok {
		return result
	}
	return providers.Result{Verdict: providers.Approved, Code: "success"}
}

// operate sends a Confirm or a Cancel. It reports false unless the request was accepted; the
// Result is then doubt: why it was not, and whether it was carried out, only a look can tell.
func (g *Gateway) operate(ctx context.Context, method string, m message, fields url.Values) (providers.Result, bool) {
	fields.Set("MerchantLogin", g.config.MerchantLogin)
	fields.Set("SignatureValue", m.sign(g.config.Hash, g.config.Password1))
	body, result, ok := g.post(ctx, form(g.config.PaymentBase+"/Merchant/Payment/"+method, fields, g.config.Timeouts.Refund))
	switch {
	case !ok:
		return result, false
	case !accepts(body):
		return providers.Doubt(unaccepted(body), "", errNotAccepting), false
	}
	return providers.Result{}, true
}

// accepts reports whether an answer to Confirm or Cancel accepts the request.
func accepts(body []byte) bool { return success.Match(bytes.TrimSpace(body)) }

// notBegun is an operation that was not sent, because what was seen did not allow to judge
// it. Nothing moved.
func notBegun(seen providers.Result) providers.Result {
	result := providers.Result{Verdict: providers.Unserved, Reason: providers.NotSent, Code: seen.Code, Err: errors.Join(errNotBegun, seen.Err)}
	if seen.Reason == providers.Misconfigured {
		result.Reason = providers.Misconfigured
	}
	return result
}
