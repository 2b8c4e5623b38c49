package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/router/identity"
)

// Described lists the metrics that the service registers, whether they have series yet or not.
func (a *App) Described() []*prometheus.Desc {
	out := make(chan *prometheus.Desc)
	go func() {
		defer close(out)
		a.registry.Describe(out)
	}()
	var all []*prometheus.Desc
	for d := range out {
		all = append(all, d)
	}
	return all
}

// Gate proves who calls the service.
func (a *App) Gate() *identity.Gate { return a.gate }
