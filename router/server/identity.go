package server

import (
	"context"
	"regexp"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// Who calls is said by three metadata keys. This is an assertion and not
// authentication: whoever reaches the port may claim any name. Mutual TLS will put
// the certificate's words in their place; the rest of the house will not notice.
const (
	tenantKey   = "payrouter-tenant"   // whose money it is; a configured default may stand in
	callerKey   = "payrouter-caller"   // the calling service, for the record
	operatorKey = "payrouter-operator" // the person on call, for acts that need one
)

// unnamedCaller is the record's word for a service that does not say who it is.
const unnamedCaller = "unnamed"

// identity is who calls.
type identity struct{ tenant, caller, operator string }

// asCaller and asOperator are the actor as events record it.
func (i identity) asCaller() string   { return "caller:" + i.caller }
func (i identity) asOperator() string { return "operator:" + i.operator }

// role is what a method asks of whoever calls it.
type role uint8

// The roles. A method that is missing in the table is refused to everybody.
const (
	nobody         role = iota
	anybody             // no identity needed
	tenantCaller        // a service, acting for a tenant
	operator            // a person on call
	tenantOperator      // a person on call, about a tenant's payments
)

// roles says who may call what. A test walks all methods of the server.
var roles = map[string]role{
	pb.Payments_CreatePayment_FullMethodName:    tenantCaller,
	pb.Payments_GetPayment_FullMethodName:       tenantCaller,
	pb.Payments_ListPayments_FullMethodName:     tenantCaller,
	pb.Payments_CapturePayment_FullMethodName:   tenantCaller,
	pb.Payments_CancelPayment_FullMethodName:    tenantCaller,
	pb.Payments_CreateRefund_FullMethodName:     tenantCaller,
	pb.Payments_GetRefund_FullMethodName:        tenantCaller,
	pb.Payments_ListRefunds_FullMethodName:      tenantCaller,
	pb.Payments_WatchPayment_FullMethodName:     tenantCaller,
	pb.Payments_WatchChanges_FullMethodName:     tenantCaller,
	pb.Payments_ListInstruments_FullMethodName:  tenantCaller,
	pb.Payments_GetInstrument_FullMethodName:    tenantCaller,
	pb.Payments_DeleteInstrument_FullMethodName: tenantCaller,

	pb.Operations_ListGateways_FullMethodName:   operator,
	pb.Operations_GetGateway_FullMethodName:     operator,
	pb.Operations_CreateOverride_FullMethodName: operator, // its forecast needs a tenant too
	pb.Operations_EndOverride_FullMethodName:    operator,
	pb.Operations_ListOverrides_FullMethodName:  operator,
	pb.Operations_ResolveAttempt_FullMethodName: tenantOperator,
	pb.Operations_ExplainPayment_FullMethodName: tenantOperator,

	pb.Finance_RunReconciliation_FullMethodName:    operator,
	pb.Finance_GetReconciliation_FullMethodName:    operator,
	pb.Finance_ListReconciliations_FullMethodName:  operator,
	pb.Finance_CancelReconciliation_FullMethodName: operator,
	pb.Finance_ListFindings_FullMethodName:         operator,
	pb.Finance_GetFinding_FullMethodName:           operator,
	pb.Finance_UpdateFinding_FullMethodName:        operator,
	pb.Finance_CloseFinding_FullMethodName:         operator,
	pb.Finance_ReopenFinding_FullMethodName:        operator,
	pb.Finance_AdoptFinding_FullMethodName:         tenantOperator,
	pb.Finance_GetStatementImport_FullMethodName:   operator,
	pb.Finance_ImportStatement_FullMethodName:      operator,
	pb.Finance_StreamStatement_FullMethodName:      operator,
	pb.Finance_WatchReconciliation_FullMethodName:  operator,

	pb.Disputes_RecordDispute_FullMethodName:         operator,
	pb.Disputes_GetDispute_FullMethodName:            operator,
	pb.Disputes_ListDisputes_FullMethodName:          operator,
	pb.Disputes_UpdateDispute_FullMethodName:         operator,
	pb.Disputes_AnswerDispute_FullMethodName:         operator,
	pb.Disputes_CloseDispute_FullMethodName:          operator,
	pb.Disputes_StreamDisputeEvidence_FullMethodName: operator,
	pb.Compliance_GetReadiness_FullMethodName:        operator,
	pb.Compliance_RecordEvidence_FullMethodName:      operator,
	pb.Compliance_ListEvidence_FullMethodName:        operator,

	grpc_health_v1.Health_Check_FullMethodName: anybody,
	grpc_health_v1.Health_List_FullMethodName:  anybody,
	grpc_health_v1.Health_Watch_FullMethodName: anybody,

	grpc_reflection_v1.ServerReflection_ServerReflectionInfo_FullMethodName:      anybody,
	grpc_reflection_v1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: anybody,
}

// Names of people and services become actors in the books and fields of logs.
var actorPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// identify says who calls, and refuses a method to those whose role it is not.
func (s *Server) identify(ctx context.Context, method string) (identity, error) {
	needed := roles[method]
	if needed == anybody {
		return identity{}, nil
	}
	var who identity
	for _, claim := range []struct {
		key, otherwise string
		name           *string
	}{
		{tenantKey, s.options.DefaultTenant, &who.tenant},
		{callerKey, unnamedCaller, &who.caller},
		{operatorKey, s.options.DefaultOperator, &who.operator},
	} {
		switch said := metadata.ValueFromIncomingContext(ctx, claim.key); {
		case len(said) == 0 || len(said) == 1 && said[0] == "":
			*claim.name = claim.otherwise
		case len(said) > 1:
			return identity{}, unauthenticated(claim.key + " is given more than once")
		default:
			*claim.name = said[0]
		}
	}
	// The tenant's name is looked up rather than matched, so that it is never echoed.
	if _, known := s.router.Tenants[who.tenant]; !known && who.tenant != "" {
		return identity{}, unauthenticated(tenantKey + " names no tenant")
	}
	if !actorPattern.MatchString(who.caller) {
		return identity{}, unauthenticated(callerKey + " is not a name: a letter, then up to 63 letters, digits, dots, dashes or underscores")
	}
	if who.operator != "" && !actorPattern.MatchString(who.operator) {
		return identity{}, unauthenticated(operatorKey + " is not a name: a letter, then up to 63 letters, digits, dots, dashes or underscores")
	}
	switch {
	case needed == nobody, (needed == operator || needed == tenantOperator) && who.operator == "":
		return who, permissionDenied(method)
	case (needed == tenantCaller || needed == tenantOperator) && who.tenant == "":
		return who, unauthenticated(tenantKey + " is missing, and no default tenant is configured")
	}
	return who, nil
}
