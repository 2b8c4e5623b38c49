package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// drive moves a payment as far as it goes now. A caller's drive may begin the
// first attempt and waits, within the caller's deadline, for a direct charge to
// be decided; the worker's does neither.
func (r *Router) drive(ctx context.Context, p payment.Payment, caller bool) (payment.Payment, error) {
	for range 100 { // each round is one step; no honest payment needs that many at once
		var err error
		step := p.Next(time.Now(), r.TermsFor(p.Tenant))
		switch step.Do {
		case payment.Rest:
			if !caller {
				before := p.Seq
				if p, err = r.maybeSwitch(ctx, p); err != nil || p.Seq == before {
					return p, err
				}
				continue
			}
			if !r.await(ctx, p, step.Until) {
				return p, nil
			}
			if p, err = r.Journal.Get(context.WithoutCancel(ctx), p.ID); err != nil {
				return p, err
			}
			continue
		case payment.Append:
			p, err = r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
				if s := p.Next(time.Now(), r.TermsFor(p.Tenant)); s.Do == payment.Append {
					return s.Event
				}
				return nil
			})
		case payment.Route:
			var done bool
			p, done, err = r.route(ctx, p, caller)
			if done {
				return p, err
			}
		case payment.Ask:
			p, err = r.ask(ctx, p, step.Attempt)
		case payment.AskOp:
			p, err = r.askOperation(ctx, p, step.Operation)
		case payment.Operate:
			p, err = r.operate(ctx, p, step.Plan)
		}
		if err != nil {
			return p, err
		}
	}
	return p, fmt.Errorf("payment %s does not come to rest", p.ID)
}

// answerMargin is what is kept of a caller's deadline for the answer itself.
const answerMargin = 50 * time.Millisecond

// await waits for a direct charge to be decided, as long as the caller does.
func (r *Router) await(ctx context.Context, p payment.Payment, until time.Time) bool {
	a, open := p.OpenAttempt()
	if !open || a.Flow != providers.Direct || p.Cancel != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) < answerMargin {
		return false
	}
	pause := time.Until(deadline) - answerMargin
	patient := false
	if !until.IsZero() && time.Until(until) < pause {
		pause, patient = time.Until(until), true
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-r.hub.wait(p.ID):
		return true
	case <-timer.C:
		return patient
	case <-ctx.Done():
		return false
	}
}

// route plans the next attempt at the first gateway that can serve the payment and
// is admitted, and sends it. It reports done when the drive should end here.
func (r *Router) route(ctx context.Context, p payment.Payment, caller bool) (payment.Payment, bool, error) {
	if len(p.Attempts) == 0 && !caller {
		return p, true, nil // only its caller begins a payment; it finishes by itself if none does
	}
	instruments, err := r.instruments(ctx, p)
	if err != nil {
		return p, true, err
	}
	candidates, route := r.rank(p, instruments)
	for _, c := range candidates {
		if deadline, ok := ctx.Deadline(); ok && caller && len(p.Attempts) > 0 && c.Flow == providers.Direct &&
			time.Until(deadline) < r.MinBudget {
			return p, true, r.Journal.Wake(ctx, p.ID, time.Now()) // the worker goes on
		}
		report, err := r.Board.Admit(c.Gateway, c.op(), p.ID)
		if err != nil {
			route = append(route, payment.Choice{Gateway: c.Gateway, Method: c.Method, Why: why(err)})
			continue
		}
		p, err := r.attempt(ctx, p, c, route, instruments[c.Gateway], report)
		return p, err != nil, err
	}
	if len(p.Attempts) == 0 {
		if len(candidates) == 0 {
			return p, true, ErrNoCapableGateway
		}
		return p, true, ErrUnavailable
	}
	p, err = r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
		last, _ := p.Last()
		if p.Finished != nil || last.Closed == nil {
			return nil
		}
		return payment.Finished{Outcome: payment.OutcomeFailed, Reason: last.Reason, Detail: payment.DetailNoGateway}
	})
	return p, err != nil, err
}

// rank asks the policy, with the tenant's rules.
func (r *Router) rank(p payment.Payment, instruments map[string]journal.Instrument) ([]Candidate, []payment.Choice) {
	tokens := map[string]bool{}
	for gateway := range instruments {
		tokens[gateway] = true
	}
	return Rank(p, r.Tenants[p.Tenant].Rules, r.terms.Claims, tokens, time.Now())
}

// instruments finds the payer's tokens: the one the caller named and, for failover,
// those of the same customer at other gateways.
func (r *Router) instruments(ctx context.Context, p payment.Payment) (map[string]journal.Instrument, error) {
	if p.Instrument == "" {
		return nil, nil
	}
	named, err := r.Journal.Instrument(ctx, p.Tenant, p.Instrument)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := map[string]journal.Instrument{named.Gateway: named}
	if named.Customer == "" {
		return all, nil
	}
	others, err := r.Journal.Instruments(ctx, p.Tenant, named.Customer, "", 100)
	for _, i := range others {
		if _, ok := all[i.Gateway]; !ok {
			all[i.Gateway] = i
		}
	}
	return all, err
}

// sendBy is how long after the decision to plan it an attempt may still be sent. A
// process that was stopped in between must not send: others count on it and may have
// asked the gateway meanwhile. It is shorter than the slack of payment's send window.
const sendBy = 4 * time.Second

var errTooLate = errors.New("woke too long after the attempt was planned: not sent")

// attempt commits the plan and sends it. Only the writer of the plan sends, once.
func (r *Router) attempt(ctx context.Context, p payment.Payment, c Candidate, route []payment.Choice, token journal.Instrument, report func(health.Signal)) (payment.Payment, error) {
	outcome := health.Neutral
	defer func() { report(outcome) }()
	reference, err := r.reference(ctx, p, c)
	if err != nil {
		return p, err
	}
	gateway := r.gateways[c.Gateway]
	route = append([]payment.Choice{{Gateway: c.Gateway, Method: c.Method, Taken: true, Why: WhyTaken}}, route...)
	n, mine := len(p.Attempts)+1, false
	r.Step("before plan")
	decided := time.Now()
	p, err = r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
		mine = len(p.Attempts)+1 == n && p.Cancel == nil && p.Finished == nil
		if !mine {
			return nil // somebody else planned it, or the wish is gone
		}
		return payment.Planned{Attempt: n, Gateway: c.Gateway, Provider: gateway.Provider.Claims().Provider, Method: c.Method,
			Flow: c.Flow, Reference: reference, Evidence: p.Evidence(), Route: route}
	})
	if err != nil || !mine {
		return p, err
	}
	r.Step("planned")
	payer, err := r.Journal.Payer(ctx, p.ID)
	if err != nil {
		payer = providers.Payer{} // the charge says what it misses
	}
	a := p.Attempts[n-1]
	began := time.Now()
	result := providers.Unsent(errTooLate)
	if began.Sub(decided) < sendBy {
		result = r.charge(ctx, gateway, providers.Charge{
			Ref: p.Ref(a), Payer: payer, CustomerID: p.Customer, Instrument: token.Token, Save: p.Save,
			Description: p.Description, ReturnURL: p.ReturnURL, NotifyURL: gateway.NotifyURL, Expires: p.Deadline,
		})
		outcome = signal(result)
	}
	r.Step("answered")
	r.metrics.called(c.Gateway, "charge", result, time.Since(began))
	p, err = r.learn(ctx, p, n, payment.FromResponse, result)
	r.Step("recorded")
	return p, err
}

// charge sends, with a context that outlives the caller. A panic after sending is doubt.
func (r *Router) charge(ctx context.Context, g Gateway, c providers.Charge) (result providers.Result) {
	defer r.recovered(g.Name, &result)
	return g.Provider.Charge(context.WithoutCancel(ctx), c)
}

func (r *Router) recovered(gateway string, result *providers.Result) {
	if cause := recover(); cause != nil {
		r.Log.Error("adapter panicked", "gateway", gateway, "cause", fmt.Sprint(cause))
		*result = providers.Doubt(providers.Panicked, "", nil)
	}
}

// ask looks an attempt up.
func (r *Router) ask(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	a := p.Attempts[n-1]
	g, ok := r.gateways[a.Gateway]
	if !ok {
		return p, fmt.Errorf("%s: %w", a.Gateway, ErrUnknownGateway)
	}
	result := r.lookup(ctx, g, p.Ref(a))
	return r.learn(ctx, p, n, payment.FromLookup, result)
}

func (r *Router) lookup(ctx context.Context, g Gateway, ref providers.Ref) (result providers.Result) {
	report, err := r.Board.Admit(g.Name, health.OpStatus, "")
	if err != nil {
		return providers.Unsent(err) // cannot happen: look-ups are never refused
	}
	began := time.Now()
	defer func() {
		report(signal(result))
		r.metrics.called(g.Name, "status", result, time.Since(began))
		// A look-up that never left says nothing about the charge.
		if result.Verdict == providers.Unserved && result.Reason == providers.NotSent {
			result.Verdict = providers.Unknown
		}
	}()
	defer r.recovered(g.Name, &result)
	return g.Provider.Lookup(context.WithoutCancel(ctx), ref)
}

// maybeSwitch asks to leave a shown offer whose gateway cannot even be asked and
// takes no new payments, or that an operator wants moved (FAILOVER section 4).
func (r *Router) maybeSwitch(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	a, open := p.OpenAttempt()
	if !open || a.Switch != "" || a.Flow == providers.Direct {
		return p, nil
	}
	reason := ""
	switch {
	case r.Board.MoveOpen(a.Gateway):
		reason = "drained"
	case a.FailedLooks > 3 && r.Board.Peek(a.Gateway, health.OpCreate, p.ID) != nil:
		reason = "gateway down"
	default:
		return p, nil
	}
	return r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
		if a := p.Attempts[a.N-1]; a.Switch != "" || a.Closed != nil {
			return nil
		}
		return payment.SwitchRequested{Attempt: a.N, Reason: reason}
	})
}

// learn records what a call taught us. The store may be away for a moment: what is
// known is kept and written as soon as it is back.
func (r *Router) learn(ctx context.Context, p payment.Payment, n int, source payment.Source, result providers.Result) (payment.Payment, error) {
	ctx = context.WithoutCancel(ctx)
	if result.Reason == providers.UnknownCode {
		r.metrics.unknownCode(r.gateways[p.Attempts[n-1].Gateway])
		r.Log.Warn("a code nobody documented", "payment", p.ID, "attempt", n, "gateway", p.Attempts[n-1].Gateway, "code", result.Code)
	}
	if result.Err != nil {
		r.Log.Info("gateway call", "payment", p.ID, "attempt", n, "gateway", p.Attempts[n-1].Gateway, "source", string(source),
			"verdict", result.Verdict.String(), "reason", string(result.Reason), "error", result.Err.Error())
	}
	r.saveInstrument(ctx, p, n, result)
	body := observed(n, source, result)
	var err error
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		var next payment.Payment
		next, err = r.append(ctx, p, actor(p, n, source), func(p payment.Payment) payment.Body {
			if known(p.Attempts[n-1], body) {
				return nil
			}
			return body
		})
		if err == nil || wait > 2*time.Second || errors.Is(err, payment.ErrNotAllowed) {
			return next, err
		}
		r.Log.Error("the store did not take an observation, trying again", "payment", p.ID, "attempt", n, "error", err.Error())
		time.Sleep(wait)
	}
}

func observed(n int, source payment.Source, r providers.Result) payment.Observed {
	return payment.Observed{Attempt: n, Source: source, Verdict: r.Verdict, Reason: r.Reason, External: r.External, Amount: r.Amount,
		Returned: r.Returned, Action: r.Action, Absent: r.Absent, Until: r.Until, AskIn: r.AskIn, Code: r.Code}
}

// known reports whether a notice or a statement tells nothing new, so that what comes
// three times is one event.
func known(a payment.Attempt, o payment.Observed) bool {
	return (o.Source == payment.FromNotice || o.Source == payment.FromStatement) && a.Answered && a.Verdict == o.Verdict && a.Reason == o.Reason &&
		(o.External == "" || a.External == o.External) && o.Returned.Minor <= a.Returned && o.Action == nil
}

func actor(p payment.Payment, n int, source payment.Source) string {
	if source == payment.FromRouter || source == payment.FromOperator {
		return "router"
	}
	return "gateway:" + p.Attempts[n-1].Gateway
}
