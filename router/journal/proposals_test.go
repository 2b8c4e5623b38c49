package journal_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
)

func TestAFirstPersonsOrderIsInForceForNobodyAndCountsOnce(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		order := func(id, actor string, proposed time.Time, by string) journal.Override {
			return journal.Override{ID: id, Gateway: "kaspi-main", Mode: "admit", Actor: actor, Reason: "the probe is wrong", Version: 1,
				Created: start, Start: start, End: start.Add(time.Hour), ProposedUntil: proposed, ProposedBy: by}
		}
		kept, err := s.CreateOverride(ctx, order("first", "operator:aida", start.Add(15*time.Minute), ""))
		if err != nil {
			t.Fatal(err)
		}
		stands, err := s.Override(ctx, "kaspi-main", "first")
		if err != nil || stands != kept || !stands.Waits(start) || stands.Waits(start.Add(15*time.Minute)) || !stands.Ended.Equal(start) {
			t.Fatalf("answered %+v, stands %+v, error %v", kept, stands, err)
		}
		count := func(what string, want int, all []journal.Override, err error) {
			t.Helper()
			if err != nil || len(all) != want {
				t.Errorf("%s: %+v, want %d, error %v", what, all, want, err)
			}
		}
		inForce := func(want int) {
			t.Helper()
			all, err := s.Overrides(ctx, start)
			count("in force", want, all, err)
		}
		waiting := func(now time.Time, want int) {
			t.Helper()
			all, err := s.Proposals(ctx, "kaspi-main", now)
			count("waiting", want, all, err)
		}
		inForce(0)
		waiting(start, 1)
		waiting(start.Add(15*time.Minute), 0)
		active, err := s.ListOverrides(ctx, "kaspi-main", start, journal.Cursor{}, 10)
		count("for people", 1, active, err)

		late := order("late", "operator:bolat", time.Time{}, "operator:aida")
		late.Created = start.Add(16 * time.Minute)
		if _, taken, err := s.SecondOverride(ctx, late, "first"); err != nil || taken {
			t.Fatalf("an order that waits no more was taken: error %v", err)
		}
		second, taken, err := s.SecondOverride(ctx, order("second", "operator:bolat", time.Time{}, "operator:aida"), "first")
		if err != nil || !taken {
			t.Fatalf("taken %v, error %v", taken, err)
		}
		if stands, err := s.Override(ctx, "kaspi-main", "second"); err != nil || stands != second || !stands.Ended.IsZero() || stands.ProposedBy != "operator:aida" {
			t.Fatalf("%+v, error %v", stands, err)
		}
		inForce(1)
		waiting(start, 0)
		if _, taken, err := s.SecondOverride(ctx, order("third", "operator:dana", time.Time{}, "operator:aida"), "first"); err != nil || taken {
			t.Fatalf("one word counted twice: error %v", err)
		}
		inForce(1)
	})
}

func TestAFirstPersonsOrderCanBeTakenBack(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		if _, err := s.CreateOverride(ctx, journal.Override{ID: "first", Gateway: "kaspi-main", Mode: "admit", Actor: "operator:aida", Reason: "wrong",
			Created: start, Start: start, End: start.Add(time.Hour), ProposedUntil: start.Add(15 * time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if ended, err := s.EndOverride(ctx, "first", 1, "operator:aida", start.Add(time.Minute)); err != nil || !ended {
			t.Fatalf("ended %v, error %v", ended, err)
		}
		if all, err := s.Proposals(ctx, "kaspi-main", start.Add(time.Minute)); err != nil || len(all) != 0 {
			t.Fatalf("%+v, error %v", all, err)
		}
		if again, err := s.EndOverride(ctx, "first", 2, "operator:aida", start.Add(2*time.Minute)); err != nil || again {
			t.Fatalf("ended twice: %v, error %v", again, err)
		}
	})
}
