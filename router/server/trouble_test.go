package server

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// asks is what a request is called that changes nothing.
var asks = regexp.MustCompile(`\.(Get|List|Watch|Stream|Explain|Verify)`)

// Without a store nothing is sent, but that is for nobody to promise: a write may stand that
// was not answered. Nothing of the driver's words gets out.
func TestWithoutAStoreEveryCallIsUnavailableAndNothingIsSent(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		sent := len(d.kaspi.charges())
		d.breakStore()
		attempt := p.GetAttempts()[0].GetName()
		money := &pb.Money{MinorUnits: 1, CurrencyCode: "KZT"}
		for _, r := range []proto.Message{
			qr(), &pb.GetPaymentRequest{Name: p.GetName()}, &pb.ListPaymentsRequest{}, &pb.CapturePaymentRequest{Name: p.GetName(), RequestId: newID()},
			&pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID()}, &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: newID(), Amount: money},
			&pb.GetRefundRequest{Name: refundName(p.GetName()[len("payments/"):], newID())}, &pb.ListRefundsRequest{Parent: p.GetName()},
			&pb.WatchPaymentRequest{Name: p.GetName()}, &pb.WatchChangesRequest{}, &pb.ListInstrumentsRequest{CustomerId: "c-1"},
			&pb.GetInstrumentRequest{Name: p.GetInstrument()}, &pb.DeleteInstrumentRequest{Name: p.GetInstrument()},
			&pb.ListGatewaysRequest{}, &pb.GetGatewayRequest{Name: "gateways/kaspi-main"}, drain(), drain(func(r *pb.CreateOverrideRequest) { r.ValidateOnly = true }),
			&pb.EndOverrideRequest{Name: "gateways/kaspi-main/overrides/" + newID()}, &pb.ListOverridesRequest{Parent: anyGateway},
			&pb.ResolveAttemptRequest{Name: attempt, Verdict: pb.ResolveAttemptRequest_VERDICT_CHARGED, Reason: "looked", Etag: `"1"`},
			&pb.ExplainPaymentRequest{Name: p.GetName()},
			&pb.RunReconciliationRequest{Gateway: "gateways/kaspi-main", Reason: "a test", RequestId: newID()}, &pb.GetReconciliationRequest{Name: reconciliationName(newID())},
			&pb.ListReconciliationsRequest{}, &pb.CancelReconciliationRequest{Name: reconciliationName(newID()), Reason: "a test"}, &pb.WatchReconciliationRequest{Name: reconciliationName(newID())},
			&pb.StreamStatementRequest{Gateway: "gateways/kaspi-main", FromDay: "1999-12-30", ToDay: "1999-12-31"}, &pb.GetStatementImportRequest{Name: importName(newID())},
			&pb.ListFindingsRequest{}, &pb.GetFindingRequest{Name: "findings/a.b.1"}, &pb.UpdateFindingRequest{Finding: &pb.Finding{Name: "findings/a.b.1", Owner: "aida", Etag: `"1"`}},
			&pb.CloseFindingRequest{Name: "findings/a.b.1", Reason: "a test", Etag: `"1"`}, &pb.ReopenFindingRequest{Name: "findings/a.b.1", Reason: "a test", Etag: `"1"`},
			&pb.AdoptFindingRequest{Name: "findings/a.b.1", Reason: "a test", Etag: `"1"`},
			&pb.RecordDisputeRequest{RequestId: newID(), Dispute: &pb.Dispute{Payment: p.GetName(), Kind: pb.Dispute_KIND_CLAIM}}, &pb.GetDisputeRequest{Name: disputeName(newID())},
			&pb.ListDisputesRequest{}, &pb.UpdateDisputeRequest{Dispute: &pb.Dispute{Name: disputeName(newID()), Owner: "aida", Etag: `"1"`}},
			&pb.AnswerDisputeRequest{Name: disputeName(newID()), Answer: "a test", Etag: `"1"`},
			&pb.CloseDisputeRequest{Name: disputeName(newID()), Outcome: pb.Dispute_OUTCOME_WON, Reason: "a test", Etag: `"1"`}, &pb.StreamDisputeEvidenceRequest{Name: disputeName(newID())},
			&pb.GetReadinessRequest{}, &pb.RecordEvidenceRequest{Item: "alerts", Reference: "case 81", Reason: "a test", RequestId: newID()}, &pb.ListEvidenceRequest{},
			&pb.ListAuditRecordsRequest{}, &pb.VerifyAuditRequest{},
		} {
			err := d.call(r)
			if status.Code(err) != codes.Unavailable {
				t.Errorf("%T: %v", r, err)
				continue
			}
			d.refused(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
			if strings.Contains(err.Error(), "nothing was") || strings.Contains(err.Error(), "table") || strings.Contains(err.Error(), "SQL") {
				t.Errorf("%T: %v", r, err)
			}
			if strings.Contains(err.Error(), "taken on") == asks.MatchString(fmt.Sprintf("%T", r)) {
				t.Errorf("%T: in doubt is what would change something, and nothing else: %v", r, err)
			}
		}
		if len(d.kaspi.charges()) != sent || len(d.kaspi.forgot) > 0 {
			t.Error("something was sent")
		}
	})
}

func TestACallerWithoutTimeIsToldToComeAgain(t *testing.T) {
	behind(t, func(d *door) {
		s := d.server
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		forever := func(ctx context.Context) (payment.Payment, error) {
			<-ctx.Done()
			time.Sleep(time.Minute)
			return payment.Payment{}, ctx.Err()
		}
		_, err := s.within(ctx, forever, s.recorded(journal.Request{Tenant: "shop", ID: newID(), Kind: "create"}))
		d.refused(s.settle(ctx, err), pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		d.must(s.Wait(context.Background()))
		// Somebody else's answer to the same id is none.
		first := qr()
		d.create(first)
		ctx, cancel = context.WithTimeout(context.WithValue(context.Background(), callKey{}, &call{who: actor{tenant: "shop"}}), time.Millisecond)
		defer cancel()
		_, err = s.within(ctx, forever, s.recorded(journal.Request{Tenant: "shop", ID: first.GetRequestId(), Kind: "create", Hash: "another"}))
		d.refused(s.refusal(ctx, err, about{requestID: first.GetRequestId()}), pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	})
}

// heldUp is how long the database holds up a write in the tests below: a plan that is two
// seconds old is not sent any more.
const heldUp = 800 * time.Millisecond

// A write that has begun does not end with its caller: it waits for the database, and what it
// asks for is done. Until then the books say nothing, and that is no proof of anything.
func TestNobodyIsToldThatNothingWasSentWhoseWriteComesToStand(t *testing.T) {
	for name, wish := range map[string]func(d *door) (call func(context.Context) error, sent func() int){
		"a charge": func(d *door) (func(context.Context) error, func() int) {
			r := d.byInstrument()
			return func(ctx context.Context) error { _, err := d.payments.CreatePayment(ctx, r); return err }, func() int { return len(d.kaspi.charges()) }
		},
		"a refund": func(d *door) (func(context.Context) error, func() int) {
			r := &pb.CreateRefundRequest{Parent: d.charged().GetName(), RequestId: newID(), Amount: &pb.Money{MinorUnits: 100, CurrencyCode: "KZT"}}
			return func(ctx context.Context) error { _, err := d.payments.CreateRefund(ctx, r); return err }, d.kaspi.returns
		},
	} {
		t.Run(name, func(t *testing.T) {
			behind(t, func(d *door) {
				call, sent := wish(d)
				d.must(d.server.Wait(context.Background()))
				before := sent()
				release := d.holdWrites()
				time.AfterFunc(heldUp, release)
				ctx, cancel := context.WithTimeout(context.Background(), heldUp/4)
				defer cancel()
				err := call(ctx)
				d.refused(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
				if strings.Contains(err.Error(), "nothing was") {
					t.Error(err)
				}
				if sent() != before {
					t.Fatal("it was sent before it was in the books")
				}
				time.Sleep(2 * heldUp)
				if sent() != before+1 {
					t.Errorf("%d were sent, so the test shows nothing", sent()-before)
				}
				d.must(call(context.Background()))
				if sent() != before+1 {
					t.Errorf("%d were sent after the request was repeated", sent()-before)
				}
			})
		})
	}
}

// The books can be read and say nothing, while the work has still to write.
func TestNobodyIsToldThatNothingWasSentWhileTheWorkGoesOn(t *testing.T) {
	behind(t, func(d *door) {
		ctx, cancel := context.WithTimeout(context.Background(), heldUp/4)
		defer cancel()
		r := qr()
		_, err := d.server.within(ctx, func(ctx context.Context) (payment.Payment, error) {
			time.Sleep(heldUp) // for others
			_, err := d.payments.CreatePayment(context.Background(), r)
			return payment.Payment{}, err
		}, d.server.recorded(journal.Request{Tenant: "shop", ID: r.GetRequestId(), Kind: "create"}))
		err = d.server.refusal(ctx, err, about{requestID: r.GetRequestId()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		if strings.Contains(err.Error(), "nothing was") {
			t.Error(err)
		}
		d.must(d.server.Wait(context.Background()))
		if n := len(d.kaspi.charges()); n != 1 {
			t.Errorf("%d were sent, so the test shows nothing", n)
		}
	})
}

// A charge may be on its way, so the answer must not say that nothing was sent.
func TestWhoseAnswerCouldNotBeReadIsNotToldThatNothingWasSent(t *testing.T) {
	behind(t, func(d *door) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := d.server.within(ctx,
			func(context.Context) (payment.Payment, error) { time.Sleep(time.Minute); return payment.Payment{}, nil },
			func(late context.Context) (payment.Payment, error) {
				<-late.Done()
				return payment.Payment{}, late.Err()
			})
		err = d.server.refusal(ctx, err, about{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		if strings.Contains(err.Error(), "nothing was") {
			t.Error(err)
		}
		d.must(d.server.Wait(context.Background()))
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	behind(t, func(d *door) {
		d.server.working.Go(func() { time.Sleep(2 * time.Minute) })
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.server.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		d.must(d.server.Wait(context.Background()))
	})
}

// Every error of the rooms below that callers can tell apart has its reason.
func TestErrorsOfTheRoomsBelowHaveTheirReasons(t *testing.T) {
	behind(t, func(d *door) {
		for err, want := range map[error]pb.ErrorReason{
			router.ErrNoCapableGateway: pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY,
			router.ErrUnavailable:      pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE,
			router.ErrUnknownTenant:    pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED,
			router.ErrExceedsHeld:      pb.ErrorReason_ERROR_REASON_CAPTURE_EXCEEDS_HELD,
			router.ErrUnspeakable:      pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED,
			router.ErrBelowMinimum:     pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED,
			router.ErrOverrideEnd:      pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END,
			router.ErrStale:            pb.ErrorReason_ERROR_REASON_STALE_ETAG,
			journal.ErrNotFound:        pb.ErrorReason_ERROR_REASON_NOT_FOUND,
			payment.ErrUnreadable:      pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE,
			context.DeadlineExceeded:   pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE,
			errBroken:                  pb.ErrorReason_ERROR_REASON_INTERNAL,
			&router.RouteError{Err: router.ErrNoCapableGateway, Route: []payment.Choice{{Gateway: "a", Why: router.WhyAmount}, {Gateway: "b", Why: router.WhyDeadline}}}: pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT,
			&router.RouteError{Err: router.ErrNoCapableGateway, Route: []payment.Choice{{Gateway: "a", Why: router.WhyAmount}, {Gateway: "b", Why: router.WhyMethod}}}:   pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED,
		} {
			refused := d.server.settle(context.Background(), err)
			d.refused(refused, want)
			if strings.Contains(refused.Error(), "canary") || !errors.Is(refused, err) {
				t.Errorf("%v became %v", err, refused)
			}
		}
	})
}

// frail is a gateway whose claims panic, deep inside a call of ours.
type frail struct{ *bank }

func (f frail) Claims() providers.Claims {
	if f.takes < 0 {
		panic("canary-inner-text")
	}
	return f.bank.Claims()
}

func TestAPanicIsAnInternalErrorAndTheProcessLives(t *testing.T) {
	weak := frail{newBank("kaspi", nil)}
	behind(t, func(d *door) {
		weak.takes = -1
		_, err := d.operations.GetGateway(context.Background(), &pb.GetGatewayRequest{Name: "gateways/kaspi-main"})
		d.refused(err, pb.ErrorReason_ERROR_REASON_INTERNAL)
		if strings.Contains(err.Error(), "canary-inner-text") || strings.Contains(d.log.String(), "canary-inner-text") {
			t.Error("the panic's text got out")
		}
		weak.takes = 0
		if _, err := d.operations.GetGateway(context.Background(), &pb.GetGatewayRequest{Name: "gateways/kaspi-main"}); err != nil {
			t.Error(err)
		}
		// The same in work that has a goroutine of its own, and in a stream.
		_, err = d.server.within(context.Background(), func(context.Context) (payment.Payment, error) { panic(errBroken) }, nil)
		d.refused(err, pb.ErrorReason_ERROR_REASON_INTERNAL)
		err = d.server.panicked(context.Background(), errBroken)
		if strings.Contains(d.log.String(), "canary-inner-text") || err == nil {
			t.Error("the panic's text got out")
		}
	}, func(_ *Options, ro *router.Options) { ro.Gateways[0].Provider = weak })
}
