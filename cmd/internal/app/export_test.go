package app

import (
	"context"
	"log/slog"
	"net/http"

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

// CloseDoors is how the service closes its webhooks' door.
func CloseDoors(limit context.Context, doors ...*http.Server) error {
	return (&App{log: slog.New(slog.DiscardHandler)}).closeDoors(limit, doors...)
}
