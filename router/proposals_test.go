package router_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// forceAs orders new payments to Kaspi for a time that begins when it is asked for.
func forceAs(actor string, begins, d time.Duration) journal.Override {
	start := time.Now().Add(begins)
	return journal.Override{ID: uuid.NewString(), Gateway: kaspiMain, Mode: string(health.Admit), Actor: actor, Reason: "the probe is wrong", Start: start, End: start.Add(d)}
}

// Replicas believe what they have seen. Whoever was refused at one must not get alone at
// another what takes two people.
func TestAFirstPersonsOrderTakesASecondAtAReplicaThatBelievesTheGatewayWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		h := build(t)
		other, _, board := h.replica()
		other.Begin(ctx)
		h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		time.Sleep(5 * time.Minute) // probes see it, and the other has none
		if h.board.Failing(kaspiMain) == nil || board.Failing(kaspiMain) != nil {
			t.Fatal("the replicas do not disagree")
		}
		_, err := h.router.CreateOverride(ctx, forceAs("operator:aida", 0, time.Hour))
		if !errors.Is(err, router.ErrSecondPerson) {
			t.Fatalf("error %v", err)
		}
		for _, d := range []time.Duration{time.Hour, 2 * time.Hour} { // the same once more, and nearly the same
			o := forceAs("operator:aida", 0, d)
			if stake, err := other.Stake(ctx, o); err != nil || stake.Why == nil {
				t.Errorf("for %s: the stake does not say that it takes two, error %v", d, err)
			}
			if _, err := other.CreateOverride(ctx, o); !errors.Is(err, router.ErrSecondPerson) {
				t.Errorf("for %s: one person got it alone at another replica: error %v", d, err)
			}
		}
		second, err := other.CreateOverride(ctx, forceAs("operator:bolat", 0, time.Hour))
		if err != nil || second.ProposedBy != "operator:aida" {
			t.Fatalf("%+v, error %v", second, err)
		}
	})
}

// Two orders of an hour that began at different times do not end at the same.
func TestAnOrderThatBeganLongAgoIsNotSecondedByOneThatBeginsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		h := build(t)
		h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		time.Sleep(5 * time.Minute)
		for actor, begins := range map[string]time.Duration{"operator:aida": -50 * time.Minute, "operator:bolat": 0} {
			if o, err := h.router.CreateOverride(ctx, forceAs(actor, begins, time.Hour)); !errors.Is(err, router.ErrSecondPerson) {
				t.Errorf("%s got %+v, error %v", actor, o, err)
			}
		}
	})
}
