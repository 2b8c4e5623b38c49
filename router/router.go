package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Gateway is one configured account at a provider.
type Gateway struct {
	Name        string
	Credentials               // what new attempts begin with
	Retiring    []Credentials // earlier ones that are still valid
	NotifyURL   string        // where its notices reach us
}

// Options wire a Router. All are required unless said otherwise.
type Options struct {
	Journal  *journal.Store
	Board    *health.Board
	Gateways []Gateway
	Tenants  map[string]Tenant
	Terms    payment.Terms // Claims is filled in by New
	Log      *slog.Logger
	// Registerer may be nil.
	Registerer prometheus.Registerer
	// Tracer begins a trace for what nobody called for: due payments, errands and notices.
	// May be nil: then none is begun.
	Tracer spans.Tracer
	// DirectDeadline and OfferDeadline are how long a payment without a deadline
	// of its own may begin attempts. Defaults 15 min and 26 h, which leaves room for
	// an invoice on a phone that lives a day.
	DirectDeadline, OfferDeadline time.Duration
	// MinBudget is what must be left of a caller's deadline for another direct attempt. Default 5 s.
	MinBudget time.Duration
	// PollEvery is how often the worker looks for payments that are due. Default 500 ms.
	PollEvery time.Duration
	// WatchEvery is how often it is seen whether the books went back; other replicas' orders
	// about gateways are read twice as often. Default 1 s.
	WatchEvery time.Duration
	// Clock tells the time by the clock that all replicas share. Default Journal.Clock; tests
	// that live in virtual time on a real database give another.
	Clock func(context.Context) (time.Time, error)
	// Lease is how long a worker's claim of a payment lasts: longer than the longest call.
	// Default 2 min; tests that outlive it make it shorter.
	Lease time.Duration
	// Fee is what a gateway takes for a charge by the contract with it, for forecasts; it
	// reports false where the contract says nothing. May be nil: then nothing is known.
	Fee func(gateway string, m providers.Method, amount providers.Money, at time.Time) (providers.Money, bool)
	// Step is called at named points, for tests that kill the process there. May be nil.
	Step func(point string)
}

// Tenant is one merchant's rules.
type Tenant struct {
	Rules []Rule
	// GiveBackLimit (minor units): a larger surplus waits for a person; 0 means no limit.
	GiveBackLimit int64
}

// Router moves payments. It is safe for concurrent use.
type Router struct {
	Options
	gateways  atomic.Pointer[map[string]Gateway]
	names     []string
	terms     payment.Terms
	numbers   *numbers
	hub       *hub
	errands   map[string]*errands // by gateway
	looks     singleflight.Group
	clock     atomic.Pointer[clock]
	metrics   *metrics
	owner     string
	trust     trust
	strangers strangers
	orders    *orders
	lostAt    atomic.Int64 // when the last order to reconcile was made, in microseconds; 0 means none was
	begun     atomic.Bool
}

// Errors that callers branch on.
var (
	ErrNoCapableGateway  = errors.New("no configured gateway can serve this payment")
	ErrUnavailable       = errors.New("no gateway that could serve this payment is available")
	ErrUnknownTenant     = errors.New("unknown tenant")
	ErrUnknownGateway    = errors.New("unknown gateway")
	ErrUnknownInstrument = errors.New("unknown instrument")
	ErrDeadlinePassed    = errors.New("the deadline has passed")
)

// TermsOf completes terms with the gateways' claims.
func TermsOf(terms payment.Terms, gateways []Gateway) payment.Terms {
	claims := map[string]providers.Claims{}
	for _, g := range gateways {
		claims[g.Name] = g.Provider.Claims()
	}
	terms.Claims = func(name string) providers.Claims { return claims[name] }
	return terms.Default()
}

// New checks the wiring.
func New(o Options) (*Router, error) {
	if o.Journal == nil || o.Board == nil || len(o.Gateways) == 0 {
		return nil, errors.New("router: Journal, Board and Gateways are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DirectDeadline == 0 {
		o.DirectDeadline = 15 * time.Minute
	}
	if o.OfferDeadline == 0 {
		o.OfferDeadline = 26 * time.Hour
	}
	if o.MinBudget == 0 {
		o.MinBudget = 5 * time.Second
	}
	if o.PollEvery == 0 {
		o.PollEvery = 500 * time.Millisecond
	}
	if o.WatchEvery == 0 {
		o.WatchEvery = time.Second
	}
	if o.Clock == nil {
		o.Clock = o.Journal.Clock
	}
	if o.Lease == 0 {
		o.Lease = 2 * time.Minute
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	r := &Router{Options: o, terms: TermsOf(o.Terms, o.Gateways),
		numbers: &numbers{journal: o.Journal}, hub: newHub(), orders: newOrders(), errands: map[string]*errands{}, owner: uuid.NewString()}
	gateways, err := byName(o.Gateways)
	if err != nil {
		return nil, err
	}
	r.gateways.Store(&gateways)
	for _, g := range o.Gateways {
		r.names = append(r.names, g.Name)
		r.errands[g.Name] = newErrands()
	}
	for name, t := range o.Tenants {
		for _, rule := range t.Rules {
			if _, ok := gateways[rule.Gateway]; !ok {
				return nil, fmt.Errorf("router: tenant %s has a rule for gateway %q, which is not configured", name, rule.Gateway)
			}
		}
	}
	r.clock.Store(&clock{})
	r.metrics = newMetrics(r)
	return r, nil
}

// TermsFor gives the rules in force for a tenant.
func (r *Router) TermsFor(tenant string) payment.Terms {
	t := r.terms
	t.GiveBackLimit = r.Tenants[tenant].GiveBackLimit
	if at := r.lostAt.Load(); at > 0 {
		t.LostAt = time.UnixMicro(at).UTC()
	}
	return t
}

// append adds one event to a payment and, in the same commit, what is known with it and the
// bookkeeping that follows.
func (r *Router) append(ctx context.Context, p payment.Payment, actor string, body func(payment.Payment) payment.Body, with ...payment.Body) (payment.Payment, error) {
	return r.advance(ctx, p, r.decide(actor, body, with...))
}

func (r *Router) decide(actor string, body func(payment.Payment) payment.Body, with ...payment.Body) journal.Decide {
	return func(p payment.Payment) ([]payment.Event, error) {
		b := body(p)
		if b == nil {
			return nil, nil
		}
		now := time.Now()
		mistimed := r.mistimed(now)
		if mistimed {
			now = r.byBooks(now)
		}
		held := mistimed || r.mayMove() != nil
		next, events := p, []payment.Event(nil)
		for _, b := range append([]payment.Body{b}, with...) {
			e := payment.Event{Seq: next.Seq + 1, At: payment.Instant(now), Actor: actor, Body: b}
			var err error
			if next, err = next.Apply(e); err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		if held { // what follows from it is left to whoever knows the time, and what was lost
			return events, nil
		}
		_, more, err := next.Settle(now, r.TermsFor(p.Tenant), "router")
		return append(events, more...), err
	}
}

func (r *Router) advance(ctx context.Context, p payment.Payment, decide journal.Decide) (payment.Payment, error) {
	before := p
	next, err := r.Journal.Advance(ctx, p, decide)
	if err == nil && next.Seq != before.Seq {
		r.moved(before, next)
	}
	return next, err
}

// moved tells watchers and metrics that a payment changed.
func (r *Router) moved(before, after payment.Payment) {
	r.hub.wake(after.ID, anyKey)
	r.metrics.moved(before, after)
	r.elsewhere(before, after)
}
