package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// What a cell measures.
const (
	whatGateway   = "gateway"   // calls to the gateway alone
	whatEcho      = "echo"      // gRPC alone
	whatCommits   = "commits"   // the two commits of a charge alone
	whatBatch     = "batch"     // the same, many in one transaction
	whatRows      = "rows"      // the same, with one row in each of the commits
	whatPayrouter = "payrouter" // payments through the whole service
	whatUngrouped = "ungrouped" // the same, each payment in commits of its own
)

// report is everything that was measured, and on what.
type report struct {
	Date        string            `json:"date"` // when the run began
	Commit      string            `json:"commit"`
	Go          string            `json:"go"`
	System      string            `json:"system"`
	CPU         string            `json:"cpu"`
	Cores       int               `json:"cores"`
	Load        string            `json:"load_average"`     // when the run began; empty when unknown
	LoadAtEnd   string            `json:"load_average_end"` // with what the run itself made
	DiskSyncUS  int64             `json:"disk_sync_us"`     // median time to make 8 KiB durable in the folder of the databases
	Gateway     string            `json:"gateway"`
	Settings    map[string]string `json:"settings"` // the flags
	DurationMS  int64             `json:"duration_ms"`
	Repetitions int               `json:"repetitions"`
	TookMS      int64             `json:"took_ms"` // the whole run
	Engines     []engineFacts     `json:"engines"`
	Targets     []target          `json:"targets"`
	Skip        *skipping         `json:"skip"` // null when it was not measured
	Cells       []*cell           `json:"cells"`
	Outages     []*outageCell     `json:"outages"`
	Scale       *scaleReport      `json:"scale,omitempty"`
	Warnings    []string          `json:"warnings"`
}

// key says which cell it is. What does not apply is left empty.
type key struct {
	What      string `json:"what"`
	Engine    string `json:"engine,omitempty"`
	Flow      string `json:"flow,omitempty"`
	GatewayMS int64  `json:"gateway_ms"` // the pause before the gateway answers
	Callers   int    `json:"callers,omitempty"`
	Rate      string `json:"rate,omitempty"` // as asked for; empty when callers wait for their answers
}

func (k key) pause() time.Duration { return time.Duration(k.GatewayMS) * time.Millisecond }

// calls reports whether the gateway is called there.
func (k key) calls() bool {
	return k.What == whatGateway || k.What == whatPayrouter || k.What == whatUngrouped
}

// String names the cell for people.
func (k key) String() string {
	text := k.What
	for _, part := range []string{k.Engine, k.Flow} {
		if part != "" {
			text += " " + part
		}
	}
	if k.calls() {
		text += fmt.Sprintf(", gateway %d ms", k.GatewayMS)
	}
	if k.Rate != "" {
		return text + ", rate " + k.Rate
	}
	return text + fmt.Sprintf(", callers %d", k.Callers)
}

// cell is one thing measured: the medians of its repetitions. Ratios are the medians of each
// repetition's own. Of what is per charge and of ratios, 0 says that it is not known.
type cell struct {
	key
	figures
	Least float64 `json:"per_second_least"`
	Most  float64 `json:"per_second_most"`
	// Refused and Failed are counts of all repetitions. Refused were those that the service
	// told to come back, because it had too much to do.
	Refused int `json:"refused"`
	Failed  int `json:"failed"`

	OfCommits float64 `json:"of_commits,omitempty"` // of the commits alone
	OfBatch   float64 `json:"of_batch,omitempty"`   // of the commits alone, many in one transaction
	OfGateway float64 `json:"of_gateway,omitempty"` // of the calls alone
	OfEcho    float64 `json:"of_echo,omitempty"`    // of gRPC alone
	OfBoth    float64 `json:"of_both,omitempty"`    // of commits and calls one after the other
	OfAll     float64 `json:"of_all,omitempty"`     // of commits, calls and gRPC one after the other
	OfAsked   float64 `json:"of_asked,omitempty"`   // of the rate that was asked for
	// Behind is how many changes the feed still lacked when the run ended; null unknown.
	Behind *int64 `json:"feed_behind,omitempty"`

	Runs []figures `json:"runs"`

	samples []sample
}

// figures are one repetition. What is per charge counts the warm-up too.
type figures struct {
	PerSecond float64 `json:"per_second"`
	P50US     int64   `json:"p50_us"`
	P90US     int64   `json:"p90_us"`
	P99US     int64   `json:"p99_us"`
	P999US    int64   `json:"p99_9_us"`
	MaxUS     int64   `json:"max_us"`
	Asked     float64 `json:"asked_per_second,omitempty"`
	Late      int     `json:"late,omitempty"`      // started more than 10 ms late
	Unstarted int     `json:"unstarted,omitempty"` // could not be started in time at all
	// CPUUS is processor time per charge in microseconds: of the service's process, and of
	// this one where there is no service.
	CPUUS     float64 `json:"cpu_us,omitempty"`
	LoadCPUUS float64 `json:"load_cpu_us,omitempty"` // of callers and gateway, beside the service
	Objects   float64 `json:"objects,omitempty"`     // allocated by the service per charge
	Bytes     float64 `json:"bytes,omitempty"`       // allocated by the service per charge
	RSS       int64   `json:"rss_bytes,omitempty"`   // of the service, at the end
	Peak      int64   `json:"peak_bytes,omitempty"`  // of the service, at most
	ReadyMS   float64 `json:"ready_ms,omitempty"`    // from the service's start until it served
	// Syncs are the times the database made its log durable, per charge. With one caller they
	// are the durable commits.
	Syncs float64 `json:"syncs_per_charge,omitempty"`
}

// read computes one repetition's.
func (s sample) read() figures {
	per := func(x float64) float64 { return ratio(x, float64(s.all)) }
	r := figures{PerSecond: s.perSecond(), P50US: s.waits.quantile(p50).Microseconds(), P90US: s.waits.quantile(p90).Microseconds(),
		P99US: s.waits.quantile(p99).Microseconds(), P999US: s.waits.quantile(p999).Microseconds(), MaxUS: s.waits.most.Microseconds(),
		Asked: s.asked, Late: s.late, Unstarted: s.unstarted, CPUUS: per(float64(s.cpu.Microseconds()))}
	if s.service != (usage{}) {
		r.CPUUS, r.LoadCPUUS = per(float64(s.service.CPU.Microseconds())), r.CPUUS
		r.Objects, r.Bytes, r.RSS, r.Peak = per(float64(s.service.Objects)), per(float64(s.service.Bytes)), s.service.RSS, s.service.Peak
		r.ReadyMS = float64(s.ready.Microseconds()) / 1000
	}
	if s.syncs > 0 {
		r.Syncs = per(float64(s.syncs))
	}
	return r
}

func (c *cell) add(repetition int, s sample) {
	s.repetition = repetition
	c.samples = append(c.samples, s)
}

// cell finds or begins one.
func (r *report) cell(k key) *cell {
	if c := r.find(k); c != nil {
		return c
	}
	c := &cell{key: k}
	r.Cells = append(r.Cells, c)
	return c
}

func (r *report) find(k key) *cell {
	for _, c := range r.Cells {
		if c.key == k {
			return c
		}
	}
	return nil
}

// sample is a cell's in one repetition.
func (r *report) sample(k key, repetition int) (s sample, measured bool) {
	if c := r.find(k); c != nil {
		for _, s := range c.samples {
			if s.repetition == repetition {
				return s, true
			}
		}
	}
	return sample{}, false
}

// rate is what a cell did per second in one repetition; 0 when it was not measured then.
func (r *report) rate(k key, repetition int) float64 {
	s, _ := r.sample(k, repetition)
	return s.perSecond()
}

// capacity is the most that the service did in one repetition, by whatever number of callers
// who wait for their answers; 0 when that was not measured.
func (r *report) capacity(k key, repetition int) (most float64) {
	for _, c := range r.Cells {
		if c.What == whatPayrouter && c.Rate == "" && c.Engine == k.Engine && c.Flow == k.Flow && c.GatewayMS == k.GatewayMS {
			most = max(most, r.rate(c.key, repetition))
		}
	}
	return most
}

// conclude computes the medians and the ratios.
func (r *report) conclude() {
	for _, c := range r.Cells {
		for _, s := range c.samples {
			c.Runs = append(c.Runs, s.read())
			if s.why != nil && c.Failed == 0 {
				r.Warnings = append(r.Warnings, fmt.Sprintf("FAILED: %s: %v", c.key, s.why))
			}
			c.Failed += s.failed
			c.Refused += s.refused
		}
		c.figures = middle(c.Runs)
		rates := over(c.Runs, func(r figures) float64 { return r.PerSecond })
		c.Least, c.Most = slices.Min(rates), slices.Max(rates)
		if behind := median(over(c.samples, func(s sample) int64 { return s.unnumbered })); behind >= 0 {
			c.Behind = &behind
		}
		if c.What == whatPayrouter {
			r.compare(c)
		}
	}
	for _, o := range r.Outages {
		o.conclude()
	}
	if r.Scale != nil {
		r.Scale.conclude(func(text string) { r.Warnings = append(r.Warnings, text) })
	}
	r.judge()
}

// middle takes the median of every figure by itself.
func middle(runs []figures) figures {
	number := func(of func(figures) float64) float64 { return median(over(runs, of)) }
	whole := func(of func(figures) int64) int64 { return median(over(runs, of)) }
	return figures{
		PerSecond: number(func(r figures) float64 { return r.PerSecond }),
		P50US:     whole(func(r figures) int64 { return r.P50US }), P90US: whole(func(r figures) int64 { return r.P90US }),
		P99US: whole(func(r figures) int64 { return r.P99US }), P999US: whole(func(r figures) int64 { return r.P999US }), MaxUS: whole(func(r figures) int64 { return r.MaxUS }),
		Asked: number(func(r figures) float64 { return r.Asked }),
		Late:  int(whole(func(r figures) int64 { return int64(r.Late) })), Unstarted: int(whole(func(r figures) int64 { return int64(r.Unstarted) })),
		CPUUS: number(func(r figures) float64 { return r.CPUUS }), LoadCPUUS: number(func(r figures) float64 { return r.LoadCPUUS }),
		Objects: number(func(r figures) float64 { return r.Objects }), Bytes: number(func(r figures) float64 { return r.Bytes }),
		RSS: whole(func(r figures) int64 { return r.RSS }), Peak: whole(func(r figures) int64 { return r.Peak }),
		ReadyMS: number(func(r figures) float64 { return r.ReadyMS }), Syncs: number(func(r figures) float64 { return r.Syncs }),
	}
}

// compare sets the service against what this machine could do in the same repetition. At a
// fixed rate there is nothing to compare but the rate.
func (r *report) compare(c *cell) {
	var commits, batch, gateway, echo, both, all, asked []float64
	add := func(to *[]float64, part, whole float64) {
		if whole > 0 {
			*to = append(*to, part/whole)
		}
	}
	for _, s := range c.samples {
		did := s.perSecond()
		add(&asked, did, s.asked)
		if c.Rate != "" {
			continue
		}
		writes := r.rate(key{What: whatCommits, Engine: c.Engine, Callers: c.Callers}, s.repetition)
		calls := r.rate(key{What: whatGateway, GatewayMS: c.GatewayMS, Callers: c.Callers}, s.repetition)
		echoes := r.rate(key{What: whatEcho, Callers: c.Callers}, s.repetition)
		add(&commits, did, writes)
		add(&batch, did, r.rate(key{What: whatBatch, Engine: c.Engine, Callers: c.Callers}, s.repetition))
		add(&gateway, did, calls)
		add(&echo, did, echoes)
		add(&both, did, inTurn(writes, calls))
		add(&all, did, inTurn(writes, calls, echoes))
	}
	c.OfCommits, c.OfBatch, c.OfGateway, c.OfEcho = median(commits), median(batch), median(gateway), median(echo)
	c.OfBoth, c.OfAll, c.OfAsked = median(both), median(all), median(asked)
}

// inTurn is how many a second there are of things done one after the other; 0 when one of
// them is not known.
func inTurn(rates ...float64) float64 {
	seconds := 0.0
	for _, rate := range rates {
		if rate <= 0 {
			return 0
		}
		seconds += 1 / rate
	}
	return 1 / seconds
}

func ratio(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
}

func over[S, T any](all []S, of func(S) T) []T {
	var values []T
	for _, s := range all {
		values = append(values, of(s))
	}
	return values
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
