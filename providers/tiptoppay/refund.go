package tiptoppay

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Refund gives captured money back. A refund is a transaction of its own; our id goes
// along twice, as the X-Request-ID and in the data that TipTop Pay keeps for us.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	if !r.Amount.PartOf(r.Ref.Amount) || r.ID == "" {
		return wrong(r.Amount)
	}
	seen := g.look(ctx, r.Ref)
	switch {
	case seen.Verdict != providers.Approved:
		return notBegun(seen)
	case r.Before.Minor < 0 || r.Amount.Minor > seen.Amount.Minor-r.Before.Minor:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code,
			Err: errors.New("tiptoppay: more than is left of what was taken")}
	}
	said, result, ok := g.ask(ctx, call{refund, operationRequest{
		TransactionID: seen.tx.number(), Amount: json.Number(r.Amount.Decimal()), JSONData: &note{Refund: r.ID},
	}, deed(r.ID, "refund")}, time.Now().Add(g.config.Timeouts.Refund))
	var made transaction
	switch {
	case !ok:
		return result
	case !said.Success:
		return providers.Doubt(providers.Ambiguous, "refused", nil) // what it means, a look-up must say
	case readModel(said.Model, &made) != nil, !aTransactionID.MatchString(string(made.TransactionID)):
		return providers.Doubt(providers.Unreadable, "", errNameless)
	case made.TransactionID == seen.tx.TransactionID:
		return providers.Doubt(providers.Mismatch, "", errors.New("tiptoppay: the refund has the payment's own id"))
	}
	return providers.Result{Verdict: providers.Approved, Amount: r.Amount, External: string(made.TransactionID)}
}

// LookupRefund settles a refund by what the terminal's own books show.
//
//	last operation of the order     the refund is
//	the payment itself              Absent, if nothing was given back before
//	a refund that carries our id    Approved
//	anything else                   told by the list of all refunds of the payment: by the
//	                                one that carries our id, or else by their sum
//
//	sum of refunds
//	before                          Absent
//	before + amount                 Approved; Pending while one of them is not yet through
//	anything else                   Unknown
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	paid := g.look(ctx, r.Ref)
	switch {
	case paid.Absent:
		return providers.Doubt(providers.Ambiguous, paid.Code, errors.New("tiptoppay: the refunded payment is not found"))
	case paid.Verdict == providers.Unknown:
		return paid.Result
	case paid.Verdict != providers.Approved:
		return providers.Doubt(providers.Ambiguous, paid.Code, errors.New("tiptoppay: the refunded payment is not charged"))
	}
	last, result, ok := g.lastOperation(ctx, r.Ref)
	switch {
	case !ok:
		return result
	case !last.returns() && last.TransactionID == paid.tx.TransactionID:
		return tally{}.compare(r)
	case last.carries(r, paid.tx):
		return last.gave(r)
	}
	sum, result, ok := g.refunds(ctx, r, paid.tx, last)
	switch {
	case !ok:
		return result
	case sum.ours != nil:
		return sum.ours.gave(r)
	}
	return sum.compare(r)
}

// carries reports whether the transaction is the refund r of a payment, gone through: the
// note we sent along says so.
func (t transaction) carries(r providers.Refund, paid transaction) bool {
	return t.OriginalID == paid.TransactionID && r.ID != "" && readNote(t.JSONData).Refund == r.ID && t.Status == completed
}

// gave is what a transaction that carries the refund's id says of it.
func (t transaction) gave(r providers.Refund) providers.Result {
	if sum, err := t.sum(); err != nil || sum != r.Amount {
		return providers.Doubt(providers.Mismatch, t.code(), errors.New("tiptoppay: our refund has another amount"))
	}
	return providers.Result{Verdict: providers.Approved, Amount: r.Amount, External: string(t.TransactionID), Code: t.code()}
}

// lastOperation asks for the last thing that happened under our order number, refunds
// included.
func (g *Gateway) lastOperation(ctx context.Context, ref providers.Ref) (transaction, providers.Result, bool) {
	said, result, ok := g.ask(ctx, call{path: operationFind, body: byOrder{ref.Order}}, time.Now().Add(g.config.Timeouts.Status))
	var t transaction
	switch {
	case !ok:
		result.Verdict = providers.Unknown
		return t, result, false
	case said.Model == nil || readModel(said.Model, &t) != nil:
		return t, providers.Doubt(providers.Unreadable, "", errors.New("tiptoppay: the last operation is not told")), false
	case string(t.InvoiceID) != ref.Order && t.InvoiceID != "":
		return t, providers.Doubt(providers.Mismatch, t.code(), errors.New("tiptoppay: another order than the one asked for")), false
	case !aTransactionID.MatchString(string(t.TransactionID)):
		return t, providers.Doubt(providers.Unreadable, t.code(), errNameless), false
	}
	return t, providers.Result{}, true
}

// mostRefundPages ends a list that has no end: a hundred thousand operations.
const mostRefundPages = 1000

// tally is the sum of a payment's refunds.
type tally struct {
	minor   int64        // through
	pending int64        // accepted and not through
	unclear bool         // a refund stands in a way nobody knows
	ours    *transaction // carries the id of the refund that is looked for
}

// refunds adds up the refunds of a payment, from the terminal's list since the payment. A
// list in which the payment itself is missing, or the refund that was just seen, is not
// the list that was asked for. Months may lie between, so every page has its own limit.
func (g *Gateway) refunds(ctx context.Context, r providers.Refund, paid, last transaction) (tally, providers.Result, bool) {
	began, err := paid.created()
	if err != nil {
		return tally{}, providers.Doubt(providers.Unreadable, paid.code(), err), false
	}
	var sum tally
	missing := map[literal]bool{paid.TransactionID: true}
	if last.OriginalID == paid.TransactionID {
		missing[last.TransactionID] = true
	}
	result, ok := g.list(ctx, providers.Window{From: began, To: time.Now().Add(listEdge)}, mostRefundPages, g.eachPage, func(t transaction) error {
		delete(missing, t.TransactionID)
		if t.OriginalID == paid.TransactionID {
			sum.add(t)
		}
		if t.carries(r, paid) {
			sum.ours = &t
		}
		return nil
	})
	if sum.ours != nil { // what else the list holds, or whether it ended, matters no more
		return sum, providers.Result{}, true
	}
	if ok && len(missing) > 0 {
		return tally{}, providers.Doubt(providers.Mismatch, "", errCutOff), false
	}
	return sum, result, ok
}

func (s *tally) add(t transaction) {
	given, err := t.sum()
	switch {
	case err != nil || given.Minor > math.MaxInt64-s.minor-s.pending:
		s.unclear = true
	case t.Status == completed:
		s.minor += given.Minor
	case t.Status == authorized || t.Status == awaiting:
		s.pending += given.Minor
	case t.Status != statusDeclined && t.Status != cancelled: // it failed after it was accepted
		s.unclear = true
	}
}

// compare settles a refund by the sum returned now and the sum before.
func (s tally) compare(r providers.Refund) providers.Result {
	result := providers.Result{Reason: providers.Ambiguous}
	if s.unclear || r.Amount.Minor <= 0 || r.Amount.Currency != currency {
		result.Err = errors.New("tiptoppay: the refunds cannot be added up")
		return result
	}
	result.Returned = providers.Money{Minor: s.minor, Currency: currency}
	switch {
	case s.minor == r.Before.Minor && s.pending == 0:
		result.Absent = true
	case s.minor == r.Before.Minor && s.pending == r.Amount.Minor:
		result.Verdict, result.Reason = providers.Pending, providers.Processing
	case s.minor-r.Amount.Minor == r.Before.Minor && s.pending == 0:
		result.Verdict, result.Reason, result.Amount = providers.Approved, providers.NoReason, r.Amount
	default:
		result.Err = errors.New("tiptoppay: the sum returned fits neither before nor after this refund")
	}
	return result
}

// sum is a transaction's amount.
func (t transaction) sum() (providers.Money, error) {
	sum, err := providers.ParseMoney(string(t.Amount), string(t.Currency))
	if err != nil || sum.Minor < 0 || sum.Currency != currency {
		return providers.Money{}, errAmount
	}
	return sum, nil
}
