package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/readiness"
)

// Readiness is what a bank's checklist is answered with besides the books. All may be left
// zero.
type Readiness struct {
	// Zone is that of days and months. Default Asia/Almaty, the bank's.
	Zone *time.Location
	// Egress are the addresses or CIDR blocks from which we call the bank.
	Egress []string
}

// complete fills in the defaults.
func (r *Readiness) complete() (err error) {
	if r.Zone == nil {
		r.Zone, err = time.LoadLocation("Asia/Almaty")
	}
	return err
}

// compliance serves compliance. Every request has passed validate, and what people show is
// recorded under their names.
type compliance struct {
	pb.UnimplementedComplianceServer
	*Server
}

// checklistOf is the provider whose checklist it is.
const checklistOf = "kaspi"

// account is the gateway that a request is about: that of the name, or the only one at the
// bank where none is given.
func (s compliance) account(name string) (router.Gateway, error) {
	var there []router.Gateway
	for _, g := range s.router.All() {
		if at := g.Provider.Claims().Provider == checklistOf; at && (name == "" || name == gatewayName(g.Name)) {
			there = append(there, g)
		} else if !at && name == gatewayName(g.Name) {
			return g, wrongPiece("gateway", "is not at Kaspi, whose checklist it is")
		}
	}
	switch {
	case len(there) == 1:
		return there[0], nil
	case len(there) > 1:
		return router.Gateway{}, wrongPiece("gateway", "is required: several gateways are at Kaspi")
	case name == "":
		return router.Gateway{}, wrongPiece("gateway", "is required: no gateway is at Kaspi")
	}
	return router.Gateway{}, notFound(pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND, name)
}

// GetReadiness answers the checklist.
func (s compliance) GetReadiness(ctx context.Context, r *pb.GetReadinessRequest) (*pb.Readiness, error) {
	g, err := s.account(r.GetGateway())
	if err != nil {
		return nil, err
	}
	now, err := s.router.Clock(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	f, err := s.facts(ctx, g, now)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: gatewayName(g.Name)})
	}
	out := &pb.Readiness{CreateTime: instant(payment.Instant(now)), Gateway: gatewayName(g.Name), TimeZone: f.Zone.String()}
	for _, i := range readiness.Judge(f) {
		out.Items = append(out.Items, &pb.Readiness_Item{Id: i.ID, Title: i.Title, State: readinessStatesOut[i.State], Value: i.Value, Needed: i.Needed,
			Evidence: i.Evidence, Query: i.Query, Time: instant(i.At), Recordable: i.Recorded})
	}
	return out, nil
}

// shown is the gateway that a record is about. Failover is rehearsed at any gateway; all else
// is the bank's checklist.
func (s compliance) shown(r *pb.RecordEvidenceRequest) (router.Gateway, error) {
	if name, ok := parseGateway(r.GetGateway()); ok && r.GetItem() == "backup" {
		if g, ok := s.router.Gateway(name); ok {
			return g, nil
		}
	}
	return s.account(r.GetGateway())
}

// RecordEvidence keeps a person's word that something was shown.
func (s compliance) RecordEvidence(ctx context.Context, r *pb.RecordEvidenceRequest) (*pb.RecordedEvidence, error) {
	g, err := s.shown(r)
	if err != nil {
		return nil, err
	}
	now, err := s.router.Clock(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	e := journal.Evidence{ID: strings.ToLower(r.GetRequestId()), Gateway: g.Name, Item: r.GetItem(), Shown: payment.Instant(timeIn(r.GetShownTime())), Reference: r.GetReference(),
		Detail: r.GetDetail(), Actor: identityOf(ctx).asOperator(), Reason: r.GetReason(), Created: payment.Instant(now)}
	switch {
	case r.GetShownTime() == nil:
		e.Shown = e.Created
	case e.Shown.After(now):
		return nil, wrongPiece("shown_time", "is in the future")
	}
	kept, err := s.router.Journal.RecordEvidence(ctx, e)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: evidenceName(e.ID)})
	}
	if !sameEvidence(kept, e, r) {
		return nil, requestIDReused(evidenceName(kept.ID))
	}
	return evidenceRecordOut(kept), nil
}

// sameEvidence compares what the operator sent with what stands under its id.
func sameEvidence(kept, e journal.Evidence, r *pb.RecordEvidenceRequest) bool {
	return kept.Gateway == e.Gateway && kept.Item == e.Item && (r.GetShownTime() == nil || kept.Shown.Equal(e.Shown)) &&
		kept.Reference == e.Reference && kept.Detail == e.Detail && kept.Reason == e.Reason
}

// ListEvidence reads records, newest first.
func (s compliance) ListEvidence(ctx context.Context, r *pb.ListEvidenceRequest) (*pb.ListEvidenceResponse, error) {
	cursor, err := s.timeCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	gateway, _ := parseGateway(r.GetGateway()) // none means all
	size := pageSize(r.GetPageSize())
	found, err := s.router.Journal.ListEvidence(ctx, journal.EvidenceFilter{Gateway: gateway, Item: r.GetItem()}, cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListEvidenceResponse{}
	for i, e := range found {
		if i == size {
			page.NextPageToken = s.pageToken(ctx, r, timeCursor(found[i-1].Created, found[i-1].ID))
			break
		}
		page.Evidence = append(page.Evidence, evidenceRecordOut(e))
	}
	return page, nil
}

func evidenceRecordOut(e journal.Evidence) *pb.RecordedEvidence {
	return &pb.RecordedEvidence{Name: evidenceName(e.ID), Gateway: gatewayName(e.Gateway), Item: e.Item, ShownTime: instant(e.Shown), Reference: e.Reference, Detail: e.Detail,
		Actor: e.Actor, Reason: e.Reason, CreateTime: instant(e.Created)}
}

// complianceRules are the rules of the service Compliance.
func (v *violations) complianceRules(m proto.Message) bool {
	switch r := m.(type) {
	case *pb.GetReadinessRequest:
		v.optionalGateway(r.GetGateway())
	case *pb.RecordEvidenceRequest:
		v.optionalGateway(r.GetGateway())
		if !readiness.Recordable(r.GetItem()) {
			v.wrong("item", fmt.Sprintf("is none of %s", strings.Join(recordables(), ", ")))
		}
		v.instant("shown_time", r.GetShownTime())
		v.length("reference", r.GetReference(), 1, 250)
		v.length("detail", r.GetDetail(), 0, 1000)
		v.reason("reason", r.GetReason())
		v.requestID(r.GetRequestId())
	case *pb.ListEvidenceRequest:
		v.pageSize(r.GetPageSize())
		v.optionalGateway(r.GetGateway())
		if r.GetItem() != "" && !readiness.Recordable(r.GetItem()) {
			v.wrong("item", fmt.Sprintf("is none of %s", strings.Join(recordables(), ", ")))
		}
	default:
		return false
	}
	return true
}

func (v *violations) optionalGateway(name string) {
	if name != "" {
		v.gateway("gateway", name)
	}
}

// recordables are the requirements that people can show.
func recordables() []string {
	var all []string
	for _, id := range readiness.IDs() {
		if readiness.Recordable(id) {
			all = append(all, id)
		}
	}
	return all
}
