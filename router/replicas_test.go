package router_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// On PostgreSQL several processes share the books, each with a pool of its own: one key
// is one payment and one charge, whoever drives it.
func TestReplicasOnPostgreSQLChargeOnce(t *testing.T) {
	url := pgtest.URL(t)
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) { s.store = url })
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
		var clients sync.WaitGroup
		var lock sync.Mutex
		ids := map[string]string{}
		for range 12 {
			wish := byCard(halykMain)
			for _, r := range []*router.Router{h.router, other, h.router, other} {
				clients.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					p, err := r.Create(ctx, wish)
					if err != nil {
						t.Error(err)
						return
					}
					lock.Lock()
					defer lock.Unlock()
					if first, ok := ids[wish.RequestID]; ok && first != p.ID {
						t.Errorf("one key made %s and %s", first, p.ID)
					}
					ids[wish.RequestID] = p.ID
				})
			}
		}
		clients.Wait()
		time.Sleep(5 * time.Minute)
		for _, id := range ids {
			p := h.want(payment.Payment{Opened: payment.Opened{ID: id}}, payment.StatusPaid, 1549000)
			if n := h.bank.Ledger().Count("halyk", sim.OpCharge, p.Attempts[0].Reference); n != 1 || len(p.Attempts) != 1 {
				t.Errorf("%d attempts, the first was sent %d times", len(p.Attempts), n)
			}
		}
	})
}
