package journal_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

func TestTheLastRehearsalIsARecordOrADrainUnderWhichAnotherWasPaid(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		now := start.Add(1000 * time.Hour)
		want := func(what string, at time.Time) {
			t.Helper()
			if got, err := s.LastRehearsal(t.Context(), []string{"halyk-main", shop}, now); err != nil || !got.Equal(at) {
				t.Fatalf("%s: %s, %v, want %s", what, got, err, at)
			}
		}
		record := func(id, gateway, item string, shown, created time.Time) {
			t.Helper()
			if _, err := s.RecordEvidence(t.Context(), journal.Evidence{ID: id, Gateway: gateway, Item: item, Shown: shown, Reference: "r", Actor: "operator:aida", Reason: "test", Created: created}); err != nil {
				t.Fatal(err)
			}
		}
		drain := func(id string, at time.Time) {
			t.Helper()
			if _, err := s.CreateOverride(t.Context(), journal.Override{ID: id, Gateway: shop, Mode: "drain", Actor: "operator:aida", Created: at, Start: at, End: at.Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		approved := learnt(providers.Approved, payment.FromNotice)
		want("nothing", time.Time{})
		record("a", shop, "alerts", start, start)
		want("another item", time.Time{})
		record("b", shop, "backup", start.Add(5*time.Hour), start.Add(6*time.Hour))
		want("a record", start.Add(5*time.Hour))
		record("c", shop, "backup", start.Add(3*time.Hour), start.Add(7*time.Hour))
		want("a newer record, which puts the older right", start.Add(3*time.Hour))
		record("d", "halyk-main", "backup", start.Add(4*time.Hour), start.Add(4*time.Hour))
		want("another gateway's", start.Add(4*time.Hour))

		drain("1", start.Add(10*time.Hour))
		tried(t, s, "k", shop, "kaspi", start.Add(10*time.Hour+time.Minute), approved)                                    // forced through
		tried(t, s, "h1", "halyk-main", "halyk", start.Add(10*time.Hour-time.Second), approved)                           // before
		tried(t, s, "h2", "halyk-main", "halyk", start.Add(11*time.Hour), approved)                                       // after
		tried(t, s, "h3", "halyk-main", "halyk", start.Add(10*time.Hour), learnt(providers.Declined, payment.FromNotice)) // not paid
		tried(t, s, "w", "way-main", "wayforpay", start.Add(10*time.Hour), approved)                                      // not one of these
		want("an order under which nobody was paid", start.Add(4*time.Hour))
		drain("2", start.Add(20*time.Hour))
		tried(t, s, "h4", "halyk-main", "halyk", start.Add(20*time.Hour+time.Minute), approved)
		want("an order under which another was paid", start.Add(20*time.Hour))
		drain("3", now.Add(time.Hour))
		want("an order to come", start.Add(20*time.Hour))
		record("e", shop, "backup", start.Add(30*time.Hour), start.Add(30*time.Hour))
		want("a record after it", start.Add(30*time.Hour))
		if got, err := s.LastRehearsal(t.Context(), nil, now); err != nil || !got.Equal(start.Add(30*time.Hour)) {
			t.Errorf("of no gateways: %s, %v", got, err)
		}
	})
}
