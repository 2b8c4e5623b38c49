package router_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/pgtest"
)

// order gives one about Kaspi for a time.
func (h *house) order(id string, d time.Duration) journal.Override {
	h.t.Helper()
	o, err := h.router.CreateOverride(context.Background(), journal.Override{ID: id, Gateway: kaspiMain, Mode: string(health.Drain), Actor: "operator:aida",
		Reason: "the bank is slow", End: time.Now().Add(d)})
	h.must(err)
	return o
}

// notes are what the audit tells of endings, each with its order.
func (h *house) notes() []string {
	h.t.Helper()
	said := []string{}
	for r, err := range h.store.WalkAudit(context.Background()) {
		h.must(err)
		if r.Phase != audit.Note || r.Actor != "router" || r.Reason != "the bank is slow" {
			h.t.Errorf("%+v", r)
		}
		said = append(said, r.Act+": "+r.Subject)
	}
	return said
}

func TestAnOverridesEndingIsWarnedOfAndNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.order("long", 30*time.Minute)
		h.order("short", 5*time.Minute)
		taken := h.order("taken", 20*time.Minute)
		after := func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			if got := h.notes(); !slices.Equal(got, want) {
				t.Errorf("the audit tells %q, want %q", got, want)
			}
		}
		const short, warned, expired = "override expired: gateways/kaspi-main/overrides/short", "override warned: gateways/kaspi-main/overrides/long",
			"override expired: gateways/kaspi-main/overrides/long"
		after(4 * time.Minute)
		after(2*time.Minute, short)
		_, err := h.router.EndOverride(context.Background(), kaspiMain, taken.ID, 0, "operator:aida")
		h.must(err)
		after(13*time.Minute, short)
		after(2*time.Minute, short, warned)
		after(8*time.Minute, short, warned)
		after(2*time.Minute, short, warned, expired)
		after(2*time.Hour, short, warned, expired)
		_, err = audit.Check(h.store.WalkAudit(context.Background()), audit.Anchor{})
		h.must(err)
	})
}

// A process that starts within the hour notes what ended while none ran. What is longer ago
// it leaves.
func TestWhatEndedWhileNobodyRanIsNotedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		now := time.Now()
		for id, ended := range map[string]time.Duration{"lately": 50 * time.Minute, "long ago": 70 * time.Minute} {
			_, err := h.store.CreateOverride(context.Background(), journal.Override{ID: id, Gateway: kaspiMain, Mode: string(health.Drain), MoveOpen: true, Actor: "operator:aida",
				Reason: "the bank is slow", Created: now.Add(-2 * time.Hour), Start: now.Add(-2 * time.Hour), End: now.Add(-ended)})
			h.must(err)
		}
		time.Sleep(2 * time.Second)
		if got := h.notes(); !slices.Equal(got, []string{"override expired: gateways/kaspi-main/overrides/lately"}) {
			t.Errorf("the audit tells %q", got)
		}
		for _, g := range h.board.Snapshot() {
			if g.Gateway == kaspiMain && !g.Admitting {
				t.Error("an order that ended is in force")
			}
		}
	})
}

func TestOfTwoReplicasOneNotesAnEnding(t *testing.T) {
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
		running.Go(func() {
			if err := other.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		defer running.Wait()
		defer stop()
		h.order("one", router.OverrideDefault/5)
		time.Sleep(13 * time.Minute)
		if got := h.notes(); !slices.Equal(got, []string{"override warned: gateways/kaspi-main/overrides/one", "override expired: gateways/kaspi-main/overrides/one"}) {
			t.Errorf("the audit tells %q", got)
		}
	})
}
