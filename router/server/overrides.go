package server

import (
	"context"
	"errors"
	"strings"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// CreateOverride steers one gateway for a limited time.
func (s operations) CreateOverride(ctx context.Context, r *pb.CreateOverrideRequest) (*pb.Override, error) {
	order := s.order(ctx, r)
	if r.GetValidateOnly() {
		return s.tryOverride(ctx, order)
	}
	// A repetition is told by the id, whatever the clock says by now.
	kept, err := s.router.Journal.Override(ctx, order.Gateway, order.ID)
	switch {
	case err == nil:
		if !sameOrder(kept, order, r) {
			return nil, requestIDReused(overrideName(kept.Gateway, kept.ID))
		}
		return s.standing(ctx, kept)
	case !errors.Is(err, journal.ErrNotFound):
		return nil, s.refusal(ctx, err, about{})
	}
	kept, err = s.router.CreateOverride(ctx, order)
	if errors.Is(err, router.ErrReused) || err == nil && !sameOrder(kept, order, r) {
		return nil, requestIDReused(overrideName(kept.Gateway, kept.ID))
	}
	if err != nil && !errors.Is(err, router.ErrSecondPerson) {
		return nil, s.refusal(ctx, err, about{name: r.GetParent()})
	}
	return s.standing(ctx, kept)
}

// standing answers with an order as it stands: one that only a first person gave is in
// force for nobody, which must not look like success.
func (s operations) standing(ctx context.Context, o journal.Override) (*pb.Override, error) {
	now := time.Now()
	switch {
	case o.ProposedUntil.IsZero():
		return overrideOut(o, now), nil
	case !o.Waits(now):
		return nil, overrideEnded(o)
	}
	stake, err := s.router.Stake(ctx, o)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	return nil, secondOrder(o, stake)
}

// order is the operator's order in our words. Its id is the request id, which makes a
// repetition the same order.
func (s operations) order(ctx context.Context, r *pb.CreateOverrideRequest) journal.Override {
	gateway, _ := parseGateway(r.GetParent())
	o := journal.Override{ID: strings.ToLower(r.GetRequestId()), Gateway: gateway, Mode: string(modesIn[r.GetOverride().GetMode()]),
		MoveOpen: r.GetOverride().GetMoveOpen(), Actor: identityOf(ctx).asOperator(), Reason: r.GetOverride().GetReason(),
		Start: timeIn(r.GetOverride().GetStartTime())}
	if o.Start.IsZero() {
		o.Start = payment.Instant(time.Now())
	}
	o.End = o.Start.Add(router.OverrideDefault)
	if d := r.GetOverride().GetDuration(); d != nil {
		o.End = o.Start.Add(d.AsDuration())
	}
	return o
}

// sameOrder compares what the operator sent with the order that stands under its id.
func sameOrder(kept, order journal.Override, r *pb.CreateOverrideRequest) bool {
	startsAlike := kept.Start.Equal(payment.Instant(order.Start))
	if r.GetOverride().GetStartTime() == nil {
		startsAlike = kept.Start.Sub(kept.Created).Abs() < time.Minute // both said "at once"
	}
	length := payment.Instant(order.End).Sub(payment.Instant(order.Start))
	return kept.Gateway == order.Gateway && kept.Mode == order.Mode && kept.MoveOpen == order.MoveOpen && kept.Reason == order.Reason &&
		startsAlike && (kept.End.Sub(kept.Start)-length).Abs() < time.Millisecond
}

// tryOverride answers what the order would do, and changes nothing.
func (s operations) tryOverride(ctx context.Context, order journal.Override) (*pb.Override, error) {
	now := time.Now()
	if !order.End.After(now) {
		return nil, s.refusal(ctx, router.ErrOverrideEnd, about{})
	}
	f, err := s.router.Forecast(ctx, identityOf(ctx).tenant, order)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: gatewayName(order.Gateway)})
	}
	out := overrideOut(order, now)
	out.Name, out.Etag, out.Active = "", "", false
	stake, err := s.router.Stake(ctx, stamped(order, now))
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	out.Forecast = forecastOut(order, f, stake, s.router.Board.EgressDown())
	return out, nil
}

// EndOverride ends an override before its time.
func (s operations) EndOverride(ctx context.Context, r *pb.EndOverrideRequest) (*pb.Override, error) {
	gateway, id, _ := parseOverride(r.GetName())
	version, _ := parseEtag(r.GetEtag()) // none means whichever version stands
	who := identityOf(ctx)
	if standing, err := s.router.Journal.Override(ctx, gateway, id); err == nil && standing.Mode == string(health.Reconcile) && r.GetReason() == "" {
		v := &violations{}
		v.wrong("reason", "is required to end an order to reconcile: it says what was compared")
		return nil, v.fault()
	}
	o, err := s.router.EndOverride(ctx, gateway, id, version, who.asOperator())
	switch {
	case errors.Is(err, router.ErrOverrideEnded):
		return nil, overrideEnded(o)
	case err != nil:
		return nil, s.refusal(ctx, err, about{name: r.GetName()})
	}
	if r.GetReason() != "" { // the audit has it; the order itself has no place for it
		s.log.Info("reason for ending an override", "gateway", gateway, "override", id, "actor", who.asOperator(), "reason", r.GetReason())
	}
	return overrideOut(o, time.Now()), nil
}

// ListOverrides reads overrides, newest first.
func (s operations) ListOverrides(ctx context.Context, r *pb.ListOverridesRequest) (*pb.ListOverridesResponse, error) {
	cursor, err := s.timeCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	gateway, _ := parseGateway(r.GetParent()) // none means all
	now, endAfter := time.Now(), time.Time{}
	if r.GetActiveOnly() {
		endAfter = now
	}
	size := pageSize(r.GetPageSize())
	found, err := s.router.Journal.ListOverrides(ctx, gateway, endAfter, cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListOverridesResponse{}
	for i, o := range found {
		if i == size {
			last := found[i-1]
			page.NextPageToken = s.pageToken(ctx, r, timeCursor(last.Created, last.ID))
			break
		}
		page.Overrides = append(page.Overrides, overrideOut(o, now))
	}
	return page, nil
}

// stamped is the order as it would be made now.
func stamped(o journal.Override, now time.Time) journal.Override {
	o.Created = payment.Instant(now)
	return o
}

func overrideOut(o journal.Override, now time.Time) *pb.Override {
	out := &pb.Override{
		Name:       overrideName(o.Gateway, o.ID),
		Gateway:    gatewayName(o.Gateway),
		Mode:       modesOut[health.Mode(o.Mode)],
		MoveOpen:   o.MoveOpen,
		Reason:     o.Reason,
		Actor:      o.Actor,
		CreateTime: instant(o.Created),
		StartTime:  instant(o.Start),
		EndTime:    instant(o.End),
		EndedBy:    o.EndedBy,
		Active:     o.Ended.IsZero() && !now.Before(o.Start) && now.Before(o.End),
		Etag:       etag(o.Version),
		ProposedBy: o.ProposedBy,

		ProposalExpireTime: instant(o.ProposedUntil),
	}
	if !o.Ended.IsZero() && o.ProposedUntil.IsZero() {
		out.EndTime = instant(o.Ended)
	}
	return out
}
