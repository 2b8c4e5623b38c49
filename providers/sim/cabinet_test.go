package sim

import "testing"

// People settle what nobody else knows of: what was taken goes back once, a hold is
// released, an offer taken down, and the provider says so from then on.
func TestWhatPeopleSettleInTheCabinetHoldsNothing(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.charge("rt-1", "250", nil)
		s.hold("rt-2", "100", nil)
		s.invoice("rt-3", "70", nil)
		for range 2 { // they may come again
			for _, reference := range []string{"rt-1", "rt-2", "rt-3"} {
				if over, err := s.bank.Settle("wayforpay", reference); !over || err != nil {
					t.Errorf("%s: over %t, error %v", reference, over, err)
				}
				s.net(reference, 0)
			}
		}
		s.status("rt-1", "Refunded", "1100")
		s.status("rt-2", "Voided", "1100")
		s.act("rt-3", ActPay)
		s.net("rt-3", 0)
		s.blameless()
		if _, err := s.bank.Settle("wayforpay", "rt-9"); err == nil {
			t.Error("what does not exist was settled")
		}
	})
}
