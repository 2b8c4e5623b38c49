package server

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
	"github.com/payrouter/payrouter/router/payment"
)

// What is said, reason by reason, where more than a sentence is needed.

func internal() *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_INTERNAL, "our own fault; repeat the request with the same request_id to learn whether something was done", nil)
}

func unauthenticated(message string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED, message, nil)
}

// permissionDenied names the method and the roles of which one would do, and nothing of
// what was sent: a tenant that is not the caller's own may or may not exist.
func permissionDenied(method string, needed right) *fault {
	metadata := needed.needed()
	metadata["method"] = method
	return newFault(pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED, "who calls has none of the roles that this needs", metadata)
}

func messageTooLarge() *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_MESSAGE_TOO_LARGE, fmt.Sprintf("the request is larger than %d bytes", maxMessage), nil)
}

// unreadable cannot name the field: the message was never taken apart.
func unreadable() *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_INVALID_FIELD, "the request is not a message of this method, or holds text that is not UTF-8", nil)
}

func reconnect(message string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_RECONNECT, message, nil)
}

// tooMuch is about the one who calls, as crowded is about all together.
func tooMuch(message string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_RATE_LIMITED, message+"; nothing was done, and the same request may come again", nil, comeBack(retryAfter))
}

func tooSlow() *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_RATE_LIMITED, "the stream is read too slowly: resume from the last sequence", nil)
}

func requestIDReused(name string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED, "the request_id was used with another body; nothing was done",
		map[string]string{"name": name})
}

// notFound names the resource that this tenant does not have.
func notFound(reason pb.ErrorReason, name string) *fault {
	kind := kindOf(name)
	return newFault(reason, "no such "+kind, map[string]string{"name": name},
		&errdetails.ResourceInfo{ResourceType: kind, ResourceName: name, Description: "no such " + kind})
}

func orderTaken(taken journal.OrderTakenError) *fault {
	metadata := map[string]string{}
	if taken.Payment != "" {
		metadata["payment"] = paymentName(taken.Payment)
	}
	switch payment.Status(taken.Status) {
	case payment.StatusHeld, payment.StatusPaid:
		return newFault(pb.ErrorReason_ERROR_REASON_ORDER_ALREADY_PAID, "another payment of the order is held or paid", metadata)
	}
	return newFault(pb.ErrorReason_ERROR_REASON_ORDER_ALREADY_OPEN, "another payment of the order is open", metadata)
}

// incapable says what stands in the way at the gateways, the mildest obstacle first: a
// longer deadline or another amount would help, another gateway would not.
func incapable(route []payment.Choice) *fault {
	reason, message := pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY, "no gateway of the tenant can do what is asked"
	detail := ""
	failure := &errdetails.PreconditionFailure{}
	for _, c := range route {
		failure.Violations = append(failure.Violations, &errdetails.PreconditionFailure_Violation{
			Type: c.Why, Subject: gatewayName(c.Gateway), Description: c.Detail})
		switch {
		case c.Why == router.WhyDeadline:
			reason, message = pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT, "the deadline leaves no gateway enough time for an offer"
		case c.Why == router.WhyAmount && reason != pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT:
			reason, message, detail = pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED, "no gateway can express or take this amount", c.Detail
		}
	}
	var metadata map[string]string
	if reason == pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED {
		if detail == "" {
			detail = "outside the gateways' limits"
		}
		metadata = map[string]string{"detail": detail}
	}
	if len(failure.Violations) == 0 {
		return newFault(reason, message, metadata)
	}
	return newFault(reason, message, metadata, failure)
}

// notCancelable has no cancelable_time: what cannot be canceled now never can be.
func notCancelable(a about) *fault {
	message := "the payment is over already"
	switch {
	case a.payment.Status() == payment.StatusPaid:
		message = "the payment is paid: create a refund"
	case a.payment.Status() == payment.StatusHeld:
		message = "the payment is being captured: create a refund once it is paid"
	case a.payment.Cancel != nil && a.payment.Finished == nil:
		message = "the payment's cancellation was asked for already, by another request"
	}
	return newFault(pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CANCELABLE, message, map[string]string{"name": a.name, "state": stateText(a.payment)})
}

func wrongCurrency(currency string) *fault {
	v := &violations{}
	v.add(pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT, "amount.currency_code", "is not the payment's currency, "+currency)
	return v.fault()
}

func stateText(p payment.Payment) string { return statesOut[p.Status()].String()[len("STATE_"):] }

func minor(units int64) string { return strconv.FormatInt(units, 10) }

func overrideEnded(o journal.Override) *fault {
	end, metadata := o.End, map[string]string{"name": overrideName(o.Gateway, o.ID)}
	switch {
	case !o.ProposedUntil.IsZero():
		end = o.ProposedUntil
	case !o.Ended.IsZero():
		end = o.Ended
	}
	if o.EndedBy != "" {
		metadata["ended_by"] = o.EndedBy
	}
	metadata["end_time"] = end.UTC().Format(time.RFC3339Nano)
	return newFault(pb.ErrorReason_ERROR_REASON_OVERRIDE_ENDED, "the override has ended already", metadata)
}

// secondOrder says that an order waits for a second person, and what it puts at stake.
func secondOrder(o journal.Override, s router.Stake) *fault {
	metadata := map[string]string{"name": overrideName(o.Gateway, o.ID), "expire_time": o.ProposedUntil.UTC().Format(time.RFC3339),
		"live_offers": minor(s.Offers), "exposed": exposedText(s.AtRisk)}
	if s.Why != nil {
		metadata["why"] = s.Why.Error()
	}
	open := int64(0)
	for _, e := range s.AtRisk {
		open += e.Count
	}
	metadata["open_attempts"] = minor(open)
	return newFault(pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED,
		fmt.Sprintf("recorded, and not in force: another operator must give the same order before %s UTC", o.ProposedUntil.UTC().Format(time.TimeOnly)), metadata)
}

// exposedText tells sums at risk in words, by currency: money of two currencies has no sum.
func exposedText(all []journal.Exposure) string {
	sums := map[string]int64{}
	for _, e := range all {
		sums[e.Currency] += e.Amount
	}
	var said []string
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		said = append(said, providers.Money{Minor: sums[currency], Currency: currency}.String())
	}
	return cmp.Or(strings.Join(said, ", "), "nothing")
}

// secondPerson says what was declared and what it puts at stake.
func secondPerson(name string, word pb.ResolveAttemptRequest_Verdict, exposed providers.Money) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED,
		fmt.Sprintf("recorded; %s stays exposed until another operator says the same", exposed),
		map[string]string{"name": name, "verdict": word.String()[len("VERDICT_"):], "exposed_minor_units": minor(exposed.Minor), "currency_code": exposed.Currency})
}

func attemptNotOpen(name string, v providers.Verdict) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_ATTEMPT_NOT_OPEN, "the attempt is decided already",
		map[string]string{"name": name, "verdict": verdictsOut[v].String()[len("VERDICT_"):]})
}

func dayNotOver(early *office.EarlyError) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_DAY_NOT_OVER, "the business day is not over, or its books may still change",
		map[string]string{"day": early.Day, "ready_time": early.Ready.UTC().Format(time.RFC3339)})
}

func noStatementSource(gateway string, why error) *fault {
	message, source := "nothing is configured for this gateway's statements: see gateways[].books in the configuration", "none"
	if errors.Is(why, office.ErrNoSource) {
		message, source = "the gateway's provider offers no list of its books", "none by call"
	}
	return newFault(pb.ErrorReason_ERROR_REASON_NO_STATEMENT_SOURCE, message, map[string]string{"gateway": gateway, "source": source})
}

func reconciliationEnded(r journal.Run) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_RECONCILIATION_ENDED, "the run has ended already",
		map[string]string{"name": reconciliationName(r.ID), "state": runStatesOut[r.State].String()[len("STATE_"):]})
}

func findingClosed(name, by string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_FINDING_CLOSED, "the finding is closed already", map[string]string{"name": name, "closed_by": by})
}

func findingNotAdoptable(name, why string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_FINDING_NOT_ADOPTABLE, "no payment can be made of it: "+why, map[string]string{"name": name, "detail": why})
}

func findingOpen(name string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_FINDING_OPEN, "the finding is open already", map[string]string{"name": name})
}

func importOffset(i journal.Import) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_IMPORT_OFFSET, "the next piece begins at received_bytes, or no more is expected",
		map[string]string{"name": importName(i.ID), "state": importStatesOut[i.State].String()[len("STATE_"):], "received_bytes": strconv.FormatInt(i.Received, 10)})
}

func disputeExists(name string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_DISPUTE_EXISTS, "another dispute of the gateway has this case number", map[string]string{"name": name})
}

func disputeAnswered(name, by string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_DISPUTE_ANSWERED, "the dispute is answered already", map[string]string{"name": name, "answered_by": by})
}

func disputeClosed(name, by string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_DISPUTE_CLOSED, "the dispute is closed already", map[string]string{"name": name, "closed_by": by})
}

func nothingTaken(p payment.Payment) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_NOTHING_TAKEN, "no attempt holds the payment's money by our books: name the attempt that the dispute is about",
		map[string]string{"name": paymentName(p.ID), "state": stateText(p)})
}
