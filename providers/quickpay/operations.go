package quickpay

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/payrouter/payrouter/providers"
)

var errNotBegun = errors.New("quickpay: not begun, because the payment could not be looked up first")

// Capture takes amount of a hold. What is left of it stays with the acquirer until it
// lapses; a cancel after a capture is nowhere documented.
func (g *Gateway) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	if !amount.PartOf(ref.Amount) {
		return wrong(amount)
	}
	ref, no := g.identified(ctx, ref)
	if no != nil {
		return *no
	}
	p, no := g.operate(ctx, ref, capture, part{amount.Minor}, func(_ payment, t tally) bool { return t.captured == amount.Minor })
	if no != nil {
		return *no
	}
	result := g.outcome(p, ref, capture, amount)
	if result.Verdict == providers.Approved {
		result.Amount = amount
	}
	return result
}

// Cancel releases a hold, or withdraws an unpaid link. Which of the two it takes, and
// whether anything is left to do, only a look can tell.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	p, seen := g.look(ctx, ref, g.config.Timeouts.Status)
	unserved := func(reason providers.Reason, err error) providers.Result {
		return providers.Result{Verdict: providers.Unserved, Reason: reason, Code: seen.Code, Err: err}
	}
	switch {
	case seen.Verdict == providers.Held && !ref.KeepHold:
		ref.External = string(p.ID)
		return g.void(ctx, ref, seen.Amount)
	case seen.Verdict.HasMoney():
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case seen.Verdict == providers.Declined, seen.Verdict == providers.Unserved:
		return providers.Result{Verdict: providers.Approved, Code: seen.Code} // it holds nothing and never will
	case g.withdrawable(ref, seen):
		ref.External = string(p.ID)
		return g.withdraw(ctx, ref)
	case (seen.Verdict == providers.Pending || endless(seen)) && ref.Method != providers.Instrument && !g.config.WithdrawLinks:
		return unserved(providers.Unsupported, errors.New("quickpay: deleting a link is not known to end it (withdraw_links)"))
	case seen.Verdict == providers.Pending:
		return unserved(providers.Unsupported, errors.New("quickpay: the payment is under way; ask again when it is decided"))
	case seen.Absent: // a link may still be on its way
		return unserved(providers.NotFound, nil)
	}
	return unserved(providers.NotSent, errors.Join(errNotBegun, seen.Err))
}

// withdrawable reports whether an offer waits for its payer, nobody is at it, and deleting
// its link is known to end it.
func (g *Gateway) withdrawable(ref providers.Ref, seen providers.Result) bool {
	waits := seen.Verdict == providers.Pending && seen.Reason == providers.AwaitingPayer
	return ref.Method != providers.Instrument && g.config.WithdrawLinks && (waits || endless(seen))
}

// endless reports whether all that is doubtful about a payment is when its link ends.
func endless(seen providers.Result) bool { return errors.Is(seen.Err, errNoEnd) }

// void releases a hold whole. Once anything was captured QuickPay refuses it.
func (g *Gateway) void(ctx context.Context, ref providers.Ref, held providers.Money) providers.Result {
	p, no := g.operate(ctx, ref, cancel, nothing{}, func(_ payment, t tally) bool { return t.canceled })
	if no != nil {
		return *no
	}
	return g.outcome(p, ref, cancel, held)
}

// withdraw deletes the link of an unpaid payment. The answer is 204, without a body, and so
// says nothing of the payment; the look that must follow a withdrawal does. Any other
// answer is not documented.
func (g *Gateway) withdraw(ctx context.Context, ref providers.Ref) providers.Result {
	got, no := g.exchange(ctx, g.client, call{method: http.MethodDelete, path: "/payments/" + ref.External + "/link", limit: g.config.Timeouts.Refund})
	code := fmt.Sprintf("http %d", got.Status)
	switch {
	case no != nil && no.invalid: // the wrong state: the payer was faster
		return g.refusedOperation(ctx, ref, no, func(p payment, t tally) bool { return p.Link == nil && !t.held })
	case no != nil:
		return no.result
	case got.Status != http.StatusNoContent || len(got.Body) > 0:
		return providers.Doubt(providers.Unreadable, code, errors.New("quickpay: this is no answer to a deletion"))
	}
	return providers.Result{Verdict: providers.Approved, Code: code}
}

// identified finds QuickPay's id, without which no operation can be asked for.
func (g *Gateway) identified(ctx context.Context, ref providers.Ref) (providers.Ref, *providers.Result) {
	if literal(ref.External).isID() && orderly(ref.Order) {
		return ref, nil
	}
	p, seen := g.look(ctx, ref, g.config.Timeouts.Status)
	switch {
	case p.ID != "":
		ref.External = string(p.ID)
		return ref, nil
	case seen.Absent:
		return ref, &providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: seen.Code}
	}
	return ref, &providers.Result{Verdict: providers.Unserved, Reason: providers.NotSent, Code: seen.Code, Err: errors.Join(errNotBegun, seen.Err)}
}

// done reports whether a payment is where an operation would have brought it.
type done func(payment, tally) bool

// operate sends one operation and vouches for its answer.
func (g *Gateway) operate(ctx context.Context, ref providers.Ref, kind literal, body any, already done) (payment, *providers.Result) {
	got, no := g.send(ctx, call{
		method: http.MethodPost, path: "/payments/" + ref.External + "/" + string(kind) + "?synchronized",
		limit: g.config.Timeouts.Refund, notify: g.config.NotifyURL, body: body,
	})
	if no != nil {
		result := no.result
		if no.invalid {
			result = g.refusedOperation(ctx, ref, no, already)
		}
		return payment{}, &result
	}
	p, err := readPayment(got)
	if err != nil {
		r := providers.Doubt(providers.Unreadable, "", err)
		return payment{}, &r
	}
	return g.vouch(p, ref)
}

// refusedOperation reads a 400: not carried out. Whether it may be asked for again, the
// payment says: while another operation is under way it may (notes, section 6.2). Where the
// payment is as it would be after it, an earlier request was carried out whose answer was
// lost, and only a look-up may say how it ended.
func (g *Gateway) refusedOperation(ctx context.Context, ref providers.Ref, no *refusal, already done) providers.Result {
	p, _ := g.look(ctx, ref, g.config.Timeouts.Status)
	result := no.result
	switch t := p.count(); {
	case p.ID == "", t.unreadable, already(p, t):
		return result // a later look settles it
	case t.authorizing, t.operating, t.refunds, p.State == "pending":
		result.Verdict, result.Reason = providers.Unserved, providers.Throttled
	default:
		result.Verdict, result.Reason = providers.Declined, providers.Refused
	}
	return result
}

// outcome reads the operation that was just asked for, and believes a success only of a
// payment that as a whole stands as it must after it.
func (g *Gateway) outcome(p payment, ref providers.Ref, kind literal, amount providers.Money) providers.Result {
	result := p.newest(kind, amount)
	if result.Verdict != providers.Approved {
		return result
	}
	want := providers.Approved
	if kind == cancel {
		want = providers.Declined
	}
	switch seen := p.about(ref, g.view(ref, false)); seen.Verdict {
	case want:
		return result
	case providers.Unknown:
		return seen
	}
	return providers.Doubt(providers.Ambiguous, p.code(), errContradicts)
}

// newest reads the last operation of all. The answer is the payment, and must show what
// was asked for, pending at least.
func (p payment) newest(kind literal, amount providers.Money) providers.Result {
	if p.Operations == nil || len(*p.Operations) == 0 {
		return providers.Doubt(providers.Unreadable, p.code(), errOperations)
	}
	all := *p.Operations
	o := all[len(all)-1]
	meant, result := o.meaning(), providers.Result{External: p.operation(o.ID), Code: p.code()}
	sum, told := o.Amount.whole()
	switch {
	case o.Type != kind:
		return providers.Doubt(providers.Ambiguous, p.code(), errors.New("quickpay: the answer does not show the operation"))
	case told && sum != amount.Minor, !told && kind != cancel: // whether a cancel names its amount is not documented
		return providers.Doubt(providers.Mismatch, p.code(), errors.New("quickpay: the operation is about another amount"))
	case o.waits():
		result.Verdict, result.Reason = providers.Pending, providers.Processing
	case meant.class == success:
		result.Verdict = providers.Approved
	case meant.class == refused, meant.class == lapsed:
		result.Verdict, result.Reason = providers.Declined, providers.Refused
	case meant.class == ours:
		result.Verdict, result.Reason = providers.Unserved, meant.reason
	default:
		return providers.Doubt(meant.reason, p.code(), nil)
	}
	return result
}

func wrong(amount providers.Money) providers.Result {
	return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest,
		Err: errors.New("quickpay: " + amount.String() + " is no part of the payment")}
}
