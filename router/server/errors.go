package server

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// domain is what ErrorInfo.domain says in every error of ours.
const domain = "payrouter"

// fault is an error as callers see it: code, reason and details. The cause stays
// here, for the log, and never reaches the wire.
type fault struct {
	status *status.Status
	reason pb.ErrorReason
	cause  error
}

func (f *fault) Error() string { return f.status.Message() }

// GRPCStatus is what grpc sends.
func (f *fault) GRPCStatus() *status.Status { return f.status }

// Unwrap gives the cause.
func (f *fault) Unwrap() error { return f.cause }

// reasonCodes is where gRPC codes are chosen, here and nowhere else: the code of each
// reason, as the comments of ErrorReason say it. What a reason says of an error of the
// rooms below stands in refusals.go.
var reasonCodes = map[pb.ErrorReason]codes.Code{
	pb.ErrorReason_ERROR_REASON_REQUEST_ID_REQUIRED:      codes.InvalidArgument,
	pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT:           codes.InvalidArgument,
	pb.ErrorReason_ERROR_REASON_UNKNOWN_CURRENCY:         codes.InvalidArgument,
	pb.ErrorReason_ERROR_REASON_CARD_NUMBER_REFUSED:      codes.InvalidArgument,
	pb.ErrorReason_ERROR_REASON_INVALID_FIELD:            codes.InvalidArgument,
	pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END:       codes.InvalidArgument,
	pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED:        codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_ORDER_ALREADY_OPEN:       codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_ORDER_ALREADY_PAID:       codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED:       codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY:       codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT:       codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CANCELABLE:   codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CAPTURABLE:   codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_CAPTURE_EXCEEDS_HELD:     codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_REFUND_EXCEEDS_PAID:      codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_REFUND_OPEN:              codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED:     codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_OVERRIDE_ENDED:           codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_ATTEMPT_NOT_OPEN:         codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_DAY_NOT_OVER:             codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_NO_STATEMENT_SOURCE:      codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_RECONCILIATION_ENDED:     codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_FINDING_CLOSED:           codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_FINDING_OPEN:             codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_IMPORT_OFFSET:            codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_DAYS_MISSING:             codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_FINDING_NOT_ADOPTABLE:    codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_DISPUTE_ANSWERED:         codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_DISPUTE_CLOSED:           codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_NOTHING_TAKEN:            codes.FailedPrecondition,
	pb.ErrorReason_ERROR_REASON_DISPUTE_EXISTS:           codes.AlreadyExists,
	pb.ErrorReason_ERROR_REASON_STALE_ETAG:               codes.Aborted,
	pb.ErrorReason_ERROR_REASON_NOT_FOUND:                codes.NotFound,
	pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND:     codes.NotFound,
	pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND:        codes.NotFound,
	pb.ErrorReason_ERROR_REASON_MESSAGE_TOO_LARGE:        codes.ResourceExhausted,
	pb.ErrorReason_ERROR_REASON_RATE_LIMITED:             codes.ResourceExhausted,
	pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED:        codes.PermissionDenied,
	pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED:          codes.Unauthenticated,
	pb.ErrorReason_ERROR_REASON_INTERNAL:                 codes.Internal,
	pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE: codes.Unavailable,
	pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE:        codes.Unavailable,
	pb.ErrorReason_ERROR_REASON_RECONNECT:                codes.Unavailable,
}

// retryAfter is what RetryInfo says where nothing better is known: a store that
// hiccups is back in a second, and a stream is to be opened again at once.
const retryAfter = time.Second

// newFault makes an error of a reason: the code comes from the table, and the reason,
// domain and metadata go into ErrorInfo. FAILED_PRECONDITION also carries
// PreconditionFailure; what may be tried again carries RetryInfo. Whoever calls sees
// to it that message and metadata hold no personal data and no provider's text.
func newFault(reason pb.ErrorReason, message string, metadata map[string]string, details ...protoadapt.MessageV1) *fault {
	code, known := reasonCodes[reason]
	if !known {
		code, reason = codes.Internal, pb.ErrorReason_ERROR_REASON_INTERNAL
	}
	info := &errdetails.ErrorInfo{Reason: reasonText(reason), Domain: domain, Metadata: metadata}
	details = append([]protoadapt.MessageV1{info}, details...)
	switch {
	case code == codes.FailedPrecondition && !has[*errdetails.PreconditionFailure](details):
		details = append(details, &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
			{Type: reasonText(reason), Subject: subject(metadata), Description: message}}})
	case (code == codes.Unavailable || reason == pb.ErrorReason_ERROR_REASON_RATE_LIMITED) && !has[*errdetails.RetryInfo](details):
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	st := status.New(code, message)
	if full, err := st.WithDetails(details...); err == nil {
		st = full
	}
	return &fault{status: st, reason: reason}
}

func has[D protoadapt.MessageV1](details []protoadapt.MessageV1) bool {
	for _, d := range details {
		if _, ok := d.(D); ok {
			return true
		}
	}
	return false
}

// subject is the resource that a precondition is about, where the metadata names one.
func subject(metadata map[string]string) string {
	for _, key := range []string{"name", "payment", "refund"} {
		if name := metadata[key]; name != "" {
			return name
		}
	}
	return ""
}

// reasonText is how ErrorInfo writes a reason: the enum's name without its prefix.
func reasonText(r pb.ErrorReason) string { return strings.TrimPrefix(r.String(), "ERROR_REASON_") }

// callerGone says that the caller hung up or that a stream's deadline ended. It is the
// one error without a reason: nobody is there to read it.
func callerGone(why error) *fault { return &fault{status: status.FromContextError(why), cause: why} }
