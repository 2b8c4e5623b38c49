package kaspi_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/sim"
)

// The sums are the only trace of a refund (notes, section 8). When they follow is not
// documented, so an absence counts only after the time that the claims give.
func TestRefundThatShowsLateIsSeenByTheTimeItsAbsenceCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank := sim.New(sim.Options{Seed: 1}, sim.Kaspi(sim.KaspiOptions{RefundsShowAfter: 9 * time.Minute}))
		defer bank.Close()
		g, err := kaspi.New(kaspi.Config{Scheme: kaspi.R3, BaseURL: "http://127.0.0.1:1/r3/v01", OrganizationBIN: sim.KaspiDefaultBIN,
			DeviceToken: providers.NewSecret(sim.KaspiDefaultDevice)},
			kaspi.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return bank.Dial(ctx, "kaspi") }})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		ref := providers.Ref{Order: "pay1", Method: providers.QR, Amount: providers.Money{Minor: 15490_00, Currency: "KZT"}, Planned: time.Now()}
		offer := g.Charge(t.Context(), providers.Charge{Ref: ref})
		if err := bank.Act("kaspi", offer.External, sim.ActPay); err != nil {
			t.Fatal(err)
		}
		ref.External = offer.External
		r := providers.Refund{Ref: ref, ID: "rf1", Amount: providers.Money{Minor: 490_00, Currency: "KZT"}, Before: providers.Money{Currency: "KZT"}}
		g.Refund(t.Context(), r) // its answer is lost
		if seen := g.LookupRefund(t.Context(), r); !seen.Absent {
			t.Errorf("the bank shows it at once: %+v", seen)
		}
		time.Sleep(g.Claims().Refund.SettleWait)
		if seen := g.LookupRefund(t.Context(), r); seen.Verdict != providers.Approved {
			t.Errorf("when its absence would count: %+v", seen)
		}
	})
}
