package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/router/journal"
)

// A replica whose own reading is late, here because it never reads again, goes by no order
// that is older than a second.
func TestWhoeverBeginsAnAttemptReadsOrdersThatAreOldFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		late, _, _ := h.replica()
		late.Begin(context.Background())
		h.drain(kaspiMain, false)
		time.Sleep(time.Second)
		p, err := late.Create(context.Background(), ask("qr"))
		h.must(err)
		if went := p.Attempts[0].Gateway; went == kaspiMain {
			t.Fatalf("a second after the order a payment went to %s", went)
		}
	})
}

// Replicas' clocks differ: an order that was given to begin at once has begun.
func TestAnOrderToBeginAtOnceHasBegunWhereClocksAreBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		ahead := time.Now().Add(time.Second)
		_, err := h.store.CreateOverride(context.Background(), journal.Override{ID: uuid.NewString(), Gateway: kaspiMain, Mode: "drain", Actor: "operator:aida",
			Reason: "rehearsal", Created: ahead, Start: ahead, End: ahead.Add(time.Hour)})
		h.must(err)
		time.Sleep(600 * time.Millisecond)
		if p := h.create(ask("qr"), time.Second); p.Attempts[0].Gateway == kaspiMain {
			t.Fatal("the order waits for this replica's clock")
		}
	})
}
