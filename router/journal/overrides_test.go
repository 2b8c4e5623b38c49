package journal_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
)

// Whoever gives an order cannot know what became of it: what comes back is what stands.
func TestANewOrderIsAtItsFirstVersionWhateverItsCallerSays(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		for id, version := range map[string]int64{"unsaid": 0, "right": 1, "wrong": 7} {
			given := journal.Override{ID: id, Gateway: "kaspi-main", Mode: "drain", Actor: "operator:aida", Reason: "down", Version: version,
				Created: start, Start: start, End: start.Add(time.Hour), Ended: start, EndedBy: "operator:bek"}
			kept, err := s.CreateOverride(ctx, given)
			if err != nil {
				t.Fatal(err)
			}
			stands, err := s.Override(ctx, "kaspi-main", id)
			if err != nil || kept != stands || stands.Version != 1 {
				t.Errorf("%s: answered %+v, stands %+v, error %v", id, kept, stands, err)
			}
		}
	})
}
