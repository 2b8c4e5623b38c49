package server

import (
	"context"
	"slices"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/payment"
)

// CreateRefund gives back part or all of what was paid.
func (s payments) CreateRefund(ctx context.Context, r *pb.CreateRefundRequest) (*pb.Refund, error) {
	c, request := s.command(ctx, r.GetParent(), r.GetRequestId(), "refund", r)
	p, err := s.within(ctx, func(ctx context.Context) (payment.Payment, error) {
		p, _, err := s.router.Refund(ctx, c, moneyIn(r.GetAmount()), r.GetReason())
		return p, err
	}, s.recorded(request))
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetParent(), requestID: c.RequestID, payment: p})
	}
	i := slices.IndexFunc(p.Refunds, func(refund payment.Refund) bool { return refund.RequestID == c.RequestID })
	if i < 0 {
		return nil, s.refusal(ctx, errOutOfTime, about{name: r.GetParent()})
	}
	return refundOut(p, p.Refunds[i]), nil
}

// GetRefund reads a refund.
func (s payments) GetRefund(ctx context.Context, r *pb.GetRefundRequest) (*pb.Refund, error) {
	id, refundID, _ := parseRefund(r.GetName())
	p, err := s.router.Get(ctx, identityOf(ctx).tenant, id)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName()})
	}
	refund, ok := p.FindRefund(refundID)
	if !ok {
		return nil, notFound(pb.ErrorReason_ERROR_REASON_NOT_FOUND, r.GetName())
	}
	return refundOut(p, refund), nil
}

// ListRefunds reads the refunds of one payment, oldest first, which is their order in
// the payment. The cursor is the last refund's id.
func (s payments) ListRefunds(ctx context.Context, r *pb.ListRefundsRequest) (*pb.ListRefundsResponse, error) {
	cursor, err := s.cursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := s.read(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	rest := p.Refunds
	if cursor != "" {
		rest = rest[1+slices.IndexFunc(rest, func(refund payment.Refund) bool { return refund.Refund == cursor }):]
	}
	page := &pb.ListRefundsResponse{}
	for i, refund := range rest {
		if i == pageSize(r.GetPageSize()) {
			page.NextPageToken = s.pageToken(ctx, r, rest[i-1].Refund)
			break
		}
		page.Refunds = append(page.Refunds, refundOut(p, refund))
	}
	return page, nil
}

// refundOut is a refund as callers see it. It goes through the gateway that took the
// money; once an operation was made for it, that operation's attempt says which.
func refundOut(p payment.Payment, r payment.Refund) *pb.Refund {
	out := &pb.Refund{
		Name:        refundName(p.ID, r.Refund),
		State:       refundStatesOut[r.State],
		Amount:      moneyOut(r.Amount),
		Reason:      r.Reason,
		RequestId:   r.RequestID,
		StateReason: reasonsOut[r.Why],
		CreateTime:  instant(r.At),
		UpdateTime:  instant(r.Updated),
	}
	if kept, ok := p.Kept(); ok {
		out.Gateway = gatewayName(kept.Gateway)
	}
	if r.Operation > 0 {
		o := p.Operations[r.Operation-1]
		out.Gateway = gatewayName(p.Attempts[o.Attempt-1].Gateway)
		out.ExternalId = o.External
		if r.State == payment.RefundPending {
			out.StateReason = reasonsOut[o.Reason]
		}
	}
	return out
}
