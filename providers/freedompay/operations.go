package freedompay

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
)

// Capture takes amount of a hold by do_capture.php; what is not captured is released. A
// refusal is believed only when the status shows the hold untouched; "already cleared"
// is success if the sum is ours.
func (g *Gateway) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	if !amount.PartOf(ref.Amount) {
		return wrong(amount)
	}
	ref, result, ok := g.known(ctx, ref)
	if !ok {
		return result
	}
	said, result, ok := g.operate(ctx, "do_capture.php", flat("pg_payment_id", ref.External, "pg_clearing_amount", amount.Decimal()))
	switch {
	case !ok:
		return result
	case said.ok():
		return said.captured(ref, amount)
	}
	_, seen := g.look(ctx, ref)
	switch {
	case seen.Verdict == providers.Approved && seen.Amount == amount:
		return providers.Result{Verdict: providers.Approved, Amount: amount, Code: said.code()}
	case seen.Verdict == providers.Approved:
		return providers.Doubt(providers.Mismatch, said.code(), errSum)
	case seen.Verdict == providers.Declined:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: said.code()} // there is no hold
	case seen.Verdict == providers.Held:
		return said.refusal().onOperation(said.code())
	}
	return providers.Doubt(providers.Ambiguous, said.code(), seen.Err)
}

var errNoHold = errors.New("freedompay: the payment is seen as failed, which says nothing of a hold")

var errSum = errors.New("freedompay: another sum was captured")

// captured reads an accepted capture. The answer names no payment, only sums.
func (a answer) captured(ref providers.Ref, amount providers.Money) providers.Result {
	if id, told := a.told("pg_payment_id"); told && id != ref.External {
		return providers.Doubt(providers.Mismatch, a.code(), errOther)
	}
	taken, told := a.told("pg_clearing_amount")
	if !told {
		return providers.Doubt(providers.Unreadable, a.code(), errIncomplete)
	}
	if sum, err := providers.ParseMoney(taken, amount.Currency); err != nil || sum != amount {
		return providers.Doubt(providers.Mismatch, a.code(), errSum)
	}
	return providers.Result{Verdict: providers.Approved, Amount: amount, Code: a.code()}
}

// Cancel releases a hold whole by cancel.php. What that call does to an unpaid page is
// not known, so it is sent only when a status shows a hold.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	_, seen := g.look(ctx, ref)
	switch {
	case seen.Verdict == providers.Held && !ref.KeepHold:
	case seen.Verdict.HasMoney():
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case seen.Verdict == providers.Declined && (seen.Reason == providers.Released || seen.Reason == providers.Expired):
		return providers.Result{Verdict: providers.Approved, Code: seen.Code} // it holds nothing and never will
	case seen.Verdict == providers.Declined, seen.Verdict == providers.Unserved:
		return providers.Doubt(providers.Ambiguous, seen.Code, errNoHold) // a failure may be an earlier try's
	case seen.Verdict == providers.Pending:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: seen.Code,
			Err: errors.New("freedompay: there is no proven way to end a payment that is not paid yet")}
	case seen.Absent:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: seen.Code}
	default:
		return notBegun(seen)
	}
	ref.External = seen.External
	said, result, ok := g.operate(ctx, "cancel.php", flat("pg_payment_id", ref.External))
	switch {
	case !ok:
		return result
	case said.ok():
		if id, told := said.told("pg_payment_id"); told && id != ref.External {
			return providers.Doubt(providers.Mismatch, said.code(), errOther)
		}
		return providers.Result{Verdict: providers.Approved, Code: said.code()}
	}
	switch _, seen = g.look(ctx, ref); seen.Verdict {
	case providers.Declined:
		return providers.Result{Verdict: providers.Approved, Code: said.code()}
	case providers.Approved:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: said.code()}
	case providers.Held:
		return said.refusal().onOperation(said.code())
	case providers.Unknown, providers.Pending, providers.Unserved:
	}
	return providers.Doubt(providers.Ambiguous, said.code(), seen.Err)
}

// known finds Freedom Pay's id, which every operation needs. It reports false when the
// operation cannot begin.
func (g *Gateway) known(ctx context.Context, ref providers.Ref) (providers.Ref, providers.Result, bool) {
	if ref.External != "" {
		return ref, providers.Result{}, true
	}
	seen, result, ok := g.read(ctx, ref, g.config.Timeouts.Status)
	switch {
	case result.Absent:
		return ref, providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: result.Code}, false
	case !ok:
		return ref, notBegun(result), false
	}
	ref.External = seen.id
	return ref, providers.Result{}, true
}

// operate sends an operation, once.
func (g *Gateway) operate(ctx context.Context, path string, fields node) (answer, providers.Result, bool) {
	return g.ask(ctx, call{path: path, fields: fields, movesMoney: true, timeout: g.config.Timeouts.Refund})
}

func wrong(amount providers.Money) providers.Result {
	return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest,
		Err: errors.New("freedompay: " + amount.String() + " is no part of the payment")}
}
