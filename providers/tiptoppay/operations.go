package tiptoppay

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var errNotBegun = errors.New("tiptoppay: not begun, because the payment could not be looked up first")

// Capture takes amount of a hold. What is not captured is released, and nothing can be
// captured after it.
func (g *Gateway) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	if !amount.PartOf(ref.Amount) {
		return wrong(amount)
	}
	seen := g.look(ctx, ref)
	switch {
	case seen.Verdict == providers.Approved && seen.Amount == amount: // by an earlier call, or by the terminal itself
		return providers.Result{Verdict: providers.Approved, Amount: amount, Code: seen.Code}
	case seen.Verdict != providers.Held:
		return notBegun(seen)
	}
	result := g.operate(ctx, call{confirm, operationRequest{TransactionID: seen.tx.number(), Amount: json.Number(amount.Decimal())},
		deed(ref.Order, "confirm-"+string(seen.tx.TransactionID)+"-"+amount.Decimal())})
	if result.Verdict == providers.Approved {
		result.Amount = amount
	}
	return result
}

// Cancel releases a hold, or withdraws an unpaid page. Which of the two it takes, and
// whether a payer is at it, only a look can tell.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	offer := ref.Method != providers.Instrument
	seen := g.look(ctx, ref)
	switch {
	case seen.Verdict == providers.Held && !ref.KeepHold:
		return g.operate(ctx, call{void, operationRequest{TransactionID: seen.tx.number()}, deed(ref.Order, "void-"+string(seen.tx.TransactionID))})
	case seen.Verdict.HasMoney():
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case seen.Verdict == providers.Declined, seen.Verdict == providers.Unserved:
		return providers.Result{Verdict: providers.Approved, Code: seen.Code} // it holds nothing and never will
	case seen.Verdict == providers.Pending && !(offer && seen.Reason == providers.AwaitingPayer):
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: seen.Code,
			Err: errors.New("tiptoppay: a payer is at it; ask again when it is decided")}
	case offer && (seen.Absent || seen.Verdict == providers.Pending):
		return g.withdraw(ctx, ref)
	}
	return notBegun(seen)
}

// withdraw cancels an order, by the Id that its creation told. Without it nothing can be
// withdrawn; but then nobody was shown the page either. A cancel moves no money, but it
// has an X-Request-ID like a deed: a repeat must hear what the first was told, and not
// that the order is cancelled already.
func (g *Gateway) withdraw(ctx context.Context, ref providers.Ref) providers.Result {
	if !namesOrder(ref.External) {
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Err: errors.New("tiptoppay: the order's own id is not known")}
	}
	return g.operate(ctx, call{ordersCancel, byID{ref.External}, deed(ref.Order, "cancel-"+ref.External)})
}

// notBegun says why nothing was sent after a look that did not show what to act on.
func notBegun(seen sight) providers.Result {
	result := providers.Result{Verdict: providers.Unserved, Code: seen.Code}
	switch {
	case seen.Absent:
		result.Reason = providers.NotFound
	case seen.Verdict == providers.Unknown && seen.Reason == providers.Misconfigured:
		result.Reason = providers.Misconfigured
	case seen.Verdict == providers.Unknown, seen.Verdict == providers.Pending, seen.Verdict == providers.Held: // a hold may be captured yet
		result.Reason, result.Err = providers.NotSent, errors.Join(errNotBegun, seen.Err)
	default:
		result.Verdict, result.Reason = providers.Declined, providers.Refused // it stands otherwise, for good
	}
	return result
}

// operate sends one operation. Its answer has no model, and its refusals have no code:
// what a refusal means for the payment only a look-up can say (notes, section 6.1).
func (g *Gateway) operate(ctx context.Context, c call) providers.Result {
	said, result, ok := g.ask(ctx, c, time.Now().Add(g.config.Timeouts.Refund))
	switch {
	case !ok:
		return result
	case !said.Success:
		return providers.Doubt(providers.Ambiguous, "refused", nil)
	}
	return providers.Result{Verdict: providers.Approved}
}

func (t transaction) number() json.Number { return json.Number(t.TransactionID) }

func wrong(amount providers.Money) providers.Result {
	return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest,
		Err: errors.New("tiptoppay: " + amount.String() + " is no part of the payment")}
}

// Probe asks for nothing: the answer needs our credentials to be accepted, and moves
// nothing.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	said, result, ok := g.ask(ctx, call{path: ping}, time.Now().Add(g.config.Timeouts.Status))
	switch {
	case !ok:
		return result
	case !said.Success:
		return providers.Doubt(providers.Ambiguous, "refused", nil)
	}
	return providers.Result{Verdict: providers.Approved}
}
