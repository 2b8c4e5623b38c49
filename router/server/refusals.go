package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Errors of the rooms below become reasons here. What is lost on purpose is the text
// of inner errors, which may name tables, hosts or a provider's words: it is kept as
// the fault's cause and goes to the log.

// about is what the answer to a refused call may name.
type about struct {
	name      string          // the resource that was asked for
	requestID string          // of the call, where it has one
	payment   payment.Payment // as it stands, for wishes about one
}

// refusal turns an error of the rooms below into the caller's words.
func (s *Server) refusal(ctx context.Context, err error, a about) error {
	if err == nil {
		return nil
	}
	if f := asType[*fault](err); f != nil {
		return f // has its words already
	}
	f := s.wordsFor(ctx, err, a)
	f.cause = err
	return f
}

func (s *Server) wordsFor(ctx context.Context, err error, a about) *fault {
	currency := a.payment.Amount.Currency
	switch reused, taken, route := asType[*journal.ReusedError](err), asType[*journal.OrderTakenError](err), asType[*router.RouteError](err); {
	case reused != nil:
		return requestIDReused(s.firstObject(ctx, a.requestID, reused.Payment))
	case taken != nil:
		return orderTaken(*taken)
	case route != nil && errors.Is(err, router.ErrNoCapableGateway):
		return incapable(route.Route)
	}
	switch {
	case errors.Is(err, router.ErrNoCapableGateway):
		return incapable(nil)
	case errors.Is(err, health.ErrReconcile):
		return newFault(pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE, "the database lost a window that people have still to reconcile; nothing was sent",
			nil, comeBack(s.comeBackIn(time.Now(), asType[*router.RouteError](err))))
	case errors.Is(err, router.ErrUnavailable):
		return newFault(pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE, "every gateway that could take this payment is out; nothing was sent",
			nil, comeBack(s.comeBackIn(time.Now(), asType[*router.RouteError](err))))
	case errors.Is(err, router.ErrDeadlinePassed):
		return newFault(pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT, "the payment's deadline has passed", nil)
	case errors.Is(err, router.ErrUnknownTenant):
		return unauthenticated("the tenant is not configured")
	case errors.Is(err, router.ErrUnknownGateway):
		return notFound(pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND, a.name)
	case errors.Is(err, router.ErrUnknownInstrument):
		return notFound(pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND, a.name)
	case errors.Is(err, journal.ErrNotFound):
		return notFound(pb.ErrorReason_ERROR_REASON_NOT_FOUND, a.name)

	case errors.Is(err, router.ErrNotCapturable):
		return newFault(pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CAPTURABLE, "nothing is held, or a capture is on its way",
			map[string]string{"name": a.name, "state": stateText(a.payment)})
	case errors.Is(err, router.ErrExceedsHeld):
		return newFault(pb.ErrorReason_ERROR_REASON_CAPTURE_EXCEEDS_HELD, "more is to be captured than is held",
			map[string]string{"name": a.name, "held_minor_units": minor(a.payment.Sums().Held), "currency_code": currency})
	case errors.Is(err, router.ErrNotCancelable):
		return notCancelable(a)
	case errors.Is(err, router.ErrExceedsPaid):
		return newFault(pb.ErrorReason_ERROR_REASON_REFUND_EXCEEDS_PAID, "refunds done and pending would exceed what was paid",
			map[string]string{"name": a.name, "refundable_minor_units": minor(a.payment.Refundable()), "currency_code": currency})
	case errors.Is(err, router.ErrForeignCurrency):
		return wrongCurrency(currency)
	case errors.Is(err, router.ErrNotOffered):
		return s.notOffered(a)
	case errors.Is(err, router.ErrBelowMinimum):
		return newFault(pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED, "the gateway that took the money cannot give back so little",
			map[string]string{"name": a.name, "detail": "below the gateway's least refund"})
	case errors.Is(err, router.ErrUnspeakable):
		return newFault(pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED, "the gateway that holds the money cannot express this amount",
			map[string]string{"name": a.name, "detail": "whole units only"})

	case errors.Is(err, router.ErrOverrideEnd):
		return newFault(pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END, "an override needs an end in the future, at most 24 h after its start", nil)
	case errors.Is(err, router.ErrStale), errors.Is(err, journal.ErrStale):
		return newFault(pb.ErrorReason_ERROR_REASON_STALE_ETAG, "it changed since the etag was read: read it again and decide anew",
			map[string]string{"name": a.name})

	case errors.Is(err, router.ErrMistimed):
		return newFault(pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE, "the clock of this replica and the database's differ, and nothing was changed; another replica, or this one once its clock is right, does it", nil)
	case errors.Is(err, payment.ErrUnreadable):
		return newFault(pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE, "a later version of payrouter wrote of this payment; repeat the request with the same request_id, and a replica of that version answers", nil)
	case errors.Is(err, context.Canceled), journal.Trouble(err) && errors.Is(ctx.Err(), context.Canceled):
		return callerGone(context.Canceled)
	case journal.Trouble(err) && onlyReads(ctx):
		return newFault(pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE, "the database did not answer in time; ask again", nil)
	case journal.Trouble(err), errors.Is(err, errOutOfTime):
		// A write may have begun, and stand now or later: see within.
		return newFault(pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE, "the database did not answer in time, and it is not known whether the request was taken on; repeat it, with the same request_id where it has one", nil)
	}
	return internal()
}

// onlyReads reports whether the call changes nothing: an auditor may make it.
func onlyReads(ctx context.Context) bool {
	method, _ := grpc.Method(ctx)
	may := rights[method]
	return (may.tenant|may.house)&identity.Auditor != 0
}

// settle gives every error that leaves a handler its words; what a handler has put
// into words already, and what grpc itself says of a stream, stay as they are.
func (s *Server) settle(ctx context.Context, err error) error {
	if err == nil || asType[*fault](err) != nil {
		return err
	}
	if spoken := asType[interface {
		error
		GRPCStatus() *status.Status
	}](err); spoken != nil {
		return err
	}
	return s.refusal(ctx, err, about{})
}

// asType is errors.AsType for types whose zero value is nil.
func asType[E error](err error) E {
	found, _ := errors.AsType[E](err)
	return found
}

// errOutOfTime says that the caller's time ended before anything was in the books. It may
// come to be there.
var errOutOfTime = errors.New("nothing was recorded within the caller's time")

// firstObject names what the request id made when it was used first.
func (s *Server) firstObject(ctx context.Context, requestID, paymentID string) string {
	if first, _, err := s.router.Journal.Request(ctx, identityOf(ctx).tenant, requestID); err == nil && first.Object != "" {
		return refundName(paymentID, first.Object)
	}
	return paymentName(paymentID)
}

// notOffered tells a part that the gateway cannot take or give back from a refund
// that it does not offer at all.
func (s *Server) notOffered(a about) *fault {
	kept, _ := a.payment.Kept()
	metadata := map[string]string{"name": a.name, "detail": "all or nothing"}
	if kept.Verdict.HasMoney() && kept.Held == 0 && !s.router.TermsFor(a.payment.Tenant).Claims(kept.Gateway).Refunds(kept.Method) {
		return newFault(pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY, "the gateway that took the money gives none back by API",
			map[string]string{"name": a.name, "gateway": gatewayName(kept.Gateway)})
	}
	return newFault(pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED, "the gateway that holds the money can do this for the whole amount only", metadata)
}

// comeBackIn is when a gateway of the route may be admitted again: in a second where one
// only has its hands full, else at the earliest end of an open breaker, within a second
// and a minute. Without a route, one was admitted a moment ago.
func (s *Server) comeBackIn(now time.Time, route *router.RouteError) time.Duration {
	wait := 55 * time.Second // a minute, with what comeBack adds
	for _, h := range s.board.Snapshot() {
		if route != nil && !slices.ContainsFunc(route.Route, func(c payment.Choice) bool { return c.Gateway == h.Gateway }) {
			continue
		}
		if h.Why == health.ErrBusy.Error() || route == nil && h.Admitting {
			return retryAfter
		}
		if left := h.OpenUntil.Sub(now); left > 0 {
			wait = min(wait, left)
		}
	}
	return max(wait, retryAfter).Round(time.Millisecond)
}
