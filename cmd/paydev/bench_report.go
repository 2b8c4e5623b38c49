package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// What a cell measures.
const (
	whatGateway   = "gateway"   // calls to the gateway alone
	whatCommits   = "commits"   // the two commits of a charge alone
	whatPayrouter = "payrouter" // charges through the whole service
)

// report is everything that was measured, and on what.
type report struct {
	Commit      string        `json:"commit"`
	Go          string        `json:"go"`
	System      string        `json:"system"`
	CPU         string        `json:"cpu"`
	Cores       int           `json:"cores"`
	Load        string        `json:"load_average"` // when the run began; empty when unknown
	DiskSyncUS  int64         `json:"disk_sync_us"` // median time to make 8 KiB durable in the folder of the databases
	Gateway     string        `json:"gateway"`
	DurationMS  int64         `json:"duration_ms"` // of one measured run
	Repetitions int           `json:"repetitions"`
	Engines     []engineFacts `json:"engines"`
	Cells       []*cell       `json:"cells"`
	Warnings    []string      `json:"warnings,omitempty"`
}

// cell is one thing measured with so many callers: the median of its repetitions.
// Ratios are the medians of each repetition's own; 0 says there is none.
type cell struct {
	Engine    string  `json:"engine,omitempty"`
	Callers   int     `json:"callers"`
	What      string  `json:"what"`
	PerSecond float64 `json:"per_second"`
	Least     float64 `json:"per_second_least"`
	Most      float64 `json:"per_second_most"`
	P50US     int64   `json:"p50_us"`
	P99US     int64   `json:"p99_us"`
	Failed    int     `json:"failed"`
	// CPUUS is what this process spent of the processor on each, in microseconds: service,
	// gateway and callers together, and SQLite with them; 0 unknown. Of all figures it is
	// the one that neighbours on the machine change least.
	CPUUS float64 `json:"cpu_us,omitempty"`

	OfCommits float64 `json:"of_commits,omitempty"` // of the commits alone
	OfGateway float64 `json:"of_gateway,omitempty"` // of the calls alone
	OfBoth    float64 `json:"of_both,omitempty"`    // of commits and calls one after the other
	// Syncs are the times the database made its log durable, for each charge; 0 unknown.
	// With one caller they are the durable commits.
	Syncs float64 `json:"syncs_per_charge,omitempty"`
	// Behind is how many changes the feed still lacked when the run ended; null unknown.
	Behind *int64 `json:"feed_behind,omitempty"`

	samples []sample
}

func (c *cell) add(s sample) { c.samples = append(c.samples, s) }

// cell finds or begins one.
func (r *report) cell(engine string, callers int, what string) *cell {
	if c := r.find(engine, callers, what); c != nil {
		return c
	}
	c := &cell{Engine: engine, Callers: callers, What: what}
	r.Cells = append(r.Cells, c)
	return c
}

func (r *report) find(engine string, callers int, what string) *cell {
	for _, c := range r.Cells {
		if c.Engine == engine && c.Callers == callers && c.What == what {
			return c
		}
	}
	return nil
}

// forget drops what was measured on an engine.
func (r *report) forget(engine string) {
	r.Cells = slices.DeleteFunc(r.Cells, func(c *cell) bool { return c.Engine == engine })
}

// conclude computes the medians and the ratios.
func (r *report) conclude() {
	for _, c := range r.Cells {
		rates := over(c.samples, sample.perSecond)
		c.PerSecond, c.Least, c.Most = median(rates), slices.Min(rates), slices.Max(rates)
		c.P50US = median(over(c.samples, func(s sample) int64 { return s.p50.Microseconds() }))
		c.P99US = median(over(c.samples, func(s sample) int64 { return s.p99.Microseconds() }))
		c.CPUUS = median(over(c.samples, func(s sample) float64 { return ratio(float64(s.cpu.Microseconds()), float64(s.all)) }))
		c.Syncs = median(over(c.samples, func(s sample) float64 {
			if s.syncs < 0 || s.all == 0 {
				return 0
			}
			return float64(s.syncs) / float64(s.all)
		}))
		if behind := median(over(c.samples, func(s sample) int64 { return s.unnumbered })); behind >= 0 {
			c.Behind = &behind
		}
		for _, s := range c.samples {
			c.Failed += s.failed
			if s.why != nil && c.Failed == s.failed {
				r.Warnings = append(r.Warnings, fmt.Sprintf("FAILED: %s %s with %d callers: %v", c.Engine, c.What, c.Callers, s.why))
			}
		}
		if c.What == whatPayrouter {
			r.compare(c)
		}
	}
}

// compare sets the service against what this machine could do in the same repetition.
func (r *report) compare(c *cell) {
	gateway, commits := r.find("", c.Callers, whatGateway), r.find(c.Engine, c.Callers, whatCommits)
	var ofGateway, ofCommits, ofBoth []float64
	for i, s := range c.samples {
		calls := gateway.samples[i].perSecond()
		ofGateway = append(ofGateway, ratio(s.perSecond(), calls))
		if commits == nil {
			continue
		}
		writes := commits.samples[i].perSecond()
		ofCommits = append(ofCommits, ratio(s.perSecond(), writes))
		if calls+writes > 0 {
			ofBoth = append(ofBoth, ratio(s.perSecond(), calls*writes/(calls+writes)))
		}
	}
	c.OfGateway, c.OfCommits, c.OfBoth = median(ofGateway), median(ofCommits), median(ofBoth)
}

func ratio(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
}

func over[T any](samples []sample, of func(sample) T) []T {
	var all []T
	for _, s := range samples {
		all = append(all, of(s))
	}
	return all
}

// median is the lower one of two in the middle; 0 of nothing.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		var none T
		return none
	}
	values = slices.Sorted(slices.Values(values))
	return values[(len(values)-1)/2]
}

// print writes the report for people.
func (r *report) print(out io.Writer) error {
	line := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	line("payrouter %s, %s, %s", r.Commit, r.Go, r.System)
	line("%s, %d cores, load average %s; making 8 KiB durable takes %s", r.CPU, r.Cores, cmp.Or(r.Load, "unknown"), time.Duration(r.DiskSyncUS)*time.Microsecond)
	for _, e := range r.Engines {
		line("%s %s: %s; commits alone: %s", e.Name, e.Version, strings.Join(e.Settings, ", "), e.Limit)
	}
	line("gateway: %s", r.Gateway)
	line("%s a run, %d repetitions, interleaved; medians\n", time.Duration(r.DurationMS)*time.Millisecond, r.Repetitions)

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "engine\tcallers\twhat\tper second\tleast\tmost\tp50 ms\tp99 ms\tcpu us\tof commits\tof gateway\tof both\tsyncs\tfeed behind\t")
	order := append([]string{""}, allEngines()...)
	slices.SortStableFunc(r.Cells, func(a, b *cell) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Engine), slices.Index(order, b.Engine)), cmp.Compare(a.Callers, b.Callers))
	})
	for _, c := range r.Cells {
		behind := "-"
		if c.Behind != nil {
			behind = fmt.Sprint(*c.Behind)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", cmp.Or(c.Engine, "-"), c.Callers, c.What, c.PerSecond, c.Least, c.Most,
			millis(c.P50US), millis(c.P99US), whole(c.CPUUS), orDash(c.OfCommits), orDash(c.OfGateway), orDash(c.OfBoth), orDash(c.Syncs), behind)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, w := range r.Warnings {
		line("\n%s", w)
	}
	return nil
}

func millis(us int64) string { return fmt.Sprintf("%.2f", float64(us)/1000) }

func whole(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", x)
}

func orDash(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", x)
}
