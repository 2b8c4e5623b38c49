//go:build unix

package app_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// pair is two PostgreSQL servers, the second a standby of the first, and two replicas that are
// told of both and write to whichever lets them.
type pair struct {
	*world
	first, standby *pgserver.Server
	a, b           *replica
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{first: ownServer(t)}
	var err error
	if p.standby, err = p.first.Standby(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.standby.Stop)
	p.world = newWorld(t, pgserver.Either(p.first, p.standby))
	p.shaky = true
	p.a, p.b = p.replica(trap{}), p.replica(trap{})
	return p
}

// A standby that has every commit takes over from a server that crashed: what was known is known,
// a charge whose answer came while nobody could write it down is looked up and not made again, and
// nobody has to be called (SAFETY section 6, store failover).
func TestAStandbyThatHasEveryCommitTakesOver(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	before := w.follow(w.a, w.repeat(w.a, charge(wayforpayCard)(w.world, nil)), isPaid)
	w.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 1})
	hanging := charge(wayforpayCard)(w.world, nil)
	unheard := inBackground(w.b, hanging, patience)
	w.eventually("the charge's arrival", func() bool { return w.arrived("wayforpay", sim.OpCharge) == 2 })
	w.must(w.standby.Follows(t.Context(), w.first))
	w.must(w.first.Halt(pgserver.Immediate))
	w.must(w.standby.Promote(t.Context()))

	<-unheard // whatever its caller was told
	during := w.follow(w.a, w.repeat(w.a, hanging), isPaid)
	w.sentSo(w.a, during, sim.OpCharge, []int{1})
	after := w.follow(w.b, w.repeat(w.b, charge(wayforpayCard)(w.world, nil)), isPaid)
	if before.GetName() == during.GetName() || during.GetName() == after.GetName() {
		t.Errorf("three wishes are the payments %s, %s and %s", before.GetName(), during.GetName(), after.GetName())
	}
	w.follow(w.b, before.GetName(), isPaid)
	if orders := w.toReconcile(w.a); len(orders) != 0 {
		t.Errorf("nothing was lost, and people are called: %v", orders)
	}
	w.audit(w.a, 3)
}

// A standby that lacks the last commits takes over: whoever wrote them notices, nothing that moves
// money is sent to any gateway, and people are told to compare (SAFETY section 6, with loss).
func TestAStandbyThatLacksTheLastCommitsStopsAllCharges(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	w.follow(w.a, w.repeat(w.a, charge(wayforpayCard)(w.world, nil)), isPaid)
	w.must(w.standby.Follows(t.Context(), w.first))
	w.must(w.standby.Halt(pgserver.Fast)) // it hears of nothing more
	lost := charge(wayforpayCard)(w.world, nil)
	w.follow(w.a, w.repeat(w.a, lost), isPaid)
	sent := w.money()
	w.must(w.first.Halt(pgserver.Immediate))
	w.must(w.standby.Start(t.Context()))
	w.must(w.standby.Promote(t.Context()))
	w.heard.forget() // what the caller was told is lost with the commit

	refused := func(r *replica) {
		t.Helper()
		if a := <-inBackground(r, lost, patience); status.Code(a.err) != codes.Unavailable {
			t.Errorf("the request comes again before the window is reconciled: heard of %q, error %v", a.payment, a.err)
		}
	}
	refused(w.b) // which has lost nothing itself, and mostly has not looked yet
	w.eventually("the orders to reconcile", func() bool { return len(w.toReconcile(w.a)) == len(houses) })
	refused(w.a)
	refused(w.b)
	if now := w.money(); now != sent {
		t.Errorf("%d requests that move money were sent before the window was reconciled", now-sent)
	}
}
