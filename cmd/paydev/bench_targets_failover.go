package main

import (
	"fmt"
	"time"
)

// failoverTargets are about what callers feel when the first gateway breaks.
func (r *report) failoverTargets() []target {
	decision := target{What: "deciding against a gateway that is down, p99", Limit: 50, Unit: "us"}.without()
	if r.Skip != nil {
		us := func(ns int64) float64 { return float64(ns) / 1000 }
		decision = decision.of(us(r.Skip.P99NS), "p50 %s us, longest %s us of %d decisions", quantity(us(r.Skip.P50NS), ""), quantity(us(r.Skip.MaxNS), ""), r.Skip.Decisions)
	}
	added := target{What: "first gateway refuses: added to the first charge that is paid at the backup, in the same call", Limit: 10, Unit: "ms"}.without()
	unpaid := target{What: "and charges since then that were not paid within their call", Limit: 0}.without()
	if o := r.findOutage(routerOurs, faultRefuse); o != nil {
		if o.FirstAddedMS != nil {
			added = added.of(*o.FirstAddedMS, "half of %d added %s ms at most, the slowest %s", o.Penalized, quantity(o.PenaltyP50MS, ""), quantity(o.PenaltyMaxMS, ""))
		}
		unpaid = unpaid.of(float64(o.UnpaidSince+o.Failed), "of %d charges", o.Asked)
		if o.Failed > 0 {
			unpaid.Note += fmt.Sprintf("; %d calls were refused or ended with an error", o.Failed)
		}
		if before := o.Undecided - o.UnpaidSince; before > 0 {
			unpaid.Note += fmt.Sprintf("; %d more had a connection as it stopped listening: rightly in doubt", before)
		}
	}
	hangs := target{What: "first gateway hangs: failures until charges were spared it", Limit: 5}.without()
	if o := r.findOutage(routerOurs, faultHang); o != nil && o.OpenedMS != nil {
		hangs = hangs.of(float64(o.Needed), "%s after the first time-out", time.Duration(*o.OpenedMS*float64(time.Millisecond)).Round(time.Millisecond))
		if *o.OpenedMS <= hangWithinMS { // either will do
			hangs.Verdict = verdictMet
		}
	}
	return []target{decision, added, unpaid, hangs}
}

// hangWithinMS is since the first time-out.
const hangWithinMS = 3000
