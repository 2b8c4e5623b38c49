package main

import (
	"fmt"
	"io"
	"text/tabwriter"
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
	PenaltyMaxMS float64  `json:"penalty_max_ms"`
	Undecided    int      `json:"not_paid_within_call"`
	Twice        int      `json:"orders_charged_twice"` // in all repetitions together
	Failed       int      `json:"failed"`               // calls that were refused or ended with an error, in all repetitions

	runs []outageRun
}

func (r *report) outage(router, fault string) *outageCell {
	for _, o := range r.Outages {
		if o.Router == router && o.Fault == fault {
			return o
		}
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
	o.PenaltyP50MS, o.PenaltyMaxMS = penalty(func(n int) int { return (n - 1) / 2 }), penalty(func(n int) int { return n - 1 })
	for _, r := range o.runs {
		o.Twice += r.twice
		o.Failed += r.failed
	}
}

func inMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// printOutages writes the table of outages.
func (r *report) printOutages(out io.Writer) error {
	if len(r.Outages) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\nthe first of two gateways breaks, %d charges a second\n\n", outageRate)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "fault\trouter\tfailures needed\tfirst paid at backup ms\tfirst spared ms\tcharges\tin vain\tpenalized\tpenalty p50 ms\tmax ms\tnot paid in call\tcharged twice\tfailed\t")
	for _, o := range r.Outages {
		needed := fmt.Sprint(o.Needed)
		if o.SparedMS == nil {
			needed = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%.0f\t%.0f\t%d\t%d\t%d\t\n", o.Fault, o.Router, needed, orNever(o.FirstMS), orNever(o.SparedMS),
			o.Asked, o.Vain, o.Penalized, o.PenaltyP50MS, o.PenaltyMaxMS, o.Undecided, o.Twice, o.Failed)
	}
	return table.Flush()
}

func orNever(ms *float64) string {
	if ms == nil {
		return "never"
	}
	return fmt.Sprintf("%.0f", *ms)
}
