package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// The benchmark starts itself again to serve; here that is the test's own program.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{"bench", "serve"}) {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
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
	if s.all != 6 || s.done != 3 || s.took != 2*time.Second || s.waits.n != 3 || s.waits.most != 4*time.Millisecond {
		t.Errorf("%+v", s)
	}
	for _, wrong := range []string{"0 0 1\n", "0 0 x 0 100 0\n"} {
		if err := new(pgbenchLog).read(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestTheTwoCommitsAreBooksThatTheJournalReads(t *testing.T) {
	l := &lite{folder: t.TempDir()}
	for name, commit := range map[string]committing{whatCommits: l.commits, whatBatch: l.batches} {
		t.Run(name, func(t *testing.T) {
			books, _, err := l.books(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			store, err := migrated(t.Context(), serviceOrders{Books: books}.config())
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			s, err := commit(t.Context(), books, 4, 100*time.Millisecond)
			if err != nil || s.failed > 0 || s.all == 0 {
				t.Fatalf("%d done, %d failed, %v, error %v", s.all, s.failed, s.why, err)
			}
			for n := 1; n <= s.all; n++ {
				p, err := store.Get(t.Context(), fmt.Sprintf("019b76da-0000-7000-8000-%d", firstID+n))
				if err != nil || p.Status() != payment.StatusPaid || p.Seq != 3 {
					t.Fatalf("%s after %d events, error %v", p.Status(), p.Seq, err)
				}
			}
		})
	}
}

// Books that refuse a batch refuse everybody in it, and nobody waits for ever.
func TestABatchThatFailsIsToldToAllWhoWaitForIt(t *testing.T) {
	l := &lite{folder: t.TempDir()}
	books, _, err := l.books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store, err := migrated(t.Context(), serviceOrders{Books: books}.config())
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	_, err = l.prepared(t.Context(), books, twoCommits, func(p *preparedCommits) sample {
		p.both[1][0].names = nil // its parameters are missing
		s := p.batchLoop(t.Context(), 4, 100*time.Millisecond)
		if s.all != 0 || s.failed == 0 || s.why == nil {
			t.Errorf("%d done, %d failed, %v", s.all, s.failed, s.why)
		}
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFlagsThatMeasureNothingAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-callers", "0"}, {"-callers", "1,,2"}, {"-callers", "1000000"}, {"-engine", "oracle"}, {"-duration", "1ms"}, {"-repetitions", "0"}, {"now"}, {"-x"},
		{"-gateway", "soon"}, {"-gateway", "1h"}, {"-gateway", "1us"}, {"-rates", "0"}, {"-rates", "third"}, {"-flows", "refund"}, {"-parts", "closed,rest"}, {"-outage", "1ms"}, {"-sweeps", "0"}, {"-replicas", "0"}, {"-replicas", "3"}, {"-replicas", "32"},
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
	r := benched(t, "-duration", "500ms", "-callers", "2", "-gateway", "20ms", "-rates", "10", "-parts", "limits,closed,open", "-profiles", t.TempDir())
	want := map[key]bool{{What: whatEcho, Callers: 2}: true, {What: whatBatch, Engine: "sqlite", Callers: 2}: true, {What: whatGateway, GatewayMS: 20, Callers: 2}: true}
	for _, e := range r.Engines {
		if e.Limit != "none" {
			want[key{What: whatCommits, Engine: e.Name, Callers: 2}] = true
		}
		for _, flow := range allFlows() {
			want[key{What: whatPayrouter, Engine: e.Name, Flow: flow, GatewayMS: 20, Callers: 2}] = true
		}
		want[key{What: whatPayrouter, Engine: e.Name, Flow: flowCharge, GatewayMS: 20, Rate: "10"}] = true
	}
	for _, c := range r.Cells {
		if delete(want, c.key); c.Failed > 0 || len(c.Runs) != 1 || c.MaxUS < c.P99US || c.P99US < c.P50US {
			t.Errorf("%s: %+v, %d failed", c.key, c.figures, c.Failed)
		}
		if c.PerSecond == 0 {
			continue // a machine so busy that nobody was answered in time
		}
		if c.P50US < 1000*c.GatewayMS {
			t.Errorf("%s: answered after %d us", c.key, c.P50US)
		}
		if c.What == whatPayrouter && (c.ReadyMS <= 0 || c.Objects < 100 || c.Bytes < 1000 || c.LoadCPUUS <= 0) {
			t.Errorf("%s: of its process %+v", c.key, c.figures)
		}
		if c.What == whatPayrouter && c.Rate == "" && c.Engine == "sqlite" && (c.OfAll <= 0 || c.OfBatch <= 0 || c.OfAll < c.OfBoth) {
			t.Errorf("%s: %f", c.key, c.OfAll)
		}
	}
	if len(want) > 0 || len(r.Engines) < 2 && len(r.Warnings) == 0 {
		t.Errorf("missing %v, warnings %q", want, r.Warnings)
	}
	if r.Settings["rates"] != "10" || r.Commit == "" || r.CPU == "" {
		t.Errorf("settings %v of %q on %q", r.Settings, r.Commit, r.CPU)
	}
}

// A rate that rests on what was not measured is told, and all else is measured.
func TestACellThatFailsIsToldAndTheOthersGoOn(t *testing.T) {
	r := benched(t, "-duration", "100ms", "-engine", "sqlite", "-gateway", "0s", "-rates", rateHalf+",10", "-parts", partOpen)
	if r.Settings["data"] != "" || len(r.Cells) != 1 || r.Cells[0].Rate != "10" || !strings.Contains(strings.Join(r.Warnings, "\n"), "NOT MEASURED: payrouter sqlite charge, gateway 0 ms, rate half") {
		t.Errorf("%d cells, warnings %q", len(r.Cells), r.Warnings)
	}
}

// benched runs the command once over and reads its report.
func benched(t *testing.T, args ...string) report {
	t.Helper()
	var out, errs bytes.Buffer
	if code := bench(t.Context(), append(args, "-repetitions", "1", "-json"), &out, &errs); code != 0 {
		t.Fatalf("exit status %d: %s", code, errs.String())
	}
	var r report
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}
