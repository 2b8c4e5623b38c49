package server

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/readiness"
)

// covers checks that every word of ours has one of the contract's, no two the same,
// and that the contract has no value that nothing of ours means, but for the given ones.
func covers[K comparable, V interface {
	comparable
	protoreflect.Enum
}](t *testing.T, what string, ours []K, table map[K]V, alone ...V) {
	t.Helper()
	used := map[protoreflect.EnumNumber]bool{0: true}
	for _, v := range alone {
		used[v.Number()] = true
	}
	for _, k := range ours {
		v, ok := table[k]
		if !ok || v.Number() == 0 {
			t.Errorf("%s: %v has no value in the contract", what, k)
			continue
		}
		if used[v.Number()] {
			t.Errorf("%s: %v shares its value with another word", what, k)
		}
		used[v.Number()] = true
	}
	if len(table) != len(ours) {
		t.Errorf("%s: the table has %d words, we have %d", what, len(table), len(ours))
	}
	var any V
	values := any.Descriptor().Values()
	for i := range values.Len() {
		if !used[values.Get(i).Number()] {
			t.Errorf("%s: nothing of ours means %s", what, values.Get(i).Name())
		}
	}
}

func TestEveryWordOfOursHasOneInTheContractAndTheOtherWayRound(t *testing.T) {
	covers(t, "methods", providers.Methods(), methodsOut)
	covers(t, "verdicts", providers.Verdicts(), verdictsOut)
	covers(t, "reasons", providers.Reasons(), reasonsOut, // these are a payment's, not an attempt's
		pb.Reason_REASON_NO_GATEWAY, pb.Reason_REASON_CANCELED_BY_CALLER, pb.Reason_REASON_DEADLINE_PASSED)
	covers(t, "states", payment.Statuses(), statesOut)
	covers(t, "advice", []payment.Advice{payment.AdviceNone, payment.AdviceWait, payment.AdvicePayAgainSafe,
		payment.AdviceAnotherMethod, payment.AdviceContactSupport}, adviceOut)
	covers(t, "evidence", []payment.EvidenceKind{payment.NotSent, payment.RefusedByGate, payment.DeclinedFinally, payment.NeverShown,
		payment.Withdrawn, payment.ExpiredUnpaid, payment.AbsentConfirmed, payment.Voided, payment.ByOperator}, evidenceOut)
	covers(t, "sources", []payment.Source{payment.FromResponse, payment.FromLookup, payment.FromNotice, payment.FromQuestion,
		payment.FromStatement, payment.FromOperator, payment.FromRouter}, sourcesOut)
	covers(t, "refund states", []payment.RefundState{payment.RefundPending, payment.RefundDone, payment.RefundFailed}, refundStatesOut)
	covers(t, "modes", health.Modes(), modesOut)
	covers(t, "operations", health.Ops(), operationsOut, pb.Operation_OPERATION_TOKEN)
	covers(t, "breakers", []string{"closed", "half_open", "open"}, breakersOut)
	covers(t, "runs", journal.RunStates(), runStatesOut)
	covers(t, "imports", journal.ImportStates(), importStatesOut)
	covers(t, "findings", []journal.FindingState{journal.FindingOpen, journal.FindingClosed}, findingStatesOut)
	covers(t, "resolutions", []journal.Resolution{journal.ByPerson, journal.Healed, journal.Explained, journal.Adopted}, resolutionsOut)
	covers(t, "kinds of disputes", journal.DisputeKinds(), disputeKindsOut)
	covers(t, "disputes", journal.DisputeStates(), disputeStatesOut)
	covers(t, "outcomes", journal.Outcomes(), outcomesOut)
	covers(t, "phases of records", []audit.Phase{audit.Asked, audit.Ended, audit.Note}, phasesOut)
	covers(t, "faults of the audit", []audit.Fault{audit.Changed, audit.Missing, audit.OutOfOrder, audit.Cut, audit.Rewritten}, faultsOut)
	covers(t, "readiness", readiness.States(), readinessStatesOut)
	words := map[providers.Verdict]pb.ResolveAttemptRequest_Verdict{}
	for out, in := range wordsIn {
		words[in] = out
	}
	covers(t, "operators' words", []providers.Verdict{providers.Unserved, providers.Approved, providers.Held, providers.Declined}, words)
}

func TestEveryReasonOfTheContractHasItsCode(t *testing.T) {
	values := pb.ErrorReason(0).Descriptor().Values()
	for i := range values.Len() {
		reason := pb.ErrorReason(values.Get(i).Number())
		_, known := reasonCodes[reason]
		if known == (reason == pb.ErrorReason_ERROR_REASON_UNSPECIFIED) {
			t.Errorf("%s: known %t", reason, known)
		}
	}
}
