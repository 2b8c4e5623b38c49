package freedompay

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
)

// Refund gives captured money back by revoke.php or g2g/refund (Config.RefundCall). Freedom
// Pay keeps no refund id of ours and has no proven guard against a repeat, so after a lost
// answer LookupRefund alone may tell what happened. A refusal is believed only when the
// sum returned is what it was before.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	if !r.Amount.PartOf(r.Ref.Amount) {
		return wrong(r.Amount)
	}
	var ok bool
	var result providers.Result
	if r.Ref, result, ok = g.known(ctx, r.Ref); !ok {
		return result
	}
	said, result, ok := g.operate(ctx, g.refundPath(), g.refundFields(r))
	switch {
	case !ok:
		return result
	case said.ok():
		return said.givenBack(r, g.config.RefundCall == byG2G)
	}
	switch seen, uncharged := g.settle(ctx, r); {
	case seen.Verdict == providers.Approved, seen.Verdict == providers.Pending:
		return seen
	case seen.Absent:
		return said.refusal().onOperation(said.code())
	case uncharged:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: said.code()}
	default:
		return providers.Doubt(providers.Ambiguous, said.code(), seen.Err)
	}
}

func (g *Gateway) refundPath() string {
	if g.config.RefundCall == byG2G {
		return "g2g/refund"
	}
	return "revoke.php"
}

// longestKey is the limit of pg_idempotency_key.
const longestKey = 255

func (g *Gateway) refundFields(r providers.Refund) node {
	if g.config.RefundCall == byG2G {
		return flat("pg_payment_id", r.Ref.External, "pg_amount", r.Amount.Decimal())
	}
	fields := flat("pg_payment_id", r.Ref.External, "pg_refund_amount", r.Amount.Decimal())
	if key := r.Ref.Order + ":refund:" + r.ID; r.ID != "" && len(key) <= longestKey {
		fields.add("pg_idempotency_key", key)
	}
	return fields
}

var errOtherSum = errors.New("freedompay: another sum was given back")

// givenBack reads an accepted refund. A state of the refund other than success is
// documented nowhere: it was taken on, and the status has to tell when it is made.
func (a answer) givenBack(r providers.Refund, g2g bool) providers.Result {
	if id, told := a.told("pg_payment_id"); told && id != r.Ref.External {
		return providers.Doubt(providers.Mismatch, a.code(), errOther)
	}
	for _, name := range []string{"pg_amount", "pg_refund_amount"} {
		text, told := a.told(name)
		if !told {
			continue
		}
		if s, err := unsigned(text, r.Amount.Currency); err != nil || s.Money != r.Amount {
			return providers.Doubt(providers.Mismatch, a.code(), errOtherSum)
		}
	}
	word, told := a.told("pg_refund_status")
	if !told && g2g {
		return providers.Doubt(providers.Unreadable, a.code(), errIncomplete)
	}
	result := providers.Result{Verdict: providers.Approved, Amount: r.Amount, Code: a.code()}
	if told && word != "success" {
		result = providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: shown(word)}
	}
	if id := a.text("pg_payment_refund_id"); number(id) {
		result.External = id
	}
	return result
}

// LookupRefund compares the sum returned now, by get_status3, with the sum before, and
// with the refunds that the status lists.
//
//	returned now     a refund is under way   the refund is
//	before + amount  no                      Approved
//	before + amount  yes                     Pending: counted already, still on its way
//	before           one of this amount      Pending
//	before           no                      Absent; Pending if it was given a number of theirs
//	anything else                            Unknown
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	result, _ := g.settle(ctx, r)
	return result
}

// settle also reports whether the payment is seen as not charged, so that nothing of it
// can be given back.
func (g *Gateway) settle(ctx context.Context, r providers.Refund) (providers.Result, bool) {
	seen, result := g.look(ctx, r.Ref)
	switch {
	case result.Absent:
		return providers.Doubt(providers.Ambiguous, result.Code, errors.New("freedompay: the refunded payment is not found")), false
	case result.Verdict == providers.Unknown:
		return result, false
	case result.Verdict != providers.Approved:
		return providers.Doubt(providers.Ambiguous, result.Code, errors.New("freedompay: the refunded payment is not charged")), true
	}
	returned := providers.Money{Minor: result.Returned.Minor, Currency: result.Amount.Currency}
	settled := seen.settles(r, returned)
	settled.Returned, settled.Code = returned, result.Code
	return settled, false
}

// settles tells a refund from the sum that was returned by now.
func (r reading) settles(wanted providers.Refund, returned providers.Money) providers.Result {
	doubt := func(text string) providers.Result {
		return providers.Doubt(providers.Ambiguous, "", errors.New("freedompay: "+text))
	}
	made, waiting, ours := int64(0), false, false
	for _, row := range r.refunds {
		switch states[row.word] {
		case paid, returnedWhole:
			made += row.amount.Minor
		case failed, released, expired:
		case unopened, underWay, strange:
			waiting, ours = true, ours || row.amount == wanted.Amount
		}
	}
	now, before := returned.Minor, wanted.Before.Minor
	after := before + wanted.Amount.Minor
	switch {
	case wanted.Amount.Currency != wanted.Ref.Amount.Currency, wanted.Amount.Minor <= 0, now != before && now != after:
		return doubt("the sum returned fits neither before nor after this refund")
	case len(r.refunds) > 0 && !waiting && made != now:
		return doubt("the refunds listed are not the sum returned")
	case now == after && waiting, now == before && ours:
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing}
	case now == before && waiting:
		return doubt("a refund of another sum is under way")
	case now == before && wanted.External != "": // taken on, and not shown yet
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing}
	case now == before:
		return providers.Result{Absent: true, Reason: providers.Ambiguous}
	}
	return providers.Result{Verdict: providers.Approved, Amount: wanted.Amount}
}
