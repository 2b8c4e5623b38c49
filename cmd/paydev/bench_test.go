package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router/payment"
)

func TestOnlyWhatIsAnsweredAfterTheWarmUpIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := load(t.Context(), 4, 2*time.Second, func(context.Context) error {
			pause := 10 * time.Millisecond
			if time.Since(began) < 500*time.Millisecond {
				pause = 100 * time.Millisecond // cold
			}
			time.Sleep(pause)
			return nil
		})
		if s.done != 4*200 || s.all != 4*206 || s.perSecond() != 400 {
			t.Errorf("%d measured of %d, %.0f a second", s.done, s.all, s.perSecond())
		}
		if s.p50 != 10*time.Millisecond || s.p99 != 10*time.Millisecond {
			t.Errorf("p50 %s, p99 %s", s.p50, s.p99)
		}
	})
}

func TestWhatFailsIsCountedAndNotMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		broken := errors.New("broken")
		s := load(t.Context(), 1, time.Second, func(context.Context) error {
			time.Sleep(10 * time.Millisecond)
			if n.Add(1)%5 == 0 {
				return broken
			}
			return nil
		})
		if s.done != 80 || s.failed != 25 || !errors.Is(s.why, broken) {
			t.Errorf("%d measured, %d failed: %v", s.done, s.failed, s.why)
		}
	})
}

func TestAQuantileIsOneOfTheMeasuredValues(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		of      []time.Duration
		percent int
		want    time.Duration
	}{
		{nil, 99, 0}, {[]time.Duration{7}, 50, 7}, {[]time.Duration{7}, 99, 7},
		{[]time.Duration{1, 2, 3}, 50, 2}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred[:99], 99, 99},
	} {
		if got := quantile(c.of, c.percent); got != c.want {
			t.Errorf("%d%% of %d values is %d, not %d", c.percent, len(c.of), got, c.want)
		}
	}
}

func TestPgbenchLogIsReadWithoutItsWarmUp(t *testing.T) {
	var log pgbenchLog
	for _, file := range []string{
		"0 0 9000 0 100 0\n0 1 2000 0 100 250000\n0 2 1000 0 100 500001\n0 3 3000 0 101 500000\n",
		"1 0 9000 0 100 100000\n1 1 4000 0 102 500000 7\n",
	} {
		if err := log.read(strings.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	s := log.sample(500 * time.Millisecond)
	if s.all != 6 || s.done != 3 || s.took != 2*time.Second || s.p50 != 3*time.Millisecond || s.p99 != 4*time.Millisecond {
		t.Errorf("%+v", s)
	}
	for _, wrong := range []string{"0 0 1\n", "0 0 x 0 100 0\n"} {
		if err := new(pgbenchLog).read(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestRatiosCompareRunsOfTheSameRepetition(t *testing.T) {
	r := &report{}
	run := func(engine, what string, perSecond ...int) {
		for _, n := range perSecond {
			r.cell(engine, 16, what).add(sample{done: n, all: 2 * n, took: time.Second, syncs: int64(4 * n), unnumbered: 3})
		}
	}
	run("", whatGateway, 3000, 2000, 1000)
	run("sqlite", whatCommits, 3000, 2000, 1000)
	run("sqlite", whatPayrouter, 600, 500, 300)
	run("postgresql", whatPayrouter, 300, 200, 100) // no pgbench
	r.conclude()
	lite, pg := r.find("sqlite", 16, whatPayrouter), r.find("postgresql", 16, whatPayrouter)
	if lite.PerSecond != 500 || lite.Least != 300 || lite.Most != 600 || lite.OfCommits != 0.25 || lite.OfGateway != 0.25 || lite.OfBoth != 0.5 {
		t.Errorf("%+v", lite)
	}
	if lite.Syncs != 2 || *lite.Behind != 3 {
		t.Errorf("%.1f syncs a charge, %d behind", lite.Syncs, *lite.Behind)
	}
	if pg.OfGateway != 0.1 || pg.OfCommits != 0 || pg.OfBoth != 0 {
		t.Errorf("%+v", pg)
	}
	var out bytes.Buffer
	if err := r.print(&out); err != nil || strings.Count(out.String(), whatPayrouter) != 3 {
		t.Errorf("error %v:\n%s", err, out.String())
	}
}

func TestTheQuickGatewayAnswersInTheProtocol(t *testing.T) {
	g, err := openQuickGateway(t.Context()) // charges once, and insists on the money
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	adapter, err := wayforpay.New(g.config(), wayforpay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer adapter.Close()
	if probe := adapter.Probe(t.Context()); probe.Verdict != providers.Approved {
		t.Errorf("the probe finds %s %s", probe.Verdict, probe.Reason)
	}
	if look := adapter.Lookup(t.Context(), providers.Ref{Order: "rec1", Method: providers.Instrument}); !look.Absent {
		t.Errorf("a look-up finds %s %s", look.Verdict, look.Reason)
	}
	if !bytes.Contains(g.charge, []byte(quickToken)) {
		t.Errorf("the charge to repeat is %s", g.charge)
	}
}

func TestTheTwoCommitsAreBooksThatTheJournalReads(t *testing.T) {
	l := &lite{folder: t.TempDir()}
	books, _, err := l.books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &benchmark{gateway: &quickGateway{}}
	store, err := migrated(t.Context(), b.config(books, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s, err := l.commits(t.Context(), books, 2, 100*time.Millisecond)
	if err != nil || s.failed > 0 || s.all == 0 {
		t.Fatalf("%d done, %d failed, %v, error %v", s.all, s.failed, s.why, err)
	}
	p, err := store.Get(t.Context(), fmt.Sprintf("019b76da-0000-7000-8000-%d", firstID+1))
	if err != nil || p.Status() != payment.StatusPaid || p.Seq != 3 {
		t.Fatalf("%s after %d events, error %v", p.Status(), p.Seq, err)
	}
}

func TestFlagsThatMeasureNothingAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-callers", "0"}, {"-callers", "1,,2"}, {"-callers", "1000000"}, {"-engine", "oracle"}, {"-duration", "1ms"}, {"-repetitions", "0"}, {"now"}, {"-x"},
	} {
		var out, errs bytes.Buffer
		if code := bench(t.Context(), args, &out, &errs); code != 2 || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%q: exit status %d, said %q", args, code, errs.String())
		}
	}
}

// Every cell is run for an instant. Without PostgreSQL its half is missing from the
// report, which says so.
func TestTheWholeBenchmarkRuns(t *testing.T) {
	var out, errs bytes.Buffer
	code := bench(t.Context(), []string{"-duration", "1500ms", "-repetitions", "1", "-callers", "2", "-json", "-profiles", t.TempDir()}, &out, &errs)
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, errs.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{" gateway": true, "sqlite commits": true, "sqlite payrouter": true}
	if len(r.Engines) == 2 {
		want["postgresql payrouter"] = true
		if r.Engines[1].Limit != "none" {
			want["postgresql commits"] = true
		}
	}
	for _, c := range r.Cells {
		if delete(want, c.Engine+" "+c.What); c.Failed > 0 || c.PerSecond <= 0 || c.P99US < c.P50US {
			t.Errorf("%+v", *c)
		}
	}
	if len(want) > 0 || len(r.Engines) < 2 && len(r.Warnings) == 0 {
		t.Errorf("missing %v, warnings %q", want, r.Warnings)
	}
}
