package halyk

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// minRefund is the bank's: 10 tenge ("vozvrat-chastichnyi-vozvrat").
var minRefund = providers.Money{Minor: 10_00, Currency: currency}

// Refund gives back once. The amount and our own id always go in the query, as
// documented; whether the bank refuses an id that it has seen is not, so a refund
// is never sent twice.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	if r.Amount.Currency != currency || r.Amount.Minor < minRefund.Minor {
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Err: errors.New("the bank gives back no less than 10 tenge")}
	}
	query := url.Values{"amount": {r.Amount.Shortest()}, "externalID": {r.ID}}
	result, said := g.operate(ctx, r.Ref, "refund", query, nil)
	if result.Verdict == providers.Approved && said.ExternalID != "" && string(said.ExternalID) != r.ID {
		return providers.Doubt(providers.Mismatch, result.Code, errors.New("the answer is about another refund"))
	}
	return result
}

// LookupRefund tells what can honestly be told; there is no look-up by our id.
//
//	the payment's status   this refund                   answer
//	any of money           the registry's own refund rows Approved
//	                       sum up to all refunds so far
//	REFUND                 the first, of the whole, the   Approved
//	                       registry read and silent, and
//	                       payoutAmount told and 0
//	CHARGE                 returns the rest, registry     Absent: with nothing left the name
//	                       read and silent                would have changed, and the bank lets
//	                                                      nobody return more than the whole
//	otherwise              -                              Unknown
//
// The name alone may come with the first part that is returned, hence payoutAmount. What
// is left of it above 0 is no measure: the fee is in it.
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	status, failed := g.inquire(ctx, deadline, r.Ref.Order)
	if failed != nil {
		return *failed
	}
	ref := r.Ref
	seen := g.read(ref, status, time.Now())
	if seen.Verdict != providers.Approved {
		reason := seen.Reason
		if seen.Verdict != providers.Unknown || reason == providers.NoReason {
			reason = providers.Ambiguous // a refund of a payment that shows no money
		}
		return providers.Doubt(reason, seen.Code, seen.Err)
	}
	approved := providers.Result{Verdict: providers.Approved, Code: seen.Code}
	after, err := addAmount(r.Before, r.Amount)
	if err != nil {
		return providers.Doubt(providers.Ambiguous, seen.Code, err)
	}
	whole := ref.Amount
	if ref.TwoStage {
		// Captured in part, the whole is less; the bank's own figure is all there is.
		if sum, err := status.Transaction.sum(); err == nil {
			whole = sum
		}
	}
	name := status.Transaction.StatusName
	rest := after == whole
	returned, err := g.returned(ctx, deadline, ref, status.Transaction.ID)
	switch {
	case err != nil:
		return providers.Doubt(providers.Ambiguous, seen.Code, err)
	case returned == after,
		name == "REFUND" && rest && r.Before.IsZero() && returned.IsZero() && status.Transaction.paidNothing():
		return approved
	case name == "CHARGE" && rest && returned.Minor <= r.Before.Minor:
		return providers.Result{Absent: true, Code: seen.Code}
	}
	return providers.Doubt(providers.Ambiguous, seen.Code, errors.New("the bank does not show single refunds"))
}

// paidNothing reports whether the bank says that the shop gets nothing of a payment.
func (t transaction) paidNothing() bool {
	sum, err := readAmount(t.PayoutAmount)
	return err == nil && sum.IsZero()
}

// returned sums the registry's refund rows of a payment. They exist only where the
// bank lists refunds by themselves; that there are none proves nothing.
func (g *Gateway) returned(ctx context.Context, deadline time.Time, ref providers.Ref, payment text) (providers.Money, error) {
	sum := providers.Money{Currency: ref.Amount.Currency}
	if ref.Planned.IsZero() {
		return sum, errors.New("not known since when to search")
	}
	const pages = 10 // a look-up is no report: a thousand rows, then people
	window := providers.Window{From: ref.Planned.Add(-time.Hour), To: time.Now().Add(time.Hour)}
	records, err := g.registry(ctx, window, pages, deadline)
	if err != nil {
		return sum, err
	}
	counted := map[text]bool{}
	for _, row := range records {
		if string(row.InvoiceID) != ref.Order || row.ID == payment || standings[row.Status] != givenBack || counted[row.ID] {
			continue
		}
		counted[row.ID] = true
		amount, err := readAmount(row.Amount)
		if err != nil {
			return sum, err
		}
		if sum, err = addAmount(sum, amount); err != nil {
			return sum, err
		}
	}
	return sum, nil
}
