package wayforpay_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// A refund whose answer was lost must not be called absent while the status may be behind:
// it would be sent again, and WayForPay would pay it again.
func TestRefundThatShowsLateIsNeverAbsent(t *testing.T) {
	for name, switches := range map[string]sim.WayForPaySwitches{
		"it shows late":              {RefundsShowAfter: sim.Duration(9 * time.Minute)},
		"it waits, and shows late":   {RefundsShowAfter: sim.Duration(9 * time.Minute), RefundsTake: sim.Duration(time.Hour)},
		"the sum is never told":      {NoRefundAmount: true},
		"it shows late, and no sums": {RefundsShowAfter: sim.Duration(9 * time.Minute), NoRefundAmount: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bank := sim.New(sim.Options{Seed: 1}, sim.WayForPay(sim.WayForPayOptions{Switches: switches, Tokens: []sim.WayForPayToken{{Token: goodCard}}}))
				defer bank.Close()
				g, err := wayforpay.New(wayforpay.Config{APIBaseURL: "http://127.0.0.1:1", MerchantAccount: "test_merch_n1",
					MerchantSecret: providers.NewSecret(merchantKey), MerchantDomain: "shop.example.kz"},
					wayforpay.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return bank.Dial(ctx, "wayforpay") }})
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				ref := providers.Ref{Order: "rec-1", Method: providers.Instrument, Amount: providers.Money{Minor: 250_00, Currency: "UAH"}, Planned: time.Now()}
				if r := g.Charge(t.Context(), providers.Charge{Ref: ref, Instrument: providers.Token{Value: providers.NewSecret(goodCard)}}); r.Verdict != providers.Approved {
					t.Fatalf("the charge is %s %s: %v", r.Verdict, r.Reason, r.Err)
				}
				r := providers.Refund{Ref: ref, ID: "rf1", Amount: providers.Money{Minor: 100_00, Currency: "UAH"}, Before: providers.Money{Currency: "UAH"}}
				if before := g.LookupRefund(t.Context(), r); before.Absent == switches.NoRefundAmount {
					t.Errorf("before it is made: absent %t, %v", before.Absent, before.Err)
				}
				g.Refund(t.Context(), r) // its answer is lost
				wait := g.Claims().Refund.SettleWait
				for range 2 * int(wait/time.Minute) {
					if seen := g.LookupRefund(t.Context(), r); seen.Absent {
						t.Fatalf("absent: %+v", seen)
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}
