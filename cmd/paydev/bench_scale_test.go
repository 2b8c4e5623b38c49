package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// together makes a run of replicas that each answered so many charges in a second.
func scaled(repetition int, each ...int) scaleRun {
	run := scaleRun{sample: sample{repetition: repetition, took: time.Second}, callers: each, whole: 2 * time.Second, behind: 3,
		database: time.Second, load: time.Second / 2, feed: feedState{caughtUp: 20 * time.Millisecond}}
	for _, n := range each {
		one := sample{done: n, all: 2 * n, service: usage{CPU: time.Duration(n) * time.Millisecond}}
		run.replicas = append(run.replicas, one)
		run.merge(one)
		run.service.CPU += one.service.CPU
	}
	run.feed.paid = int64(run.all)
	return run
}

func TestReplicasAreHeldAgainstOneReplicaOfTheSameRepetition(t *testing.T) {
	var warnings []string
	s := &scaleReport{orders: []time.Duration{500 * time.Millisecond, 100 * time.Millisecond, 900 * time.Millisecond}}
	s.cell(1).runs = []scaleRun{scaled(0, 1000), scaled(1, 500), scaled(2, 250)}
	s.cell(2).runs = []scaleRun{scaled(0, 300, 600), scaled(2, 200, 250)}
	s.conclude(func(text string) { warnings = append(warnings, text) })
	one, two := s.Cells[0], s.Cells[1]
	if one.PerSecond != 500 || one.OfOne != 1 || one.FairReplicas != 1 || len(one.EachCPUUS) != 1 {
		t.Errorf("one replica: %+v", one.scaleFigures)
	}
	// Of two repetitions the lower: 900 of 1000, and 450 of 250.
	if two.OfOne != 0.9 || two.FairReplicas != 0.5 || two.FairCallers != 0.5 || len(two.Runs) != 2 || two.Runs[1].OfOne != 1.8 {
		t.Errorf("two replicas: %+v", two)
	}
	if f := two.Runs[0]; f.ServiceCPUUS != 500 || f.EachCPUUS[1] != 500 || f.Busy != 1.2 {
		t.Errorf("processor time: %+v", f)
	}
	if *two.CaughtUpMS != 20 || two.BehindMost != 3 {
		t.Errorf("the feed: %+v", two.scaleFigures)
	}
	if s.Orders.Trials != 3 || s.Orders.P50MS != 500 || s.Orders.WorstMS != 900 || s.Orders.Target != 1000 {
		t.Errorf("orders %+v", s.Orders)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings where all is well: %q", warnings)
	}
}

func TestWhatMustNotBeIsWarnedOf(t *testing.T) {
	for name, change := range map[string]func(*scaleReport, *scaleRun){
		"1 replicas: the feed: a gap":             func(_ *scaleReport, r *scaleRun) { r.feed.wrong = []string{"a gap"} },
		"answered 20 charges, and 19 payments":    func(_ *scaleReport, r *scaleRun) { r.feed.paid-- },
		"answered 20 charges, and 21 payments":    func(_ *scaleReport, r *scaleRun) { r.feed.paid++ },
		"FAILED: 1 replicas: broken":              func(_ *scaleReport, r *scaleRun) { r.failed, r.why = 1, errors.New("broken") },
		"killed, and 2 orders were charged twice": func(s *scaleReport, _ *scaleRun) { s.killed = &killedRun{Twice: 2} },
	} {
		var warnings []string
		s, run := &scaleReport{}, scaled(0, 10)
		change(s, &run)
		s.cell(1).runs = []scaleRun{run}
		s.conclude(func(text string) { warnings = append(warnings, text) })
		if !strings.Contains(strings.Join(warnings, "\n"), name) {
			t.Errorf("%q is not warned of: %q", name, warnings)
		}
	}
	never := scaled(0, 10)
	never.feed.caughtUp = time.Duration(1<<63 - 1)
	s := &scaleReport{}
	s.cell(1).runs = []scaleRun{scaled(0, 10), never}
	if s.conclude(func(string) {}); s.Cells[0].CaughtUpMS != nil {
		t.Errorf("a feed that never caught up is told to have, after %f ms", *s.Cells[0].CaughtUpMS)
	}
}

// The names are read by other programs.
func TestTheReportOfReplicasAsJSONKeepsItsNames(t *testing.T) {
	r := &report{}
	r.scale().orders = []time.Duration{time.Second}
	r.scale().killed = &killedRun{Charged: 1, Left: 2, P50MS: 3, LastMS: 4, FeedMS: 5}
	r.scale().cell(1).runs = []scaleRun{scaled(0, 100)}
	r.conclude()
	text, err := json.Marshal(r.Scale)
	if err != nil {
		t.Fatal(err)
	}
	const figures = `"per_second":100,"of_one_replica":1,"p50_us":0,"p99_us":0,"service_cpu_us":500,"database_cpu_us":5000,"load_cpu_us":2500,"busy_cores":0.8,"each_cpu_us":[500],` +
		`"fair_replicas":1,"fair_callers":1,"peak_bytes":0,"behind_most":3,"caught_up_ms":20,"feed_changes":0,"paid_unheard":0,"ready_ms":0,"answered_unpaid":0`
	for _, want := range []string{`{"callers":64,"cells":[{"replicas":1,` + figures, `"runs":[{` + figures, `"orders_seen":{"trials":1,"p50_ms":1000,"worst_ms":1000,"target_ms":1000}`,
		`"replica_killed":{"charges":1,"left_behind":2,"taken_over_p50_ms":3,"taken_over_last_ms":4,"feed_taken_over_ms":5,"orders_charged_twice":0}`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is missing from %s", want, text)
		}
	}
	var out bytes.Buffer
	if err := r.print(&out); err != nil || !strings.Contains(out.String(), "after 1000 ms, at worst 1000, of 1 orders") || !strings.Contains(out.String(), "all after 4, and the feed went on after 5") {
		t.Errorf("error %v:\n%s", err, out.String())
	}
}

// withoutPostgres skips a test where there is none; under CI it fails.
func withoutPostgres(t *testing.T, why any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skipf("NO POSTGRESQL, so this test did not run: %v", why)
}

func TestAFeedThatIsNotInOrderIsSeen(t *testing.T) {
	folder, err := os.MkdirTemp("", "paydev-feed")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o711); err != nil { // PostgreSQL may run as somebody else
		t.Fatal(err)
	}
	server, err := launchPostgres(t.Context(), folder)
	if err != nil {
		withoutPostgres(t, err)
	}
	defer server.close()
	books, _, err := server.books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store, err := migrated(t.Context(), serviceOrders{Books: books}.config())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f, err := openFeed(books)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for name, c := range map[string]struct{ feed, want string }{
		"all is well":          {`(1, 'a', 1), (2, 'b', 1), (3, 'a', 3)`, ""},
		"a number is missing":  {`(1, 'a', 1), (2, 'b', 1), (4, 'a', 3)`, "numbers are missing"},
		"the first is missing": {`(2, 'a', 1), (3, 'b', 1), (4, 'a', 3)`, "numbers are missing"},
		"the later first":      {`(1, 'a', 3), (2, 'b', 1), (3, 'a', 1)`, "not in their order"},
		"the last is missing":  {`(1, 'a', 1), (2, 'b', 1)`, "last change is not in the feed"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, query := range []string{
				`DELETE FROM payments`, `DELETE FROM feed`,
				`INSERT INTO payments (id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, payer)
					VALUES ('a', 'shop', '', FALSE, 'paid', '', FALSE, 3, 1, 1, ''), ('b', 'shop', '', FALSE, 'paid', '', FALSE, 1, 1, 1, '')`,
				`INSERT INTO feed (tenant, seq, payment_id, event_seq) SELECT 'shop', f.* FROM (VALUES ` + c.feed + `) f`,
			} {
				if _, err := f.db.ExecContext(t.Context(), query); err != nil {
					t.Fatal(err)
				}
			}
			s, err := f.settled(t.Context())
			if err != nil || s.paid != 2 || s.caughtUp == never || len(s.wrong) > 1 {
				t.Fatalf("%+v, error %v", s, err)
			}
			if got := strings.Join(s.wrong, "; "); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Replicas are processes of this test's own program. A killed one's leases take ten seconds to
// run out.
func TestReplicasShareOnePostgreSQL(t *testing.T) {
	r := benched(t, "-duration", "500ms", "-engine", "postgresql", "-gateway", "0s", "-parts", partScale, "-replicas", "1,2")
	if len(r.Engines) == 0 {
		withoutPostgres(t, r.Warnings)
	}
	for _, text := range r.Warnings { // a disk that syncs faster than any is no fault of replicas
		if strings.HasPrefix(text, "WRONG") || strings.HasPrefix(text, "FAILED") || strings.HasPrefix(text, "NOT MEASURED") {
			t.Error(text)
		}
	}
	if r.Scale == nil || len(r.Scale.Cells) != 2 || r.Scale.Orders == nil || r.Scale.Killed == nil {
		t.Fatalf("%+v", r.Scale)
	}
	for i, c := range r.Scale.Cells {
		if c.Replicas != i+1 || len(c.EachCPUUS) != c.Replicas || c.Failed > 0 || c.CaughtUpMS == nil || c.Numbered == 0 || c.OfOne <= 0 || c.ServiceCPUUS <= 0 || len(c.Wrong) > 0 {
			t.Errorf("%+v", c)
		}
	}
	if o := r.Scale.Orders; o.Trials != 2*orderTrials || o.P50MS <= 0 || o.WorstMS < o.P50MS {
		t.Errorf("orders %+v", o)
	}
	// The gateway pauses between the money and its answer, so most charges are killed there.
	if k := r.Scale.Killed; k.Charged == 0 || k.Left == 0 || k.Twice > 0 || k.LastMS < inMillis(killTimeout) || k.FeedMS < k.LastMS {
		t.Errorf("a killed replica %+v", k)
	}
}
