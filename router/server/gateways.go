package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// ListGateways reads all gateways with their health, by name. The cursor is the last
// gateway's name.
func (s operations) ListGateways(ctx context.Context, r *pb.ListGatewaysRequest) (*pb.ListGatewaysResponse, error) {
	cursor, err := s.cursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	page, size := &pb.ListGatewaysResponse{EgressDown: s.router.Board.EgressDown()}, pageSize(r.GetPageSize())
	all := s.router.All()
	all = slices.DeleteFunc(all, func(g router.Gateway) bool { return g.Name <= cursor })
	if len(all) > size {
		all = all[:size]
		page.NextPageToken = s.pageToken(ctx, r, all[size-1].Name)
	}
	atRisk, err := s.router.Journal.AtRisk(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	for _, g := range all {
		out, err := s.gateway(ctx, g, atRisk)
		if err != nil {
			return nil, s.refusal(ctx, err, about{})
		}
		page.Gateways = append(page.Gateways, out)
	}
	return page, nil
}

// GetGateway reads one gateway.
func (s operations) GetGateway(ctx context.Context, r *pb.GetGatewayRequest) (*pb.Gateway, error) {
	name, _ := parseGateway(r.GetName())
	g, ok := s.router.Gateway(name)
	if !ok {
		return nil, notFound(pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND, r.GetName())
	}
	atRisk, err := s.router.Journal.AtRisk(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	out, err := s.gateway(ctx, g, atRisk)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	return out, nil
}

// How much of a gateway's lists one answer shows.
const (
	mostOverrides    = 100
	mostUnknownCodes = 50
	mostOffers       = 1000 // read one by one, to see which of them payers have opened
)

// gateway puts together what board, books and adapter know of a gateway.
func (s operations) gateway(ctx context.Context, g router.Gateway, atRisk []journal.Exposure) (*pb.Gateway, error) {
	claims := g.Provider.Claims()
	out := &pb.Gateway{Name: gatewayName(g.Name), Provider: claims.Provider, Currencies: claims.Currencies, Claims: claimLines(claims), Credentials: credentialsOut(g)}
	for _, m := range claims.Methods {
		if m.Flow != providers.Unclaimed {
			out.Methods = append(out.Methods, methodsOut[m.Method])
		}
	}
	for _, h := range s.board.Snapshot() {
		if h.Gateway == g.Name {
			healthOut(out, h)
		}
	}
	here := slices.DeleteFunc(slices.Clone(atRisk), func(e journal.Exposure) bool { return e.Gateway != g.Name })
	out.AtRisk = risksOut(here)
	for _, e := range here {
		out.OpenAttempts += e.Count
	}
	now := time.Now()
	offers, last, err := s.router.Journal.LiveOffers(ctx, g.Name)
	if err != nil {
		return nil, err
	}
	out.LiveOffers, out.LastOfferExpireTime = offers, instant(last)
	if out.ConfirmingOffers, err = s.confirming(ctx, g.Name); err != nil {
		return nil, err
	}
	orders, err := s.router.Journal.ListOverrides(ctx, g.Name, now, journal.Cursor{}, mostOverrides)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		out.Overrides = append(out.Overrides, overrideOut(o, now))
	}
	unknown, err := s.router.Journal.UnknownCodes(ctx, g.Name, mostUnknownCodes)
	if err != nil {
		return nil, err
	}
	for _, c := range unknown {
		out.UnknownCodes = append(out.UnknownCodes, &pb.Gateway_UnknownCode{Code: c.Code, Count: c.Count, LastTime: instant(c.Last)})
	}
	return out, nil
}

func credentialsOut(g router.Gateway) []*pb.Gateway_Credentials {
	var all []*pb.Gateway_Credentials
	for i, c := range g.Valid() {
		all = append(all, &pb.Gateway_Credentials{Version: c.Version, ExpireTime: instant(c.End()), Retiring: i > 0})
	}
	return all
}

// confirming counts the live offers that a payer has opened or scanned: only the fold
// of the payment knows.
func (s operations) confirming(ctx context.Context, gateway string) (int64, error) {
	offered, err := s.router.Journal.LiveOfferPayments(ctx, gateway, mostOffers)
	var count int64
	for _, p := range offered {
		a, open := p.OpenAttempt()
		if open && a.Gateway == gateway && (a.Reason == providers.PayerConfirming || a.Reason == providers.StepUp) {
			count++
		}
	}
	return count, err
}

// healthOut fills in what the board of this replica sees.
func healthOut(out *pb.Gateway, h health.Health) {
	out.Admitting, out.SharePercent = h.Admitting, int32(h.Share)
	out.Admission, out.AdmissionDetail = admission(h)
	watching := h.Override != nil && (h.Override.Mode == health.ObserveOnly || h.Override.Mode == health.Admit)
	for _, op := range health.Ops() {
		b := &pb.Breaker{
			Operation: operationsOut[op],
			State:     breakersOut[h.Breakers[op]],
			// Only charges and offers are ever refused; the rest is metered.
			ObserveOnly:         watching || op != health.OpCharge && op != health.OpCreate,
			ConsecutiveFailures: int32(h.Faults[op]),
		}
		if b.State == pb.Breaker_STATE_OPEN {
			b.OpenUntilTime = instant(h.OpenUntil)
		}
		out.Breakers = append(out.Breakers, b)
	}
}

// admission says what decides whether new payments go to the gateway. One at its limit
// of concurrent calls, or that asked us to slow down, is out for a moment, for which the
// contract has no word but the detail.
func admission(h health.Health) (pb.Gateway_Admission, string) {
	order := ""
	if o := h.Override; o != nil {
		order = fmt.Sprintf("ordered by %s until %s: %s", nameOf(o.Actor), end(o, time.Now()), o.Reason)
		if o.Mode == health.Reconcile {
			order = fmt.Sprintf("until a person has reconciled the window and ends the order of %s: %s", nameOf(o.Actor), o.Reason)
		}
	}
	switch {
	case h.Override != nil && (h.Override.Mode == health.Drain || h.Override.Mode == health.Reconcile):
		return pb.Gateway_ADMISSION_DRAINED, order
	case h.Why == health.ErrReconcile.Error():
		return pb.Gateway_ADMISSION_DRAINED, "until the lost window is reconciled at every gateway that has an order to reconcile"
	case h.Why == health.ErrProbeFailing.Error():
		return pb.Gateway_ADMISSION_PROBE_FAILING, probed(h)
	case h.Why == health.ErrBreakerOpen.Error():
		return pb.Gateway_ADMISSION_BREAKER_OPEN, "open or being tried, at the earliest until " + clock(h.OpenUntil) + lastSeen(h)
	case !h.Admitting:
		return pb.Gateway_ADMISSION_UNSPECIFIED, h.Why
	case h.Override != nil && h.Override.Mode == health.Admit:
		return pb.Gateway_ADMISSION_FORCED, order
	case h.Share < 100:
		return pb.Gateway_ADMISSION_RAMPING, fmt.Sprintf("back for %d %% of new payments%s", h.Share, lastSeen(h))
	}
	return pb.Gateway_ADMISSION_ADMITTING, order
}

func probed(h health.Health) string {
	text := "not enough probes in a row were good since the outage"
	if h.ProbeBad > 0 {
		text = fmt.Sprintf("%d probes in a row failed", h.ProbeBad)
	}
	if !h.ProbedAt.IsZero() {
		text += ", last at " + clock(h.ProbedAt)
	}
	return text
}

// lastSeen tells when calls of any operation last failed and worked: the board keeps
// these times by gateway.
func lastSeen(h health.Health) string {
	text := ""
	if !h.LastFault.IsZero() {
		text += "; last fault at " + clock(h.LastFault)
	}
	if !h.LastGood.IsZero() {
		text += "; last success at " + clock(h.LastGood)
	}
	return text
}

// nameOf is an actor without the word for what kind it is.
func nameOf(actor string) string { return strings.TrimPrefix(actor, "operator:") }

// end is when an order ends by itself, with the day where that is not today.
func end(o *health.Override, now time.Time) string {
	if o.End.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		return o.End.UTC().Format("2006-01-02 15:04:05 MST")
	}
	return clock(o.End)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05 MST") }
