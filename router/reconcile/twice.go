package reconcile

import (
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Twice finds what a payment holds on one attempt besides the money of another,
// whichever gateways they are at, as one finding for each attempt that holds too much. What
// was seen later than an instant is left for the next run: it may be on its way back.
func Twice(p payment.Payment, before time.Time) []Finding {
	with, sums := 0, p.Sums()
	if sums.Held+sums.Paid-sums.Refunded > 0 { // of the attempt whose money is the payment's
		with++
	}
	for _, a := range p.Attempts {
		if p.Surplus(a) > 0 {
			with++
		}
	}
	var found []Finding
	for _, a := range p.Attempts {
		seen := a.Taken
		if seen.IsZero() {
			seen = a.Changed
		}
		if surplus := p.Surplus(a); with > 1 && surplus > 0 && seen.Before(before) {
			e := chargeOf(p, a)
			e.Amount = providers.Money{Minor: surplus, Currency: p.Amount.Currency}
			found = append(found, Finding{Kind: HeldTwice, Gateway: a.Gateway, Payment: p.ID, Attempt: a.N, Entry: &e})
		}
	}
	return keyed(found)
}
