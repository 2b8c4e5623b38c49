package health

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// step is one thing that happens to an incident.
type step struct {
	at    time.Duration
	fails time.Duration // a call that began then fails
	plans time.Duration // a payment that was planned elsewhere then is served there
	is    kind
	whole bool
	took  time.Duration // counted, with this time; 0 when nothing counts
}

type kind int

const (
	fault kind = iota
	service
)

func TestAnIncidentOpensIsCountedOnceAndEnds(t *testing.T) {
	const s, m = time.Second, time.Minute
	for name, steps := range map[string][]step{
		"from the beginning of the first call that failed": {
			{at: 15 * s, fails: 1, whole: true}, {is: service, at: 16 * s, plans: 15 * s, took: 16*s - 1}},
		"once": {
			{at: s, fails: s, whole: true}, {is: service, at: 3 * s, plans: 2 * s, took: 2 * s}, {is: service, at: 4 * s, plans: 3 * s}, {at: 5 * s, fails: 5 * s}, {is: service, at: 6 * s, plans: 6 * s}},
		"a call that had begun earlier and failed later": {
			{at: 6 * s, fails: 6 * s, whole: true}, {at: 15 * s, fails: 1 * s}, {is: service, at: 16 * s, plans: 16 * s, took: 15 * s}},
		"a call that failed after the count moves nothing": {
			{at: 6 * s, fails: 6 * s, whole: true}, {is: service, at: 7 * s, plans: 7 * s, took: s}, {at: 15 * s, fails: 1 * s}, {is: service, at: 16 * s, plans: 16 * s}},
		"a payment that went before the outage": {
			{at: 6 * s, fails: 6 * s, whole: true}, {is: service, at: 7 * s, plans: 5 * s}, {is: service, at: 9 * s, plans: 8 * s, took: 3 * s}},
		"without any fault": {
			{is: service, at: 7 * s, plans: 5 * s, whole: true}},
		"faults ceased, and the next is another incident's": {
			{at: s, fails: s, whole: true}, {at: 5 * m, fails: 5 * m, whole: true}, {is: service, at: 5*m + s, plans: 5*m + s, whole: true, took: s}},
		"after it is over nothing counts": {
			{at: s, fails: s, whole: true}, {is: service, at: 5 * m, plans: 5 * m, whole: true}},
		"faults now and then, closer than the calm": {
			{at: s, fails: s, whole: true}, {at: 2 * m, fails: 2 * m, whole: true}, {at: 3 * m, fails: 3 * m, whole: true}, {is: service, at: 4 * m, plans: 4 * m, whole: true, took: 4*m - s}},
		"out without a fault for long is still out": {
			{at: s, fails: s, whole: true}, {is: service, at: 20 * m, plans: 20 * m, took: 20*m - s}, {at: 30 * m, fails: 30 * m}, {is: service, at: 31 * m, plans: 31 * m}},
		"two outages": {
			{at: s, fails: s, whole: true}, {is: service, at: 2 * s, plans: 2 * s, took: s}, {at: 60 * m, fails: 60 * m, whole: true}, {is: service, at: 60*m + 3*s, plans: 60*m + s, took: 3 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)
			at := func(d time.Duration) time.Time { return start.Add(d) }
			var i incident
			for n, step := range steps {
				if step.is == fault {
					i = i.fail(at(step.fails), at(step.at), step.whole)
					continue
				}
				after, took, counts := i.serve(at(step.plans), at(step.at), step.whole)
				if i = after; took != step.took || counts != (step.took > 0) {
					t.Errorf("step %d: counted %t after %s, want %s", n+1, counts, took, step.took)
				}
			}
		})
	}
}

// failovers are how many outages were counted at a gateway, and the seconds they took.
func failovers(t *testing.T, r *prometheus.Registry, gateway string) (n uint64, seconds float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "payrouter_failover_seconds" && l.GetValue() == gateway {
					return m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()
				}
			}
		}
	}
	t.Fatalf("nothing is told of %s", gateway)
	return 0, 0
}

func TestTheTimeToFailoverIsCountedOncePerOutageOfTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		b, err := New(Options{Registerer: registry, Gateways: []Gateway{{Name: "kaspi", Timeout: map[Op]time.Duration{OpCharge: 10 * time.Second}}, {Name: "halyk"}}, Window: 2 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		call := func(op Op, took time.Duration, s Signal) {
			permit, err := b.Admit("kaspi", op, "p")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(took)
			permit.Report(s)
		}
		want := func(what string, n uint64, seconds float64) {
			t.Helper()
			if gotN, got := failovers(t, registry, "kaspi"); gotN != n || got != seconds {
				t.Errorf("%s: %d outages in %v s, want %d in %v", what, gotN, got, n, seconds)
			}
		}
		b.ServedElsewhere("kaspi", time.Now()) // an order, say
		call(OpStatus, time.Second, Fault)
		call(OpCharge, time.Second, Healthy)
		b.ServedElsewhere("kaspi", time.Now())
		b.ServedElsewhere("nobody", time.Now())
		want("no charge or offer failed", 0, 0)
		call(OpCharge, 10*time.Second, Fault)
		time.Sleep(time.Second)
		b.ServedElsewhere("kaspi", time.Now())
		b.ServedElsewhere("kaspi", time.Now())
		want("a charge hung", 1, 11)
		for range 4 {
			call(OpCharge, 0, Fault)
		}
		b.ServedElsewhere("kaspi", time.Now())
		want("the breaker opened", 1, 11)
		time.Sleep(time.Hour) // nobody came, and it is still out
		b.ServedElsewhere("kaspi", time.Now())
		call(OpCharge, 0, Fault) // a trial
		b.ServedElsewhere("kaspi", time.Now())
		want("it is still the same outage", 1, 11)
		time.Sleep(time.Hour)
		for range 3 {
			call(OpCharge, 0, Healthy)
		}
		time.Sleep(time.Hour) // it takes everything again
		call(OpCreate, 0, Fault)
		time.Sleep(250 * time.Millisecond)
		b.ServedElsewhere("kaspi", time.Now())
		want("another outage, of its offers", 2, 11.25)
		if n, _ := failovers(t, registry, "halyk"); n != 0 {
			t.Errorf("%d outages of the backup", n)
		}
	})
}

// A probe that fails opens an incident before a payer meets it, at the instant it was asked.
func TestAFailedProbeBeginsTheOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		b, err := New(Options{Registerer: registry, Gateways: []Gateway{{Name: "kaspi", Probe: func(context.Context) Signal {
			time.Sleep(2 * time.Second)
			return Fault
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		b.probe(t.Context(), b.gateways["kaspi"])
		b.ServedElsewhere("kaspi", time.Now())
		if n, seconds := failovers(t, registry, "kaspi"); n != 1 || seconds != 2 {
			t.Errorf("%d outages in %v s", n, seconds)
		}
	})
}
