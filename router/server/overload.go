package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Each kind of work has seats of its own, so that none can crowd out another, and what
// finds no seat is refused at once. Nobody queues for one: a queue is where callers run
// out of patience, and what they then repeat stands behind what they gave up.
//
//	kind       seats             who
//	charges    MaxCharges        CreatePayment
//	wishes     64                captures, cancels, refunds: about money that is taken already
//	reads      256               what reads one thing, and previews
//	lists      16                pages of payments, of up to 3 MiB
//	streams    1024              watchers, of whom each asks the books once a second
//	operators  32                people on call
//	uploads    8                 files in pieces, each as slow as its sender
//	checks     256               health checks and reflection
//	notices    MaxNotices        webhooks being stored and ruled on
//	bodies     4 × MaxNotices    webhooks being read, of up to 256 KiB
//	repeats    8                 see before
//
// The loop of the router has none of these: it looks payments up with a few workers for
// each gateway. What all share is the store. There whoever asks stands among the others,
// so the seats are also how many may stand before a webhook or a look-up; and while the
// wait for the store is long all the same, no new charge comes in: see pressure.
type kind string

const (
	charges   kind = "charges"
	wishes    kind = "wishes"
	reads     kind = "reads"
	lists     kind = "lists"
	streams   kind = "streams"
	operators kind = "operators"
	uploads   kind = "uploads"
	checks    kind = "checks"
	notices   kind = "notices"
	bodies    kind = "bodies"
	repeats   kind = "repeats"
)

// kinds says on whose seats a method sits. A test walks all methods of the server.
var kinds = map[string]kind{
	pb.Payments_CreatePayment_FullMethodName:    charges,
	pb.Payments_CapturePayment_FullMethodName:   wishes,
	pb.Payments_CancelPayment_FullMethodName:    wishes,
	pb.Payments_CreateRefund_FullMethodName:     wishes,
	pb.Payments_DeleteInstrument_FullMethodName: wishes,
	pb.Payments_GetPayment_FullMethodName:       reads,
	pb.Payments_GetRefund_FullMethodName:        reads,
	pb.Payments_ListRefunds_FullMethodName:      reads, // of one payment
	pb.Payments_GetInstrument_FullMethodName:    reads,
	pb.Payments_ListInstruments_FullMethodName:  reads, // of one customer
	pb.Payments_ListPayments_FullMethodName:     lists,
	pb.Payments_WatchPayment_FullMethodName:     streams,
	pb.Payments_WatchChanges_FullMethodName:     streams,

	pb.Operations_ListGateways_FullMethodName:   operators,
	pb.Operations_GetGateway_FullMethodName:     operators,
	pb.Operations_CreateOverride_FullMethodName: operators,
	pb.Operations_EndOverride_FullMethodName:    operators,
	pb.Operations_ListOverrides_FullMethodName:  operators,
	pb.Operations_ResolveAttempt_FullMethodName: operators,
	pb.Operations_ExplainPayment_FullMethodName: operators,

	pb.Finance_RunReconciliation_FullMethodName:    operators,
	pb.Finance_GetReconciliation_FullMethodName:    operators,
	pb.Finance_ListReconciliations_FullMethodName:  operators,
	pb.Finance_CancelReconciliation_FullMethodName: operators,
	pb.Finance_ListFindings_FullMethodName:         operators,
	pb.Finance_GetFinding_FullMethodName:           operators,
	pb.Finance_UpdateFinding_FullMethodName:        operators,
	pb.Finance_CloseFinding_FullMethodName:         operators,
	pb.Finance_ReopenFinding_FullMethodName:        operators,
	pb.Finance_AdoptFinding_FullMethodName:         operators,
	pb.Finance_GetStatementImport_FullMethodName:   operators,
	pb.Finance_ImportStatement_FullMethodName:      uploads,
	pb.Finance_StreamStatement_FullMethodName:      operators,
	pb.Finance_WatchReconciliation_FullMethodName:  streams,

	pb.Disputes_RecordDispute_FullMethodName:         operators,
	pb.Disputes_GetDispute_FullMethodName:            operators,
	pb.Disputes_ListDisputes_FullMethodName:          operators,
	pb.Disputes_UpdateDispute_FullMethodName:         operators,
	pb.Disputes_AnswerDispute_FullMethodName:         operators,
	pb.Disputes_CloseDispute_FullMethodName:          operators,
	pb.Disputes_StreamDisputeEvidence_FullMethodName: operators,
	pb.Compliance_GetReadiness_FullMethodName:        operators,
	pb.Compliance_RecordEvidence_FullMethodName:      operators,
	pb.Compliance_ListEvidence_FullMethodName:        operators,
	pb.Audit_ListAuditRecords_FullMethodName:         operators,
	pb.Audit_VerifyAudit_FullMethodName:              operators,

	grpc_health_v1.Health_Check_FullMethodName: checks,
	grpc_health_v1.Health_List_FullMethodName:  checks,
	grpc_health_v1.Health_Watch_FullMethodName: checks,

	grpc_reflection_v1.ServerReflection_ServerReflectionInfo_FullMethodName:      checks,
	grpc_reflection_v1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: checks,
}

// seatsOf makes the seats of the table above.
func seatsOf(o Options) map[kind]seats {
	all := map[kind]seats{}
	for k, n := range map[kind]int{charges: o.MaxCharges, wishes: 64, reads: 256, lists: 16, streams: 1024, operators: 32, uploads: 8,
		checks: 256, notices: o.MaxNotices, bodies: 4 * o.MaxNotices, repeats: 8} {
		all[k] = make(seats, n)
	}
	return all
}

// spareStreams is how many calls one connection may have beyond all that could be seated:
// those are refused rather than held back unheard in the caller's transport.
const spareStreams = 1024

// mostStreams bounds what one connection can make us keep, however it calls.
func mostStreams(all map[kind]seats) uint32 {
	n := spareStreams
	for _, s := range all {
		n += cap(s)
	}
	return uint32(n)
}

// seats hold as many as may be in progress at once.
type seats chan struct{}

// take takes a seat, if there is one.
func (s seats) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// takeWithin takes a seat as soon as there is one, and gives up after d.
func (s seats) takeWithin(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s seats) leave() { <-s }

// place is where a call is: on a seat, shared with work that outlives the call, or
// refused, with leave to look whether what it asks for was done before.
type place struct {
	seats   seats
	holders atomic.Int32
	refused *fault
}

func (p *place) share() { p.holders.Add(1) }

func (p *place) leave() {
	if p.holders.Add(-1) == 0 && p.seats != nil {
		p.seats.leave()
	}
}

// placeOf is the place of the call that ctx belongs to.
func placeOf(ctx context.Context) *place {
	if c, ok := ctx.Value(callKey{}).(*call); ok && c.place != nil {
		return c.place
	}
	return &place{}
}

// seat finds a call its place, to be left at its end, or refuses it. Nothing of a call that is
// refused has been stored or sent.
func (s *Server) seat(ctx context.Context, method string, request any) (*place, *fault) {
	if err := ctx.Err(); err != nil {
		return nil, callerGone(err)
	}
	k := kindOfCall(method, request)
	var refused *fault
	if wish, is := request.(*pb.CreatePaymentRequest); is && k == charges {
		refused = s.pressed(ctx, wish)
	}
	if refused == nil && !s.seats[k].take() {
		refused = s.crowded(k)
	}
	at := &place{seats: s.seats[k], refused: refused}
	if refused != nil {
		if !repeatable(k, method) || !s.seats[repeats].take() {
			return nil, refused
		}
		at.seats = s.seats[repeats]
	}
	at.share()
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		c.place = at
	}
	return at, nil
}

// kindOfCall is the table's, but that a preview opens nothing.
func kindOfCall(method string, request any) kind {
	if wish, ok := request.(*pb.CreatePaymentRequest); ok && wish.GetValidateOnly() {
		return reads
	}
	return kinds[method]
}

// repeatable reports whether the call has a request id under which its answer may stand
// in the books.
func repeatable(k kind, method string) bool {
	return k == charges || k == wishes && method != pb.Payments_DeleteInstrument_FullMethodName
}

// before answers a refused wish that was granted before from the books, for it costs
// one reading and no charge. Few look at a time, because they wait for the store too;
// and whatever the books do not say, the refusal stands. So it does for a payment that
// has not begun: only a caller begins one, and whoever heard "processing" would wait for
// nothing.
func (s *Server) before(ctx context.Context, refused *fault, books func(context.Context) (payment.Payment, error)) (payment.Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTooSlow)
	defer cancel()
	p, err := books(ctx)
	switch begun := len(p.Attempts) > 0 || p.Cancel != nil || p.Finished != nil; {
	case err == nil && begun, asType[*journal.ReusedError](err) != nil:
		return p, err
	case err != nil && !errors.Is(err, errOutOfTime):
		refused.cause = err
	}
	return p, refused
}

// crowded says that no seat is free.
func (s *Server) crowded(k kind) *fault {
	s.metrics.overloaded(string(k))
	return newFault(pb.ErrorReason_ERROR_REASON_RATE_LIMITED, "there is more work than can be done at once; nothing was done, and the same request may come again", nil, comeBack(retryAfter))
}

// comeBack is a delay with up to 5 s more, so that those who were refused together do not
// come back together. A short one grows by its own length at most.
func comeBack(after time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New((after + rand.N(min(after, 5*time.Second))).Round(time.Millisecond))}
}
