package journal_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
)

// An instrument that its payer deleted can be saved again, and two customers may save
// one card.
func TestAnInstrumentCanBeSavedAgainAfterItsDeletion(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		save := func(id, customer string) {
			t.Helper()
			if err := s.SaveInstrument(ctx, journal.Instrument{ID: id, Tenant: "shop", Customer: customer, Gateway: "halyk-main",
				Token: providers.Token{Value: providers.NewSecret("card-token"), Mask: "4405…5096"}, Payment: "p-" + id, Created: start}); err != nil {
				t.Fatal(err)
			}
		}
		save("i1", "c1")
		save("i1-again", "c1")
		if all, err := s.Instruments(ctx, "shop", "c1", "", 10); err != nil || len(all) != 1 {
			t.Fatalf("%d instruments, error %v", len(all), err)
		}
		if gone, err := s.DeleteInstrument(ctx, "shop", "i1", start); err != nil || !gone {
			t.Fatalf("deleted %t, error %v", gone, err)
		}
		save("i2", "c1")
		if i, err := s.Instrument(ctx, "shop", "i2"); err != nil || i.Token.Value.Reveal() != "card-token" {
			t.Fatalf("saved again: %v", err)
		}
		save("i3", "c2")
		if _, err := s.Instrument(ctx, "shop", "i3"); err != nil {
			t.Fatalf("another customer's: %v", err)
		}
	})
}
