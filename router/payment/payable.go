package payment

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Payable answers a gateway that asks before it charges, or that reports a debit it
// had asked about: may this attempt take the money now? The ruling is Payable,
// AlreadyPaid or Gone; from the commit that plans another gateway, or that records
// a cancel wish, it is Gone (FAILOVER section 3, ask-first).
func (p Payment) Payable(n int, now time.Time) providers.RulingKind {
	a, err := p.attempt(n)
	if err != nil {
		return providers.Unmatched
	}
	for _, other := range p.Attempts {
		if other.Verdict.HasMoney() {
			return providers.AlreadyPaid
		}
	}
	if a.Closed != nil || a.Verdict == providers.Declined || a.Verdict == providers.Unserved ||
		p.Finished != nil || p.leaving(a, now) {
		return providers.Gone
	}
	return providers.Payable
}
