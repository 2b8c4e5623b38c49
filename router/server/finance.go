package server

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
)

// finance serves finance. Every request has passed validate, and every act is recorded
// under the person's name.
type finance struct {
	pb.UnimplementedFinanceServer
	*Server
}

// RunReconciliation orders a run of one gateway and day.
func (s finance) RunReconciliation(ctx context.Context, r *pb.RunReconciliationRequest) (*pb.Reconciliation, error) {
	gateway, _ := parseGateway(r.GetGateway())
	order := office.Order{Gateway: gateway, Day: r.GetDay(), Cause: office.CauseOperator, Actor: identityOf(ctx).asOperator(),
		Reason: r.GetReason(), RequestID: strings.ToLower(r.GetRequestId())}
	if s.options.Office == nil {
		return nil, noStatementSource(r.GetGateway(), office.ErrNoBooks)
	}
	start := s.options.Office.Start
	if r.GetValidateOnly() {
		start, order.RequestID = s.options.Office.Prepare, ""
	}
	run, err := start(ctx, order)
	switch early := asType[*office.EarlyError](err); {
	case early != nil:
		return nil, dayNotOver(early)
	case errors.Is(err, office.ErrNoBooks), errors.Is(err, office.ErrNoSource):
		return nil, noStatementSource(r.GetGateway(), err)
	case err != nil:
		return nil, s.refusal(ctx, err, about{name: r.GetGateway()})
	}
	// The id may be that of an earlier order; a run of the day that somebody else ordered is
	// the answer whatever they said.
	if order.RequestID != "" && run.RequestID == order.RequestID && (run.Gateway != gateway || r.GetDay() != "" && run.Day != r.GetDay() || run.Reason != order.Reason) {
		return nil, requestIDReused(reconciliationName(run.ID))
	}
	out := reconciliationOut(run)
	if r.GetValidateOnly() {
		out.Name = ""
	}
	return out, nil
}

// GetReconciliation reads a run.
func (s finance) GetReconciliation(ctx context.Context, r *pb.GetReconciliationRequest) (*pb.Reconciliation, error) {
	run, err := s.run(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return reconciliationOut(run), nil
}

func (s finance) run(ctx context.Context, name string) (journal.Run, error) {
	id, _ := parseReconciliation(name)
	run, err := s.router.Journal.Run(ctx, id)
	if err != nil {
		return run, s.refusal(ctx, err, about{name: name})
	}
	return run, nil
}

// ListReconciliations reads runs, newest first.
func (s finance) ListReconciliations(ctx context.Context, r *pb.ListReconciliationsRequest) (*pb.ListReconciliationsResponse, error) {
	cursor, err := s.timeCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	gateway, _ := parseGateway(r.GetGateway()) // none means all
	size := pageSize(r.GetPageSize())
	found, err := s.router.Journal.Runs(ctx, journal.RunFilter{Gateway: gateway, FromDay: r.GetFromDay(), ToDay: r.GetToDay(), State: runStatesIn[r.GetState()]}, cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListReconciliationsResponse{}
	for i, run := range found {
		if i == size {
			page.NextPageToken = s.pageToken(ctx, r, timeCursor(found[i-1].Created, found[i-1].ID))
			break
		}
		page.Reconciliations = append(page.Reconciliations, reconciliationOut(run))
	}
	return page, nil
}

// CancelReconciliation ends a run.
func (s finance) CancelReconciliation(ctx context.Context, r *pb.CancelReconciliationRequest) (*pb.Reconciliation, error) {
	id, _ := parseReconciliation(r.GetName())
	now, err := s.router.Clock(ctx)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	ended, err := s.router.Journal.CancelRun(ctx, id, identityOf(ctx).asOperator(), r.GetReason(), now)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName()})
	}
	run, err := s.run(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if !ended {
		return nil, reconciliationEnded(run)
	}
	return reconciliationOut(run), nil
}

// WatchReconciliation follows a run.
func (s finance) WatchReconciliation(r *pb.WatchReconciliationRequest, stream grpc.ServerStreamingServer[pb.WatchReconciliationResponse]) error {
	ctx := stream.Context()
	run, err := s.run(ctx, r.GetName())
	if err != nil {
		return err
	}
	f := newFeed(ctx, s.options.WatchFor, s.draining, stream.Send)
	defer f.stop()
	for seen := (journal.Run{}); ; {
		if run != seen {
			if err := f.send(&pb.WatchReconciliationResponse{Reconciliation: reconciliationOut(run)}); err != nil {
				return err
			}
			seen = run
		}
		if run.State.Ended() {
			return f.finish()
		}
		silent, err := f.wait(nil)
		if err != nil {
			return err
		}
		if silent {
			if err := f.send(&pb.WatchReconciliationResponse{Heartbeat: true}); err != nil {
				return err
			}
		}
		if run, err = s.run(ctx, r.GetName()); err != nil {
			return err
		}
	}
}

// GetStatementImport reads how far an import is.
func (s finance) GetStatementImport(ctx context.Context, r *pb.GetStatementImportRequest) (*pb.StatementImport, error) {
	id, _ := parseImport(r.GetName())
	i, err := s.router.Journal.Import(ctx, id)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName()})
	}
	return importOut(i), nil
}

func reconciliationOut(r journal.Run) *pb.Reconciliation {
	out := &pb.Reconciliation{
		Name: reconciliationName(r.ID), Gateway: gatewayName(r.Gateway), Day: r.Day, DayStartTime: instant(r.Span.From), DayEndTime: instant(r.Span.To),
		State: runStatesOut[r.State], Source: string(r.Source), Cause: r.Cause, Actor: r.Actor, Reason: r.Reason, ReadToTime: instant(r.ReadTo),
		Lines: r.Counts.Lines, Orders: r.Counts.Groups, Matched: r.Counts.Matched, Carried: r.Counts.Carried, Healed: r.Counts.Healed,
		FindingsOpened: r.Counts.Opened, FindingsClosed: r.Counts.Closed, AttemptsDiverted: r.Counts.Diverted, AttemptsDivertedWrongly: r.Counts.Wrongly,
		AttemptsUnserved: r.Counts.Unserved, AttemptsMissed: r.Counts.Missed, Failures: int32(r.Tries), Error: r.Error,
		CreateTime: instant(r.Created), UpdateTime: instant(r.Updated), EndTime: instant(r.Ended),
	}
	if r.Tries > 0 && r.Ended.IsZero() && r.Due.After(r.Updated) {
		out.RetryTime = instant(r.Due)
	}
	return out
}
