package router_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// On PostgreSQL several processes share the books, each with a pool of its own: one key
// is one payment and one charge, whoever drives it.
func TestReplicasOnPostgreSQLChargeOnce(t *testing.T) {
	url := pgtest.URL(t)
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) {
			s.store = url
			s.clock = func(context.Context) (time.Time, error) { return time.Now(), nil } // the server's is real
		})
		mine := h.store
		h.store = nil // the other opens its own
		other, store, _ := h.replica()
		defer store.Close()
		h.store = mine
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { other.Run(ctx) })
		defer running.Wait()
		defer stop()
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActHang, After: 3, Times: 3})
		h.repeatOn(12, h.router, other, h.router, other)
	})
}
