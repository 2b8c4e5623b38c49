package router

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// drive moves a payment as far as it goes now. A caller's drive may begin the
// first attempt and waits, within the caller's deadline, for a direct charge to
// be decided; the worker's does neither.
func (r *Router) drive(ctx context.Context, p payment.Payment, caller bool) (payment.Payment, error) {
	for range 100 { // each round is one step; no honest payment needs that many at once
		var err error
		now := time.Now()
		if r.mistimed(now) {
			return standStill(p, caller)
		}
		step := p.Next(now, r.TermsFor(p.Tenant))
		switch step.Do {
		case payment.Rest:
			if !caller {
				before := p.Seq
				if p, err = r.maybeSwitch(ctx, p); err != nil || p.Seq == before {
					return p, err
				}
				continue
			}
			var changed bool
			if p, changed, err = r.await(ctx, p, step.Until); err != nil || !changed {
				return p, err
			}
			continue
		case payment.Append:
			if err = r.mayMove(); err != nil { // our own silence proves nothing while a window is lost
				return p, err
			}
			p, err = r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
				if s := p.Next(time.Now(), r.TermsFor(p.Tenant)); s.Do == payment.Append {
					return s.Event
				}
				return nil
			})
		case payment.Route:
			var done bool
			p, done, err = r.route(ctx, p, caller, r)
			if done {
				return p, err
			}
		case payment.Ask:
			p, err = r.askOnce(ctx, p, step.Attempt)
		case payment.AskOp:
			p, err = r.askOperation(ctx, p, step.Operation)
		case payment.Operate:
			if err = r.mayOperate(step.Plan.Op); err == nil {
				p, err = r.operate(ctx, p, step.Plan)
			}
		}
		if err != nil {
			return p, err
		}
	}
	return p, fmt.Errorf("payment %s does not come to rest", p.ID)
}

// answerMargin is what is kept of a caller's deadline for the answer itself.
const answerMargin = 50 * time.Millisecond

// How often who waits looks whether another replica has moved the payment: soon at first, for
// most charges are decided at once.
const firstGlance, glanceEvery = 100 * time.Millisecond, time.Second

// await waits for a direct charge to be decided, as long as the caller does, here or by
// another replica. It reports whether there may be something to do now.
func (r *Router) await(ctx context.Context, p payment.Payment, until time.Time) (payment.Payment, bool, error) {
	a, open := p.OpenAttempt()
	if !open || a.Flow != providers.Direct || p.Cancel != nil {
		return p, false, nil
	}
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) < answerMargin {
		return p, false, nil
	}
	// Asked before the payment is read again, so that no change slips in between.
	changed := r.hub.wait(p.ID)
	if now, err := r.again(ctx, p); err != nil || now.Seq != p.Seq {
		return now, true, err
	}
	pause := time.Until(deadline) - answerMargin
	patient := false
	if !until.IsZero() && time.Until(until) < pause {
		pause, patient = time.Until(until), true
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for glance := firstGlance; ; glance = min(2*glance, glanceEvery) {
		select {
		case <-changed:
		case <-time.After(glance):
			if seq, err := r.Journal.Seq(ctx, p.ID); err != nil || seq == p.Seq {
				continue
			}
		case <-timer.C:
			if !patient {
				return p, false, nil
			}
		case <-ctx.Done():
			return p, false, nil
		}
		p, err := r.again(ctx, p)
		return p, true, err
	}
}

// again reads a payment anew. When the books cannot be read, what was known stays known.
func (r *Router) again(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	now, err := r.Journal.Get(context.WithoutCancel(ctx), p.ID)
	if err != nil {
		return p, err
	}
	return now, nil
}

// route plans the next attempt at the first gateway that can serve the payment and
// is admitted, and sends it. It reports done when the drive should end here.
func (r *Router) route(ctx context.Context, p payment.Payment, caller bool, books planner) (payment.Payment, bool, error) {
	if len(p.Attempts) == 0 && !caller {
		return p, true, nil // only its caller begins a payment; it finishes by itself if none does
	}
	if err := r.mayMove(); err != nil { // what the books lost may be an attempt of this payment
		return p, true, err
	}
	if err := r.knowOrders(ctx); err != nil {
		return p, true, err
	}
	instruments, err := r.instruments(ctx, p)
	if err != nil {
		return p, true, err
	}
	candidates, skipped := r.rank(p, instruments)
	queue := slices.Clone(candidates)
	var refused []payment.Choice
	for i := 0; i < len(queue); i++ {
		c, alone := queue[i], i >= len(candidates)
		if deadline, ok := ctx.Deadline(); ok && caller && len(p.Attempts) > 0 && c.Flow == providers.Direct &&
			time.Until(deadline) < r.MinBudget {
			return p, true, r.Journal.Wake(ctx, p.ID, time.Now()) // the worker goes on
		}
		permit, err := r.admit(c, p.ID, alone)
		if errors.Is(err, health.ErrRamping) {
			queue = append(queue, c) // asked once more when nobody else can serve
		}
		if err != nil {
			refused = append(refused, payment.Choice{Gateway: c.Gateway, Method: c.Method, Why: why(err)})
			continue
		}
		p, err := r.attempt(ctx, p, c, slices.Concat(refused, skipped), instruments[c.Gateway], permit, books)
		if errors.Is(err, errUsedUp) { // a person must give it new ones; the next gateway can serve
			r.Log.Error("a gateway cannot serve", "gateway", c.Gateway, "error", err.Error())
			refused = append(refused, payment.Choice{Gateway: c.Gateway, Method: c.Method, Why: WhyUsedUp})
			continue
		}
		return p, err != nil, err
	}
	if len(p.Attempts) == 0 {
		none := &RouteError{Err: ErrUnavailable, Route: slices.Concat(refused, skipped)}
		if len(candidates) == 0 {
			none.Err = ErrNoCapableGateway
		}
		return p, true, none
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

// admit asks health whether a payment may go to a candidate; alone when no other can serve it.
func (r *Router) admit(c Candidate, key string, alone bool) (*health.Permit, error) {
	if alone {
		return r.Board.AdmitAlone(c.Gateway, c.op())
	}
	return r.Board.Admit(c.Gateway, c.op(), key)
}

// rank asks the policy, with the tenant's rules.
func (r *Router) rank(p payment.Payment, instruments map[string]journal.Instrument) ([]Candidate, []payment.Choice) {
	tokens := map[string]bool{}
	for gateway := range instruments {
		tokens[gateway] = true
	}
	return Rank(p, r.Tenants[p.Tenant].Rules, r.terms.Claims, tokens, time.Now())
}

// sendBy is how long after the decision to plan it an attempt may still be sent. A
// process that was stopped in between must not send: others count on it and may have
// asked the gateway meanwhile. It is shorter than the slack of payment's send window.
const sendBy = 2 * time.Second

var errTooLate = errors.New("woke too long after it was planned: not sent")

// withheld says why what was planned at a gateway must not be sent there after all, or nil.
// The orders are looked at once more, since a plan may take seconds. They are known here, and
// read only where that is too long ago. Of what health says only the order to drain counts:
// the permit is given, and breakers judge calls and not their plans.
func (r *Router) withheld(ctx context.Context, c Candidate, decided time.Time) error {
	if r.tooLate(decided) {
		return errTooLate
	}
	if r.orders.older(r.WatchEvery) {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), decided.Add(sendBy))
		defer cancel()
		if err := r.knowOrders(ctx); err != nil {
			return fmt.Errorf("the orders are not known: %w", err)
		}
		if r.tooLate(decided) {
			return errTooLate
		}
	}
	if err := r.mayMove(); err != nil {
		return err
	}
	if err := r.Board.Peek(c.Gateway, c.op(), ""); errors.Is(err, health.ErrDrained) {
		return err
	}
	return nil
}

// planner makes the plan of an attempt durable: in a payment that is in the books, or together
// with one that is not there yet.
type planner interface {
	payer(context.Context, payment.Payment) (providers.Payer, error)
	plan(context.Context, payment.Payment, func(payment.Payment) payment.Body) (payment.Payment, error)
}

func (r *Router) payer(ctx context.Context, p payment.Payment) (providers.Payer, error) {
	return r.Journal.Payer(ctx, p.ID)
}

func (r *Router) plan(ctx context.Context, p payment.Payment, body func(payment.Payment) payment.Body) (payment.Payment, error) {
	return r.append(ctx, p, "router", body)
}

// attempt commits the plan and sends it. Only the writer of the plan sends, once.
func (r *Router) attempt(ctx context.Context, p payment.Payment, c Candidate, route []payment.Choice, token journal.Instrument, permit *health.Permit, books planner) (payment.Payment, error) {
	outcome := health.Neutral
	defer func() { permit.Report(outcome) }()
	ctx, span := spans.Start(ctx, "attempt")
	defer span.End()
	span.Payment(p.ID)
	span.Gateway(c.Gateway)
	span.Attempt(len(p.Attempts)+1, "charge")
	span.Outcome(spanNotPlanned)
	reference, err := r.reference(ctx, p, c)
	if err != nil {
		return p, err
	}
	payer, err := books.payer(ctx, p)
	if err != nil {
		return p, err
	}
	gateway, _ := r.Gateway(c.Gateway)
	route = append([]payment.Choice{{Gateway: c.Gateway, Method: c.Method, Taken: true, Why: WhyTaken, Detail: r.Board.Forced(c.Gateway)}}, route...)
	n, mine := len(p.Attempts)+1, false
	r.Step("before plan")
	decided := time.Now()
	p, err = books.plan(ctx, p, func(p payment.Payment) payment.Body {
		mine = len(p.Attempts)+1 == n && p.Cancel == nil && p.Finished == nil
		if !mine {
			return nil // somebody else planned it, or the wish is gone
		}
		return payment.Planned{Attempt: n, Gateway: c.Gateway, Provider: r.terms.Claims(c.Gateway).Provider, Credentials: gateway.Version, Method: c.Method,
			Flow: c.Flow, Reference: reference, Evidence: p.Evidence(), Route: route}
	})
	if errors.Is(err, journal.ErrRepeated) {
		r.unused(c, reference)
	}
	if err != nil || !mine {
		return p, err
	}
	r.Step("planned")
	a := p.Attempts[n-1]
	began := time.Now()
	withheld := r.withheld(ctx, c, decided)
	result := providers.Unsent(withheld)
	if withheld == nil {
		permit.Begin() // the breakers judge the gateway, and not how fast our store is
		result = r.charge(ctx, gateway, providers.Charge{
			Ref: p.Ref(a), Payer: payer, CustomerID: p.Customer, Instrument: token.Token, Save: p.Save,
			Description: p.Description, ReturnURL: p.ReturnURL, NotifyURL: gateway.NotifyURL, Expires: p.Deadline,
		})
		outcome = signal(result)
		permit.Report(outcome)
	} else {
		r.Log.Info("planned and not sent", "payment", p.ID, "attempt", n, "gateway", c.Gateway, "error", withheld.Error())
	}
	r.Step("answered")
	r.metrics.called(ctx, c.Gateway, "charge", result, time.Since(began))
	span.Verdict(result.Verdict, result.Reason)
	p, err = r.learn(ctx, p, n, payment.FromResponse, time.Time{}, result)
	span.Outcome(recordedAs(err))
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
		r.Log.Error("adapter panicked", "gateway", gateway, "cause", panicText(cause))
		*result = providers.Doubt(providers.Panicked, "", nil)
	}
}

// panicText says what panicked without what it was about: the value of a panic may hold
// anything, so only what Go's runtime says is written down.
func panicText(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", cause)
}

// askOnce looks an attempt up as the schedule says, for all who drive the payment at
// this moment.
func (r *Router) askOnce(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	seen, err, _ := r.looks.Do(p.ID, func() (any, error) {
		now, err := r.again(ctx, p)
		if err != nil || now.Seq != p.Seq || n > len(now.Attempts) {
			return now, err // somebody was faster, or the books went back: decide anew
		}
		return r.ask(ctx, now, n)
	})
	if asked, ok := seen.(payment.Payment); ok {
		p = asked
	}
	return p, err
}

// ask looks an attempt up.
func (r *Router) ask(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	a := p.Attempts[n-1]
	ctx, span := r.askSpan(ctx, p, a)
	defer span.End()
	asked := time.Now()
	result := r.lookup(ctx, a.Gateway, p.Ref(a))
	span.Verdict(result.Verdict, result.Reason)
	p, err := r.learn(ctx, p, n, payment.FromLookup, asked, result)
	span.Outcome(recordedAs(err))
	return p, err
}

// lookup asks a gateway. One that is gone from the configuration is out of reach.
func (r *Router) lookup(ctx context.Context, gateway string, ref providers.Ref) (result providers.Result) {
	g, ok := r.Gateway(gateway)
	if !ok {
		return providers.Doubt(providers.NotSent, "", ErrUnknownGateway)
	}
	permit, err := r.Board.Admit(gateway, health.OpStatus, "")
	if err != nil {
		return providers.Doubt(providers.NotSent, "", err) // cannot happen: look-ups are never refused
	}
	began := time.Now()
	defer func() {
		permit.Report(signal(result))
		r.metrics.called(ctx, g.Name, "status", result, time.Since(began))
		if result.Verdict == providers.Unserved && result.Reason.AboutTheQuestion() {
			result.Verdict = providers.Unknown
		}
	}()
	defer r.recovered(g.Name, &result)
	return g.with(ref.Credentials).Lookup(context.WithoutCancel(ctx), ref)
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
	if err := r.mayMove(); err != nil { // it could go nowhere now; an order wakes it only once
		return p, err
	}
	return r.append(ctx, p, "router", func(p payment.Payment) payment.Body {
		if a.N > len(p.Attempts) { // books that went back do not have it
			return nil
		}
		if a := p.Attempts[a.N-1]; a.Switch != "" || a.Closed != nil {
			return nil
		}
		return payment.SwitchRequested{Attempt: a.N, Reason: reason}
	})
}
