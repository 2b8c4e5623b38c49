package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// target is something that this project wants to be true of a machine like the one under
// measurement, and what was measured.
type target struct {
	What    string  `json:"what"`
	AtLeast bool    `json:"at_least"` // otherwise at most
	Limit   float64 `json:"limit"`
	Unit    string  `json:"unit"`
	// Value is null when it was not measured.
	Value   *float64 `json:"value"`
	Note    string   `json:"note"` // what the value was made of
	Verdict string   `json:"verdict"`
}

// commitsTarget is the share of the two commits alone that PostgreSQL should come to.
const commitsTarget = 0.6

// The verdicts.
const (
	verdictMet     = "met"
	verdictMissed  = "missed"
	verdictUnknown = "not measured"
)

// wanted is the target for people.
func (t target) wanted() string {
	sign := "≤"
	if t.AtLeast {
		sign = "≥"
	}
	return sign + " " + quantity(t.Limit, t.Unit)
}

// measured is the value for people.
func (t target) measured() string {
	if t.Value == nil {
		return "-"
	}
	return quantity(*t.Value, t.Unit)
}

// quantity writes a number with as many digits as it is worth.
func quantity(x float64, unit string) string {
	digits := 2
	switch {
	case x == math.Trunc(x) || x >= 100:
		digits = 0
	case x >= 10:
		digits = 1
	}
	text := fmt.Sprintf("%.*f", digits, x)
	if unit != "" {
		text += " " + unit
	}
	return text
}

// of gives a target its value and judges it.
func (t target) of(value float64, note string, args ...any) target {
	t.Value, t.Note, t.Verdict = &value, fmt.Sprintf(note, args...), verdictMissed
	if t.AtLeast && value >= t.Limit || !t.AtLeast && value <= t.Limit {
		t.Verdict = verdictMet
	}
	return t
}

// without leaves a target unjudged.
func (t target) without() target {
	t.Verdict = verdictUnknown
	return t
}

// judge sets every target against what was measured.
func (r *report) judge() {
	r.Targets = slices.Concat(r.throughputTargets(), r.groupingTargets(), r.latencyTargets(), r.failoverTargets(), []target{r.overrideTarget()}, r.processTargets())
}

// aimed is a cell of the targets' own; nil when it was not measured.
func (r *report) aimed(what, engine string) *cell {
	k := key{What: what, Engine: engine, Callers: targetCallers}
	if k.calls() {
		k.GatewayMS = r.soonestMS()
	}
	if what == whatPayrouter || what == whatUngrouped {
		k.Flow = flowCharge
	}
	return r.find(k)
}

// soonestMS is the shortest pause of a gateway.
func (r *report) soonestMS() int64 {
	least := int64(math.MaxInt64)
	for _, c := range r.Cells {
		if c.What == whatPayrouter {
			least = min(least, c.GatewayMS)
		}
	}
	return least
}

// sideBySide is the median over the repetitions of what one cell had beside another.
func sideBySide(a, b *cell, of func(sample) float64) (ratio float64, ok bool) {
	if a == nil || b == nil {
		return 0, false
	}
	var all []float64
	for _, s := range a.samples {
		for _, beside := range b.samples {
			if whole := of(beside); beside.repetition == s.repetition && whole > 0 {
				all = append(all, of(s)/whole)
			}
		}
	}
	return median(all), len(all) > 0
}

func (r *report) throughputTargets() []target {
	compare := func(t target, engine, what string) target {
		service, limit := r.aimed(whatPayrouter, engine), r.aimed(what, engine)
		share, ok := sideBySide(service, limit, sample.perSecond)
		if !ok {
			return t.without()
		}
		return t.of(share, "%.0f a second, of %.0f", service.PerSecond, limit.PerSecond)
	}
	pg := compare(target{What: "charges on PostgreSQL, 64 callers, to pgbench doing the same two commits", AtLeast: true, Limit: commitsTarget, Unit: "x"}, "postgresql", whatCommits)
	lite := compare(target{What: "charges on SQLite, 64 callers, to two commits of one row each", AtLeast: true, Limit: 2, Unit: "x"}, "sqlite", whatRows)
	if whole, ok := sideBySide(r.aimed(whatPayrouter, "sqlite"), r.aimed(whatCommits, "sqlite"), sample.perSecond); ok && lite.Value != nil {
		lite.Note += fmt.Sprintf("; %.2f x of the two commits with all their rows", whole)
	}
	return []target{pg, lite}
}

func (r *report) groupingTargets() (all []target) {
	for _, engine := range allEngines() {
		on, off := r.aimed(whatPayrouter, engine), r.aimed(whatUngrouped, engine)
		throughput := target{What: "group commit on " + engine + ", 64 callers, to the same without: charges", AtLeast: true, Limit: 1.4, Unit: "x"}.without()
		slowest := target{What: "group commit on " + engine + ", 64 callers, to the same without: p99", Limit: 1, Unit: "x"}.without()
		if faster, ok := sideBySide(on, off, sample.perSecond); ok {
			throughput = throughput.of(faster, "%.0f a second, without %.0f", on.PerSecond, off.PerSecond)
		}
		if p99s, ok := sideBySide(on, off, func(s sample) float64 { return s.waits.quantile(p99).Seconds() }); ok {
			slowest = slowest.of(p99s, "%s ms, without %s", millis(on.P99US), millis(off.P99US))
		}
		all = append(all, throughput, slowest)
	}
	return all
}

// latencyTargets are about the difference between two quantiles, which is what a merchant sees
// who compares two graphs.
func (r *report) latencyTargets() (all []target) {
	direct := r.find(key{What: whatGateway, GatewayMS: r.soonestMS(), Rate: targetRate})
	for _, engine := range allEngines() {
		service := r.find(key{What: whatPayrouter, Engine: engine, Flow: flowCharge, GatewayMS: r.soonestMS(), Rate: targetRate})
		for _, q := range []struct {
			name  string
			limit float64
			at    int64
			of    func(figures) int64
		}{{"p50", 3, p50, func(f figures) int64 { return f.P50US }}, {"p99", 15, p99, func(f figures) int64 { return f.P99US }}} {
			t := target{What: "added to a direct call of the gateway at 200 a second, " + engine + ", " + q.name, Limit: q.limit, Unit: "ms"}.without()
			if service != nil && direct != nil {
				var added []float64
				for _, s := range service.samples {
					if d, ok := r.sample(direct.key, s.repetition); ok {
						added = append(added, inMillis(s.waits.quantile(q.at)-d.waits.quantile(q.at)))
					}
				}
				if len(added) > 0 {
					t = t.of(median(added), "%s ms, directly %s", millis(q.of(service.figures)), millis(q.of(direct.figures)))
				}
			}
			all = append(all, t)
		}
	}
	return all
}

// overrideTarget is about an order of a person at one replica.
func (r *report) overrideTarget() target {
	t := target{What: "an override seen by another replica", Limit: 1, Unit: "s"}
	if r.Scale == nil || r.Scale.Orders == nil {
		return t.without()
	}
	o := r.Scale.Orders
	return t.of(o.WorstMS/1000, "the slowest of %d orders and ends of orders; half took %s ms at most", o.Trials, quantity(o.P50MS, ""))
}

func (r *report) processTargets() []target {
	memory := target{What: "memory of the router at 1000 charges a second", Limit: 150, Unit: "MiB"}.without()
	ready := target{What: "from start to ready", Limit: 1, Unit: "s"}.without()
	if c := r.find(memoryKey(r.soonestMS())); c != nil && c.Peak > 0 {
		memory = memory.of(float64(c.Peak)/(1<<20), "the most in %s; at the end %.0f MiB; %.0f charges a second were answered", time.Duration(memoryLasts*r.DurationMS)*time.Millisecond,
			float64(c.RSS)/(1<<20), c.PerSecond)
		if c.OfAsked < mostlyServed {
			memory.Verdict, memory.Note = verdictMissed, memory.Note+", which is not the rate"
		}
	}
	var starts []float64
	for _, c := range r.Cells {
		if c.What == whatPayrouter {
			starts = append(starts, over(c.samples, func(s sample) float64 { return s.ready.Seconds() })...)
		}
	}
	if len(starts) > 0 {
		ready = ready.of(median(starts), "median of %d starts on books that have their schema; the slowest took %s", len(starts), quantity(slices.Max(starts), "s"))
	}
	return []target{memory, ready}
}

// mostlyServed is the share of a rate from which on it is said to be served: what is under way
// when the time ends is not in it.
const mostlyServed = 0.98

// met counts the verdicts.
func (r *report) met() (met, missed, unknown int) {
	for _, t := range r.Targets {
		switch cmp.Or(t.Verdict, verdictUnknown) {
		case verdictMet:
			met++
		case verdictMissed:
			missed++
		default:
			unknown++
		}
	}
	return met, missed, unknown
}
