package app

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Names of tenants and gateways become labels, URLs and resource names.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// Versions of credentials become labels, and stand in the books.
var versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,39}$`)

// validate reports everything that is wrong, each in the words of its key.
func (c *Config) validate() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	for key, address := range map[string]string{"grpc.address": c.GRPC.Address, "webhooks.address": c.Webhooks.Address, "ops.address": c.Ops.Address} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			say("%s: %q is not host:port", key, address)
		}
	}
	c.validateCallers(say)
	if c.Webhooks.PublicURL != "" {
		if u, err := url.Parse(c.Webhooks.PublicURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			say("webhooks.public_url: %q is not an absolute http or https URL", c.Webhooks.PublicURL)
		}
	}
	for i, block := range c.Webhooks.TrustedProxies {
		if _, err := netip.ParsePrefix(block); err != nil {
			if _, err := netip.ParseAddr(block); err != nil {
				say("webhooks.trusted_proxies[%d]: %q is neither an address nor a CIDR block", i, block)
			}
		}
	}
	for i, block := range c.Readiness.Egress {
		if _, err := netip.ParsePrefix(block); err != nil {
			if _, err := netip.ParseAddr(block); err != nil {
				say("readiness.egress[%d]: %q is neither an address nor a CIDR block", i, block)
			}
		}
	}
	if len(c.Keys.Body.Reveal()) < 16 {
		say("keys.body: at least 16 characters are needed, and they must never change; make one with: openssl rand -hex 32")
	}
	if err := new(slog.Level).UnmarshalText([]byte(c.Log.Level)); err != nil {
		say("log.level: %q is not debug, info, warn or error", c.Log.Level)
	}
	if c.Log.Format != "json" && c.Log.Format != "text" {
		say("log.format: %q is not json or text", c.Log.Format)
	}
	for key, n := range map[string]int{"grpc.max_charges": c.GRPC.MaxCharges, "webhooks.max_notices": c.Webhooks.MaxNotices, "terms.max_undecided": c.Terms.MaxUndecided,
		"grpc.calls_per_second": c.GRPC.CallsPerSecond, "grpc.streams_per_caller": c.GRPC.StreamsPerCaller, "terms.max_attempts": c.Terms.MaxAttempts,
		"store.max_conns": c.Store.MaxConns, "store.group_commit": c.Store.GroupCommit} {
		if n < 0 {
			say("%s: %d is less than nothing", key, n)
		}
	}
	// Whoever waits for less than nothing does not wait: not for the database, and not between look-ups.
	for key, d := range map[string]time.Duration{"store.commit_timeout": c.Store.CommitTimeout, "terms.resolve_limit": c.Terms.ResolveLimit, "terms.slow_look": c.Terms.SlowLook,
		"terms.start_within": c.Terms.StartWithin, "terms.direct_deadline": c.Terms.DirectDeadline, "terms.offer_deadline": c.Terms.OfferDeadline,
		"terms.min_budget": c.Terms.MinBudget, "terms.poll_every": c.Terms.PollEvery} {
		if d < 0 {
			say("%s: %s is less than nothing", key, d)
		}
	}
	for i, pause := range c.Terms.Ladder {
		if pause <= 0 {
			say("terms.ladder[%d]: %s is no pause", i, pause)
		}
	}
	c.Traces.validate(say)
	c.Retention.validate(say)
	c.validateGateways(say)
	c.validateTenants(say)
	return errors.Join(wrong...)
}

func (c *Config) validateGateways(say func(string, ...any)) {
	if len(c.Gateways) == 0 {
		say("gateways: at least one is needed")
	}
	seen := map[string]bool{}
	for i, g := range c.Gateways {
		key := fmt.Sprintf("gateways[%d]", i)
		if !namePattern.MatchString(g.Name) {
			say("%s.name: %q must be lower case letters, digits and dashes, up to 40, beginning with a letter", key, g.Name)
		}
		if g.MaxConcurrent < 0 {
			say("%s.max_concurrent: %d is less than nothing", key, g.MaxConcurrent)
		}
		if seen[g.Name] {
			say("%s.name: %q appears twice", key, g.Name)
		}
		seen[g.Name] = true
		if !slices.Contains(Providers(), g.Provider) {
			say("%s.provider: %q is unknown; there are %q", key, g.Provider, Providers())
			continue
		}
		g.validateAccounts(key, say)
		if _, err := g.Books.books(g.Provider); err != nil {
			say("%s.books.%w", key, err)
		}
	}
}

func (g Gateway) validateAccounts(key string, say func(string, ...any)) {
	versions := map[string]bool{}
	for i, a := range g.accounts() {
		at := key
		if i > 0 {
			at = fmt.Sprintf("%s.retiring[%d]", key, i-1)
		}
		if given := slices.Sorted(maps.Keys(a.given())); !slices.Equal(given, []string{g.Provider}) {
			say("%s: the settings of provider %s stand under the key %q, and no other provider's may be given; there are %q", at, g.Provider, g.Provider, given)
		}
		if a.Credentials != "" && !versionPattern.MatchString(a.Credentials) {
			say("%s.credentials: %q is a name of up to 40 letters, digits, dots and dashes, such as 2026-11", at, a.Credentials)
		}
		if !a.Issued.IsZero() && !a.Expire.IsZero() && a.Issued.After(a.Expire.Time) {
			say("%s.credentials_issued: %s is after credentials_expire", at, a.Issued.Format(time.DateOnly))
		}
		if versions[a.Credentials] {
			say("%s.credentials: %q appears twice; each set of credentials needs a version of its own", at, a.Credentials)
		}
		versions[a.Credentials] = true
	}
}

func (c *Config) validateTenants(say func(string, ...any)) {
	if len(c.Tenants) == 0 {
		say("tenants: at least one is needed")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		if !namePattern.MatchString(name) {
			say("tenants: %q must be lower case letters, digits and dashes, up to 40, beginning with a letter", name)
		}
		rules := c.Tenants[name].Rules
		if len(rules) == 0 {
			say("tenants.%s.rules: at least one is needed", name)
		}
		for i, r := range rules {
			key := fmt.Sprintf("tenants.%s.rules[%d]", name, i)
			if !slices.ContainsFunc(c.Gateways, func(g Gateway) bool { return g.Name == r.Gateway }) {
				say("%s.gateway: %q is not among the gateways", key, r.Gateway)
			}
			for _, m := range r.Methods {
				if !m.Valid() {
					say("%s.methods: %q is unknown; there are %q", key, m, providers.Methods())
				}
			}
			for _, currency := range r.Currencies {
				if _, ok := providers.Exponent(currency); !ok {
					say("%s.currencies: %q is not an ISO 4217 code", key, currency)
				}
			}
			if r.Min < 0 || r.Max < 0 || r.Max > 0 && r.Min > r.Max || r.Weight < 0 {
				say("%s: min, max and weight must not be negative, nor min above max", key)
			}
		}
	}
	if t := c.GRPC.DefaultTenant; t != "" {
		if _, ok := c.Tenants[t]; !ok {
			say("grpc.default_tenant: %q is not among the tenants", t)
		}
	}
}

// loopback reports whether an address can be reached from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
