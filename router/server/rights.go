package server

import (
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/identity"
)

// right is what a method asks of whoever calls it: one of the roles about the tenant that
// the call is about, one of the roles about the house, or both where it touches both. The
// zero value is refused to everybody, and so is a method that is missing in the table.
type right struct {
	tenant, house identity.Roles
	open          bool // to anybody, without an identity: it shows nothing of anybody's
}

// Who does what, in sets. An admin may all that an operator and an auditor may, and does
// alone what makes payments of what gateways say, or answers a bank. Nobody but a service
// creates payments.
const (
	service = identity.Caller
	onCall  = identity.Operator | identity.Admin
	readers = identity.Operator | identity.Auditor | identity.Admin
	admins  = identity.Admin
)

// rights says who may call what. docs/identity.md has the same table for people, and a test
// holds every method of the server, role and scope against it.
var rights = map[string]right{
	pb.Payments_CreatePayment_FullMethodName:    {tenant: service},
	pb.Payments_CapturePayment_FullMethodName:   {tenant: service | onCall},
	pb.Payments_CancelPayment_FullMethodName:    {tenant: service | onCall},
	pb.Payments_CreateRefund_FullMethodName:     {tenant: service | onCall},
	pb.Payments_DeleteInstrument_FullMethodName: {tenant: service | admins},
	pb.Payments_GetPayment_FullMethodName:       {tenant: service | readers},
	pb.Payments_ListPayments_FullMethodName:     {tenant: service | readers},
	pb.Payments_GetRefund_FullMethodName:        {tenant: service | readers},
	pb.Payments_ListRefunds_FullMethodName:      {tenant: service | readers},
	pb.Payments_WatchPayment_FullMethodName:     {tenant: service | readers},
	pb.Payments_WatchChanges_FullMethodName:     {tenant: service | readers},
	pb.Payments_ListInstruments_FullMethodName:  {tenant: service | readers},
	pb.Payments_GetInstrument_FullMethodName:    {tenant: service | readers},

	pb.Operations_ListGateways_FullMethodName:   {house: readers},
	pb.Operations_GetGateway_FullMethodName:     {house: readers},
	pb.Operations_ListOverrides_FullMethodName:  {house: readers},
	pb.Operations_CreateOverride_FullMethodName: {house: onCall}, // but see rightOf
	pb.Operations_EndOverride_FullMethodName:    {house: onCall},
	pb.Operations_ResolveAttempt_FullMethodName: {tenant: onCall},
	pb.Operations_ExplainPayment_FullMethodName: {tenant: readers},

	pb.Finance_GetReconciliation_FullMethodName:    {house: readers},
	pb.Finance_ListReconciliations_FullMethodName:  {house: readers},
	pb.Finance_WatchReconciliation_FullMethodName:  {house: readers},
	pb.Finance_GetStatementImport_FullMethodName:   {house: readers},
	pb.Finance_StreamStatement_FullMethodName:      {house: readers},
	pb.Finance_ListFindings_FullMethodName:         {house: readers},
	pb.Finance_GetFinding_FullMethodName:           {house: readers},
	pb.Finance_RunReconciliation_FullMethodName:    {house: onCall},
	pb.Finance_CancelReconciliation_FullMethodName: {house: onCall},
	pb.Finance_ImportStatement_FullMethodName:      {house: onCall},
	pb.Finance_UpdateFinding_FullMethodName:        {house: onCall},
	pb.Finance_CloseFinding_FullMethodName:         {house: onCall},
	pb.Finance_ReopenFinding_FullMethodName:        {house: onCall},
	pb.Finance_AdoptFinding_FullMethodName:         {tenant: admins, house: admins},

	pb.Disputes_GetDispute_FullMethodName:            {house: readers},
	pb.Disputes_ListDisputes_FullMethodName:          {house: readers},
	pb.Disputes_StreamDisputeEvidence_FullMethodName: {house: readers},
	pb.Disputes_RecordDispute_FullMethodName:         {house: onCall},
	pb.Disputes_UpdateDispute_FullMethodName:         {house: onCall},
	pb.Disputes_AnswerDispute_FullMethodName:         {house: onCall},
	pb.Disputes_CloseDispute_FullMethodName:          {house: onCall},

	pb.Compliance_GetReadiness_FullMethodName:   {house: readers},
	pb.Compliance_ListEvidence_FullMethodName:   {house: readers},
	pb.Compliance_RecordEvidence_FullMethodName: {house: admins},

	pb.Audit_ListAuditRecords_FullMethodName: {house: readers},
	pb.Audit_VerifyAudit_FullMethodName:      {house: readers},

	grpc_health_v1.Health_Check_FullMethodName: {open: true},
	grpc_health_v1.Health_List_FullMethodName:  {open: true},
	grpc_health_v1.Health_Watch_FullMethodName: {open: true},

	grpc_reflection_v1.ServerReflection_ServerReflectionInfo_FullMethodName:      {open: true},
	grpc_reflection_v1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: {open: true},
}

// tried is what the forecast of an order asks for, besides the right to give the order:
// it shows one tenant's payments.
var tried = right{tenant: readers, house: onCall}

// rightOf is the table's, but that an order which is only tried shows a forecast. The
// request may be nil, and need not be well formed.
func rightOf(method string, request any) right {
	if order, ok := request.(*pb.CreateOverrideRequest); ok && order.GetValidateOnly() {
		return tried
	}
	return rights[method]
}

// ofPeople reports that no service has any business with the method, so that the log names
// the person.
func (r right) ofPeople() bool { return !r.open && r.tenant&service == 0 }

// granted reports whether an identity has the right, in a call about a tenant. The tenant
// is empty when the call is about none.
func (r right) granted(who identity.Identity, tenant string) bool {
	switch {
	case r.open:
		return true
	case r.house != 0 && who.House&r.house == 0:
		return false
	case r.tenant == 0:
		return r.house != 0
	}
	return tenant != "" && rolesAbout(who, tenant)&r.tenant != 0
}

// by is which of an identity's roles give it the right, for the record.
func (r right) by(who identity.Identity, tenant string) identity.Roles {
	return who.House&r.house | rolesAbout(who, tenant)&r.tenant
}

// somewhere reports whether an identity would have the right if it said about which tenant.
func (r right) somewhere(who identity.Identity) bool {
	if r.house != 0 && who.House&r.house == 0 {
		return false
	}
	for _, roles := range who.Tenants {
		if roles&r.tenant != 0 {
			return true
		}
	}
	return false
}

// needed tells a caller what it lacks: the sets of roles of which it needs one each.
func (r right) needed() map[string]string {
	told := map[string]string{}
	if r.tenant != 0 {
		told["tenant_roles"] = r.tenant.String()
	}
	if r.house != 0 {
		told["house_roles"] = r.house.String()
	}
	return told
}
