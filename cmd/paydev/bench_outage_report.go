package main

import (
	"fmt"
	"time"
)

// outageCell is one way to break under one router: medians of its repetitions.
type outageCell struct {
	Router string `json:"router"`
	Fault  string `json:"fault"`
	// Needed is how many charges had failed at the broken gateway when the first one was
	// spared it.
	Needed int `json:"failures_needed"`
	// FirstMS and SparedMS are counted from the outage: until the first charge was paid at the
	// backup, and until the first one began that went there at once. Null: none did.
	FirstMS      *float64 `json:"first_paid_at_backup_ms"`
	SparedMS     *float64 `json:"first_spared_ms"`
	Asked        int      `json:"charges"`   // since the outage began
	Vain         int      `json:"in_vain"`   // asked the broken gateway
	Penalized    int      `json:"penalized"` // these, and those that were not paid within their call
	PenaltyP50MS float64  `json:"penalty_p50_ms"`
	PenaltyP90MS float64  `json:"penalty_p90_ms"`
	PenaltyMaxMS float64  `json:"penalty_max_ms"`
	Undecided    int      `json:"not_paid_within_call"`
	UnpaidSince  int      `json:"not_paid_since_broken"` // of these, those that began when the gateway was broken for good
	// FirstAddedMS is by how much longer the first charge took that was paid at the backup after
	// it had asked the broken gateway; OpenedMS is from the first failure there until the first
	// charge was spared it. Null: there was none.
	FirstAddedMS *float64 `json:"first_added_ms"`
	OpenedMS     *float64 `json:"opened_ms"`
	Twice        int      `json:"orders_charged_twice"` // in all repetitions together
	Failed       int      `json:"failed"`               // calls that were refused or ended with an error, in all repetitions

	Timeline timeline `json:"timeline"` // of the first repetition

	runs []outageRun
}

func (r *report) findOutage(router, fault string) *outageCell {
	for _, o := range r.Outages {
		if o.Router == router && o.Fault == fault {
			return o
		}
	}
	return nil
}

func (r *report) outage(router, fault string) *outageCell {
	if o := r.findOutage(router, fault); o != nil {
		return o
	}
	o := &outageCell{Router: router, Fault: fault}
	r.Outages = append(r.Outages, o)
	return o
}

// conclude computes the medians.
func (o *outageCell) conclude() {
	count := func(of func(outageRun) int) int { return median(over(o.runs, of)) }
	reached := func(of func(outageRun) time.Duration) *float64 {
		d := median(over(o.runs, of))
		if d == never {
			return nil
		}
		ms := inMillis(d)
		return &ms
	}
	penalty := func(at func(n int) int) float64 {
		return median(over(o.runs, func(r outageRun) float64 {
			if len(r.penalties) == 0 {
				return 0
			}
			return inMillis(r.penalties[at(len(r.penalties))])
		}))
	}
	o.Needed, o.Asked = count(func(r outageRun) int { return r.needed }), count(func(r outageRun) int { return r.asked })
	o.Vain, o.Undecided = count(func(r outageRun) int { return r.vain }), count(func(r outageRun) int { return r.undecided })
	o.Penalized = count(func(r outageRun) int { return len(r.penalties) })
	o.FirstMS = reached(func(r outageRun) time.Duration { return r.first })
	o.SparedMS = reached(func(r outageRun) time.Duration { return r.spared })
	o.FirstAddedMS = reached(func(r outageRun) time.Duration { return r.firstAdded })
	o.OpenedMS = reached(func(r outageRun) time.Duration { return r.opened })
	o.UnpaidSince = count(func(r outageRun) int { return r.since })
	o.PenaltyP50MS, o.PenaltyP90MS = penalty(func(n int) int { return (n - 1) / 2 }), penalty(func(n int) int { return (n*9+9)/10 - 1 })
	o.PenaltyMaxMS = penalty(func(n int) int { return n - 1 })
	o.Timeline = o.runs[0].timeline
	for _, r := range o.runs {
		o.Twice += r.twice
		o.Failed += r.failed
	}
}

func inMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// outageGrid is the table of outages.
func (r *report) outageGrid() grid {
	g := grid{title: fmt.Sprintf("the first of two gateways breaks, %d charges a second", outageRate),
		heads: []string{"fault", "router", "failures needed", "first paid at backup ms", "first spared ms", "charges", "in vain", "penalized",
			"penalty p50 ms", "p90 ms", "max ms", "not paid in call", "charged twice", "failed"}}
	for _, o := range r.Outages {
		needed := fmt.Sprint(o.Needed)
		if o.SparedMS == nil {
			needed = "-"
		}
		g.add(o.Fault, o.Router, needed, orNever(o.FirstMS), orNever(o.SparedMS), fmt.Sprint(o.Asked), fmt.Sprint(o.Vain), fmt.Sprint(o.Penalized),
			quantity(o.PenaltyP50MS, ""), quantity(o.PenaltyP90MS, ""), quantity(o.PenaltyMaxMS, ""), fmt.Sprint(o.Undecided), fmt.Sprint(o.Twice), fmt.Sprint(o.Failed))
	}
	return g
}

func orNever(ms *float64) string {
	if ms == nil {
		return "never"
	}
	return fmt.Sprintf("%.0f", *ms)
}
