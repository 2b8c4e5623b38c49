package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// Whoever numbers the feed gives that up when it is told to stop: the lease of a process that
// is gone would keep the changes of all others back.
func TestAReplicaThatIsToldToStopHandsTheFeedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file, func(s *setup) { s.broken = true }) // the bank asks the other books
		h.create(at(ask(providers.QR), kaspiMain), patience)
		o, _ := h.copied(beside)
		defer o.Journal.Close()
		before, err := router.New(o)
		h.must(err)
		stop := running(t, before)
		time.Sleep(15 * time.Second) // the lease in the copied books has run out
		after, err := router.New(o)
		h.must(err)
		running(t, after)
		time.Sleep(time.Second)
		stop()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		p, err := after.Create(ctx, at(ask(providers.Link), wayforpayMain))
		h.must(err)
		time.Sleep(2 * time.Second)
		changes, err := o.Journal.Changes(t.Context(), "shop", 0, 100)
		h.must(err)
		if len(changes) == 0 || changes[len(changes)-1].Payment != p.ID {
			t.Errorf("two seconds after the other replica has stopped the feed has %v", changes)
		}
	})
}

// A caller who comes again at another replica while the first still charges is answered when
// the first knows, and not when it is time to ask the gateway.
func TestARepeatAtAnotherReplicaIsAnsweredWhenTheFirstKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain))
		other, _, _ := h.replica()
		_, err := h.bank.AddNotice(sim.NoticeRule{Mode: sim.NoticeLost})
		h.must(err)
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultSlow, Delay: sim.Duration(3 * time.Second), Times: 1})
		wish := byCard(halykMain)
		answered := make(chan time.Time, 1)
		go func() {
			h.create(wish, patience)
			answered <- time.Now()
		}()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		p, err := other.Create(ctx, wish)
		h.must(err)
		if late := time.Since(<-answered); p.Status() != payment.StatusPaid || late > glance {
			t.Errorf("%s after the first was answered the repeat is told %s\n%s", late, p.Status(), h.story(p))
		}
	})
}

// glance is how long a replica may take to see what another has written.
const glance = time.Second
