package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

var kept = Retention{Notices: 30 * day, Personal: 180 * day, Schedule: "15 22 * * *"}

func keeping(o *Options, _ *Books) { o.Retention = kept }

// age writes n old payments that are paid, and a notice about each.
func (d *desk) age(n int) {
	d.t.Helper()
	for i := range n {
		id := fmt.Sprint("p", i)
		d.pay(id, learnt(providers.Approved))
		d.must(d.store.StoreNotice(d.t.Context(), "n-"+id, gateway, providers.Notice{Body: []byte("+77015550199")}, noon))
		d.must(d.store.MarkNotice(d.t.Context(), "n-"+id, "fact", id, ""))
	}
	*d.clock = noon.Add(200 * day)
}

// erased counts the payments without a payer.
func (d *desk) erased(n int) (done int) {
	d.t.Helper()
	for i := range n {
		at, err := d.store.Erased(d.t.Context(), fmt.Sprint("p", i))
		d.must(err)
		if !at.IsZero() {
			done++
		}
	}
	return done
}

func (d *desk) keep(batch int, step func(string)) Keeper {
	return Keeper{Journal: d.store, Retention: kept, Actor: "test", Clock: func(context.Context) (time.Time, error) { return *d.clock, nil },
		Pause: time.Nanosecond, Batch: batch, Step: step}
}

func due(all []Aging) string {
	var said []string
	for _, a := range all {
		said = append(said, fmt.Sprintf("%s %d %v", a.What, a.Due, a.Kept))
	}
	return strings.Join(said, ", ")
}

func TestTermsThatAreTooShortAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Retention)
		want   string
	}{
		"notices":                    {func(r *Retention) { r.Notices = 30*day - 1 }, "notices: 29d is too short"},
		"notices that outlive payer": {func(r *Retention) { r.Notices = 181 * day }, "notices: 181d is too long"},
		"payers":                     {func(r *Retention) { r.Personal = 180*day - 1 }, "personal: 179d is too short"},
		"a schedule":                 {func(r *Retention) { r.Schedule = "daily at noon" }, `schedule: "daily at noon"`},
	} {
		t.Run(name, func(t *testing.T) {
			d := sit(t, "sqlite:")
			short := kept
			c.change(&short)
			if err := short.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
			k := d.keep(1, nil)
			k.Retention = short
			if _, err := k.Pass(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("a pass: error %v", err)
			}
			if _, err := New(Options{Router: d.Router, Journal: d.store, Retention: short}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("an office: error %v", err)
			}
		})
	}
	if err := kept.Check(); err != nil {
		t.Errorf("the shortest terms: %v", err)
	}
}

// A process that dies between two batches loses nothing: the next pass does what is left,
// and both together did everything once.
func TestAPassThatIsCutOffIsFinishedByTheNext(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.age(5)
		batches := 0
		func() {
			defer func() { _ = recover() }()
			_, err := d.keep(2, func(point string) {
				if point == "batch of personal" {
					batches++
					panic("killed")
				}
			}).Pass(t.Context())
			t.Errorf("it went on: %v", err)
		}()
		if _, err := d.store.LastPass(t.Context()); batches != 1 || d.erased(5) != 2 || !errors.Is(err, journal.ErrNotFound) {
			t.Fatalf("after the death %d of 5 are erased, error %v", d.erased(5), err)
		}
		if _, err := d.keep(2, nil).Pass(t.Context()); !errors.Is(err, ErrOtherPass) {
			t.Errorf("while the dead one's lease runs: error %v", err)
		}
		*d.clock = d.clock.Add(2 * time.Minute)
		all, err := d.keep(2, nil).Pass(t.Context())
		if err != nil || due(all) != "notices 0 map[], personal 3 map[], payments 0 map[]" || d.erased(5) != 5 {
			t.Errorf("the next one did %s, error %v", due(all), err)
		}
		if last, err := d.store.LastPass(t.Context()); err != nil || last.Payers != 3 || !last.Began.Equal(*d.clock) {
			t.Errorf("%+v, error %v", last, err)
		}
	})
}

func TestTwoReplicasDoOnePass(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.age(7)
		d.must(nil)
		offices := []*Office{d.another(keeping), d.another(keeping), d.another(keeping)}
		var group sync.WaitGroup
		for _, o := range offices {
			o.began = noon
			if due, err := o.agedDue(t.Context(), *d.clock); err != nil || !due {
				t.Errorf("due is %t, error %v", due, err)
			}
		}
		for _, o := range offices {
			group.Go(func() {
				if more, err := o.workAged(t.Context(), *d.clock); more || err != nil {
					t.Errorf("more is %t, error %v", more, err)
				}
			})
		}
		group.Wait()
		last, err := d.store.LastPass(t.Context())
		if err != nil || last.Notices != 7 || last.Payers != 7 || last.Kept != 0 || last.Actor != "schedule" || d.erased(7) != 7 {
			t.Errorf("%+v, error %v", last, err)
		}
		for _, o := range offices {
			if due, err := o.agedDue(t.Context(), *d.clock); err != nil || due {
				t.Errorf("after it due is %t, error %v", due, err)
			}
		}
	})
}

func TestAPaymentWithAnOpenFindingKeepsItsPayerUntilItIsClosed(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("p0", learnt(providers.Approved), payment.Noted{Finding: payment.ReturnedElsewhere, Attempt: 1, Detail: "seen"})
		d.age(0)
		for _, do := range []func(context.Context) ([]Aging, error){d.keep(1, nil).Look, d.keep(1, nil).Pass} {
			all, err := do(t.Context())
			if err != nil || due(all) != "notices 0 map[], personal 0 map[have an open finding:1], payments 0 map[]" || d.erased(1) != 0 {
				t.Errorf("%s, error %v", due(all), err)
			}
		}
		_, err := d.store.ChangeFinding(t.Context(), "p0.returned_elsewhere.1", 0, "aida", "compared", *d.clock, func(f *journal.Finding) error {
			f.State, f.Resolution = journal.FindingClosed, journal.ByPerson
			return nil
		})
		d.must(err)
		*d.clock = d.clock.Add(2 * time.Minute)
		if all, err := d.keep(1, nil).Pass(t.Context()); err != nil || d.erased(1) != 1 {
			t.Errorf("%s, error %v", due(all), err)
		}
	})
}

// A look tells exactly what a pass would do, and does none of it.
func TestALookTellsWhatAPassThenDoes(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("open")
		d.age(3)
		const want = "notices 3 map[], personal 3 map[are not decided:1], payments 0 map[]"
		all, err := d.keep(2, nil).Look(t.Context())
		if err != nil || due(all) != want || d.erased(3) != 0 || !all[0].Oldest.Equal(noon) || !all[2].Oldest.Equal(noon) {
			t.Errorf("a look: %s, error %v", due(all), err)
		}
		if all, err = d.keep(2, nil).Pass(t.Context()); err != nil || due(all) != want || d.erased(3) != 3 {
			t.Errorf("a pass: %s, error %v", due(all), err)
		}
		if all[0].Term != kept.Notices || all[1].Least != LeastPersonal || all[2].Term != 0 || all[2].Least != LeastPayments {
			t.Errorf("terms: %+v", all)
		}
	})
}

func TestNothingIsRemovedWhileTheClockIsNotBelieved(t *testing.T) {
	d := sit(t, "sqlite:")
	d.age(3)
	wrong := errors.New("the clock is wrong")
	k, batches := d.keep(1, nil), 0
	k.Step = func(string) { batches++ }
	k.Hold = func() error {
		if batches > 1 {
			return wrong
		}
		return nil
	}
	if _, err := k.Pass(t.Context()); !errors.Is(err, wrong) || batches != 2 || d.erased(3) != 1 {
		t.Errorf("%d batches, %d erased, error %v", batches, d.erased(3), err)
	}
}

func TestAPassIsDueAtItsTickAndOnceOnly(t *testing.T) {
	d := sit(t, "sqlite:", keeping)
	tick := time.Date(2026, 11, 24, 22, 15, 0, 0, time.UTC)
	d.began = tick.Add(-time.Hour)
	want := func(at time.Time, due bool) {
		t.Helper()
		if got, err := d.agedDue(t.Context(), at); err != nil || got != due {
			t.Errorf("at %s due is %t, error %v", at, got, err)
		}
	}
	want(tick.Add(-time.Minute), false) // nobody could look at the terms before
	want(tick.Add(time.Minute), true)
	d.must(d.store.BeginPass(t.Context(), journal.Pass{ID: "one", Actor: "test", Began: tick.Add(time.Minute)}))
	want(tick.Add(2*time.Minute), true) // it has not ended
	d.must(d.store.EndPass(t.Context(), "one", 0, tick.Add(3*time.Minute)))
	want(tick.Add(4*time.Minute), false)
	want(tick.Add(24*time.Hour-time.Minute), false)
	want(tick.Add(3*24*time.Hour-time.Minute), true) // missed twice, made up for once
	d.Retention.Schedule = ""
	want(tick.Add(3*24*time.Hour), false)
}
