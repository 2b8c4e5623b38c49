package server

import (
	"context"
	"errors"
	"slices"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
)

// ListFindings reads findings, newest first.
func (s finance) ListFindings(ctx context.Context, r *pb.ListFindingsRequest) (*pb.ListFindingsResponse, error) {
	cursor, err := s.timeCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	gateway, _ := parseGateway(r.GetGateway()) // none means all, and so on
	paymentID, _ := parsePayment(r.GetPayment())
	run, _ := parseReconciliation(r.GetReconciliation())
	size := pageSize(r.GetPageSize())
	found, err := s.router.Journal.Findings(ctx, journal.FindingFilter{Gateway: gateway, Kind: r.GetKind(), State: findingStatesIn[r.GetState()], Payment: paymentID,
		Owner: r.GetOwner(), Run: run, CreatedFrom: timeIn(r.GetCreateTimeAfter()), CreatedBefore: timeIn(r.GetCreateTimeBefore())}, cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListFindingsResponse{}
	for i, f := range found {
		if i == size {
			page.NextPageToken = s.pageToken(ctx, r, timeCursor(found[i-1].At, found[i-1].ID()))
			break
		}
		page.Findings = append(page.Findings, findingOut(f))
	}
	return page, nil
}

// GetFinding reads a finding.
func (s finance) GetFinding(ctx context.Context, r *pb.GetFindingRequest) (*pb.Finding, error) {
	id, _ := parseFinding(r.GetName())
	f, err := s.router.Journal.Finding(ctx, id)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName()})
	}
	return findingOut(f), nil
}

// UpdateFinding sets a finding's owner or note.
func (s finance) UpdateFinding(ctx context.Context, r *pb.UpdateFindingRequest) (*pb.Finding, error) {
	wanted, paths := r.GetFinding(), r.GetUpdateMask().GetPaths()
	sets := func(field, value string) bool { return slices.Contains(paths, field) || len(paths) == 0 && value != "" }
	return s.change(ctx, wanted.GetName(), wanted.GetEtag(), "", func(f *journal.Finding) error {
		if sets("owner", wanted.GetOwner()) {
			f.Owner = wanted.GetOwner()
		}
		if sets("note", wanted.GetNote()) {
			f.Note = wanted.GetNote()
		}
		return nil
	})
}

// errStanding says that a finding is open, or closed, already.
var errStanding = errors.New("the finding is so already")

// CloseFinding closes a finding by a person's word.
func (s finance) CloseFinding(ctx context.Context, r *pb.CloseFindingRequest) (*pb.Finding, error) {
	var kept journal.Finding
	out, err := s.change(ctx, r.GetName(), r.GetEtag(), r.GetReason(), func(f *journal.Finding) error {
		if kept = *f; f.State == journal.FindingClosed {
			return errStanding
		}
		f.State, f.Resolution, f.ClosedBy, f.CloseReason = journal.FindingClosed, journal.ByPerson, identityOf(ctx).asOperator(), r.GetReason()
		return nil
	})
	if errors.Is(err, errStanding) {
		return nil, findingClosed(r.GetName(), kept.ClosedBy)
	}
	return out, err
}

// ReopenFinding opens a finding again.
func (s finance) ReopenFinding(ctx context.Context, r *pb.ReopenFindingRequest) (*pb.Finding, error) {
	out, err := s.change(ctx, r.GetName(), r.GetEtag(), r.GetReason(), func(f *journal.Finding) error {
		if f.State == journal.FindingOpen {
			return errStanding
		}
		f.State, f.Resolution, f.ClosedBy, f.CloseReason = journal.FindingOpen, "", "", ""
		return nil
	})
	if errors.Is(err, errStanding) {
		return nil, findingOpen(r.GetName())
	}
	return out, err
}

// AdoptFinding makes money that is nobody's a payment of the caller's tenant.
func (s finance) AdoptFinding(ctx context.Context, r *pb.AdoptFindingRequest) (*pb.Finding, error) {
	id, _ := parseFinding(r.GetName())
	version, _ := parseEtag(r.GetEtag())
	if s.options.Office == nil {
		return nil, findingNotAdoptable(r.GetName(), office.ErrNoBooks.Error())
	}
	p, err := s.options.Office.Adopt(ctx, id, version, router.Adoption{Tenant: identityOf(ctx).tenant, Order: r.GetOrderId(), Refund: r.GetRefund(),
		Actor: identityOf(ctx).asOperator(), Reason: r.GetReason()})
	switch reused := asType[*journal.ReusedError](err); {
	case err == nil:
		return s.GetFinding(ctx, &pb.GetFindingRequest{Name: r.GetName()})
	case reused != nil:
		return nil, requestIDReused(paymentName(reused.Payment))
	case errors.Is(err, router.ErrNotOffered):
		return nil, newFault(pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY, "the gateway that has the money does not give it back by API: adopt it without a refund", map[string]string{"name": r.GetName()})
	case errors.Is(err, office.ErrFindingClosed):
		f, err := s.router.Journal.Finding(ctx, id)
		if err != nil {
			return nil, s.refusal(ctx, err, about{name: r.GetName()})
		}
		return nil, findingClosed(r.GetName(), f.ClosedBy)
	}
	if un := asType[*office.UnadoptableError](err); un != nil {
		return nil, findingNotAdoptable(r.GetName(), un.Why)
	}
	return nil, s.refusal(ctx, err, about{name: r.GetName(), payment: p})
}

// change lets a person change a finding that is as they saw it.
func (s finance) change(ctx context.Context, name, etag, reason string, change func(*journal.Finding) error) (*pb.Finding, error) {
	id, _ := parseFinding(name)
	version, _ := parseEtag(etag)
	now, err := s.router.Clock(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	f, err := s.router.Journal.ChangeFinding(ctx, id, version, identityOf(ctx).asOperator(), reason, now, change)
	if errors.Is(err, errStanding) {
		return nil, err
	}
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: name})
	}
	return findingOut(f), nil
}

func findingOut(f journal.Finding) *pb.Finding {
	out := &pb.Finding{
		Name: findingName(f.ID()), Kind: f.Kind, CreateTime: instant(f.At), Detail: f.Detail, State: findingStatesOut[f.State], Resolution: resolutionsOut[f.Resolution],
		Owner: f.Owner, Note: f.Note, ClosedBy: f.ClosedBy, CloseReason: f.CloseReason, CloseTime: instant(f.Closed), UpdateTime: instant(f.Updated), Day: f.Day,
		OurAmount: amountIfAny(f.Ours), TheirAmount: amountIfAny(f.Theirs), Order: f.Order, ExternalId: f.External, Etag: etag(f.Version),
	}
	if f.Gateway != "" {
		out.Gateway = gatewayName(f.Gateway)
	}
	if f.Payment != "" {
		out.Payment = paymentName(f.Payment)
		if f.Attempt > 0 {
			out.Attempt = attemptName(f.Payment, f.Attempt)
		}
	}
	if f.AdoptedAs != "" {
		out.AdoptedPayment = paymentName(f.AdoptedAs)
	}
	if f.Run != "" {
		out.Reconciliation = reconciliationName(f.Run)
	}
	return out
}

// amountIfAny is an amount, or nothing where there is none.
func amountIfAny(m providers.Money) *pb.Money {
	if m.Currency == "" {
		return nil
	}
	return moneyOut(m)
}
