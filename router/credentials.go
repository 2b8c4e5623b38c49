package router

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
)

// Credentials are one set of a gateway's credentials, with the adapter that speaks with
// them. A gateway may have several that are valid at once, while they are being changed.
type Credentials struct {
	// Version is their name, never a secret: each attempt keeps that of the credentials it
	// began with.
	Version  string
	Provider providers.Provider
	Issued   time.Time // when the provider gave them out; zero means that nobody said
	Expires  time.Time // when the provider stops to accept them; zero means that nobody said
}

// End is when the provider stops to accept them, by the configuration or by their own
// word, whichever is sooner; zero means that nobody said.
func (c Credentials) End() time.Time {
	end := c.Expires
	if e, ok := c.Provider.(providers.Expirer); ok {
		if own := e.Expires(); end.IsZero() || !own.IsZero() && own.Before(end) {
			end = own
		}
	}
	return end
}

// ErrNotOnlyCredentials refuses a rotation that would change more than credentials.
var ErrNotOnlyCredentials = errors.New("more than credentials would change: restart with the new configuration")

// Valid lists the gateway's credentials, those of new attempts first.
func (g Gateway) Valid() []Credentials {
	return append([]Credentials{g.Credentials}, g.Retiring...)
}

// with is the adapter that speaks with the credentials of the version, or with those of
// new attempts once the version is gone: the account is the same.
func (g Gateway) with(version string) providers.Provider {
	for _, c := range g.Retiring {
		if c.Version == version {
			return c.Provider
		}
	}
	return g.Provider
}

// hear reads a notice with the credentials that make it authentic, those of new attempts
// first, and returns the adapter that must answer it: an answer may be signed, too.
func (r *Router) hear(g Gateway, first providers.Listener, n providers.Notice) (providers.Listener, providers.Heard) {
	heard := r.read(first, g.Name, n)
	for _, c := range g.Retiring {
		other, ok := c.Provider.(providers.Listener)
		if !heard.Forged || !ok {
			continue
		}
		if again := r.read(other, g.Name, n); !again.Forged {
			return other, again
		}
	}
	return first, heard
}

// Gateway is the gateway of that name with its credentials of this moment.
func (r *Router) Gateway(name string) (Gateway, bool) {
	g, ok := (*r.gateways.Load())[name]
	return g, ok
}

// All lists the gateways by name, with their credentials of this moment.
func (r *Router) All() []Gateway {
	now := *r.gateways.Load()
	var all []Gateway
	for _, name := range slices.Sorted(maps.Keys(now)) {
		all = append(all, now[name])
	}
	return all
}

// Rotate changes gateways' credentials while calls go on: those in flight end with what
// they began with. The gateways must be the same ones, and promise the same.
func (r *Router) Rotate(gateways []Gateway) error {
	old := *r.gateways.Load()
	now, err := byName(gateways)
	if err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(maps.Keys(old)), slices.Sorted(maps.Keys(now))) {
		return fmt.Errorf("%w (gateways would appear or go)", ErrNotOnlyCredentials)
	}
	for name, g := range now {
		if !reflect.DeepEqual(g.Provider.Claims(), r.terms.Claims(name)) || g.NotifyURL != old[name].NotifyURL {
			return fmt.Errorf("%w (%s would promise something else)", ErrNotOnlyCredentials, name)
		}
	}
	r.gateways.Store(&now)
	return nil
}

// Probe asks whether the gateway is alive, with its credentials of this moment.
func (r *Router) Probe(ctx context.Context, gateway string) health.Signal {
	g, _ := r.Gateway(gateway)
	prober, ok := g.Provider.(providers.Prober)
	if !ok {
		return health.Neutral
	}
	began := time.Now()
	result := prober.Probe(ctx)
	r.metrics.called(ctx, gateway, "probe", result, time.Since(began))
	return ProbeSignal(result)
}

// byName checks that no gateway appears twice, and no version of its credentials.
func byName(gateways []Gateway) (map[string]Gateway, error) {
	all := map[string]Gateway{}
	for _, g := range gateways {
		if _, twice := all[g.Name]; twice {
			return nil, fmt.Errorf("router: gateway %s appears twice", g.Name)
		}
		versions := map[string]bool{}
		for _, c := range g.Valid() {
			if c.Provider == nil {
				return nil, fmt.Errorf("router: gateway %s has no adapter", g.Name)
			}
			if versions[c.Version] {
				return nil, fmt.Errorf("router: credentials %q of gateway %s appear twice", c.Version, g.Name)
			}
			versions[c.Version] = true
		}
		for name, other := range all {
			if countAlike(g.Provider.Claims(), other.Provider.Claims()) {
				return nil, fmt.Errorf("router: gateways %s and %s count order numbers in one account: one number would be two payments. Give each an account of its own or, where the provider compares whole numbers, a reference_prefix that the other does not begin with", name, g.Name)
			}
		}
		all[g.Name] = g
	}
	return all, nil
}

// countAlike reports whether two gateways could give one order number to two payments.
func countAlike(a, b providers.Claims) bool {
	rules := func(c providers.Claims) []providers.ReferenceRule {
		all := []providers.ReferenceRule{c.Reference}
		for _, m := range c.Methods {
			all = append(all, m.Reference)
		}
		return all
	}
	return a.Provider == b.Provider && slices.ContainsFunc(rules(a), func(r providers.ReferenceRule) bool { return slices.ContainsFunc(rules(b), r.Meets) })
}
