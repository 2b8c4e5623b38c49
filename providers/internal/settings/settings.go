// Package settings is what the configurations of adapters share: the checks of addresses,
// time limits and rules that stand in several of them, in the same words. What only one
// provider has is checked in its own package.
package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Errors gathers all that is wrong with a configuration, each by its field as it stands in
// the YAML, with the way out.
type Errors struct{ all []error }

// If adds a wrong field.
func (e *Errors) If(bad bool, field, wayOut string) {
	if bad {
		e.all = append(e.all, fmt.Errorf("%s: %s", field, wayOut))
	}
}

// Err joins them, in the order of finding. It is nil when nothing is wrong.
func (e *Errors) Err() error { return errors.Join(e.all...) }

// Base demands the address of a host, https except on this machine. The example is one that
// would do.
func (e *Errors) Base(field, text, example string) {
	base, err := url.Parse(text)
	switch {
	case err != nil, base.Host == "", base.User != nil, base.RawQuery != "", base.Fragment != "":
		e.If(true, field, "write an address such as "+example+", without user, query or fragment")
	case base.Scheme != "https" && (base.Scheme != "http" || !Loopback(base.Hostname())):
		e.If(true, field, "write https://; plain http is for loopback addresses only")
	}
}

// Timeouts refuses negative time limits. The example is one that would do.
func (e *Errors) Timeouts(t providers.Timeouts, example string) {
	for _, limit := range []struct {
		field string
		value time.Duration
	}{{"charge", t.Charge}, {"create", t.Create}, {"status", t.Status}, {"refund", t.Refund}} {
		e.If(limit.value < 0, "timeouts."+limit.field, "write a positive duration such as "+example)
	}
}

// Absent refuses a rule that would believe too soon. How large After must be is for the
// provider to say.
func (e *Errors) Absent(a Absent) {
	e.If(a.Times < 2, "absent.times", "one answer proves nothing; write 2 or more")
	e.If(a.Apart < 30*time.Second, "absent.apart", "write a duration of 30s or more")
}

// Absent is when a provider's "no such order" proves that a charge was never taken on.
type Absent struct {
	// After is H: how long after the last possible send the first such answer counts.
	After time.Duration `yaml:"after"`
	// Times is how many in a row are needed, at least 2. Default 3.
	Times int `yaml:"times"`
	// Apart is the time between the first and the last, at least 30 s. Default 60 s.
	Apart time.Duration `yaml:"apart"`
}

// WithDefaults fills what is left out. The default of After is the provider's.
func (a Absent) WithDefaults(after time.Duration) Absent {
	Default(&a.After, after)
	Default(&a.Times, 3)
	Default(&a.Apart, time.Minute)
	return a
}

// Rule is the claim.
func (a Absent) Rule() providers.AbsentRule {
	return providers.AbsentRule{Counts: true, After: a.After, Times: a.Times, Apart: a.Apart}
}

// Default fills a field that was left out.
func Default[T comparable](field *T, value T) {
	var none T
	if *field == none {
		*field = value
	}
}

// Loopback reports whether a host is this machine.
func Loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// DefaultTimeouts fills the time limits that were left out.
func DefaultTimeouts(t *providers.Timeouts, otherwise providers.Timeouts) {
	Default(&t.Charge, otherwise.Charge)
	Default(&t.Create, otherwise.Create)
	Default(&t.Status, otherwise.Status)
	Default(&t.Refund, otherwise.Refund)
}

// Prefixes reads addresses and prefixes, such as those that notices may come from.
func Prefixes(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a prefix", text)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}
