package server

import (
	"context"
	"crypto/hmac"
	"errors"
	"slices"
	"strings"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/journal"
)

// disputes serves those who answer banks. Every request has passed validate, and every act is
// recorded under the person's name. Nothing here moves money.
type disputes struct {
	pb.UnimplementedDisputesServer
	*Server
}

// RecordDispute writes down that a payment is contested.
func (s disputes) RecordDispute(ctx context.Context, r *pb.RecordDisputeRequest) (*pb.Dispute, error) {
	id, said := strings.ToLower(r.GetRequestId()), s.bodyHash(disputeSaid(r))
	// What was said before is answered as it stands, whatever became of the payment since.
	first, err := s.router.Journal.Dispute(ctx, id)
	if errors.Is(err, journal.ErrNotFound) {
		first, err = s.record(ctx, r.GetDispute(), journal.Dispute{ID: id, Said: said})
	}
	switch taken := asType[*journal.CaseTakenError](err); {
	case taken != nil:
		return nil, disputeExists(disputeName(taken.Dispute))
	case err != nil:
		return nil, s.refusal(ctx, err, about{name: r.GetDispute().GetPayment()})
	case !hmac.Equal([]byte(first.Said), []byte(said)):
		return nil, requestIDReused(disputeName(id))
	}
	return disputeOut(first), nil
}

// disputeSaid is what of a request counts: of a dispute that somebody read and sends back,
// the rest is what it was then.
func disputeSaid(r *pb.RecordDisputeRequest) *pb.RecordDisputeRequest {
	d := r.GetDispute()
	return &pb.RecordDisputeRequest{Dispute: &pb.Dispute{Payment: d.GetPayment(), Attempt: d.GetAttempt(), Kind: d.GetKind(), CaseNumber: d.GetCaseNumber(),
		Amount: d.GetAmount(), Detail: d.GetDetail(), OpenTime: d.GetOpenTime(), Owner: d.GetOwner(), Note: d.GetNote()}}
}

// record stores a dispute, completed from what the books say of the payment.
func (s disputes) record(ctx context.Context, wanted *pb.Dispute, d journal.Dispute) (journal.Dispute, error) {
	now, err := s.router.Clock(ctx)
	if err != nil {
		return d, err
	}
	paymentID, _ := parsePayment(wanted.GetPayment())
	p, err := s.router.Journal.Get(ctx, paymentID)
	if err != nil {
		return d, err
	}
	attempt, err := contested(p, wanted.GetAttempt())
	if err != nil {
		return d, err
	}
	most, amount := contestable(p, attempt), moneyIn(wanted.GetAmount())
	if wanted.GetAmount() == nil {
		amount = most
	}
	opened := timeIn(wanted.GetOpenTime())
	if opened.IsZero() {
		opened = now
	}
	v := &violations{}
	switch {
	case amount.Currency != most.Currency:
		v.add(pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT, "dispute.amount.currency_code", "is not the payment's currency, "+most.Currency)
	case !amount.PartOf(most):
		v.add(pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT, "dispute.amount.minor_units", "is more than the attempt took or was to take, "+most.String())
	}
	if opened.After(now) {
		v.wrong("dispute.open_time", "is in the future")
	}
	if f := v.fault(); f != nil {
		return d, f
	}
	d.Payment, d.Attempt, d.Tenant, d.Gateway, d.Kind, d.Case = p.ID, attempt.N, p.Tenant, attempt.Gateway, disputeKindsIn[wanted.GetKind()], wanted.GetCaseNumber()
	d.Amount, d.Detail, d.Opened, d.Owner, d.Note = amount, wanted.GetDetail(), opened, wanted.GetOwner(), wanted.GetNote()
	d.RecordedBy, d.Created = identityOf(ctx).asOperator(), now
	return s.router.Journal.RecordDispute(ctx, d)
}

// GetDispute reads a dispute.
func (s disputes) GetDispute(ctx context.Context, r *pb.GetDisputeRequest) (*pb.Dispute, error) {
	d, err := s.dispute(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return disputeOut(d), nil
}

func (s disputes) dispute(ctx context.Context, name string) (journal.Dispute, error) {
	id, _ := parseDispute(name)
	d, err := s.router.Journal.Dispute(ctx, id)
	if err != nil {
		return d, s.refusal(ctx, err, about{name: name})
	}
	return d, nil
}

// ListDisputes reads disputes, those recorded last first.
func (s disputes) ListDisputes(ctx context.Context, r *pb.ListDisputesRequest) (*pb.ListDisputesResponse, error) {
	cursor, err := s.timeCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	gateway, _ := parseGateway(r.GetGateway()) // none means all, and so on
	paymentID, _ := parsePayment(r.GetPayment())
	filter := journal.DisputeFilter{Payment: paymentID, Gateway: gateway, State: disputeStatesIn[r.GetState()], Owner: r.GetOwner(),
		CreatedFrom: timeIn(r.GetCreateTimeAfter()), CreatedBefore: timeIn(r.GetCreateTimeBefore())}
	if r.GetOverdueOnly() {
		if filter.OverdueAt, err = s.router.Clock(ctx); err != nil {
			return nil, s.refusal(ctx, err, about{})
		}
	}
	size := pageSize(r.GetPageSize())
	found, err := s.router.Journal.Disputes(ctx, filter, cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListDisputesResponse{}
	for i, d := range found {
		if i == size {
			page.NextPageToken = s.pageToken(ctx, r, timeCursor(found[i-1].Created, found[i-1].ID))
			break
		}
		page.Disputes = append(page.Disputes, disputeOut(d))
	}
	return page, nil
}

// UpdateDispute sets a dispute's owner, note or case number.
func (s disputes) UpdateDispute(ctx context.Context, r *pb.UpdateDisputeRequest) (*pb.Dispute, error) {
	wanted, paths := r.GetDispute(), r.GetUpdateMask().GetPaths()
	return s.change(ctx, wanted.GetName(), wanted.GetEtag(), "", func(d *journal.Dispute, _ acted) error {
		for field, place := range map[string]struct {
			now  *string
			text string
		}{"owner": {&d.Owner, wanted.GetOwner()}, "note": {&d.Note, wanted.GetNote()}, "case_number": {&d.Case, wanted.GetCaseNumber()}} {
			if slices.Contains(paths, field) || len(paths) == 0 && place.text != "" {
				*place.now = place.text
			}
		}
		return nil
	})
}

// AnswerDispute writes down what the bank was answered.
func (s disputes) AnswerDispute(ctx context.Context, r *pb.AnswerDisputeRequest) (*pb.Dispute, error) {
	return s.change(ctx, r.GetName(), r.GetEtag(), "", func(d *journal.Dispute, by acted) error {
		answered := timeIn(r.GetAnswerTime())
		if answered.IsZero() {
			answered = by.at
		}
		switch {
		case d.State == journal.DisputeClosed:
			return disputeClosed(r.GetName(), d.ClosedBy)
		case d.State == journal.DisputeAnswered:
			return disputeAnswered(r.GetName(), d.AnsweredBy)
		case answered.After(by.at):
			return wrongPiece("answer_time", "is in the future")
		case answered.Before(d.Opened):
			return wrongPiece("answer_time", "is before the dispute was raised")
		}
		d.State, d.Answer, d.Answered, d.AnsweredBy = journal.DisputeAnswered, r.GetAnswer(), answered, by.who
		return nil
	})
}

// CloseDispute writes down how a dispute ended. Whatever the outcome, the payment stays as it
// is.
func (s disputes) CloseDispute(ctx context.Context, r *pb.CloseDisputeRequest) (*pb.Dispute, error) {
	return s.change(ctx, r.GetName(), r.GetEtag(), r.GetReason(), func(d *journal.Dispute, by acted) error {
		if d.State == journal.DisputeClosed {
			return disputeClosed(r.GetName(), d.ClosedBy)
		}
		d.State, d.Outcome, d.ClosedBy, d.CloseReason, d.Closed = journal.DisputeClosed, outcomesIn[r.GetOutcome()], by.who, r.GetReason(), by.at
		return nil
	})
}

// change lets a person change a dispute that is as they saw it.
func (s disputes) change(ctx context.Context, name, etag, reason string, change func(*journal.Dispute, acted) error) (*pb.Dispute, error) {
	id, _ := parseDispute(name)
	version, _ := parseEtag(etag)
	now, err := s.router.Clock(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	by := acted{identityOf(ctx).asOperator(), now}
	d, err := s.router.Journal.ChangeDispute(ctx, id, version, by.who, reason, now, func(d *journal.Dispute) error { return change(d, by) })
	if taken := asType[*journal.CaseTakenError](err); taken != nil {
		return nil, disputeExists(disputeName(taken.Dispute))
	}
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: name})
	}
	return disputeOut(d), nil
}

func disputeOut(d journal.Dispute) *pb.Dispute {
	return &pb.Dispute{
		Name: disputeName(d.ID), Payment: paymentName(d.Payment), Attempt: attemptName(d.Payment, d.Attempt), Gateway: gatewayName(d.Gateway), Kind: disputeKindsOut[d.Kind],
		State: disputeStatesOut[d.State], Outcome: outcomesOut[d.Outcome], CaseNumber: d.Case, Amount: moneyOut(d.Amount), Detail: d.Detail, OpenTime: instant(d.Opened),
		AnswerDueTime: instant(d.Due()), AnswerTime: instant(d.Answered), Answer: d.Answer, Owner: d.Owner, Note: d.Note, Etag: etag(d.Version), Actor: d.RecordedBy,
		AnsweredBy: d.AnsweredBy, ClosedBy: d.ClosedBy, CloseReason: d.CloseReason, CreateTime: instant(d.Created), UpdateTime: instant(d.Updated), CloseTime: instant(d.Closed),
	}
}
