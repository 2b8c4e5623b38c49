package server

import (
	"regexp"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// financeRules are the rules of the service Finance.
func (v *violations) financeRules(m proto.Message) bool {
	switch r := m.(type) {
	case *pb.RunReconciliationRequest:
		v.gateway("gateway", r.GetGateway())
		v.optionalDay("day", r.GetDay())
		v.reason("reason", r.GetReason())
		if !r.GetValidateOnly() {
			v.requestID(r.GetRequestId())
		}
	case *pb.GetReconciliationRequest:
		v.reconciliation("name", r.GetName())
	case *pb.ListReconciliationsRequest:
		v.pageSize(r.GetPageSize())
		if r.GetGateway() != "" {
			v.gateway("gateway", r.GetGateway())
		}
		v.optionalDay("from_day", r.GetFromDay())
		v.optionalDay("to_day", r.GetToDay())
		if s := r.GetState(); s != pb.Reconciliation_STATE_UNSPECIFIED && runStatesIn[s] == "" {
			v.wrong("state", "is not a state that this server knows")
		}
	case *pb.CancelReconciliationRequest:
		v.reconciliation("name", r.GetName())
		v.reason("reason", r.GetReason())
	case *pb.WatchReconciliationRequest:
		v.reconciliation("name", r.GetName())
	case *pb.ImportStatementRequest:
		v.importStatement(r)
	case *pb.GetStatementImportRequest:
		if _, ok := parseImport(r.GetName()); !ok {
			v.wrong("name", "is not the name of an import, imports/{import}")
		}
	case *pb.StreamStatementRequest:
		v.gateway("gateway", r.GetGateway())
		v.day("from_day", r.GetFromDay())
		v.day("to_day", r.GetToDay())
	case *pb.ListFindingsRequest:
		v.listFindings(r)
	case *pb.GetFindingRequest:
		v.finding("name", r.GetName())
	case *pb.UpdateFindingRequest:
		v.updateFinding(r)
	case *pb.CloseFindingRequest:
		v.finding("name", r.GetName())
		v.reason("reason", r.GetReason())
		v.etag(r.GetEtag())
	case *pb.ReopenFindingRequest:
		v.finding("name", r.GetName())
		v.reason("reason", r.GetReason())
		v.etag(r.GetEtag())
	case *pb.AdoptFindingRequest:
		v.finding("name", r.GetName())
		v.length("order_id", r.GetOrderId(), 0, 64)
		v.reason("reason", r.GetReason())
		v.etag(r.GetEtag())
	default:
		return v.disputeRules(m) || v.complianceRules(m) || v.auditRules(m)
	}
	return true
}

func (v *violations) importStatement(r *pb.ImportStatementRequest) {
	start := r.GetStart()
	switch {
	case start == nil && len(r.GetChunk()) == 0:
		v.wrong("chunk", "is empty, and there is no start")
	case start == nil && len(r.GetChunk()) > mostChunk:
		v.wrong("chunk", "has more than 49152 bytes")
	case start != nil:
		v.gateway("start.gateway", start.GetGateway())
		v.length("start.format", start.GetFormat(), 1, 64)
		v.day("start.from_day", start.GetFromDay())
		v.day("start.to_day", start.GetToDay())
		v.length("start.file_name", start.GetFileName(), 0, 250)
		if !sha256Pattern.MatchString(start.GetSha256()) {
			v.wrong("start.sha256", "is not 64 lower-case hexadecimal digits")
		}
		if start.GetOffset() < 0 {
			v.wrong("start.offset", "is negative")
		}
		v.requestID(start.GetRequestId())
		v.reason("start.reason", start.GetReason())
	}
}

var sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (v *violations) listFindings(r *pb.ListFindingsRequest) {
	v.pageSize(r.GetPageSize())
	if s := r.GetState(); s != pb.Finding_STATE_UNSPECIFIED && findingStatesIn[s] == "" {
		v.wrong("state", "is not a state that this server knows")
	}
	if r.GetGateway() != "" {
		v.gateway("gateway", r.GetGateway())
	}
	if r.GetPayment() != "" {
		v.payment("payment", r.GetPayment())
	}
	if r.GetReconciliation() != "" {
		v.reconciliation("reconciliation", r.GetReconciliation())
	}
	v.length("kind", r.GetKind(), 0, 64)
	v.length("owner", r.GetOwner(), 0, 64)
	v.instant("create_time_after", r.GetCreateTimeAfter())
	v.instant("create_time_before", r.GetCreateTimeBefore())
}

func (v *violations) updateFinding(r *pb.UpdateFindingRequest) {
	f := r.GetFinding()
	if f == nil {
		v.wrong("finding", "is required")
		return
	}
	v.finding("finding.name", f.GetName())
	v.length("finding.owner", f.GetOwner(), 0, 64)
	v.length("finding.note", f.GetNote(), 0, 1000)
	if _, ok := parseEtag(f.GetEtag()); !ok {
		v.wrong("finding.etag", "is not an etag of this server")
	}
	for i, path := range r.GetUpdateMask().GetPaths() {
		if path != "owner" && path != "note" {
			v.wrong(at("update_mask.paths", i), "is neither owner nor note")
		}
	}
	if len(r.GetUpdateMask().GetPaths()) == 0 && f.GetOwner() == "" && f.GetNote() == "" {
		v.wrong("update_mask", "is required to make owner and note empty")
	}
}

func (v *violations) reconciliation(field, name string) {
	if _, ok := parseReconciliation(name); !ok {
		v.wrong(field, "is not the name of a reconciliation, reconciliations/{reconciliation}")
	}
}

func (v *violations) finding(field, name string) {
	if _, ok := parseFinding(name); !ok {
		v.wrong(field, "is not the name of a finding, findings/{finding}")
	}
}

func (v *violations) day(field, day string) {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		v.wrong(field, "is not a day such as 2026-11-24")
	}
}

func (v *violations) optionalDay(field, day string) {
	if day != "" {
		v.day(field, day)
	}
}
