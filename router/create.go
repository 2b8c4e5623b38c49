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

// Create opens a payment under its request id and moves it as far as it goes within
// the caller's deadline. A request that came before answers with its payment as it
// stands. Requests that no gateway can serve are refused before anything is stored.
func (r *Router) Create(ctx context.Context, w Wish) (payment.Payment, error) {
	now := time.Now()
	opened, err := r.complete(w.Opened, now)
	var refused *RouteError
	if err == nil {
		refused, err = r.servable(ctx, opened, now)
	}
	if err == nil && refused != nil {
		err = refused
	}
	request := journal.Request{Tenant: opened.Tenant, ID: opened.RequestID, Kind: "create", Hash: w.Hash}
	if err != nil {
		// What cannot be done now may have been done before, under this very request id.
		kept, again := r.Journal.Repeated(ctx, request)
		if errors.Is(again, journal.ErrNotFound) {
			return payment.Payment{}, err
		}
		if !errors.Is(again, journal.ErrRepeated) {
			return kept, again
		}
		return r.follow(ctx, kept)
	}
	p, err := r.Journal.Open(ctx, request, w.Payer, payment.Event{Seq: 1, At: payment.Instant(now), Actor: w.Actor, Body: opened})
	switch {
	case errors.Is(err, journal.ErrRepeated):
	case err != nil:
		return p, err
	default:
		r.moved(payment.Payment{}, p)
	}
	r.Step("opened")
	return r.follow(ctx, p)
}

// follow drives a payment for a caller. Once an attempt is planned the answer is the
// payment, whatever our own trouble: undecided is not an error.
func (r *Router) follow(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	moved, err := r.drive(ctx, p, true)
	if err != nil && len(moved.Attempts) > 0 {
		r.Log.Error("payment left to the worker", "payment", moved.ID, "error", err.Error())
		return moved, nil
	}
	return moved, err
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

// servable reports why no gateway can take the payment now, or nil when one can.
func (r *Router) servable(ctx context.Context, o payment.Opened, now time.Time) (*RouteError, error) {
	route, err := r.preview(ctx, o, now)
	if err != nil {
		return nil, err
	}
	capable := false
	for _, c := range route {
		switch {
		case c.Taken:
			return nil, nil
		case isHealthReason(c.Why):
			capable = true
		}
	}
	if capable {
		return &RouteError{Err: cmp.Or(r.mayMove(), ErrUnavailable), Route: route}, nil
	}
	return &RouteError{Err: ErrNoCapableGateway, Route: route}, nil
}

// Preview answers which gateways a payment would try, and why the others not. It
// stores and sends nothing.
func (r *Router) Preview(ctx context.Context, w Wish) ([]payment.Choice, error) {
	now := time.Now()
	opened, err := r.complete(w.Opened, now)
	if err != nil {
		return nil, err
	}
	return r.preview(ctx, opened, now)
}

func (r *Router) preview(ctx context.Context, o payment.Opened, now time.Time) ([]payment.Choice, error) {
	p, err := payment.Payment{}.Apply(payment.Event{At: payment.Instant(now), Body: o})
	if err != nil {
		return nil, err
	}
	instruments, err := r.instruments(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.Instrument != "" && len(instruments) == 0 {
		return nil, fmt.Errorf("%s: %w", p.Instrument, ErrUnknownInstrument)
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
