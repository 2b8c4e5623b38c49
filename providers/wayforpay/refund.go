package wayforpay

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
)

// Refund gives captured money back. WayForPay keeps no refund id and has no guard
// against a repeat, so after a lost answer LookupRefund alone may tell what happened. Our
// id is in the comment, for people.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	if !r.Amount.PartOf(r.Ref.Amount) {
		return wrong(r.Amount)
	}
	wanted := g.movement(refund, r.Ref.Order, r.Amount)
	wanted.Comment = providers.Plain(r.ID+" "+r.Reason, longestComment, ";") // required by WayForPay
	if wanted.Comment == "" {
		wanted.Comment = "refund of " + r.Ref.Order
	}
	said, result, ok := g.operate(ctx, wanted, r.Ref.Order, four)
	switch meant := said.onOperation().class; {
	case !ok:
		return result
	case said.TransactionStatus == refunded && meant == success:
		return providers.Result{Verdict: providers.Approved, Amount: r.Amount, Code: said.code()}
	case said.TransactionStatus == refundInProcessing && (meant == accepted || meant == success):
		// The merchant's balance is too small right now; it will be finished later.
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: said.code()}
	case said.TransactionStatus == statusDeclined && meant == stale:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: said.code()}
	}
	return said.refusal()
}

// LookupRefund compares the sum returned now, by CHECK_STATUS, with the sum before.
//
//	status              returned now      the refund is
//	RefundInProcessing  before            Pending
//	RefundInProcessing  before + amount   Pending: counted already, still on its way
//	Approved, Refunded  before            Absent
//	Approved, Refunded  before + amount   Approved
//	anything else                         Unknown
//
// Approved without a refundAmount means that nothing was returned: a payment of which
// any part was returned is Refunded (notes, section 5).
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	said, seen := g.look(ctx, r.Ref)
	switch {
	case seen.Absent:
		return providers.Doubt(providers.Ambiguous, seen.Code, errors.New("wayforpay: the refunded order is not found"))
	case seen.Verdict == providers.Unknown:
		return seen
	case seen.Verdict != providers.Approved:
		return providers.Doubt(providers.Ambiguous, seen.Code, errors.New("wayforpay: the refunded order is not charged"))
	}
	returned := seen.Returned.Minor
	if seen.Returned.Currency == "" && said.TransactionStatus != approved {
		return providers.Doubt(providers.Unreadable, seen.Code, errors.New("wayforpay: the sum returned is not told"))
	}
	result := providers.Result{Returned: providers.Money{Minor: returned, Currency: r.Ref.Amount.Currency}, Code: seen.Code}
	waiting := said.TransactionStatus == refundInProcessing
	switch {
	case r.Before.Minor != returned && r.Before.Minor+r.Amount.Minor != returned,
		r.Amount.Currency != r.Ref.Amount.Currency, r.Amount.Minor <= 0:
		result.Reason = providers.Ambiguous
		result.Err = errors.New("wayforpay: the sum returned fits neither before nor after this refund")
	case waiting:
		result.Verdict, result.Reason = providers.Pending, providers.Processing
	case r.Before.Minor == returned:
		result.Absent = true
		result.Reason = providers.Ambiguous
	default:
		result.Verdict, result.Amount = providers.Approved, r.Amount
	}
	return result
}
