package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
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

// Between admission and sending lie a reference and a commit, which may take seconds. Only an
// order away from the gateway stops what is planned there, and the next gateway serves.
func TestAnOrderThatComesWhileAnAttemptIsPlannedIsObeyed(t *testing.T) {
	for _, c := range []struct {
		name, gateway string
		mode          health.Mode
		sent          bool
	}{
		{"a drain", kaspiMain, health.Drain, false},
		{"a drain of another gateway", halykMain, health.Drain, true},
		{"an order to admit", kaspiMain, health.Admit, true},
		{"an order to observe only", kaspiMain, health.ObserveOnly, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				given := false
				r := h.stepped(func(point string) {
					if point == "planned" && !given {
						given = true
						h.orderNow(c.gateway, c.mode)
					}
				})
				p, err := r.Create(t.Context(), ask("qr"))
				h.must(err)
				if c.sent {
					if len(p.Attempts) != 1 || p.Attempts[0].Verdict != providers.Pending {
						t.Fatalf("it was not sent\n%s", h.story(p))
					}
					return
				}
				if len(p.Attempts) != 2 || p.Attempts[1].Gateway == c.gateway || p.Attempts[1].Verdict != providers.Pending {
					t.Fatalf("the next gateway does not serve\n%s", h.story(p))
				}
				if a := p.Attempts[0]; a.Reason != providers.NotSent || a.Closed == nil || a.Closed.Kind != payment.NotSent {
					t.Errorf("the first attempt is not closed as not sent\n%s", h.story(p))
				}
			})
		})
	}
}

// What was known at admission is too old after a slow commit: the orders are read once more.
func TestAnOrderAtAnotherReplicaIsObeyedThoughTheCommitIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		_, _, board := h.replica()
		given := false
		o := h.router.Options
		o.Board, o.Registerer, o.Step = board, nil, func(point string) {
			if point == "planned" && !given {
				given = true
				h.drain(kaspiMain, false)
				time.Sleep(1500 * time.Millisecond)
			}
		}
		r, err := router.New(o)
		h.must(err)
		r.Begin(context.Background())
		p, err := r.Create(t.Context(), ask("qr"))
		h.must(err)
		if len(p.Attempts) != 2 || p.Attempts[0].Reason != providers.NotSent {
			t.Fatalf("a second and a half after the order it was sent\n%s", h.story(p))
		}
	})
}

// orderNow gives an order about a gateway that lasts for an hour.
func (h *house) orderNow(gateway string, mode health.Mode) {
	h.t.Helper()
	_, err := h.router.CreateOverride(context.Background(), journal.Override{ID: uuid.NewString(), Gateway: gateway, Mode: string(mode),
		Actor: "operator:aida", Reason: "rehearsal", End: time.Now().Add(time.Hour)})
	h.must(err)
}

// The order comes while the books are looked over after an outage, so that nothing may move yet.
// A bill that the payer has not paid is asked about by nobody: it must not wait for its deadline.
func TestAnOrderToMoveOpenOffersIsObeyedOnceTheyMayMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file)
		p := h.create(ask(providers.Account, providers.Page), patience)
		beside(`ALTER TABLE overrides RENAME TO away`)
		time.Sleep(2 * time.Second)
		beside(`ALTER TABLE away RENAME TO overrides`)
		time.Sleep(2 * time.Second)
		h.drain(kaspiMain, true)
		time.Sleep(2 * time.Second)
		if p = h.get(p); len(p.Attempts) != 1 {
			t.Fatalf("it was moved while the books were looked over\n%s", h.story(p))
		}
		time.Sleep(time.Minute)
		if p = h.get(p); len(p.Attempts) != 2 || p.Attempts[1].Gateway == kaspiMain {
			t.Fatalf("a minute later it is where it was\n%s", h.story(p))
		}
	})
}
