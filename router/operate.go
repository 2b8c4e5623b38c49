package router

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// operate commits an operation and sends it, once.
func (r *Router) operate(ctx context.Context, p payment.Payment, plan payment.OperationPlanned) (payment.Payment, error) {
	ctx = context.WithoutCancel(ctx)
	n, mine := len(p.Operations)+1, false
	plan.Operation = n
	if plan.Op == payment.OpRefund {
		plan.Reference = "rf" + derived(18, p.Tenant, p.ID, strconv.Itoa(n))
	}
	r.Step("before operation")
	p, err := r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
		mine = len(p.Operations)+1 == n
		if !mine {
			return nil
		}
		return plan
	})
	if err != nil || !mine {
		return p, err
	}
	r.Step("operation planned")
	a := p.Attempts[plan.Attempt-1]
	g, ok := r.gateways[a.Gateway]
	if !ok {
		return p, fmt.Errorf("%s: %w", a.Gateway, ErrUnknownGateway)
	}
	result := r.act(ctx, g, p, a, plan)
	r.Step("operation answered")
	return r.learnOperation(ctx, p, plan, payment.FromResponse, result)
}

// act makes the call that the operation is.
func (r *Router) act(ctx context.Context, g Gateway, p payment.Payment, a payment.Attempt, plan payment.OperationPlanned) (result providers.Result) {
	op := map[payment.OperationKind]health.Op{payment.OpCapture: health.OpCapture, payment.OpVoid: health.OpVoid,
		payment.OpWithdraw: health.OpVoid, payment.OpRefund: health.OpRefund}[plan.Op]
	report, err := r.Board.Admit(g.Name, op, "")
	if err != nil {
		return providers.Unsent(err)
	}
	began := time.Now()
	defer func() {
		report(signal(result))
		r.metrics.called(g.Name, string(plan.Op), result, time.Since(began))
	}()
	defer r.recovered(g.Name, &result)
	ref := p.Ref(a)
	switch plan.Op {
	case payment.OpCapture:
		if capturer, ok := g.Provider.(providers.Capturer); ok {
			return capturer.Capture(ctx, ref, plan.Amount)
		}
	case payment.OpVoid, payment.OpWithdraw:
		if canceler, ok := g.Provider.(providers.Canceler); ok {
			return canceler.Cancel(ctx, ref)
		}
	case payment.OpRefund:
		if refunder, ok := g.Provider.(providers.Refunder); ok {
			return refunder.Refund(ctx, r.refund(p, a, plan))
		}
	}
	return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: "not offered by the provider"}
}

func (r *Router) refund(p payment.Payment, a payment.Attempt, plan payment.OperationPlanned) providers.Refund {
	return providers.Refund{Ref: p.Ref(a), ID: plan.Reference, Amount: plan.Amount,
		Before: providers.Money{Minor: plan.Before, Currency: p.Amount.Currency}, Reason: p.Description}
}

// askOperation settles an operation whose outcome is open.
func (r *Router) askOperation(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	plan := p.Operations[n-1].OperationPlanned
	a := p.Attempts[plan.Attempt-1]
	g, ok := r.gateways[a.Gateway]
	if !ok {
		return p, fmt.Errorf("%s: %w", a.Gateway, ErrUnknownGateway)
	}
	if plan.Op == payment.OpRefund {
		return r.learnOperation(ctx, p, plan, payment.FromLookup, r.lookupRefund(ctx, g, p, a, plan))
	}
	seen := r.lookup(ctx, g, p.Ref(a))
	p, err := r.learn(ctx, p, a.N, payment.FromLookup, seen)
	if err != nil {
		return p, err
	}
	return r.learnOperation(ctx, p, plan, payment.FromLookup, effect(plan.Op, seen))
}

// effect reads an operation's outcome from how the attempt stands afterwards.
func effect(op payment.OperationKind, seen providers.Result) providers.Result {
	none := providers.Result{Absent: true, Code: seen.Code}
	switch {
	case seen.Verdict == providers.Unknown && !seen.Absent:
		return providers.Result{Reason: seen.Reason, Code: seen.Code}
	case op == payment.OpCapture && seen.Verdict == providers.Approved,
		op != payment.OpCapture && (seen.Verdict == providers.Declined || seen.Verdict == providers.Unserved || seen.Absent):
		return providers.Result{Verdict: providers.Approved, Code: seen.Code}
	case op == payment.OpCapture && seen.Verdict == providers.Declined,
		op != payment.OpCapture && seen.Verdict == providers.Approved:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	}
	return none
}

func (r *Router) lookupRefund(ctx context.Context, g Gateway, p payment.Payment, a payment.Attempt, plan payment.OperationPlanned) (result providers.Result) {
	refunder, ok := g.Provider.(providers.Refunder)
	if !ok {
		return providers.Result{}
	}
	began := time.Now()
	defer func() { r.metrics.called(g.Name, "status", result, time.Since(began)) }()
	defer r.recovered(g.Name, &result)
	result = refunder.LookupRefund(context.WithoutCancel(ctx), r.refund(p, a, plan))
	if result.Verdict == providers.Unserved {
		result.Verdict = providers.Unknown // the question did not leave; the refund may have
	}
	return result
}

// learnOperation records what is known of an operation. A capture that was carried
// out is at once an observation of the attempt's money.
func (r *Router) learnOperation(ctx context.Context, p payment.Payment, plan payment.OperationPlanned, source payment.Source, result providers.Result) (payment.Payment, error) {
	ctx = context.WithoutCancel(ctx)
	p, err := r.append(ctx, p, actor(p, plan.Attempt, source), func(payment.Payment) payment.Body {
		return payment.OperationObserved{Operation: plan.Operation, Source: source, Verdict: result.Verdict, Reason: result.Reason,
			External: result.External, Absent: result.Absent, Code: result.Code}
	})
	if err != nil || plan.Op != payment.OpCapture || result.Verdict != providers.Approved || source != payment.FromResponse {
		return p, err
	}
	return r.learn(ctx, p, plan.Attempt, source, providers.Result{Verdict: providers.Approved, Amount: plan.Amount, Code: result.Code})
}

// saveInstrument keeps a token that the payer agreed to save.
func (r *Router) saveInstrument(ctx context.Context, p payment.Payment, n int, result providers.Result) {
	if result.Instrument == nil || !p.Save || result.Instrument.Value.Empty() {
		return
	}
	err := r.Journal.SaveInstrument(ctx, journal.Instrument{ID: uuid.Must(uuid.NewV7()).String(), Tenant: p.Tenant, Customer: p.Customer,
		Gateway: p.Attempts[n-1].Gateway, Token: *result.Instrument, Payment: p.ID, Created: payment.Instant(time.Now())})
	if err != nil {
		r.Log.Error("instrument not saved", "payment", p.ID, "error", err.Error())
	}
}
