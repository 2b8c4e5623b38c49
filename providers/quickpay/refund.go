package quickpay

import (
	"context"
	"errors"
	"slices"

	"github.com/payrouter/payrouter/providers"
)

var errOtherSum = errors.New("quickpay: the sum returned fits neither before nor after this refund")

// Refund gives captured money back. QuickPay keeps no refund id of ours and does not
// recognise a repeat: two equal partial refunds are two refunds. So the answer counts as
// success only if all refunds together come to what was there before plus this one.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	if !r.Amount.PartOf(r.Ref.Amount) {
		return wrong(r.Amount)
	}
	ref, no := g.identified(ctx, r.Ref)
	if no != nil {
		return *no
	}
	p, no := g.operate(ctx, ref, refund, part{r.Amount.Minor}, func(_ payment, t tally) bool { return t.refunded == r.Before.Minor+r.Amount.Minor })
	if no != nil {
		return *no
	}
	result := g.outcome(p, ref, refund, r.Amount)
	if result.Verdict != providers.Approved {
		return result
	}
	if t := p.count(); t.unreadable || t.refunded != r.Before.Minor+r.Amount.Minor {
		return providers.Doubt(providers.Ambiguous, p.code(), errOtherSum)
	}
	result.Amount = r.Amount
	return result
}

// LookupRefund compares the sum of the approved refunds now with the sum before.
//
//	refunds under way   returned now      the refund is
//	one                 before            Pending
//	unclear             any               Unknown
//	none                before            Absent; Declined if it has a number and was refused
//	none                before + amount   Approved
//	anything else                         Unknown
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	p, seen := g.look(ctx, r.Ref, g.config.Timeouts.Status)
	t := p.count()
	returned := seen.Returned
	result := providers.Result{Code: seen.Code, Reason: providers.Ambiguous}
	switch {
	case seen.Absent:
		result.Err = errors.New("quickpay: the refunded payment is not found")
		return result
	case seen.Verdict == providers.Unknown:
		seen.External = "" // it names the payment, and no refund
		return seen
	case seen.Verdict != providers.Approved:
		result.Err = errors.New("quickpay: the refunded payment is not captured")
		return result
	}
	result.Returned = returned
	switch {
	case t.doubt[inRefund].reason != "":
		result.Reason, result.Err = t.doubt[inRefund].reason, errors.New("quickpay: nobody knows how a refund ended")
	case r.Amount.Currency != returned.Currency || r.Amount.Minor <= 0,
		r.Before.Minor != returned.Minor && r.Before.Minor+r.Amount.Minor != returned.Minor:
		result.Err = errOtherSum
	case t.refunds:
		result.Verdict, result.Reason = providers.Pending, providers.Processing
	case r.Before.Minor == returned.Minor && p.refusedBack(r.External):
		result.Verdict, result.Reason = providers.Declined, providers.Refused
	case r.Before.Minor == returned.Minor:
		result.Absent = true
	default:
		result.Verdict, result.Reason, result.Amount = providers.Approved, providers.NoReason, r.Amount
	}
	return result
}

// refusedBack reports whether the refund that QuickPay gave this number was refused for good.
func (p payment) refusedBack(id string) bool {
	return slices.ContainsFunc(*p.Operations, func(o operation) bool {
		return o.Type == refund && p.operation(o.ID) == id && !o.waits() && o.meaning().class == refused
	})
}
