package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Wish is a caller's request to take one amount once. Its ID may be empty, and a
// zero Deadline takes the default.
type Wish struct {
	payment.Opened
	Actor string // "caller:shop"
	Hash  string // keyed hash of the canonical request body
	Payer providers.Payer
}

// RouteError says that no gateway can take a payment, with the reason for each one.
// It wraps ErrNoCapableGateway or ErrUnavailable; nothing was stored or sent.
type RouteError struct {
	Err   error
	Route []payment.Choice
}

func (e *RouteError) Error() string { return e.Err.Error() }

// Unwrap gives the sentinel.
func (e *RouteError) Unwrap() error { return e.Err }

// Create opens a payment under its request id, with the plan of its first attempt in the same
// commit, and moves it as far as it goes within the caller's deadline. A request that came
// before answers with its payment as it stands. Requests that no gateway can serve are refused
// and nothing is stored.
func (r *Router) Create(ctx context.Context, w Wish) (payment.Payment, error) {
	now := time.Now()
	request := journal.Request{Tenant: w.Tenant, ID: w.RequestID, Kind: "create", Hash: w.Hash}
	opened, err := r.complete(w.Opened, now)
	var p payment.Payment
	o := &opening{r: r, request: request, person: w.Payer, event: payment.Event{Seq: 1, At: payment.Instant(now), Actor: w.Actor, Body: opened}}
	if err == nil {
		p, err = r.begin(ctx, o, now)
	}
	if err != nil && !o.asked {
		// What cannot be done now may have been done before, under this very request id.
		kept, again := r.Journal.Repeated(ctx, request)
		if errors.Is(again, journal.ErrNotFound) {
			return payment.Payment{}, err
		}
		p, err = kept, again
	}
	if err != nil && !errors.Is(err, journal.ErrRepeated) {
		return p, err
	}
	return r.follow(ctx, p)
}

// begin opens a payment at the first gateway that can serve it and is admitted, and sends its
// first attempt.
func (r *Router) begin(ctx context.Context, o *opening, now time.Time) (payment.Payment, error) {
	p, err := payment.Payment{}.Apply(o.event)
	if err != nil {
		return p, err
	}
	if r.mistimed(now) || r.mayMove() != nil {
		return p, r.refusal(ctx, p, now)
	}
	p, _, err = r.route(ctx, p, true, o)
	if err != nil && o.mine {
		return r.left(p, err), nil
	}
	return p, err
}

// opening is a payment that is opened together with its first attempt: what two commits would
// make durable one does, and a payment that nobody begins is not in the books at all.
type opening struct {
	r       *Router
	request journal.Request
	person  providers.Payer
	event   payment.Event
	asked   bool // the books were asked to take it
	mine    bool // and did
}

func (o *opening) payer(context.Context, payment.Payment) (providers.Payer, error) {
	return o.person, nil
}

func (o *opening) plan(ctx context.Context, p payment.Payment, body func(payment.Payment) payment.Body) (payment.Payment, error) {
	more, err := o.r.decide("router", body)(p)
	if err != nil {
		return p, err
	}
	o.asked = true
	p, err = o.r.Journal.Open(ctx, o.request, o.person, append([]payment.Event{o.event}, more...)...)
	if err == nil {
		o.mine = true
		o.r.moved(payment.Payment{}, p)
	}
	return p, err
}

// follow drives a payment for a caller. Once an attempt is planned the answer is the
// payment, whatever our own trouble: undecided is not an error.
func (r *Router) follow(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	moved, err := r.drive(ctx, p, true)
	if err != nil && len(moved.Attempts) > 0 {
		return r.left(moved, err), nil
	}
	return moved, err
}

func (r *Router) left(p payment.Payment, err error) payment.Payment {
	r.Log.Error("payment left to the worker", "payment", p.ID, "error", err.Error())
	return p
}

// complete fills what the caller left open and refuses what names nothing of ours.
func (r *Router) complete(o payment.Opened, now time.Time) (payment.Opened, error) {
	tenant, ok := r.Tenants[o.Tenant]
	if !ok {
		return o, fmt.Errorf("%s: %w", o.Tenant, ErrUnknownTenant)
	}
	for _, name := range o.Gateways {
		if !slices.ContainsFunc(tenant.Rules, func(rule Rule) bool { return rule.Gateway == name }) {
			return o, fmt.Errorf("%s: %w", name, ErrUnknownGateway)
		}
	}
	if o.Deadline.IsZero() {
		o.Deadline = now.Add(r.OfferDeadline)
		if !slices.ContainsFunc(o.Methods, func(m providers.Method) bool { return m != providers.Instrument }) {
			o.Deadline = now.Add(r.DirectDeadline)
		}
	}
	if o.Deadline = payment.Instant(o.Deadline); !o.Deadline.After(now) {
		return o, ErrDeadlinePassed
	}
	if o.ID == "" {
		o.ID = newID()
	}
	return o, nil
}

// refusal says why no gateway may take the payment while nothing may be sent to any.
func (r *Router) refusal(ctx context.Context, p payment.Payment, now time.Time) error {
	route, err := r.preview(ctx, p, now)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(route, func(c payment.Choice) bool { return c.Taken || isHealthReason(c.Why) }) {
		return &RouteError{Err: ErrNoCapableGateway, Route: route}
	}
	return &RouteError{Err: cmp.Or(r.mayMove(), ErrUnavailable), Route: route}
}

// Preview answers which gateways a payment would try, and why the others not. It
// stores and sends nothing.
func (r *Router) Preview(ctx context.Context, w Wish) ([]payment.Choice, error) {
	now := time.Now()
	opened, err := r.complete(w.Opened, now)
	if err != nil {
		return nil, err
	}
	p, err := payment.Payment{}.Apply(payment.Event{At: payment.Instant(now), Body: opened})
	if err != nil {
		return nil, err
	}
	return r.preview(ctx, p, now)
}

func (r *Router) preview(ctx context.Context, p payment.Payment, now time.Time) ([]payment.Choice, error) {
	instruments, err := r.instruments(ctx, p)
	if err != nil {
		return nil, err
	}
	candidates, skipped := r.rank(p, instruments)
	route := make([]payment.Choice, 0, len(candidates)+len(skipped))
	taken, mistimed := false, r.mistimed(now)
	for _, c := range candidates {
		choice := payment.Choice{Gateway: c.Gateway, Method: c.Method, Why: WhyCapable}
		if mistimed {
			choice.Why = WhyClock
		} else if r.sure() != nil {
			choice.Why = WhyReconcile
		} else if err := r.Board.Peek(c.Gateway, c.op(), p.ID); err != nil {
			choice.Why = why(err)
		} else if !taken {
			taken, choice.Taken, choice.Why = true, true, WhyTaken
		}
		route = append(route, choice)
	}
	if i := slices.IndexFunc(route, func(c payment.Choice) bool { return c.Why == WhyRamping }); !taken && i >= 0 {
		route[i].Taken, route[i].Why, route[i].Detail = true, WhyTaken, "coming back, and no other gateway can serve"
	}
	return append(route, skipped...), nil
}

// op is the operation whose breaker guards the candidate.
func (c Candidate) op() health.Op {
	if c.Flow == providers.Direct || c.Flow == providers.Pushed {
		return health.OpCharge
	}
	return health.OpCreate
}
