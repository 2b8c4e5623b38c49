package server

import (
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/readiness"
)

// The tables between our words and the contract's. What stands in none of them
// becomes the contract's UNSPECIFIED, which readers take for the careful value; the
// tests see to it that nothing of ours is missing.

var methodsOut = map[providers.Method]pb.Method{
	providers.QR:         pb.Method_METHOD_QR,
	providers.Link:       pb.Method_METHOD_LINK,
	providers.Page:       pb.Method_METHOD_PAGE,
	providers.Push:       pb.Method_METHOD_PUSH,
	providers.Account:    pb.Method_METHOD_ACCOUNT,
	providers.Instrument: pb.Method_METHOD_INSTRUMENT,
}

var methodsIn = reversed(methodsOut)

var verdictsOut = map[providers.Verdict]pb.Verdict{
	providers.Unknown:  pb.Verdict_VERDICT_UNKNOWN,
	providers.Pending:  pb.Verdict_VERDICT_PENDING,
	providers.Held:     pb.Verdict_VERDICT_HELD,
	providers.Approved: pb.Verdict_VERDICT_APPROVED,
	providers.Declined: pb.Verdict_VERDICT_DECLINED,
	providers.Unserved: pb.Verdict_VERDICT_UNSERVED,
}

var reasonsOut = map[providers.Reason]pb.Reason{
	providers.NotSent:         pb.Reason_REASON_NOT_SENT,
	providers.Throttled:       pb.Reason_REASON_THROTTLED,
	providers.Maintenance:     pb.Reason_REASON_MAINTENANCE,
	providers.Misconfigured:   pb.Reason_REASON_MISCONFIGURED,
	providers.Unsupported:     pb.Reason_REASON_UNSUPPORTED,
	providers.NotFound:        pb.Reason_REASON_NOT_FOUND,
	providers.DeclinedHard:    pb.Reason_REASON_DECLINED_HARD,
	providers.DeclinedSoft:    pb.Reason_REASON_DECLINED_SOFT,
	providers.InvalidRequest:  pb.Reason_REASON_INVALID_REQUEST,
	providers.CanceledByPayer: pb.Reason_REASON_CANCELED_BY_PAYER,
	providers.Expired:         pb.Reason_REASON_EXPIRED,
	providers.Released:        pb.Reason_REASON_RELEASED,
	providers.Refused:         pb.Reason_REASON_REFUSED,
	providers.AwaitingPayer:   pb.Reason_REASON_AWAITING_PAYER,
	providers.PayerConfirming: pb.Reason_REASON_PAYER_CONFIRMING,
	providers.StepUp:          pb.Reason_REASON_STEP_UP,
	providers.Processing:      pb.Reason_REASON_PROCESSING,
	providers.Review:          pb.Reason_REASON_REVIEW,
	providers.Timeout:         pb.Reason_REASON_TIMEOUT,
	providers.Broken:          pb.Reason_REASON_BROKEN,
	providers.ServerError:     pb.Reason_REASON_SERVER_ERROR,
	providers.Unreadable:      pb.Reason_REASON_UNREADABLE,
	providers.BadSignature:    pb.Reason_REASON_BAD_SIGNATURE,
	providers.Mismatch:        pb.Reason_REASON_MISMATCH,
	providers.Duplicate:       pb.Reason_REASON_DUPLICATE,
	providers.Ambiguous:       pb.Reason_REASON_AMBIGUOUS,
	providers.UnknownCode:     pb.Reason_REASON_UNKNOWN_CODE,
	providers.Panicked:        pb.Reason_REASON_PANICKED,
}

var statesOut = map[payment.Status]pb.Payment_State{
	payment.StatusProcessing:    pb.Payment_STATE_PROCESSING,
	payment.StatusAwaitingPayer: pb.Payment_STATE_AWAITING_PAYER,
	payment.StatusHeld:          pb.Payment_STATE_HELD,
	payment.StatusPaid:          pb.Payment_STATE_PAID,
	payment.StatusDeclined:      pb.Payment_STATE_DECLINED,
	payment.StatusFailed:        pb.Payment_STATE_FAILED,
	payment.StatusCanceled:      pb.Payment_STATE_CANCELED,
}

var statesIn = reversed(statesOut)

var adviceOut = map[payment.Advice]pb.PayerAdvice{
	payment.AdviceNone:           pb.PayerAdvice_PAYER_ADVICE_NONE,
	payment.AdviceWait:           pb.PayerAdvice_PAYER_ADVICE_WAIT,
	payment.AdvicePayAgainSafe:   pb.PayerAdvice_PAYER_ADVICE_PAY_AGAIN_SAFE,
	payment.AdviceAnotherMethod:  pb.PayerAdvice_PAYER_ADVICE_USE_ANOTHER_METHOD,
	payment.AdviceContactSupport: pb.PayerAdvice_PAYER_ADVICE_CONTACT_SUPPORT,
}

var evidenceOut = map[payment.EvidenceKind]pb.Evidence_Kind{
	payment.NotSent:         pb.Evidence_KIND_NOT_SENT,
	payment.RefusedByGate:   pb.Evidence_KIND_REFUSED,
	payment.DeclinedFinally: pb.Evidence_KIND_DECLINED,
	payment.NeverShown:      pb.Evidence_KIND_NEVER_SHOWN,
	payment.Withdrawn:       pb.Evidence_KIND_WITHDRAWN,
	payment.ExpiredUnpaid:   pb.Evidence_KIND_EXPIRED_UNPAID,
	payment.AbsentConfirmed: pb.Evidence_KIND_ABSENT_CONFIRMED,
	payment.Voided:          pb.Evidence_KIND_VOIDED,
	payment.ByOperator:      pb.Evidence_KIND_OPERATOR,
}

var sourcesOut = map[payment.Source]pb.Evidence_Source{
	payment.FromResponse:  pb.Evidence_SOURCE_RESPONSE,
	payment.FromLookup:    pb.Evidence_SOURCE_LOOKUP,
	payment.FromNotice:    pb.Evidence_SOURCE_NOTICE,
	payment.FromStatement: pb.Evidence_SOURCE_STATEMENT,
	payment.FromOperator:  pb.Evidence_SOURCE_OPERATOR,
	payment.FromRouter:    pb.Evidence_SOURCE_ROUTER,
	payment.FromQuestion:  pb.Evidence_SOURCE_QUESTION,
}

var refundStatesOut = map[payment.RefundState]pb.Refund_State{
	payment.RefundPending: pb.Refund_STATE_PENDING,
	payment.RefundDone:    pb.Refund_STATE_DONE,
	payment.RefundFailed:  pb.Refund_STATE_FAILED,
}

var modesOut = map[health.Mode]pb.Override_Mode{
	health.Drain:       pb.Override_MODE_DRAIN,
	health.Admit:       pb.Override_MODE_ADMIT,
	health.ObserveOnly: pb.Override_MODE_OBSERVE_ONLY,
	health.Reconcile:   pb.Override_MODE_RECONCILE,
}

var modesIn = reversed(modesOut)

// Fetching a token is part of every call that needs one, so no breaker of ours is
// OPERATION_TOKEN.
var operationsOut = map[health.Op]pb.Operation{
	health.OpCharge:  pb.Operation_OPERATION_CHARGE,
	health.OpCreate:  pb.Operation_OPERATION_CREATE,
	health.OpCapture: pb.Operation_OPERATION_CAPTURE,
	health.OpStatus:  pb.Operation_OPERATION_STATUS,
	health.OpRefund:  pb.Operation_OPERATION_REFUND,
	health.OpVoid:    pb.Operation_OPERATION_VOID,
}

var breakersOut = map[string]pb.Breaker_State{
	"closed":    pb.Breaker_STATE_CLOSED,
	"half_open": pb.Breaker_STATE_HALF_OPEN,
	"open":      pb.Breaker_STATE_OPEN,
}

var runStatesOut = map[journal.RunState]pb.Reconciliation_State{
	journal.RunQueued:   pb.Reconciliation_STATE_QUEUED,
	journal.RunReading:  pb.Reconciliation_STATE_READING,
	journal.RunMatching: pb.Reconciliation_STATE_MATCHING,
	journal.RunDone:     pb.Reconciliation_STATE_DONE,
	journal.RunFailed:   pb.Reconciliation_STATE_FAILED,
	journal.RunCanceled: pb.Reconciliation_STATE_CANCELED,
}

var importStatesOut = map[journal.ImportState]pb.StatementImport_State{
	journal.ImportReceiving: pb.StatementImport_STATE_RECEIVING,
	journal.ImportReading:   pb.StatementImport_STATE_READING,
	journal.ImportAccepted:  pb.StatementImport_STATE_ACCEPTED,
	journal.ImportRefused:   pb.StatementImport_STATE_REFUSED,
	journal.ImportValid:     pb.StatementImport_STATE_VALID,
}

var runStatesIn = reversed(runStatesOut)

var findingStatesOut = map[journal.FindingState]pb.Finding_State{
	journal.FindingOpen:   pb.Finding_STATE_OPEN,
	journal.FindingClosed: pb.Finding_STATE_CLOSED,
}

var findingStatesIn = reversed(findingStatesOut)

var resolutionsOut = map[journal.Resolution]pb.Finding_Resolution{
	journal.ByPerson:  pb.Finding_RESOLUTION_PERSON,
	journal.Healed:    pb.Finding_RESOLUTION_HEALED,
	journal.Explained: pb.Finding_RESOLUTION_EXPLAINED,
	journal.Adopted:   pb.Finding_RESOLUTION_ADOPTED,
}

var disputeKindsOut = map[journal.DisputeKind]pb.Dispute_Kind{
	journal.Chargeback: pb.Dispute_KIND_CHARGEBACK,
	journal.Claim:      pb.Dispute_KIND_CLAIM,
	journal.Inquiry:    pb.Dispute_KIND_INQUIRY,
}

var disputeKindsIn = reversed(disputeKindsOut)

var disputeStatesOut = map[journal.DisputeState]pb.Dispute_State{
	journal.DisputeOpen:     pb.Dispute_STATE_OPEN,
	journal.DisputeAnswered: pb.Dispute_STATE_ANSWERED,
	journal.DisputeClosed:   pb.Dispute_STATE_CLOSED,
}

var disputeStatesIn = reversed(disputeStatesOut)

var outcomesOut = map[journal.Outcome]pb.Dispute_Outcome{
	journal.Won:       pb.Dispute_OUTCOME_WON,
	journal.Lost:      pb.Dispute_OUTCOME_LOST,
	journal.Withdrawn: pb.Dispute_OUTCOME_WITHDRAWN,
}

var outcomesIn = reversed(outcomesOut)

var readinessStatesOut = map[readiness.State]pb.Readiness_Item_State{
	readiness.Met:        pb.Readiness_Item_STATE_MET,
	readiness.NotMet:     pb.Readiness_Item_STATE_NOT_MET,
	readiness.NoEvidence: pb.Readiness_Item_STATE_NO_EVIDENCE,
}

// wordsIn are what a person may say about an attempt. NOT_CHARGED is Unserved, so
// that another gateway may be tried; DECLINED ends the payment.
var wordsIn = map[pb.ResolveAttemptRequest_Verdict]providers.Verdict{
	pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED: providers.Unserved,
	pb.ResolveAttemptRequest_VERDICT_CHARGED:     providers.Approved,
	pb.ResolveAttemptRequest_VERDICT_HELD:        providers.Held,
	pb.ResolveAttemptRequest_VERDICT_DECLINED:    providers.Declined,
}

func reversed[K, V comparable](table map[K]V) map[V]K {
	back := make(map[V]K, len(table))
	for k, v := range table {
		back[v] = k
	}
	return back
}

var phasesOut = map[audit.Phase]pb.AuditRecord_Phase{
	audit.Asked: pb.AuditRecord_PHASE_ASKED,
	audit.Ended: pb.AuditRecord_PHASE_ENDED,
	audit.Note:  pb.AuditRecord_PHASE_NOTE,
}

var faultsOut = map[audit.Fault]pb.VerifyAuditResponse_Fault{
	audit.Changed:    pb.VerifyAuditResponse_FAULT_CHANGED,
	audit.Missing:    pb.VerifyAuditResponse_FAULT_MISSING,
	audit.OutOfOrder: pb.VerifyAuditResponse_FAULT_OUT_OF_ORDER,
	audit.Cut:        pb.VerifyAuditResponse_FAULT_CUT,
	audit.Rewritten:  pb.VerifyAuditResponse_FAULT_REWRITTEN,
}
