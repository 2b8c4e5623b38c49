package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
)

func TestInstrumentsAreFoundByThePaymentThatSavedThemAndNewestFirst(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		for i := range 4 {
			customer := "c-1"
			if i == 3 {
				customer = "c-2"
			}
			err := s.SaveInstrument(ctx, journal.Instrument{ID: fmt.Sprintf("i%d", i), Tenant: "shop", Customer: customer, Gateway: "kaspi-main",
				Token: providers.Token{Value: providers.NewSecret(fmt.Sprintf("t%d", i))}, Payment: fmt.Sprintf("p%d", i), Created: start})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct{ tenant, customer, payment, want string }{
			{"shop", "c-1", "p1", "i1"}, {"shop", "c-1", "p9", ""}, {"shop", "c-2", "p1", ""}, {"other", "c-1", "p1", ""},
		} {
			if got, err := s.SavedInstrument(ctx, c.tenant, c.customer, c.payment); err != nil || got != c.want {
				t.Errorf("%v: %q, error %v", c, got, err)
			}
		}
		if _, err := s.DeleteInstrument(ctx, "shop", "i1", start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.SavedInstrument(ctx, "shop", "c-1", "p1"); err != nil || got != "" {
			t.Errorf("a forgotten instrument is found as %q, error %v", got, err)
		}
		for before, want := range map[string][]string{"": {"i2", "i0"}, "i2": {"i0"}, "i0": nil} {
			got, err := s.NewestInstruments(ctx, "shop", "c-1", before, 10)
			if err != nil || len(got) != len(want) {
				t.Fatalf("before %q: %v, error %v", before, got, err)
			}
			for i := range want {
				if got[i].ID != want[i] {
					t.Errorf("before %q: %s at %d, want %s", before, got[i].ID, i, want[i])
				}
			}
		}
		if got, err := s.NewestInstruments(ctx, "shop", "c-1", "", 1); err != nil || len(got) != 1 || got[0].ID != "i2" {
			t.Errorf("%v, error %v", got, err)
		}
	})
}
