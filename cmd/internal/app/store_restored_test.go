//go:build unix

package app_test

import (
	"sync"
	"testing"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// TestARestoredStoreMeetsTheFirstChargeByItsDerivedReference puts PostgreSQL back to a
// state from before some charges, of which the gateway holds the money (SAFETY section 3,
// after a failover that may have lost commits). A reference that is derived from tenant,
// request id and attempt number is the same when the caller comes again: the gateway knows
// it, takes nothing, and is asked how it stands.
//
// The second request is not to be avoided, since nobody knows of the first: the bank is
// told to expect it (I9).
func TestARestoredStoreMeetsTheFirstChargeByItsDerivedReference(t *testing.T) {
	t.Parallel()
	var rows sync.WaitGroup
	for name, repeats := range map[string]func(w *world, running *replica) *replica{
		"on a process that went on running": func(_ *world, running *replica) *replica { return running },
		"on a process that started anew":    func(w *world, _ *replica) *replica { return w.replica(trap{}) },
	} {
		rows.Go(func() {
			t.Run(name, func(t *testing.T) {
				server := ownServer(t)
				w := newWorld(t, server.URL)
				w.shaky = true
				running := w.replica(trap{})
				w.restart(server, func() error { return server.Keep() })
				answered, hanging := charge(wayforpayCard)(w, nil), charge(wayforpayCard)(w, nil)
				first := []string{w.repeat(running, answered), ""}
				w.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 1})
				unheard := inBackground(running, hanging, patience)
				w.eventually("the charge's arrival", func() bool { return w.arrived("wayforpay", sim.OpCharge) == 2 })
				// What the process learns of the second is about a payment that is not there.
				w.restart(server, func() error { return server.PutBack() })
				first[1] = (<-unheard).payment
				if len(w.histories()) != 0 {
					t.Fatalf("not all was lost: %v", w.histories())
				}
				charged := len(w.bank.Ledger().Entries)
				w.heard.forget() // what callers were told before is lost with it, and not the payer's money
				w.excuse = func(v sim.Violation) bool { return v.Invariant == "I9" && v.Op == sim.OpCharge }
				r := repeats(w, running)
				for i, call := range []call{answered, hanging} {
					name := w.repeat(r, call)
					p := w.follow(r, name, func(p *pb.Payment) bool { return p.GetState() == pb.Payment_STATE_PAID })
					if name == first[i] {
						t.Error("the payment was not lost")
					}
					w.sentSo(r, p, sim.OpCharge, []int{2})
				}
				if now := len(w.bank.Ledger().Entries); now != charged {
					t.Errorf("%d lines in the ledger, %d before the restoration", now, charged)
				}
				w.audit(r, 2)
			})
		})
	}
	rows.Wait()
}

// restart stops a server, does something to its data, and starts it.
func (w *world) restart(s *pgserver.Server, meanwhile func() error) {
	w.t.Helper()
	w.must(s.Halt(pgserver.Fast))
	w.must(meanwhile())
	w.must(s.Start(w.t.Context()))
}
