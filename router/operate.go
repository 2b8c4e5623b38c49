package router

import (
	"context"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// operate commits an operation and sends it, once, unless what is known has changed so
// that another step comes first.
func (r *Router) operate(ctx context.Context, p payment.Payment, plan payment.OperationPlanned) (payment.Payment, error) {
	ctx = context.WithoutCancel(ctx)
	wanted, n, mine := plan, len(p.Operations)+1, false
	ctx, span := spans.Start(ctx, "operation")
	defer span.End()
	span.Payment(p.ID)
	span.Gateway(p.Attempts[plan.Attempt-1].Gateway)
	span.Attempt(plan.Attempt, string(plan.Op))
	span.Outcome(spanNotPlanned)
	plan.Operation = n
	if plan.Op == payment.OpRefund {
		plan.Reference = refundReference(p, n, plan)
	}
	r.Step("before operation")
	decided := time.Now()
	p, err := r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
		step := p.Next(time.Now(), r.TermsFor(p.Tenant))
		mine = len(p.Operations)+1 == n && step.Do == payment.Operate && step.Plan == wanted
		if !mine {
			return nil
		}
		return plan
	})
	if err != nil || !mine {
		return p, err
	}
	r.Step("operation planned")
	result := providers.Unsent(errTooLate)
	if !r.tooLate(decided) && r.mayOperate(plan.Op) == nil {
		result = r.act(ctx, p, p.Attempts[plan.Attempt-1], plan)
	}
	r.Step("operation answered")
	span.Verdict(result.Verdict, result.Reason)
	p, err = r.learnOperation(ctx, p, plan, payment.FromResponse, time.Time{}, result)
	span.Outcome(recordedAs(err))
	return p, err
}

// refundReference names a refund at the gateway. Books that lost a window may give its number to
// another refund: that one must not have its name, or a gateway that answers a repeated name as it
// did the first time would say of it that it was made. The same one, asked for again, is to be met.
func refundReference(p payment.Payment, n int, plan payment.OperationPlanned) string {
	wish, _ := p.FindRefund(plan.Refund)
	return "rf" + derived(18, p.Tenant, p.ID, strconv.Itoa(n), wish.RequestID, plan.Amount.String())
}

// mayOperate is mayMove for the operations that would move money again. A release or a
// withdrawal that is made twice is made once.
func (r *Router) mayOperate(op payment.OperationKind) error {
	if op == payment.OpRefund || op == payment.OpCapture {
		return r.mayMove()
	}
	return nil
}

// act makes the call that the operation is.
func (r *Router) act(ctx context.Context, p payment.Payment, a payment.Attempt, plan payment.OperationPlanned) (result providers.Result) {
	op := map[payment.OperationKind]health.Op{payment.OpCapture: health.OpCapture, payment.OpVoid: health.OpVoid,
		payment.OpWithdraw: health.OpVoid, payment.OpRefund: health.OpRefund}[plan.Op]
	g, ok := r.Gateway(a.Gateway)
	if !ok {
		return providers.Unsent(ErrUnknownGateway)
	}
	permit, err := r.Board.Admit(a.Gateway, op, "")
	if err != nil {
		return providers.Unsent(err)
	}
	began := time.Now()
	defer func() {
		permit.Report(signal(result))
		r.metrics.called(ctx, g.Name, string(plan.Op), result, time.Since(began))
	}()
	defer r.recovered(g.Name, &result)
	ref := p.Ref(a)
	adapter := g.with(a.Credentials)
	switch plan.Op {
	case payment.OpCapture:
		if capturer, ok := adapter.(providers.Capturer); ok {
			return capturer.Capture(ctx, ref, plan.Amount)
		}
	case payment.OpVoid, payment.OpWithdraw:
		if canceler, ok := adapter.(providers.Canceler); ok {
			ref.KeepHold = plan.Op == payment.OpWithdraw // who pays while we leave has paid
			return canceler.Cancel(ctx, ref)
		}
	case payment.OpRefund:
		if refunder, ok := adapter.(providers.Refunder); ok {
			return refunder.Refund(ctx, r.refund(p, a, plan))
		}
	}
	return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: "not offered by the provider"}
}

func (r *Router) refund(p payment.Payment, a payment.Attempt, plan payment.OperationPlanned) providers.Refund {
	return providers.Refund{Ref: p.Ref(a), ID: plan.Reference, External: p.Operations[plan.Operation-1].External, Amount: plan.Amount,
		Before: providers.Money{Minor: plan.Before, Currency: p.Amount.Currency}, Reason: p.Description}
}

// askOperation settles an operation whose outcome is open.
func (r *Router) askOperation(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	plan := p.Operations[n-1].OperationPlanned
	a := p.Attempts[plan.Attempt-1]
	ctx, span := r.askSpan(ctx, p, a)
	defer span.End()
	asked := time.Now()
	if plan.Op == payment.OpRefund {
		seen := r.lookupRefund(ctx, p, a, plan)
		span.Verdict(seen.Verdict, seen.Reason)
		p, err := r.learnOperation(ctx, p, plan, payment.FromLookup, asked, seen)
		span.Outcome(recordedAs(err))
		return p, err
	}
	seen := r.lookup(ctx, a.Gateway, p.Ref(a))
	span.Verdict(seen.Verdict, seen.Reason)
	p, err := r.learn(ctx, p, a.N, payment.FromLookup, asked, seen)
	if err == nil {
		p, err = r.learnOperation(ctx, p, plan, payment.FromLookup, asked, effect(plan.Op, seen))
	}
	span.Outcome(recordedAs(err))
	return p, err
}

// effect reads an operation's outcome from how the attempt stands afterwards. A look
// that shows neither a result nor that nothing has happened says nothing about it.
func effect(op payment.OperationKind, seen providers.Result) providers.Result {
	result := providers.Result{Reason: seen.Reason, Code: seen.Code}
	over := seen.Verdict == providers.Declined || seen.Verdict == providers.Unserved
	switch {
	case op == payment.OpCapture && seen.Verdict == providers.Approved,
		op != payment.OpCapture && over:
		return providers.Result{Verdict: providers.Approved, Code: seen.Code}
	case op == payment.OpCapture && over,
		op != payment.OpCapture && seen.Verdict == providers.Approved,
		op == payment.OpWithdraw && seen.Verdict == providers.Held:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case seen.Verdict == providers.Held,
		op == payment.OpWithdraw && (seen.Absent || seen.Verdict == providers.Pending && seen.Reason == providers.AwaitingPayer):
		result.Absent = true // it stands as it stood before
	}
	return result
}

func (r *Router) lookupRefund(ctx context.Context, p payment.Payment, a payment.Attempt, plan payment.OperationPlanned) (result providers.Result) {
	g, _ := r.Gateway(a.Gateway)
	refunder, ok := g.with(a.Credentials).(providers.Refunder)
	if !ok {
		return providers.Result{}
	}
	began := time.Now()
	defer func() { r.metrics.called(ctx, g.Name, "status", result, time.Since(began)) }()
	defer r.recovered(g.Name, &result)
	result = refunder.LookupRefund(context.WithoutCancel(ctx), r.refund(p, a, plan))
	if result.Verdict == providers.Unserved {
		result.Verdict = providers.Unknown // the question did not leave; the refund may have
	}
	return result
}

// learnOperation records what is known of an operation. A capture that was carried out is at
// once an observation of the attempt's money, in the same commit: without it the payment would
// stand as held, and neither a cancel nor a refund be allowed.
func (r *Router) learnOperation(ctx context.Context, p payment.Payment, plan payment.OperationPlanned, source payment.Source, asked time.Time, result providers.Result) (payment.Payment, error) {
	ctx = context.WithoutCancel(ctx)
	byName := plan.Op == payment.OpRefund && r.terms.Claims(p.Attempts[plan.Attempt-1].Gateway).Refund.OwnID
	var money []payment.Body
	if plan.Op == payment.OpCapture && result.Verdict == providers.Approved && source == payment.FromResponse {
		money = append(money, observed(plan.Attempt, source, time.Time{}, providers.Result{Verdict: providers.Approved, Amount: plan.Amount, Code: result.Code}))
	}
	return r.record(ctx, p, actor(p, plan.Attempt, source), func(p payment.Payment) payment.Body {
		seen := result
		if source == payment.FromLookup && !byName && p.Overtaken(plan.Operation) {
			seen = providers.Result{Reason: providers.Ambiguous, Code: result.Code}
		}
		return payment.OperationObserved{Operation: plan.Operation, Source: source, Asked: payment.Instant(asked), Verdict: seen.Verdict, Reason: seen.Reason,
			External: seen.External, Absent: seen.Absent, Code: seen.Code}
	}, money...)
}

// saveInstrument keeps a token that the payer agreed to save. It reports false when the
// store did not take it.
func (r *Router) saveInstrument(ctx context.Context, p payment.Payment, n int, result providers.Result) bool {
	if result.Instrument == nil || !p.Save || result.Instrument.Value.Empty() {
		return true
	}
	err := r.Journal.SaveInstrument(ctx, journal.Instrument{ID: newID(), Tenant: p.Tenant, Customer: p.Customer,
		Gateway: p.Attempts[n-1].Gateway, Token: *result.Instrument, Payment: p.ID, Created: payment.Instant(time.Now())})
	if err != nil {
		r.Log.Error("instrument not saved", "payment", p.ID, "error", err.Error())
	}
	return err == nil
}
