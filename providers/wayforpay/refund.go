package wayforpay

import (
	"context"
	"errors"
	"time"

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
//	Approved, Refunded  before            Absent, if TRANSACTION_LIST shows no other refund
//	Approved, Refunded  before + amount   Approved
//	anything else                         Unknown
//
// A sum that is not told is Unknown, whatever the status: nobody documents that it is
// left out where nothing was returned, or that the status follows a refund at once.
//
// Both questions share one time limit.
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	deadline := time.Now().Add(g.config.Timeouts.Status)
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
	if seen.Returned.Currency == "" {
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
		result.Reason = providers.Ambiguous
		if result.Err = g.unlisted(ctx, r, time.Until(deadline)); result.Err != nil {
			result.Returned = providers.Money{} // one of the two is wrong about it
		}
		result.Absent = result.Err == nil
	default:
		result.Verdict, result.Amount = providers.Approved, r.Amount
	}
	return result
}

// unlisted asks the second witness: nil means that TRANSACTION_LIST shows no refund of the
// order beyond those confirmed before this one. A status that is late is late by minutes,
// so the rows of the last day are enough; of an older payment, whose confirmed refunds may
// be among them or not, they must show none.
func (g *Gateway) unlisted(ctx context.Context, r providers.Refund, timeout time.Duration) error {
	now := time.Now()
	from := now.Add(-listWindow)
	rows, err := g.list(ctx, from, now.Add(listOverlap), timeout)
	if err != nil {
		return err
	}
	var confirmed, listed int64
	if r.Ref.Planned.After(from) {
		confirmed = r.Before.Minor
	}
	for _, row := range rows {
		if row.TransactionType != refund || string(row.OrderReference) != r.Ref.Order {
			continue
		}
		if row.before(from.Truncate(time.Second)) {
			continue // a list that ignores dates, as the test merchant's does
		}
		movement, err := row.line(now)
		if err != nil {
			return err
		}
		if movement.Kind == providers.LineRefund && movement.Verdict != providers.Declined {
			listed += movement.Amount.Minor
		}
	}
	if listed > confirmed {
		return errors.New("wayforpay: the list shows a refund that the status does not")
	}
	return nil
}
