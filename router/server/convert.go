package server

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// view is a payment as callers see it. What it takes from the books besides the
// payment itself is worth an incomplete answer, not a failed one.
func (s *Server) view(ctx context.Context, p payment.Payment) *pb.Payment {
	sums := p.Sums()
	money := func(minor int64) *pb.Money {
		return &pb.Money{MinorUnits: minor, CurrencyCode: p.Amount.Currency}
	}
	view := &pb.Payment{
		Name:      paymentName(p.ID),
		State:     statesOut[p.Status()],
		Amount:    moneyOut(p.Amount),
		Held:      money(sums.Held),
		Paid:      money(sums.Paid),
		Refunded:  money(refunded(p)),
		Surplus:   money(sums.Surplus),
		Sequence:  p.Seq,
		Etag:      etag(p.Seq),
		RequestId: p.RequestID,
		OrderId:   p.Order,

		CustomerId:       p.Customer,
		Description:      p.Description,
		ReturnUrl:        p.ReturnURL,
		CaptureMode:      pb.CaptureMode_CAPTURE_MODE_AUTOMATIC,
		SaveInstrument:   p.Save,
		SoftDeclineRetry: p.SoftRetry,
		CreateTime:       instant(p.Created),
		UpdateTime:       instant(p.Updated),
		Deadline:         instant(p.Deadline),
		CancelTime:       instant(p.CanceledAt),
	}
	if p.TwoStage {
		view.CaptureMode = pb.CaptureMode_CAPTURE_MODE_MANUAL
	}
	if p.Instrument != "" {
		view.Instrument = instrumentName(p.Instrument)
	}
	for _, m := range p.Methods {
		view.Methods = append(view.Methods, methodsOut[m])
	}
	for _, g := range p.Gateways {
		view.Gateways = append(view.Gateways, gatewayName(g))
	}
	for _, a := range p.Attempts {
		view.Attempts = append(view.Attempts, s.attempt(p, a))
		view.Route = routeOut(a.Route) // the latest choice
	}
	view.Reason, view.ReasonDetail = ending(p)
	view.Resolution = s.resolution(p, time.Now())
	view.Action = s.action(ctx, p)
	view.SavedInstrument = s.savedInstrument(ctx, p)
	return view
}

// refunded is the sum of the refunds that are done. What else a gateway gave back, by
// somebody's hand in its cabinet, is a finding and no refund.
func refunded(p payment.Payment) int64 {
	var sum int64
	for _, r := range p.Refunds {
		if r.State == payment.RefundDone {
			sum += r.Amount.Minor
		}
	}
	return sum
}

func (s *Server) attempt(p payment.Payment, a payment.Attempt) *pb.Attempt {
	out := &pb.Attempt{
		Name:         attemptName(p.ID, a.N),
		Gateway:      gatewayName(a.Gateway),
		Provider:     a.Provider,
		Method:       methodsOut[a.Method],
		Verdict:      verdictsOut[a.Verdict],
		Reason:       reasonsOut[a.Reason],
		ProviderCode: a.Code,
		Reference:    a.Reference,
		Credentials:  a.Credentials,
		ExternalId:   a.External,
		Exposed:      true,
		CreateTime:   instant(a.Planned),
		UpdateTime:   instant(learnt(a)),
	}
	// Evidence of an attempt that was closed and then showed money closes it no more.
	if a.Closed != nil && !a.Open() && !a.Verdict.HasMoney() {
		out.Exposed = false
		out.ClosedBy = []*pb.Evidence{{Kind: evidenceOut[a.Closed.Kind], Source: sourcesOut[a.Closed.Source],
			ObserveTime: instant(a.Closed.At), Detail: a.Closed.Detail}}
	}
	life := s.router.TermsFor(p.Tenant).Claims(a.Gateway).Method(a.Method).OfferLife
	switch {
	case !a.Until.IsZero():
		out.OfferExpireTime = instant(a.Until)
	case a.Shown && life > 0:
		out.OfferExpireTime = instant(a.ShownAt.Add(life))
	}
	return out
}

// learnt is the latest instant of which the fold says that something was learnt then.
func learnt(a payment.Attempt) time.Time {
	last := a.Planned
	note := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	note(a.ShownAt)
	note(a.LastLook)
	note(a.Stirred)
	if a.Closed != nil {
		note(a.Closed.At)
	}
	return last
}

func routeOut(route []payment.Choice) []*pb.RouteChoice {
	var out []*pb.RouteChoice
	for _, c := range route {
		out = append(out, &pb.RouteChoice{Gateway: gatewayName(c.Gateway), Method: methodsOut[c.Method], Taken: c.Taken, Reason: c.Why, Detail: c.Detail})
	}
	return out
}

// ending says why a payment without money ended. Its detail is in our own words: the
// gateway's stand in the attempt.
func ending(p payment.Payment) (pb.Reason, string) {
	switch status := p.Status(); status {
	case payment.StatusDeclined, payment.StatusFailed, payment.StatusCanceled:
	default:
		return pb.Reason_REASON_UNSPECIFIED, ""
	}
	f := *p.Finished
	if f.Outcome == payment.OutcomeCanceled {
		return pb.Reason_REASON_CANCELED_BY_CALLER, ""
	}
	where := "before any attempt"
	if last, ok := p.Last(); ok {
		where = fmt.Sprintf("after attempt %d at %s", last.N, last.Gateway)
	}
	switch f.Detail {
	case payment.DetailNoGateway:
		return pb.Reason_REASON_NO_GATEWAY, "no gateway was left to try " + where
	case payment.DetailAttempts:
		return pb.Reason_REASON_NO_GATEWAY, "no more attempts are allowed " + where
	case payment.DetailDeadline:
		return pb.Reason_REASON_DEADLINE_PASSED, "the deadline passed " + where
	case string(payment.ByOperator):
		return reasonsOut[f.Reason], "people said that nothing was taken, " + where
	}
	return reasonsOut[f.Reason], where
}

// resolution says what happens next and what the payer may be told.
func (s *Server) resolution(p payment.Payment, now time.Time) *pb.Resolution {
	terms := s.router.TermsFor(p.Tenant)
	r := p.Resolution(now, terms)
	out := &pb.Resolution{
		PayerAdvice:   adviceOut[r.Advice],
		NextCheckTime: instant(r.NextCheck),
		InReview:      r.Advice == payment.AdviceContactSupport,
	}
	_, open := p.OpenAttempt() // a gateway may revive an attempt of a payment that is over
	switch status := p.Status(); {
	case status == payment.StatusHeld, status == payment.StatusPaid, status.Final() && !open:
		return out
	}
	out.Reason = reasonsOut[r.Reason]
	if r.ResolveBy.IsZero() { // between attempts, or before the first
		r.ResolveBy = p.Updated.Add(terms.ResolveLimit)
		if len(p.Attempts) == 0 {
			r.ResolveBy = p.Created.Add(terms.StartWithin)
		}
	}
	out.ResolveByTime = instant(r.ResolveBy)
	return out
}

func (s *Server) savedInstrument(ctx context.Context, p payment.Payment) string {
	if !p.Save || len(p.Attempts) == 0 {
		return ""
	}
	id, err := s.router.Journal.SavedInstrument(ctx, p.Tenant, p.Customer, p.ID)
	if err != nil {
		s.log.Warn("a payment's instrument could not be read", "payment", p.ID, "error", err.Error())
	}
	if id == "" {
		return ""
	}
	return instrumentName(id)
}

func moneyOut(m providers.Money) *pb.Money {
	return &pb.Money{MinorUnits: m.Minor, CurrencyCode: m.Currency}
}

func moneyIn(m *pb.Money) providers.Money {
	if m == nil {
		return providers.Money{}
	}
	return providers.Money{Minor: m.GetMinorUnits(), Currency: m.GetCurrencyCode()}
}

// instant is unset for the zero time.
func instant(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeIn is the zero time for an unset one.
func timeIn(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
