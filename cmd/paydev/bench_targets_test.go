package main

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// measuredReport has all that the targets rest on, in three repetitions whose machine was fast,
// slow, and in between.
func measuredReport() *report {
	r := &report{Commit: "c0ffee", CPU: "a <processor>", Cores: 2, Date: "2026-11-30T10:00:00Z", DurationMS: 2000, Repetitions: 3,
		Settings: map[string]string{"sweeps": "1"}, Warnings: []string{}, Skip: &skipping{Decisions: 100, P50NS: 700, P99NS: 12_300, MaxNS: 90_000}}
	waits := func(middle, slowest time.Duration) (h histogram) {
		for n := range 100 {
			h.add(map[bool]time.Duration{true: middle, false: slowest}[n < 90])
		}
		return h
	}
	run := func(k key, perSecond int, middle, slowest time.Duration) {
		for n, speed := range []float64{1, 0.5, 0.8} {
			rate := int(float64(perSecond) * speed)
			s := sample{done: rate, all: rate, took: time.Second, syncs: -1, unnumbered: -1, waits: waits(middle, slowest), ready: 200 * time.Millisecond}
			if k.Rate != "" {
				s.done, s.asked = perSecond, float64(perSecond)
			}
			if k.Rate == memoryRate {
				s.service = usage{CPU: time.Second, Peak: 99 << 20, RSS: 90 << 20}
			}
			r.cell(k).add(n, s)
		}
	}
	ms := time.Millisecond
	run(key{What: whatGateway, Callers: 64}, 9000, ms, ms)
	run(key{What: whatCommits, Engine: "postgresql", Callers: 64}, 2000, ms, ms)
	run(key{What: whatCommits, Engine: "sqlite", Callers: 64}, 1000, ms, ms)
	run(key{What: whatRows, Engine: "sqlite", Callers: 64}, 2000, ms, ms)
	for _, engine := range allEngines() {
		run(key{What: whatPayrouter, Engine: engine, Flow: flowCharge, Callers: 64}, 1500, 20*ms, 40*ms)
		run(key{What: whatUngrouped, Engine: engine, Flow: flowCharge, Callers: 64}, 1000, 30*ms, 50*ms)
		run(key{What: whatPayrouter, Engine: engine, Flow: flowCharge, Rate: targetRate}, 200, 3*ms, 18*ms)
	}
	run(key{What: whatGateway, Rate: targetRate}, 200, ms, 2*ms)
	run(memoryKey(0), 1000, ms, ms)
	drawn := timeline{FromMS: -1000, StepMS: 1000, First: []int{50, 0, 0}, Moved: []int{0, 0, 1}, Backup: []int{0, 0, 49}, Unpaid: []int{0, 50, 0}, Twice: []int{0, 0, 0}, Failed: []int{0, 0, 0}}
	r.outage(routerOurs, faultRefuse).runs = []outageRun{{asked: 200, needed: 5, first: 20 * ms, spared: 100 * ms, undecided: 1, firstAdded: 4 * ms, opened: 90 * ms, penalties: []time.Duration{4 * ms}, timeline: drawn}}
	r.outage(routerOurs, faultHang).runs = []outageRun{{asked: 200, needed: 7, first: 1100 * ms, spared: 1200 * ms, firstAdded: never, opened: 200 * ms, penalties: []time.Duration{7900 * ms}, timeline: drawn}}
	r.scale().orders = []time.Duration{400 * ms, 700 * ms, 300 * ms}
	r.conclude()
	return r
}

func TestTargetsAreJudgedByWhatWasMeasuredInTheSameRun(t *testing.T) {
	r := measuredReport()
	for _, want := range []struct {
		what    string
		value   float64
		verdict string
	}{
		{"charges on PostgreSQL", 0.75, verdictMet},
		{"charges on SQLite", 0.75, verdictMissed},
		{"group commit on sqlite, 64 callers, to the same without: charges", 1.5, verdictMet},
		{"group commit on postgresql, 64 callers, to the same without: p99", 0.8, verdictMet},
		{"added to a direct call of the gateway at 200 a second, postgresql, p50", 2, verdictMet},
		{"added to a direct call of the gateway at 200 a second, postgresql, p99", 16, verdictMissed},
		{"deciding against", 12.3, verdictMet},
		{"first gateway refuses", 4, verdictMet},
		{"and charges since then", 0, verdictMet},
		{"first gateway hangs", 7, verdictMet}, // 7 failures, but within three seconds
		{"an override", 0.7, verdictMet},
		{"memory", 99, verdictMet},
		{"from start", 0.2, verdictMet},
	} {
		i := slices.IndexFunc(r.Targets, func(g target) bool { return strings.HasPrefix(g.What, want.what) })
		if i < 0 {
			t.Fatalf("there is no target %q", want.what)
		}
		got := r.Targets[i]
		if got.Value == nil || math.Abs(*got.Value-want.value) > 0.01*want.value || got.Verdict != want.verdict || got.Note == "" {
			t.Errorf("%s: %s, %s (%s), not %.2f, %s", got.What, got.measured(), got.Verdict, got.Note, want.value, want.verdict)
		}
	}
	if met, missed, unknown := r.met(); met != 14 || missed != 3 || unknown != 0 {
		t.Errorf("%d met, %d missed, %d not measured", met, missed, unknown)
	}
}

// What was measured in other repetitions, or not at all, is compared with nothing.
func TestATargetWithoutItsMeasurementIsNotJudged(t *testing.T) {
	r := &report{}
	r.cell(key{What: whatPayrouter, Engine: "postgresql", Flow: flowCharge, Callers: 64}).add(0, sample{done: 10, took: time.Second, syncs: -1, unnumbered: -1})
	r.cell(key{What: whatCommits, Engine: "postgresql", Callers: 64}).add(1, sample{done: 10, took: time.Second, syncs: -1, unnumbered: -1})
	r.conclude()
	for _, g := range r.Targets {
		if g.Verdict != verdictUnknown && !strings.HasPrefix(g.What, "from start") || g.Verdict == verdictUnknown && g.Value != nil {
			t.Errorf("%s: %s, %s", g.What, g.measured(), g.Verdict)
		}
	}
}

// A rate that is not served takes little memory, which is no merit.
func TestMemoryIsJudgedOnlyAtTheRate(t *testing.T) {
	r := &report{}
	r.cell(memoryKey(0)).add(0, sample{done: 500, all: 500, asked: 1000, took: time.Second, syncs: -1, unnumbered: -1, service: usage{Peak: 50 << 20}})
	r.conclude()
	i := slices.IndexFunc(r.Targets, func(g target) bool { return strings.HasPrefix(g.What, "memory") })
	if g := r.Targets[i]; g.Verdict != verdictMissed || !strings.Contains(g.Note, "which is not the rate") {
		t.Errorf("%s: %s", g.Verdict, g.Note)
	}
}

func TestADecisionAgainstAGatewayThatIsDownIsTimed(t *testing.T) {
	s, err := decide(1000)
	if err != nil || s.Decisions != 1000 || s.P50NS <= 0 || s.P99NS < s.P50NS || s.MaxNS < s.P99NS {
		t.Errorf("%+v, error %v", s, err)
	}
}

// Every cell that a target rests on is run, for an instant. On a busy machine nobody may be
// answered in it, and then there is nothing to judge.
func TestWhatTargetsRestOnIsMeasured(t *testing.T) {
	r := benched(t, "-duration", "200ms", "-gateway", "0s", "-engine", "sqlite", "-parts", partTargets)
	for _, k := range []key{
		{What: whatGateway, Callers: 64}, {What: whatGateway, Rate: targetRate}, {What: whatCommits, Engine: "sqlite", Callers: 64}, {What: whatRows, Engine: "sqlite", Callers: 64},
		{What: whatPayrouter, Engine: "sqlite", Flow: flowCharge, Callers: 64}, {What: whatUngrouped, Engine: "sqlite", Flow: flowCharge, Callers: 64},
		{What: whatPayrouter, Engine: "sqlite", Flow: flowCharge, Rate: targetRate},
	} {
		if c := r.find(k); c == nil || len(c.Runs) != 1 || c.Failed > 0 {
			t.Errorf("%s: %+v, warnings %q", k, c, r.Warnings)
		}
	}
	for _, want := range []string{"deciding", "from start"} {
		i := slices.IndexFunc(r.Targets, func(g target) bool { return strings.HasPrefix(g.What, want) })
		if r.Targets[i].Value == nil {
			t.Errorf("%s: %s; %q", r.Targets[i].What, r.Targets[i].Verdict, r.Warnings)
		}
	}
}

func TestTargetsComeFirstInEveryForm(t *testing.T) {
	for form, write := range map[string]func(*report, *bytes.Buffer) error{
		"text": func(r *report, out *bytes.Buffer) error { return r.print(out) }, "Markdown": func(r *report, out *bytes.Buffer) error { return r.markdown(out, "") },
	} {
		var out bytes.Buffer
		if err := write(measuredReport(), &out); err != nil {
			t.Fatal(err)
		}
		targets, shares := strings.Index(out.String(), "argets: 14 met, 3 missed, 0 not measured"), strings.Index(out.String(), "he service as a share")
		if targets < 0 || shares < targets || !strings.Contains(out.String(), "MISSED") || !strings.Contains(out.String(), "0.75 x") {
			t.Errorf("%s:\n%s", form, out.String())
		}
	}
}
