package office

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Whatever write of a run the store refuses, the run is tried again from what is kept, and
// comes to the same end: it is never further than its books.
func TestARunWhoseStoreFailsComesToTheSameEnd(t *testing.T) {
	whole := sit(t, "sqlite:")
	payments := whole.day()
	whole.run(today)
	want := whole.dump(payments...)
	for name, refused := range map[string]string{
		"a line":            "BEFORE INSERT ON statement_lines WHEN NEW.seq > 4",
		"the statement":     "BEFORE INSERT ON statement_days",
		"a finding":         "BEFORE INSERT ON findings WHEN NEW.kind = 'unknown_to_us'",
		"its place":         "BEFORE UPDATE ON runs WHEN NEW.cursor LIKE '%\"pass\":3%'",
		"its end":           "BEFORE UPDATE ON runs WHEN NEW.state = 'done'",
		"an event (a step)": "BEFORE INSERT ON events WHEN NEW.kind = 'observed' AND NEW.actor LIKE 'gateway:%'",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "books.db")
			d := sit(t, "sqlite:"+file)
			payments := d.day()
			db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
			d.must(err)
			defer db.Close()
			_, err = db.Exec("CREATE TRIGGER refused " + refused + " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
			d.must(err)
			r := d.order(today)
			d.works(d.Office)
			r, err = d.store.Run(t.Context(), r.ID)
			d.must(err)
			if r.Tries != 1 || r.Error != "the database did not do it in time" || r.State.Ended() || r.Owner != "" {
				t.Fatalf("refused: %+v", r)
			}
			_, err = db.Exec("DROP TRIGGER refused")
			d.must(err)
			*d.clock = d.clock.Add(waits[0])
			d.works(d.Office)
			r, err = d.store.Run(t.Context(), r.ID)
			d.must(err)
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(d.dump(payments...), "\n")); diff != "" || r.State != journal.RunDone || r.Error != "" || r.Counts.Opened != 7 {
				t.Errorf("%+v (-whole +after a failure):\n%s", r, diff)
			}
		})
	}
}

// A process that slept past its lease may be this very one: a colleague has taken the run up,
// and nothing that the sleeper still writes may count.
func TestARunIsItsOwnersAloneInOneProcessToo(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.day()
		slept := false
		o := d.another(func(o *Options, _ *Books) {
			o.Step = func(point string) {
				if point == "lines staged" && !slept {
					slept = true
					*d.clock = d.clock.Add(2 * time.Minute)
					d.works(d.Office)
				}
			}
		})
		r := d.order(today)
		_, err := o.work(t.Context(), *d.clock)
		d.must(err)
		r, err = d.store.Run(t.Context(), r.ID)
		d.must(err)
		if !slept || r.State != journal.RunDone || r.Tries != 0 || d.open() != disagreements {
			t.Errorf("%+v, found %q", r, d.open())
		}
		var lines []string
		for _, group := range []string{"agrees/1", "differs/1", "returned/1"} {
			told, err := d.store.LinesOf(t.Context(), gateway, []string{group}, 100)
			d.must(err)
			for _, l := range told {
				lines = append(lines, l.Group)
			}
		}
		if strings.Join(lines, " ") != "agrees/1 agrees/1 differs/1 returned/1 returned/1" {
			t.Errorf("the statement tells %q", lines)
		}
	})
}

func TestAGatewayHasOneRunAtWork(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		first, second := d.order(today), d.order("2026-11-22")
		taken, err := d.store.ClaimRun(t.Context(), "one", *d.clock, time.Minute, []string{gateway})
		if err != nil || taken.ID != first.ID {
			t.Fatalf("taken %s, %v", taken.ID, err)
		}
		if other, err := d.store.ClaimRun(t.Context(), "two", *d.clock, time.Minute, []string{gateway}); err == nil {
			t.Errorf("beside it %s is taken", other.ID)
		}
		*d.clock = d.clock.Add(2 * time.Minute)
		again, err := d.store.ClaimRun(t.Context(), "two", *d.clock, time.Minute, []string{gateway})
		if err != nil || again.ID != first.ID {
			t.Errorf("after its lease %s is taken, %v", again.ID, err)
		}
		again.Due = *d.clock
		d.must(d.store.ReleaseRun(t.Context(), again))
		d.works(d.Office)
		if r, err := d.store.Run(t.Context(), second.ID); err != nil || r.State != journal.RunDone {
			t.Errorf("the other is %s, %v", r.State, err)
		}
		if _, err := d.store.ClaimRun(t.Context(), "two", *d.clock, time.Minute, nil); err == nil {
			t.Error("a run of no gateway is taken")
		}
	})
}

func TestAnOlderDayExplainsNothingOfMoneyThatIsHeldTwice(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		closed := payment.Evidence{Attempt: 1, Kind: payment.AbsentConfirmed}
		d.pay("twice", payment.Closed{Attempt: 1, Evidence: closed}, payment.Planned{Attempt: 2, Gateway: gateway, Provider: "bank", Method: providers.QR, Flow: providers.Direct,
			Reference: "ref-2", Evidence: []payment.Evidence{closed}}, payment.Observed{Attempt: 2, Source: payment.FromResponse, Verdict: providers.Approved}, learnt(providers.Approved))
		d.tell(charged("twice", 1000), charged("twice", 1000, func(l *providers.StatementLine) { l.Order = "ref-2" }))
		d.run(today)
		if got := d.open(); got != "held_twice:twice" {
			t.Fatalf("found %q", got)
		}
		before := d.dump()
		d.run("2026-11-22")
		if got := d.dump(); got != before {
			t.Errorf("after an older day\n%s\nbefore\n%s", got, before)
		}
	})
}
