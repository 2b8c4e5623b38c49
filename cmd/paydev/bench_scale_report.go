package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// scaleReport is how the service does with several replicas on one PostgreSQL.
type scaleReport struct {
	Callers int          `json:"callers"` // all together, evenly spread
	Cells   []*scaleCell `json:"cells"`
	Orders  *ordersCell  `json:"orders_seen,omitempty"`
	Killed  *killedRun   `json:"replica_killed,omitempty"`

	orders []time.Duration
	killed *killedRun
}

// scaleCell is so many replicas: medians of its repetitions.
type scaleCell struct {
	Replicas int `json:"replicas"`
	scaleFigures
	Refused int            `json:"refused"` // in all repetitions, as all counts
	Failed  int            `json:"failed"`
	Wrong   []string       `json:"feed_wrong,omitempty"` // what was out of order in the feed; nothing when all was well
	Runs    []scaleFigures `json:"runs"`

	runs []scaleRun
}

// scaleFigures are one repetition.
type scaleFigures struct {
	PerSecond float64 `json:"per_second"`
	OfOne     float64 `json:"of_one_replica,omitempty"` // in the same repetition
	P50US     int64   `json:"p50_us"`
	P99US     int64   `json:"p99_us"`
	// Processor time per charge in microseconds: of all replicas, of the database's server, and
	// of callers and gateway.
	ServiceCPUUS  float64 `json:"service_cpu_us,omitempty"`
	DatabaseCPUUS float64 `json:"database_cpu_us,omitempty"`
	LoadCPUUS     float64 `json:"load_cpu_us,omitempty"`
	// Busy is how many cores all of these kept busy. Where it is all there are, replicas can
	// only take from each other.
	Busy         float64   `json:"busy_cores,omitempty"`
	EachCPUUS    []float64 `json:"each_cpu_us"` // of each replica, per charge that it answered
	FairReplicas float64   `json:"fair_replicas"`
	FairCallers  float64   `json:"fair_callers"`
	Peak         int64     `json:"peak_bytes"`      // of all replicas together
	BehindMost   int64     `json:"behind_most"`     // changes without a number, at most
	CaughtUpMS   *float64  `json:"caught_up_ms"`    // from the last answer until the feed had them all; null: not within our patience
	Numbered     int64     `json:"feed_changes"`    // changes in the feed in the end
	Unanswered   int64     `json:"paid_unheard"`    // payments that are paid though no caller was told so
	ReadyMS      float64   `json:"ready_ms"`        // of the slowest to start
	NotPaid      int64     `json:"answered_unpaid"` // charges that were answered as paid and are not
}

// ordersCell is how long an order took until another replica obeyed it.
type ordersCell struct {
	Trials  int     `json:"trials"` // orders and ends of orders, all repetitions together
	P50MS   float64 `json:"p50_ms"`
	WorstMS float64 `json:"worst_ms"`
	Target  float64 `json:"target_ms"`
}

func (r *report) scale() *scaleReport {
	if r.Scale == nil {
		r.Scale = &scaleReport{Callers: scaleCallers}
	}
	return r.Scale
}

func (s *scaleReport) cell(replicas int) *scaleCell {
	for _, c := range s.Cells {
		if c.Replicas == replicas {
			return c
		}
	}
	c := &scaleCell{Replicas: replicas}
	s.Cells = append(s.Cells, c)
	return c
}

// read computes one repetition's; one is what a single replica did per second in it, 0 unknown.
func (run scaleRun) read(one float64) scaleFigures {
	per := func(d time.Duration) float64 { return ratio(float64(d.Microseconds()), float64(run.all)) }
	f := scaleFigures{PerSecond: run.perSecond(), OfOne: ratio(run.perSecond(), one), P50US: run.waits.quantile(p50).Microseconds(), P99US: run.waits.quantile(p99).Microseconds(),
		ServiceCPUUS: per(run.service.CPU), DatabaseCPUUS: per(run.database), LoadCPUUS: per(run.load), FairCallers: fair(run.callers), Peak: run.service.Peak,
		BehindMost: run.behind, Numbered: run.feed.numbered, Unanswered: max(0, run.feed.paid-int64(run.all)), NotPaid: max(0, int64(run.all)-run.feed.paid), ReadyMS: inMillis(run.ready)}
	if run.database > 0 {
		f.Busy = ratio((run.service.CPU + run.database + run.load).Seconds(), run.whole.Seconds())
	}
	if run.feed.caughtUp != never {
		ms := inMillis(run.feed.caughtUp)
		f.CaughtUpMS = &ms
	}
	var did []int
	for _, s := range run.replicas {
		did = append(did, s.done)
		f.EachCPUUS = append(f.EachCPUUS, ratio(float64(s.service.CPU.Microseconds()), float64(s.all)))
	}
	f.FairReplicas = fair(did)
	return f
}

// conclude computes the medians, and warns of what must not be.
func (s *scaleReport) conclude(warn func(string)) {
	alone := map[int]float64{}
	for _, c := range s.Cells {
		for _, run := range c.runs {
			if c.Replicas == 1 {
				alone[run.repetition] = run.perSecond()
			}
		}
	}
	for _, c := range s.Cells {
		for _, run := range c.runs {
			f := run.read(alone[run.repetition])
			c.Runs = append(c.Runs, f)
			c.Refused, c.Failed, c.Wrong = c.Refused+run.refused, c.Failed+run.failed, append(c.Wrong, run.feed.wrong...)
			if run.why != nil && c.Failed == run.failed {
				warn(fmt.Sprintf("FAILED: %d replicas: %v", c.Replicas, run.why))
			}
			if f.NotPaid > 0 || f.Unanswered > int64(run.failed+run.refused) {
				warn(fmt.Sprintf("WRONG: %d replicas answered %d charges, and %d payments are paid", c.Replicas, run.all, run.feed.paid))
			}
		}
		if len(c.Wrong) > 0 {
			warn(fmt.Sprintf("WRONG: %d replicas: the feed: %s", c.Replicas, strings.Join(c.Wrong, "; ")))
		}
		c.scaleFigures = middleOf(c.Runs)
	}
	if n := len(s.orders); n > 0 {
		slices.Sort(s.orders)
		s.Orders = &ordersCell{Trials: n, P50MS: inMillis(median(s.orders)), WorstMS: inMillis(s.orders[n-1]), Target: inMillis(orderTarget)}
	}
	s.Killed = s.killed
	if s.Killed != nil && s.Killed.Twice > 0 {
		warn(fmt.Sprintf("WRONG: a replica was killed, and %d orders were charged twice", s.Killed.Twice))
	}
}

// middleOf takes the median of every figure by itself; of the feed the worst.
func middleOf(runs []scaleFigures) (m scaleFigures) {
	number := func(of func(scaleFigures) float64) float64 { return median(over(runs, of)) }
	m = scaleFigures{
		PerSecond: number(func(f scaleFigures) float64 { return f.PerSecond }), OfOne: number(func(f scaleFigures) float64 { return f.OfOne }),
		P50US: median(over(runs, func(f scaleFigures) int64 { return f.P50US })), P99US: median(over(runs, func(f scaleFigures) int64 { return f.P99US })),
		ServiceCPUUS: number(func(f scaleFigures) float64 { return f.ServiceCPUUS }), DatabaseCPUUS: number(func(f scaleFigures) float64 { return f.DatabaseCPUUS }),
		LoadCPUUS: number(func(f scaleFigures) float64 { return f.LoadCPUUS }), Busy: number(func(f scaleFigures) float64 { return f.Busy }),
		FairReplicas: number(func(f scaleFigures) float64 { return f.FairReplicas }), FairCallers: number(func(f scaleFigures) float64 { return f.FairCallers }),
		Peak: median(over(runs, func(f scaleFigures) int64 { return f.Peak })), ReadyMS: number(func(f scaleFigures) float64 { return f.ReadyMS }),
		Numbered: median(over(runs, func(f scaleFigures) int64 { return f.Numbered })),
	}
	for i := range runs[0].EachCPUUS {
		m.EachCPUUS = append(m.EachCPUUS, number(func(f scaleFigures) float64 { return f.EachCPUUS[i] }))
	}
	slowest, never := 0.0, false
	for _, f := range runs {
		m.BehindMost, m.Unanswered, m.NotPaid = max(m.BehindMost, f.BehindMost), m.Unanswered+f.Unanswered, m.NotPaid+f.NotPaid
		if f.CaughtUpMS == nil {
			never = true
		} else {
			slowest = max(slowest, *f.CaughtUpMS)
		}
	}
	if !never {
		m.CaughtUpMS = &slowest
	}
	return m
}

// scaleGrid is the table of replicas.
func (r *report) scaleGrid() grid {
	s := r.Scale
	if s == nil {
		return grid{}
	}
	g := grid{title: fmt.Sprintf("replicas on one PostgreSQL, %d callers in all, everything on these %d cores", s.Callers, r.Cores),
		heads: []string{"replicas", "per second", "of one", "p50 ms", "p99 ms", "cores busy", "service us", "each us", "database us", "load us", "fair replicas", "fair callers", "peak MB",
			"behind at most", "caught up ms", "in order", "refused", "failed"}}
	for _, c := range s.Cells {
		order := "yes"
		if len(c.Wrong) > 0 {
			order = "NO"
		}
		g.add(fmt.Sprint(c.Replicas), whole(c.PerSecond), orDash(c.OfOne), millis(c.P50US), millis(c.P99US), orDash(c.Busy), whole(c.ServiceCPUUS), strings.Join(over(c.EachCPUUS, whole), " "),
			whole(c.DatabaseCPUUS), whole(c.LoadCPUUS), fmt.Sprintf("%.2f", c.FairReplicas), fmt.Sprintf("%.2f", c.FairCallers), whole(float64(c.Peak)/(1<<20)), fmt.Sprint(c.BehindMost),
			orNever(c.CaughtUpMS), order, fmt.Sprint(c.Refused), fmt.Sprint(c.Failed))
	}
	if o := s.Orders; o != nil {
		g.below = append(g.below, fmt.Sprintf("an order given at one replica was followed by another after %.0f ms, at worst %.0f, of %d orders and ends of orders (target %.0f)", o.P50MS, o.WorstMS, o.Trials, o.Target))
	}
	if k := s.Killed; k != nil {
		g.below = append(g.below, fmt.Sprintf("a replica was killed after %d charges, and left %d whose money was taken: the other knew of half of them after %.0f ms and of all after %.0f, and the feed went on after %.0f; %d orders were charged twice",
			k.Charged, k.Left, k.P50MS, k.LastMS, k.FeedMS, k.Twice))
	}
	return g
}
