package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/providers"
)

// resting keeps payers and notices out of the way.
var resting = Retention{Notices: 200 * day, Personal: 300 * day, Archive: LeastArchive, Schedule: "15 22 * * *"}

func (d *desk) archiver(step func(string)) Keeper {
	k := d.keep(50, step)
	k.Retention = resting
	return k
}

// unarchived counts the payments that are to be archived, as a look tells it.
func (d *desk) unarchived() int64 {
	d.t.Helper()
	all, err := d.archiver(nil).Look(d.t.Context())
	d.must(err)
	if last := all[len(all)-1]; last.What == AgedHistory && last.Term == LeastArchive && last.Least == LeastArchive {
		return last.Due
	}
	d.t.Fatalf("a look tells %+v", all)
	return 0
}

func TestAPassArchivesWhatALookTold(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.age(40)
		d.pay("open")
		*d.clock = noon.Add(LeastArchive)
		if n := d.unarchived(); n != 0 {
			t.Errorf("%d are archived before their time", n)
		}
		*d.clock = d.clock.Add(time.Minute)
		const want = "notices 0 map[], personal 0 map[], payments 0 map[], histories 40 map[are not decided:1]"
		for _, do := range []func(context.Context) ([]Aging, error){d.archiver(nil).Look, d.archiver(nil).Pass} {
			if all, err := do(t.Context()); err != nil || due(all) != want {
				t.Errorf("%s, error %v", due(all), err)
			}
		}
		*d.clock = d.clock.Add(2 * time.Minute)
		if all, err := d.archiver(nil).Pass(t.Context()); err != nil || !strings.HasSuffix(due(all), "histories 0 map[]") {
			t.Errorf("the second time: %s, error %v", due(all), err)
		}
	})
}

// A process that dies between two batches leaves the rest to the next one, which goes on
// where it was.
func TestAnArchivingThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.age(40)
		func() {
			defer func() { _ = recover() }()
			_, err := d.archiver(func(point string) {
				if point == "batch of histories" {
					panic("killed")
				}
			}).Pass(t.Context())
			t.Errorf("it went on: %v", err)
		}()
		if _, err := d.archiver(nil).Pass(t.Context()); !errors.Is(err, ErrOtherPass) {
			t.Errorf("while the dead one's lease runs: error %v", err)
		}
		*d.clock = d.clock.Add(2 * time.Minute)
		batches := 0
		all, err := d.archiver(func(point string) {
			if point == "batch of histories" {
				batches++
			}
		}).Pass(t.Context())
		if err != nil || batches != 2 || all[3].Due != 24 || d.unarchived() != 0 {
			t.Errorf("the next one did %s in %d batches, error %v", due(all), batches, err)
		}
	})
}

func TestArchivingIsTurnedOffByNever(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.age(3)
		if all, err := d.keep(50, nil).Pass(t.Context()); err != nil || len(all) != 3 {
			t.Errorf("%s, error %v", due(all), err)
		}
		if n := d.unarchived(); n != 3 {
			t.Errorf("%d are left", n)
		}
	})
}

func TestHistoriesInUseAreNotArchived(t *testing.T) {
	short := resting
	short.Archive--
	if err := short.Check(); err == nil || !strings.Contains(err.Error(), "archive_after: 30d is too short") {
		t.Errorf("error %v", err)
	}
	if err := resting.Check(); err != nil {
		t.Errorf("the shortest term: %v", err)
	}
}

// What was archived is counted and told.
func TestAnArchivingIsCountedAndTold(t *testing.T) {
	d := sit(t, "sqlite:")
	d.age(20)
	var out bytes.Buffer
	d.out = &out
	registry := prometheus.NewRegistry()
	o := d.another(func(o *Options, _ *Books) { o.Retention, o.Registerer = resting, registry })
	if _, err := o.workAged(t.Context(), *d.clock); err != nil {
		t.Fatal(err)
	}
	if n := scraped(t, registry, "payrouter_retention_archived_"); n["total "] != 20 {
		t.Errorf("counted %v", n)
	}
	if want := `level=INFO msg="histories of payments that were over were archived" after=31d payments=20 kept=0`; !strings.Contains(out.String(), want) {
		t.Errorf("the log tells %s", out.String())
	}
}

// A statement may tell of a payment whose history rests. It is held against it as ever, and
// what it tells is learnt.
func TestADayIsHeldAgainstArchivedPaymentsAlike(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		payments := d.day()
		*d.clock = noon.Add(40 * day)
		late := sit(t, "sqlite:")
		late.day()
		*late.clock = *d.clock
		// All but two, which are not decided.
		if all, err := late.archiver(nil).Pass(t.Context()); err != nil || all[3].Due != int64(len(payments)-2) {
			t.Fatalf("%s, error %v", due(all), err)
		}
		want, got := d.run(today), late.run(today)
		if diff := cmp.Diff(want.Counts, got.Counts); diff != "" {
			t.Errorf("counts (-with events +archived):\n%s", diff)
		}
		if diff := cmp.Diff(strings.Split(d.dump(payments...), "\n"), strings.Split(late.dump(payments...), "\n")); diff != "" {
			t.Errorf("a run did (-with events +archived):\n%s", diff)
		}
		p, err := late.store.Get(t.Context(), "elsewhere")
		d.must(err)
		if p.Attempts[0].Returned != 400 || p.Attempts[0].Verdict != providers.Approved {
			t.Errorf("%+v", fmt.Sprint(p.Attempts))
		}
	})
}
