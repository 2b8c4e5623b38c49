package server

import (
	"context"
	"iter"
	"strconv"

	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
)

// audits serves Audit. Every request has passed validate.
type audits struct {
	pb.UnimplementedAuditServer
	*Server
}

// ListAuditRecords reads records, newest first.
func (s audits) ListAuditRecords(ctx context.Context, r *pb.ListAuditRecordsRequest) (*pb.ListAuditRecordsResponse, error) {
	before, err := s.numberCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	size := pageSize(r.GetPageSize())
	filter := journal.AuditFilter{Actor: r.GetActor(), Act: r.GetAct(), Subject: r.GetSubject(), From: timeIn(r.GetCreateTimeAfter()), To: timeIn(r.GetCreateTimeBefore())}
	found, err := s.router.Journal.ListAudit(ctx, filter, before, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListAuditRecordsResponse{}
	for i, record := range found {
		if i == size {
			page.NextPageToken = s.pageToken(ctx, r, strconv.FormatInt(found[i-1].Number, 10))
			break
		}
		page.AuditRecords = append(page.AuditRecords, auditRecordOut(record))
	}
	return page, nil
}

// numberCursorOf reads the number after which a page of records goes on; 0 is the first page.
func (s audits) numberCursorOf(ctx context.Context, r *pb.ListAuditRecordsRequest) (int64, error) {
	text, err := s.cursorOf(ctx, r)
	if err != nil || text == "" {
		return 0, err
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, wrongPageToken()
	}
	return number, nil
}

// VerifyAudit follows the chain, a page at a time. Whoever writes meanwhile does not wait.
func (s audits) VerifyAudit(ctx context.Context, r *pb.VerifyAuditRequest) (*pb.VerifyAuditResponse, error) {
	known := audit.Anchor{}
	if r.GetAnchor() != "" {
		known, _ = audit.ParseAnchor(r.GetAnchor()) // validated
	}
	out := &pb.VerifyAuditResponse{}
	last, err := audit.Check(counting(s.router.Journal.WalkAudit(ctx), &out.UnendedCount), known)
	out.RecordCount, out.Anchor, out.Intact = last.Number, last.String(), err == nil
	if err == nil {
		return out, nil
	}
	broken := asType[*audit.BrokenError](err)
	if broken == nil {
		return nil, s.refusal(ctx, err, about{})
	}
	out.BrokenNumber, out.Fault, out.Detail = broken.Number, faultsOut[broken.Fault], broken.Detail
	s.log.Error("the audit is broken", "record", broken.Number, "fault", string(broken.Fault))
	return out, nil
}

// counting counts the acts without an end as records pass.
func counting(records iter.Seq2[audit.Record, error], unended *int64) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r, err := range records {
			switch r.Phase {
			case audit.Asked:
				*unended++
			case audit.Ended:
				*unended--
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func auditRecordOut(r audit.Record) *pb.AuditRecord {
	out := &pb.AuditRecord{Name: auditRecordName(r.Number), CreateTime: instant(r.Time), Actor: r.Actor, Roles: r.Roles, Tenant: r.Tenant, Act: r.Act, Subject: r.Subject,
		Reason: r.Reason, Phase: phasesOut[r.Phase], Outcome: r.Outcome, RequestDigest: r.Request, PreviousSum: r.Previous.String(), Sum: r.Sum.String()}
	if r.Asked != 0 {
		out.AskedRecord = auditRecordName(r.Asked)
	}
	return out
}

func auditRecordName(number int64) string { return "auditRecords/" + strconv.FormatInt(number, 10) }

// auditRules are the rules of the service Audit.
func (v *violations) auditRules(m proto.Message) bool {
	switch r := m.(type) {
	case *pb.ListAuditRecordsRequest:
		v.pageSize(r.GetPageSize())
		v.length("actor", r.GetActor(), 0, 80)
		v.length("act", r.GetAct(), 0, 120)
		v.length("subject", r.GetSubject(), 0, 600)
		v.instant("create_time_after", r.GetCreateTimeAfter())
		v.instant("create_time_before", r.GetCreateTimeBefore())
	case *pb.VerifyAuditRequest:
		if _, err := audit.ParseAnchor(r.GetAnchor()); err != nil && r.GetAnchor() != "" {
			v.wrong("anchor", "cannot be read: "+audit.ErrAnchor.Error())
		}
	default:
		return false
	}
	return true
}
