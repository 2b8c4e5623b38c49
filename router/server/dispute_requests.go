package server

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// disputeRules are the rules of the service Disputes.
func (v *violations) disputeRules(m proto.Message) bool {
	switch r := m.(type) {
	case *pb.RecordDisputeRequest:
		v.recordDispute(r)
	case *pb.GetDisputeRequest:
		v.dispute("name", r.GetName())
	case *pb.ListDisputesRequest:
		v.listDisputes(r)
	case *pb.UpdateDisputeRequest:
		v.updateDispute(r)
	case *pb.AnswerDisputeRequest:
		v.dispute("name", r.GetName())
		v.length("answer", r.GetAnswer(), 3, 1000)
		v.instant("answer_time", r.GetAnswerTime())
		v.etag(r.GetEtag())
	case *pb.CloseDisputeRequest:
		v.dispute("name", r.GetName())
		if outcomesIn[r.GetOutcome()] == "" {
			v.wrong("outcome", "is required: WON, LOST or WITHDRAWN")
		}
		v.reason("reason", r.GetReason())
		v.etag(r.GetEtag())
	case *pb.StreamDisputeEvidenceRequest:
		v.dispute("name", r.GetName())
	default:
		return false
	}
	return true
}

func (v *violations) recordDispute(r *pb.RecordDisputeRequest) {
	v.requestID(r.GetRequestId())
	d := r.GetDispute()
	if d == nil {
		v.wrong("dispute", "is required")
		return
	}
	v.payment("dispute.payment", d.GetPayment())
	if d.GetAttempt() != "" {
		if of, _, ok := parseAttempt(d.GetAttempt()); !ok || paymentName(of) != d.GetPayment() {
			v.wrong("dispute.attempt", "is not the name of an attempt of the payment, payments/{payment}/attempts/{attempt}")
		}
	}
	if disputeKindsIn[d.GetKind()] == "" {
		v.wrong("dispute.kind", "is required: CHARGEBACK, CLAIM or INQUIRY")
	}
	if d.GetAmount() != nil {
		of := &violations{}
		of.money(d.GetAmount())
		for _, f := range of.found {
			v.add(f.reason, "dispute."+f.field, f.description)
		}
	}
	v.disputeTexts(d)
	v.length("dispute.detail", d.GetDetail(), 0, 1000)
	v.instant("dispute.open_time", d.GetOpenTime())
}

// disputeTexts are the texts that may be changed later.
func (v *violations) disputeTexts(d *pb.Dispute) {
	v.length("dispute.case_number", d.GetCaseNumber(), 0, 64)
	v.length("dispute.owner", d.GetOwner(), 0, 64)
	v.length("dispute.note", d.GetNote(), 0, 1000)
}

func (v *violations) listDisputes(r *pb.ListDisputesRequest) {
	v.pageSize(r.GetPageSize())
	if r.GetPayment() != "" {
		v.payment("payment", r.GetPayment())
	}
	if r.GetGateway() != "" {
		v.gateway("gateway", r.GetGateway())
	}
	if s := r.GetState(); s != pb.Dispute_STATE_UNSPECIFIED && disputeStatesIn[s] == "" {
		v.wrong("state", "is not a state that this server knows")
	}
	v.length("owner", r.GetOwner(), 0, 64)
	v.instant("create_time_after", r.GetCreateTimeAfter())
	v.instant("create_time_before", r.GetCreateTimeBefore())
}

func (v *violations) updateDispute(r *pb.UpdateDisputeRequest) {
	d := r.GetDispute()
	if d == nil {
		v.wrong("dispute", "is required")
		return
	}
	v.dispute("dispute.name", d.GetName())
	v.disputeTexts(d)
	if _, ok := parseEtag(d.GetEtag()); !ok {
		v.wrong("dispute.etag", "is not an etag of this server")
	}
	for i, path := range r.GetUpdateMask().GetPaths() {
		if path != "owner" && path != "note" && path != "case_number" {
			v.wrong(at("update_mask.paths", i), "is neither owner nor note nor case_number")
		}
	}
	if len(r.GetUpdateMask().GetPaths()) == 0 && d.GetOwner() == "" && d.GetNote() == "" && d.GetCaseNumber() == "" {
		v.wrong("update_mask", "is required to make owner, note and case_number empty")
	}
}

func (v *violations) dispute(field, name string) {
	if _, ok := parseDispute(name); !ok {
		v.wrong(field, "is not the name of a dispute, disputes/{dispute}")
	}
}
