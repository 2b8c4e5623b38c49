package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
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
