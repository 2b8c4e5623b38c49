package freedompay_test

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/freedompay"
	"github.com/payrouter/payrouter/providers/sim"
)

// How long a status lags behind a refund is not known (notes, section 12), and nothing proven
// guards a refund that is sent again. So an absence counts only long after the few seconds
// that were seen.
func TestRefundThatShowsLateIsSeenByTheTimeItsAbsenceCounts(t *testing.T) {
	for _, call := range []string{"revoke", "g2g"} {
		atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{StatusLag: sim.Duration(9 * time.Minute)}},
			func(c *freedompay.Config) { c.RefundCall = call }, func(s *shop) {
				ref, _ := s.begin(wish(providers.Instrument, false))
				refund := providers.Refund{Ref: ref, ID: "r1", Amount: price, Before: providers.Money{Currency: "KZT"}}
				s.gateway.Refund(context.Background(), refund) // its answer is lost
				if r := s.gateway.LookupRefund(context.Background(), refund); !r.Absent {
					s.t.Errorf("%s: it is shown at once: %+v", call, r)
				}
				time.Sleep(s.gateway.Claims().Refund.SettleWait)
				s.says(s.gateway.LookupRefund(context.Background(), refund), providers.Approved, providers.NoReason)
			})
	}
}
