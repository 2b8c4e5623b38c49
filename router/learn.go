package router

import (
	"context"
	"errors"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// learn records what a call or a notice taught us. Of a look-up it says when it was put.
func (r *Router) learn(ctx context.Context, p payment.Payment, n int, source payment.Source, asked time.Time, result providers.Result) (payment.Payment, error) {
	ctx = context.WithoutCancel(ctx)
	if result.Reason == providers.UnknownCode {
		r.metrics.unknownCode(p.Attempts[n-1].Provider)
		r.Log.Warn("a code nobody documented", "payment", p.ID, "attempt", n, "gateway", p.Attempts[n-1].Gateway, "code", result.Code)
	}
	if result.Err != nil {
		r.Log.Info("gateway call", "payment", p.ID, "attempt", n, "gateway", p.Attempts[n-1].Gateway, "source", string(source),
			"verdict", result.Verdict.String(), "reason", string(result.Reason), "error", result.Err.Error())
	}
	saved := r.saveInstrument(ctx, p, n, result) // first: once the attempt is decided nobody asks for it again
	body := observed(n, source, asked, result)
	if source == payment.FromLookup {
		body.Lag = r.terms.Claims(p.Attempts[n-1].Gateway).StatusLag
	}
	next, err := r.record(ctx, p, actor(p, n, source), func(p payment.Payment) payment.Body {
		if known(p, body) {
			return nil
		}
		return body
	})
	if !saved && err == nil { // the store is back
		r.saveInstrument(ctx, p, n, result)
	}
	return next, err
}

// record appends what is known. The store may be away for a moment: what is known is
// kept and written as soon as it is back.
func (r *Router) record(ctx context.Context, p payment.Payment, actor string, body func(payment.Payment) payment.Body, with ...payment.Body) (payment.Payment, error) {
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		next, err := r.append(ctx, p, actor, body, with...)
		if err == nil || wait > 2*time.Second || errors.Is(err, payment.ErrNotAllowed) {
			return next, err
		}
		r.Log.Error("the store did not take an observation, trying again", "payment", p.ID, "error", err.Error())
		time.Sleep(wait)
	}
}

func observed(n int, source payment.Source, asked time.Time, r providers.Result) payment.Observed {
	return payment.Observed{Attempt: n, Source: source, Asked: payment.Instant(asked), Verdict: r.Verdict, Reason: r.Reason, External: r.External, Movement: r.Movement, Amount: r.Amount,
		Returned: r.Returned, Action: r.Action, Absent: r.Absent, Until: r.Until, AskIn: r.AskIn, Code: r.Code}
}

// known reports whether a notice or a statement tells nothing new, so that what comes
// three times is one event. Of an attempt that books which went back do not have nothing is known:
// that there is none is for the payment to say.
func known(p payment.Payment, o payment.Observed) bool {
	if o.Attempt > len(p.Attempts) {
		return false
	}
	a := p.Attempts[o.Attempt-1]
	if o.Source != payment.FromNotice && o.Source != payment.FromStatement || !a.Answered || o.Action != nil {
		return false
	}
	if o.Source == payment.FromNotice && a.Heard(o) {
		return true
	}
	if o.MovesAnew(a) {
		return false
	}
	if a.Verdict != o.Verdict || a.Reason != o.Reason || o.External != "" && o.External != a.External || o.Returned.Minor > a.Returned {
		return false
	}
	money := providers.Money{Minor: a.Held + a.Captured, Currency: p.Amount.Currency}
	differs := o.Verdict.HasMoney() && o.Amount.Currency != "" && o.Amount != money
	return !differs || p.Found(payment.AmountDiffers, a.N)
}

func actor(p payment.Payment, n int, source payment.Source) string {
	if source == payment.FromRouter || source == payment.FromOperator {
		return "router"
	}
	return "gateway:" + p.Attempts[n-1].Gateway
}
