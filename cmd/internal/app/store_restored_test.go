//go:build unix

package app_test

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// TestARestoredStoreMeetsTheFirstChargeByItsDerivedReference puts PostgreSQL back to a
// state from before some charges, of which the gateways hold the money (SAFETY sections 3
// and 6, store failover with loss). A process that went on running sees that its last
// commit is gone; for one that starts anew an operator says so. Nothing is sent to any
// gateway then, whoever repeats a request, until people have compared the window with all
// gateways' books. A reference that is derived from tenant, request id and attempt number
// is the same when the caller comes again after that: the gateway knows it, takes nothing,
// and is asked how it stands. Counted numbers are passed over, and never met again.
//
// The second request about a derived reference is not to be avoided, since nobody knows of
// the first: the bank is told to expect it (I9).
func TestARestoredStoreMeetsTheFirstChargeByItsDerivedReference(t *testing.T) {
	t.Parallel()
	var rows sync.WaitGroup
	for name, goOn := range map[string]func(w *world, running *replica) *replica{
		"on a process that went on running": func(_ *world, running *replica) *replica { return running },
		"on a process that started anew": func(w *world, running *replica) *replica {
			running.signal(syscall.SIGKILL)
			running.ended()
			w.must(w.read(func(s *journal.Store) error {
				return router.HoldForReconciliation(t.Context(), s, router.Lost{Gateways: houses, Actor: "operator:aida", Reason: "put back"})
			}))
			return w.replica(trap{})
		},
	} {
		rows.Go(func() { t.Run(name, func(t *testing.T) { loseWindow(t, goOn) }) })
	}
	rows.Wait()
}

var houses = []string{"halyk-main", "kaspi-main", "wayforpay-main"}

func loseWindow(t *testing.T, goOn func(*world, *replica) *replica) {
	server := ownServer(t)
	w := newWorld(t, server.URL)
	w.shaky = true
	running := w.replica(trap{})
	w.restart(server, func() error { return server.Keep() })
	answered, hanging := charge(wayforpayCard)(w, nil), charge(wayforpayCard)(w, nil)
	counted := charge(halykCard, "gateways/halyk-main")(w, nil)
	first := []string{w.repeat(running, answered), ""}
	taken := w.follow(running, w.repeat(running, counted), isPaid)
	w.lost = map[string]bool{taken.GetAttempts()[0].GetReference(): true} // people will see it in Halyk's books
	w.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 1})
	unheard := inBackground(running, hanging, patience)
	w.eventually("the charge's arrival", func() bool { return w.arrived("wayforpay", sim.OpCharge) == 2 })
	// What the process learns of the second is about a payment that is not there.
	w.restart(server, func() error { return server.PutBack() })
	first[1] = (<-unheard).payment
	if len(w.histories()) != 0 {
		t.Fatalf("not all was lost: %v", w.histories())
	}
	sent, charged := w.money(), len(w.bank.Ledger().Entries)
	w.heard.forget() // what callers were told before is lost with it, and not the payer's money
	w.excuse = func(v sim.Violation) bool {
		return v.Invariant == "I9" && v.Face == "wayforpay" && v.Op == sim.OpCharge
	}
	r := goOn(w, running)
	w.eventually("the orders to reconcile", func() bool { return len(w.toReconcile(r)) == len(houses) })
	for _, call := range []call{answered, hanging, counted, offer(w, nil)} {
		if a := <-inBackground(r, call, patience); status.Code(a.err) != codes.Unavailable {
			t.Errorf("a request before the window is reconciled: heard of %q, error %v", a.payment, a.err)
		}
	}
	if now := w.money(); now != sent {
		t.Errorf("%d requests that move money were sent before the window was reconciled", now-sent)
	}
	for _, o := range w.toReconcile(r) { // people have compared, and know the three charges
		_, err := r.people.EndOverride(asPerson(t, "aida"), &pb.EndOverrideRequest{Name: o.GetName(), Reason: "compared", Etag: o.GetEtag()})
		w.must(err)
	}
	for i, call := range []call{answered, hanging} {
		name := w.repeat(r, call)
		p := w.follow(r, name, isPaid)
		if name == first[i] {
			t.Error("the payment was not lost")
		}
		w.sentSo(r, p, sim.OpCharge, []int{2})
	}
	if now := len(w.bank.Ledger().Entries); now != charged {
		t.Errorf("%d lines in the ledger, %d before the restoration", now, charged)
	}
	another := w.follow(r, w.repeat(r, charge(halykCard, "gateways/halyk-main")(w, nil)), isPaid)
	w.sentSo(r, another, sim.OpCharge, []int{1}) // under a number that was not given out in the window
	w.audit(r, 3)
}

func isPaid(p *pb.Payment) bool { return p.GetState() == pb.Payment_STATE_PAID }

// asPerson is the context of an operator's call.
func asPerson(t *testing.T, name string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "payrouter-operator", name)
}

// toReconcile lists the orders to reconcile that are in force.
func (w *world) toReconcile(r *replica) []*pb.Override {
	all, err := r.people.ListOverrides(asPerson(w.t, "aida"), &pb.ListOverridesRequest{Parent: "gateways/-", ActiveOnly: true})
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all.GetOverrides(), func(o *pb.Override) bool { return o.GetMode() != pb.Override_MODE_RECONCILE })
}

// restart stops a server, does something to its data, and starts it.
func (w *world) restart(s *pgserver.Server, meanwhile func() error) {
	w.t.Helper()
	w.must(s.Halt(pgserver.Fast))
	w.must(meanwhile())
	w.must(s.Start(w.t.Context()))
}
