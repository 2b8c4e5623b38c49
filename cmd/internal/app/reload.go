package app

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

// ErrRestart refuses a configuration that cannot be taken up while the service runs.
var ErrRestart = errors.New("only credentials and identities can change while payrouter runs; restart it to change anything else")

// Reload takes up the credentials and the identities of a new configuration while calls go on:
// new attempts begin with the new ones, attempts under way keep theirs while they stand under
// retiring; the next call is from whoever the new list says. Nothing is changed when it returns an error.
func (a *App) Reload(c Config) error {
	if changed := changes("", reflect.ValueOf(lasting(a.config)), reflect.ValueOf(lasting(c))); len(changed) > 0 {
		return fmt.Errorf("%w (changed: %s)", ErrRestart, strings.Join(changed, ", "))
	}
	directory, err := c.directory()
	if err != nil {
		return err
	}
	before := a.router.All()
	gateways, err := a.open(c)
	if err == nil {
		err = a.router.Rotate(gateways)
	}
	if err != nil {
		return err
	}
	if a.gate != nil {
		a.gate.SetDirectory(directory)
		a.log.Info("identities taken up", "identities", len(c.Identities))
	}
	a.config = c
	for _, g := range a.router.All() {
		var retiring []string
		for _, r := range g.Retiring {
			retiring = append(retiring, r.Version)
		}
		a.log.Info("credentials taken up", "gateway", g.Name, "credentials", g.Version, "retiring", retiring)
	}
	a.retire(before)
	return nil
}

// Config is the configuration in force.
func (a *App) Config() Config { return a.config }

// lasting is what a configuration says besides credentials and identities. That the settings
// of an adapter differ in credentials alone is for its claims to show.
func lasting(c Config) Config {
	c.Identities = nil
	c.Gateways = slices.Clone(c.Gateways)
	for i := range c.Gateways {
		c.Gateways[i].Account, c.Gateways[i].Retiring = Account{}, nil
	}
	return c
}

// changes are the keys of two configurations that differ, by section and key. What stands
// there is not told: it may be a secret.
func changes(section string, before, after reflect.Value) []string {
	var all []string
	for i, field := range reflect.VisibleFields(before.Type()) {
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		b, a := before.Field(i), after.Field(i)
		switch {
		case reflect.DeepEqual(b.Interface(), a.Interface()):
		case section == "" && field.Type.Kind() == reflect.Struct:
			all = append(all, changes(key+".", b, a)...)
		default:
			all = append(all, section+key)
		}
	}
	return all
}

// kept is the adapter that speaks for the gateway with these settings now, or nil.
func (a *App) kept(gateway string, s Settings) providers.Provider {
	if a.router == nil {
		return nil // the service is being made
	}
	speaking, _ := a.router.Gateway(gateway)
	for _, g := range a.config.Gateways {
		if g.Name != gateway {
			continue
		}
		for i, account := range g.accounts() {
			if reflect.DeepEqual(account.Settings, s) {
				return speaking.Valid()[i].Provider
			}
		}
	}
	return nil
}

// retire drops the connections of adapters that speak for nobody any more. Calls under way
// end by themselves.
func (a *App) retire(before []router.Gateway) {
	speaking := map[providers.Provider]bool{}
	for _, g := range a.router.All() {
		for _, c := range g.Valid() {
			speaking[c.Provider] = true
		}
	}
	for _, g := range before {
		for _, c := range g.Valid() {
			if closer, ok := c.Provider.(interface{ Close() }); ok && !speaking[c.Provider] {
				closer.Close()
			}
		}
	}
}
