package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/audit"
)

// recording says which calls of a method are put into the audit.
type recording uint8

// The recordings. A method that is missing in the table is recorded: a test finds it.
const (
	everyCall    recording = iota // a person changes something
	peoplesCalls                  // a caller's act: recorded when a person does it under their own name
	noCall                        // it changes nothing, or is no person's act
)

// recordings says of every method whether it is put into the audit, here and nowhere else. A
// test walks all methods of the server, so that a new one must decide.
var recordings = map[string]recording{
	pb.Operations_CreateOverride_FullMethodName:    everyCall, // but not a preview
	pb.Operations_EndOverride_FullMethodName:       everyCall,
	pb.Operations_ResolveAttempt_FullMethodName:    everyCall,
	pb.Finance_RunReconciliation_FullMethodName:    everyCall, // but not a preview
	pb.Finance_CancelReconciliation_FullMethodName: everyCall,
	pb.Finance_UpdateFinding_FullMethodName:        everyCall,
	pb.Finance_CloseFinding_FullMethodName:         everyCall,
	pb.Finance_ReopenFinding_FullMethodName:        everyCall,
	pb.Finance_AdoptFinding_FullMethodName:         everyCall,
	pb.Finance_ImportStatement_FullMethodName:      everyCall, // also one that only looks
	pb.Disputes_RecordDispute_FullMethodName:       everyCall,
	pb.Disputes_UpdateDispute_FullMethodName:       everyCall,
	pb.Disputes_AnswerDispute_FullMethodName:       everyCall,
	pb.Disputes_CloseDispute_FullMethodName:        everyCall,
	pb.Compliance_RecordEvidence_FullMethodName:    everyCall,

	pb.Payments_CapturePayment_FullMethodName:   peoplesCalls,
	pb.Payments_CancelPayment_FullMethodName:    peoplesCalls,
	pb.Payments_CreateRefund_FullMethodName:     peoplesCalls,
	pb.Payments_DeleteInstrument_FullMethodName: peoplesCalls,

	pb.Payments_CreatePayment_FullMethodName:         noCall, // the payment's own events name its caller
	pb.Payments_GetPayment_FullMethodName:            noCall,
	pb.Payments_ListPayments_FullMethodName:          noCall,
	pb.Payments_GetRefund_FullMethodName:             noCall,
	pb.Payments_ListRefunds_FullMethodName:           noCall,
	pb.Payments_WatchPayment_FullMethodName:          noCall,
	pb.Payments_WatchChanges_FullMethodName:          noCall,
	pb.Payments_ListInstruments_FullMethodName:       noCall,
	pb.Payments_GetInstrument_FullMethodName:         noCall,
	pb.Operations_ListGateways_FullMethodName:        noCall,
	pb.Operations_GetGateway_FullMethodName:          noCall,
	pb.Operations_ListOverrides_FullMethodName:       noCall,
	pb.Operations_ExplainPayment_FullMethodName:      noCall,
	pb.Finance_GetReconciliation_FullMethodName:      noCall,
	pb.Finance_ListReconciliations_FullMethodName:    noCall,
	pb.Finance_WatchReconciliation_FullMethodName:    noCall,
	pb.Finance_ListFindings_FullMethodName:           noCall,
	pb.Finance_GetFinding_FullMethodName:             noCall,
	pb.Finance_GetStatementImport_FullMethodName:     noCall,
	pb.Finance_StreamStatement_FullMethodName:        noCall,
	pb.Disputes_GetDispute_FullMethodName:            noCall,
	pb.Disputes_ListDisputes_FullMethodName:          noCall,
	pb.Disputes_StreamDisputeEvidence_FullMethodName: noCall,
	pb.Compliance_GetReadiness_FullMethodName:        noCall,
	pb.Compliance_ListEvidence_FullMethodName:        noCall,
	pb.Audit_ListAuditRecords_FullMethodName:         noCall,
	pb.Audit_VerifyAudit_FullMethodName:              noCall,

	grpc_health_v1.Health_Check_FullMethodName: noCall,
	grpc_health_v1.Health_List_FullMethodName:  noCall,
	grpc_health_v1.Health_Watch_FullMethodName: noCall,

	grpc_reflection_v1.ServerReflection_ServerReflectionInfo_FullMethodName:      noCall,
	grpc_reflection_v1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: noCall,
}

// auditUnary records an act of a person before it is done, and what the person was told of it
// afterwards. No record, no act. Whoever is refused before, for who they are or for how they
// ask, has done nothing, and is not recorded.
func (s *Server) auditUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if !s.isRecorded(ctx, info.FullMethod) || isPreview(request) {
		return handler(ctx, request)
	}
	a, err := s.ask(ctx, info.FullMethod, request)
	if err != nil {
		return nil, err
	}
	defer a.end(ctx) // also of a panic
	answer, err := handler(ctx, request)
	err = s.settle(ctx, err)
	a.told(answer, err)
	return answer, err
}

// auditStream is the same for a method that reads a stream: what is asked for stands in its
// first message.
func (s *Server) auditStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if !s.isRecorded(stream.Context(), info.FullMethod) {
		return handler(srv, stream)
	}
	recorded := &recordedStream{ServerStream: stream, server: s, method: info.FullMethod}
	defer func() {
		if recorded.act != nil {
			recorded.act.end(stream.Context())
		}
	}()
	err := s.settle(stream.Context(), handler(srv, recorded))
	if recorded.act != nil {
		recorded.act.told(recorded.answer, err)
	}
	return err
}

// recordedStream records the act with the first message that is read, and keeps its answer.
type recordedStream struct {
	grpc.ServerStream
	server *Server
	method string
	act    *act
	answer any
}

// SendMsg writes the answer.
func (s *recordedStream) SendMsg(m any) error {
	s.answer = m
	return s.ServerStream.SendMsg(m)
}

// RecvMsg reads a message.
func (s *recordedStream) RecvMsg(m any) (err error) {
	if err = s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if s.act == nil {
		s.act, err = s.server.ask(s.Context(), s.method, m)
		return err
	}
	s.act.more(m)
	return nil
}

// isRecorded says whether a call is an act of a person.
func (s *Server) isRecorded(ctx context.Context, method string) bool {
	switch recordings[method] {
	case noCall:
		return false
	case peoplesCalls:
		return s.byPerson(ctx)
	}
	return true
}

// byPerson reports whether whoever acts is on call. Where nobody proves who they are it is one
// who is named: not the one who is assumed where a service says nothing.
func (s *Server) byPerson(ctx context.Context) bool {
	who := identityOf(ctx)
	if s.options.Gate != nil {
		return who.roles&onCall != 0
	}
	said := metadata.ValueFromIncomingContext(ctx, operatorKey)
	return who.operator != "" && (who.operator != s.options.DefaultOperator || len(said) == 1 && said[0] == who.operator)
}

func isPreview(request any) bool {
	preview, ok := request.(interface{ GetValidateOnly() bool })
	return ok && preview.GetValidateOnly()
}

// act is an act of a person between its two records.
type act struct {
	server  *Server
	asked   audit.Record
	digest  hash.Hash // of all messages of the request
	makes   bool      // something that has no name yet
	subject string
	outcome string
}

// ask records that a person wants something done.
func (s *Server) ask(ctx context.Context, method string, message any) (*act, error) {
	request, ok := message.(proto.Message)
	if !ok {
		return nil, internal() // the codec reads nothing else
	}
	who, a := identityOf(ctx), &act{server: s, digest: sha256.New(), outcome: codes.Internal.String(), makes: textOf(request.ProtoReflect(), "name") == ""}
	a.more(request)
	r, err := s.router.Journal.AppendAudit(ctx, audit.Record{Time: time.Now(), Actor: who.asOperator(), Roles: who.roles.String(), Tenant: who.tenant, Act: method,
		Subject: subjectOf(request), Reason: reasonOf(request), Phase: audit.Asked, Request: a.request()})
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	a.asked, a.subject = r, r.Subject
	return a, nil
}

// more is one more message of the request.
func (a *act) more(message any) {
	if request, ok := message.(proto.Message); ok {
		a.digest.Write(a.server.keyed("audit", request))
	}
}

func (a *act) request() string { return hex.EncodeToString(a.digest.Sum(nil)) }

// told is what the person hears. An act that made something is about that from now on.
func (a *act) told(answer any, err error) {
	a.outcome = status.Code(err).String()
	if f := asType[*fault](err); f != nil && f.reason != pb.ErrorReason_ERROR_REASON_UNSPECIFIED {
		a.outcome += " " + reasonText(f.reason)
	}
	if made, ok := answer.(interface{ GetName() string }); ok && err == nil && a.makes && made.GetName() != "" {
		a.subject = made.GetName()
	}
}

// end records the end, whether the caller waits or not. Where that fails, the act has no end in
// the audit, which is how one looks that was cut off: both must be looked up.
func (a *act) end(ctx context.Context) {
	r := a.asked
	r.Time, r.Phase, r.Asked, r.Subject, r.Outcome, r.Request = time.Now(), audit.Ended, a.asked.Number, a.subject, a.outcome, a.request()
	if _, err := a.server.router.Journal.AppendAudit(context.WithoutCancel(ctx), r); err != nil {
		a.server.log.Error("the end of an act is not in the audit", "record", a.asked.Number, "actor", r.Actor, "act", r.Act, "outcome", r.Outcome, "error", err.Error())
	}
}

// subjectOf is the resource that a request is about, by its name. What is made under the
// person's own id has its name already.
func subjectOf(request proto.Message) string {
	switch r := request.(type) {
	case *pb.CreateOverrideRequest:
		gateway, _ := parseGateway(r.GetParent())
		return overrideName(gateway, strings.ToLower(r.GetRequestId()))
	case *pb.RecordEvidenceRequest:
		return evidenceName(strings.ToLower(r.GetRequestId()))
	}
	return textOf(request.ProtoReflect(), "name", "parent", "gateway", "payment")
}

// reasonOf is why, in the person's words.
func reasonOf(request proto.Message) string { return textOf(request.ProtoReflect(), "reason") }

// textOf is the first of some fields that is set, in a message or in one right below it.
func textOf(m protoreflect.Message, names ...protoreflect.Name) string {
	for _, name := range names {
		if f := m.Descriptor().Fields().ByName(name); f != nil && f.Kind() == protoreflect.StringKind && m.Get(f).String() != "" {
			return m.Get(f).String()
		}
	}
	found := ""
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if f.Kind() == protoreflect.MessageKind && !f.IsList() && !f.IsMap() {
			found = textOf(value.Message(), names...)
		}
		return found == ""
	})
	return found
}
