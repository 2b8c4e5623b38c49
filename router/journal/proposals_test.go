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

// A second person gives an order of their own length: the first one's word waits on when the
// time that it names is over, and is shown as long.
func TestAFirstPersonsOrderIsListedAsLongAsItWaits(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		if _, err := s.CreateOverride(ctx, journal.Override{ID: "brief", Gateway: "kaspi-main", Mode: "admit", Actor: "operator:aida", Reason: "a minute will show it",
			Created: start, Start: start, End: start.Add(time.Minute), ProposedUntil: start.Add(15 * time.Minute)}); err != nil {
			t.Fatal(err)
		}
		for after, want := range map[time.Duration]int{0: 1, 2 * time.Minute: 1, 15 * time.Minute: 0} {
			now := start.Add(after)
			waiting, err := s.Proposals(ctx, "kaspi-main", now)
			if err != nil || len(waiting) != want {
				t.Errorf("after %s: %d wait, want %d, error %v", after, len(waiting), want, err)
			}
			if listed, err := s.ListOverrides(ctx, "kaspi-main", now, journal.Cursor{}, 10); err != nil || len(listed) != want {
				t.Errorf("after %s: %d are listed, want %d, error %v", after, len(listed), want, err)
			}
		}
	})
}
