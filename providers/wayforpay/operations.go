package wayforpay

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/payrouter/payrouter/providers"
)

var errNotBegun = errors.New("wayforpay: not begun, because the order could not be looked up first")

// Capture takes amount of a hold by SETTLE. What is not captured is released, and
// nothing can be captured after it.
func (g *Gateway) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	if !amount.PartOf(ref.Amount) {
		return wrong(amount)
	}
	said, result, ok := g.operate(ctx, g.movement(settle, ref.Order, amount), ref.Order, g.settleLayouts()...)
	switch {
	case !ok:
		return result
	case said.TransactionStatus == approved && said.onOperation().class == success:
		// The shorter signature does not cover the amount, so it is compared where it stands.
		if sum, err := providers.ParseMoney(string(said.Amount), amount.Currency); said.Amount != "" && (err != nil || sum != amount) ||
			said.Currency != "" && string(said.Currency) != amount.Currency {
			return providers.Doubt(providers.Mismatch, said.code(), errors.New("wayforpay: another sum was captured"))
		}
		return providers.Result{Verdict: providers.Approved, Amount: amount, Code: said.code()}
	}
	return said.refusal()
}

// settleLayouts: the wiki signs eight fields, the official SDK verifies four (notes, section 3).
func (g *Gateway) settleLayouts() []layout {
	switch g.config.SettleAnswer {
	case shortSettle:
		return []layout{four}
	case longSettle:
		return []layout{eight}
	}
	return []layout{four, eight}
}

// Cancel releases a hold by REFUND, or withdraws an unpaid invoice by REMOVE_INVOICE.
// Which of the two it takes, and whether either is harmless now, only a look can tell:
// REFUND of what was captured meanwhile would give the money back, and removing an
// invoice under the hands of a payer is nowhere documented.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	offer := ref.Method != providers.Instrument
	seen := g.Lookup(ctx, ref)
	switch seen.Verdict {
	case providers.Held, providers.Approved:
		if seen.Verdict == providers.Held && !ref.KeepHold {
			return g.void(ctx, ref, seen.Amount)
		}
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case providers.Declined, providers.Unserved:
		return providers.Result{Verdict: providers.Approved, Code: seen.Code} // it holds nothing and never will
	case providers.Pending:
		if offer && seen.Reason == providers.AwaitingPayer {
			return g.withdraw(ctx, ref)
		}
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: seen.Code,
			Err: errors.New("wayforpay: the payment is under way; ask again when it is decided")}
	}
	switch {
	case seen.Absent && offer: // perhaps an invoice that nobody has opened
		return g.withdraw(ctx, ref)
	case seen.Absent:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: seen.Code}
	}
	return providers.Result{Verdict: providers.Unserved, Reason: providers.NotSent, Code: seen.Code, Err: errors.Join(errNotBegun, seen.Err)}
}

// void releases a hold whole: a part of it may be refused (1141).
func (g *Gateway) void(ctx context.Context, ref providers.Ref, held providers.Money) providers.Result {
	r := g.movement(refund, ref.Order, held)
	r.Comment = "void of " + ref.Order
	said, result, ok := g.operate(ctx, r, ref.Order, four)
	switch meant := said.onOperation().class; {
	case !ok:
		return result
	case said.TransactionStatus == voided && meant == success:
		return providers.Result{Verdict: providers.Approved, Code: said.code()}
	case said.TransactionStatus == refundInProcessing && (meant == accepted || meant == success):
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: said.code()}
	}
	return said.refusal() // Refunded: it was captured meanwhile; a look-up shows what became of it
}

// withdraw removes an invoice. The answer is not signed and not even about an order, so
// it never closes anything by itself: a look must confirm it.
func (g *Gateway) withdraw(ctx context.Context, ref providers.Ref) providers.Result {
	r := request{TransactionType: removeInvoice, MerchantAccount: g.config.MerchantAccount, OrderReference: ref.Order, APIVersion: 1}
	said, result, ok := g.ask(ctx, r.signed(g.config.MerchantSecret), g.config.Timeouts.Refund)
	if !ok {
		return result
	}
	if said.ReasonCode == okCode {
		return providers.Result{Verdict: providers.Approved, Code: said.code()}
	}
	return said.refusal()
}

// movement is a SETTLE or a REFUND.
func (g *Gateway) movement(kind, order string, amount providers.Money) request {
	return request{TransactionType: kind, MerchantAccount: g.config.MerchantAccount, OrderReference: order,
		Amount: json.Number(amount.Shortest()), Currency: amount.Currency, APIVersion: 1}
}

// operate sends a signed operation and vouches for its answer.
func (g *Gateway) operate(ctx context.Context, r request, order string, layouts ...layout) (answer, providers.Result, bool) {
	said, result, ok := g.ask(ctx, r.signed(g.config.MerchantSecret), g.config.Timeouts.Refund)
	if !ok {
		return said, result, false
	}
	doubt, ok := g.vouch(said, order, layouts...)
	return said, doubt, ok
}

// refusal reads an operation's answer that is no success. A status other than Declined
// says that something did happen, so it is doubt; REMOVE_INVOICE has no status at all.
func (a answer) refusal() providers.Result {
	meant := a.onOperation()
	result := providers.Result{Reason: meant.reason, Code: a.code()}
	if a.TransactionStatus != statusDeclined && a.TransactionStatus != "" {
		result.Reason = providers.Ambiguous
		if meant.class == undocumented || !documented(a.TransactionStatus) {
			result.Reason = providers.UnknownCode
		}
		return result
	}
	switch meant.class {
	case refused:
		result.Verdict = providers.Declined
	case retryable, missing:
		result.Verdict = providers.Unserved
	case ours:
		result.Verdict = providers.Unserved
		if meant == useless {
			result.Verdict = providers.Declined
		}
	case success, accepted:
		result.Reason = providers.Ambiguous // it succeeded, says the code, but in no way we asked for
	}
	return result
}

// documented reports whether the status stands in the notes.
func documented(status literal) bool {
	switch status {
	case created, inProcess, pending, waitingComplete, approved, statusDeclined, expired, voided, refundInProcessing, refunded:
		return true
	}
	return false
}

func wrong(amount providers.Money) providers.Result {
	return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest,
		Err: errors.New("wayforpay: " + amount.String() + " is no part of the payment")}
}
