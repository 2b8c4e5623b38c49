package plainpay

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
)

// Refund gives back once. PlainPay cannot tell a repetition from a second refund of the same
// sum, so that nobody may send this twice: after a lost answer LookupRefund tells.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	if !orderly(r.Ref.Order) || !r.Amount.PartOf(r.Ref.Amount) {
		return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest, Err: errors.New("plainpay: that is no part of a payment made here")}
	}
	a, result, ok := g.ask(ctx, "/refund", fields{
		"order": r.Ref.Order, "amount": r.Amount.Decimal(), "currency": r.Amount.Currency, "comment": r.ID,
	}, g.config.Timeouts.Refund, true, refusals{
		"404 no_such_order":  {Verdict: providers.Unserved, Reason: providers.NotFound},
		"409 not_refundable": {Verdict: providers.Declined, Reason: providers.Refused},
	})
	if !ok {
		return result
	}
	return returned(g.about(a, r.Ref), r)
}

// LookupRefund asks for the sum returned now.
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	return returned(g.Lookup(ctx, r.Ref), r)
}

// returned says what a payment tells of one refund, by the sum given back before it:
//
//	returned now      the refund is
//	before + amount   Approved
//	before            Unknown, Absent
//	anything else     Unknown
func returned(seen providers.Result, r providers.Refund) providers.Result {
	result := providers.Doubt(providers.Ambiguous, seen.Code, seen.Err) // never seen.Absent: that the order is missing is no news of a refund
	switch {
	case seen.Verdict == providers.Unknown && seen.Reason != providers.NoReason:
		result.Reason = seen.Reason
	case seen.Verdict != providers.Approved:
		result.Err = errors.New("plainpay: what is to be refunded is not paid")
	case seen.Returned.Minor == r.Before.Minor+r.Amount.Minor && r.Amount.Minor > 0:
		result = providers.Result{Verdict: providers.Approved, Amount: r.Amount, Returned: seen.Returned, Code: seen.Code}
	case seen.Returned.Minor == r.Before.Minor:
		result.Absent, result.Returned = true, seen.Returned
	}
	return result
}
