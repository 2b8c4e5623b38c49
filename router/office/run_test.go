package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// day fills both books of a day with what agrees, and with one of each disagreement.
func (d *desk) day() (payments []string) {
	d.pay("agrees", learnt(providers.Approved))
	d.pay("declined", learnt(providers.Declined))
	d.pay("forgotten", learnt(providers.Unknown))
	d.pay("missing", learnt(providers.Approved))
	d.pay("differs", learnt(providers.Approved))
	d.pay("returned", refunded(300)...)
	d.pay("unreturned", refunded(300)...)
	d.pay("elsewhere", learnt(providers.Approved))
	back := func(l *providers.StatementLine) { l.Kind, l.External = providers.LineRefund, "back-"+l.External }
	d.tell(
		charged("agrees", 1000), charged("forgotten", 1000), charged("differs", 999), charged("returned", 1000), charged("returned", 300, back), charged("unreturned", 1000),
		charged("elsewhere", 1000), charged("elsewhere", 400, back), charged("agrees", 1000), charged("stranger", 700),
		charged("", 5, func(l *providers.StatementLine) { l.Order, l.External = "", "" }),
	)
	return []string{"agrees", "declined", "forgotten", "missing", "differs", "returned", "unreturned", "elsewhere"}
}

const disagreements = "duplicate_line:agrees line_amount_differs:differs refund_missing:unreturned refund_unknown_to_us:elsewhere unknown_to_them:missing unknown_to_us: unknown_to_us:ref-strangerx-stranger"

func TestADaysBooksAreReadAndHeldAgainstOurs(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		payments := d.day()
		r := d.run(today)
		if got := d.open(); got != disagreements {
			t.Errorf("found\n%s, want\n%s", got, disagreements)
		}
		if got := d.findings(journal.FindingClosed); got != "line_state_differs:forgotten" {
			t.Errorf("healed %q", got)
		}
		want := journal.Counts{Lines: 11, Groups: r.Counts.Groups, Matched: r.Counts.Matched, Healed: 1, Opened: 7}
		if diff := cmp.Diff(want, r.Counts); diff != "" || r.Counts.Matched < 6 || r.Ended.IsZero() || !r.Due.IsZero() {
			t.Errorf("counts (-want +got):\n%s%+v", diff, r)
		}
		p, err := d.store.Get(t.Context(), "forgotten")
		d.must(err)
		if a := p.Attempts[0]; a.Verdict != providers.Approved || a.Source != payment.FromStatement || a.External != "x-forgotten" || p.Status() != payment.StatusPaid {
			t.Errorf("the forgotten payment is %s, its attempt %s by %s", p.Status(), a.Verdict, a.Source)
		}
		p, err = d.store.Get(t.Context(), "elsewhere")
		d.must(err)
		if p.Attempts[0].Returned != 400 || p.Refundable() != 600 || !p.Found(payment.ReturnedElsewhere, 1) {
			t.Errorf("of a payment that the bank refunded %d can be refunded", p.Refundable())
		}

		before := d.dump(payments...)
		*d.clock = d.clock.Add(time.Hour)
		again := d.run(today)
		if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(d.dump(payments...), "\n")); diff != "" {
			t.Errorf("a second run changed (-before +after):\n%s", diff)
		}
		if again.Counts.Opened+again.Counts.Closed+again.Counts.Healed != 0 || again.ID == r.ID {
			t.Errorf("a second run counts %+v", again.Counts)
		}
		lines, err := d.store.LinesOf(t.Context(), gateway, []string{"agrees/1"}, 10)
		d.must(err)
		if len(lines) != 2 {
			t.Errorf("%d lines of one payment", len(lines))
		}
	})
}

func TestAFindingThatTheNextStatementExplainsClosesItself(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("late", learnt(providers.Approved))
		d.pay("still", learnt(providers.Approved))
		d.run(today)
		if got := d.open(); got != "unknown_to_them:late unknown_to_them:still" {
			t.Fatalf("found %q", got)
		}
		d.tell(charged("late", 1000, func(l *providers.StatementLine) { l.At = dawn.Add(-time.Hour) })) // the bank writes it a day late
		*d.clock = dawn.AddDate(0, 0, 1)
		d.run("2026-11-24")
		if got := d.open(); got != "unknown_to_them:still" {
			t.Errorf("found %q", got)
		}
		all, err := d.store.Findings(t.Context(), journal.FindingFilter{State: journal.FindingClosed}, journal.Cursor{}, 10)
		d.must(err)
		if len(all) != 1 || all[0].Resolution != journal.Explained || !strings.Contains(all[0].CloseReason, "2026-11-24") {
			t.Errorf("closed: %+v", all)
		}
	})
}

func TestAPairOnTwoSidesOfMidnightIsNoFindingWhicheverDayIsRead(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("edge", learnt(providers.Approved))
		d.bank.lines = []providers.StatementLine{charged("edge", 1000)}
		d.run(today)
		for _, day := range []string{"2026-11-22", today} {
			d.run(day)
		}
		if got := d.open(); got != "" {
			t.Errorf("found %q", got)
		}
	})
}

// Wherever a run dies, whoever takes it up comes to the same end.
func TestARunThatDiesIsTakenUpWhereItWas(t *testing.T) {
	whole := sit(t, "sqlite:")
	payments := whole.day()
	whole.run(today)
	want := whole.dump(payments...)
	points := map[string]int{}
	count := whole.another(func(o *Options, _ *Books) { o.Step = func(point string) { points[point]++ } })
	whole.order(today)
	whole.works(count)
	if len(points) != 4 {
		t.Fatalf("the points of a run are %v", points)
	}
	at(t, func(t *testing.T, d *desk) {
		payments := d.day()
		d.order(today)
		deaths := 0
		die := func(point string, n int) {
			d.dies(point, n, &deaths)
			*d.clock = d.clock.Add(2 * time.Minute)
		}
		for n := range points["lines staged"] - 1 { // each reads the slice anew, and comes a little further
			die("lines staged", n+1)
		}
		die("slice read", 1)
		die("statement read", 1)
		for range points["page judged"] { // each judges one page
			die("page judged", 1)
		}
		d.works(d.Office)
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(d.dump(payments...), "\n")); diff != "" {
			t.Errorf("after %d deaths (-whole +cut):\n%s", deaths, diff)
		}
		if all := points["lines staged"] + 1 + points["page judged"]; deaths != all {
			t.Errorf("it died %d times, of %d", deaths, all)
		}
		runs, err := d.store.Runs(t.Context(), journal.RunFilter{}, journal.Cursor{}, 10)
		d.must(err)
		if len(runs) != 1 || runs[0].State != journal.RunDone || runs[0].Tries != 0 || runs[0].Counts.Opened != 7 || runs[0].Counts.Healed > 1 || runs[0].Counts.Lines != 11 {
			t.Errorf("runs: %+v", runs)
		}
	})
}

// dies lets a process of its own take up the run and end at the n-th time that it comes to
// a point, without another word.
func (d *desk) dies(point string, n int, deaths *int) {
	o := d.another(func(o *Options, _ *Books) {
		o.Step = func(at string) {
			if at == point {
				if n--; n == 0 {
					panic("killed")
				}
			}
		}
	})
	defer func() {
		if recover() != nil {
			*deaths++
		}
	}()
	run, err := d.store.ClaimRun(d.t.Context(), "a process that dies", *d.clock, time.Minute, []string{gateway})
	if errors.Is(err, journal.ErrNotFound) {
		return
	}
	d.must(err)
	_, err = o.do(d.t.Context(), run)
	d.must(err)
}

func TestTheLeaseOfWhatPanicsIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Office{Options: Options{Lease: time.Minute, Clock: func(context.Context) (time.Time, error) { return time.Now(), nil }}}
		renewed := 0
		func() {
			defer func() { _ = recover() }()
			o.beating(t.Context(), func(context.Context, time.Time) error { renewed++; return nil }, func(context.Context) { panic("a bug") })
		}()
		time.Sleep(time.Hour)
		if renewed != 0 {
			t.Errorf("it was renewed %d times", renewed)
		}
	})
}

// What was published is the statement of its day, whatever becomes of the run: others are
// judged by it.
func TestARunThatPanicsGoesOnWhereItWas(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("agrees", learnt(providers.Approved))
		d.tell(charged("agrees", 1000), charged("stranger", 700), charged("other", 700))
		bug := true
		o := d.another(func(o *Options, _ *Books) {
			o.Step = func(point string) {
				if point == "page judged" && bug {
					bug = false
					panic("a bug")
				}
			}
		})
		r := d.order(today)
		d.works(o)
		r, err := d.store.Run(t.Context(), r.ID)
		d.must(err)
		if r.State != journal.RunMatching || r.Cursor == "" || r.Tries != 1 || r.Counts.Groups == 0 {
			t.Errorf("after a panic the run is %+v", r)
		}
		d.bank.broken = 1 // and is not asked again
		*d.clock = d.clock.Add(waits[0])
		d.works(o)
		if lines, err := d.store.LinesOf(t.Context(), gateway, []string{"agrees/1"}, 10); err != nil || len(lines) != 1 {
			t.Errorf("the statement tells %+v of the payment, %v", lines, err)
		}
		if r, err = d.store.Run(t.Context(), r.ID); err != nil || r.State != journal.RunDone || r.Tries != 1 {
			t.Errorf("the run is %+v, %v", r, err)
		}
	})
}

func TestARunThatFailsIsTriedAgainAndThenGivenUp(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.day()
		d.bank.broken = 3
		r := d.order(today)
		for i := range len(waits) + 1 {
			d.works(d.Office)
			var err error
			r, err = d.store.Run(t.Context(), r.ID)
			d.must(err)
			if r.Tries != i+1 || !strings.Contains(r.Error, "the line broke") {
				t.Fatalf("after try %d: %+v", i+1, r)
			}
			if days, err := d.store.StatementDays(t.Context(), gateway); err != nil || len(days) != 0 {
				t.Fatalf("half a reading is a statement: %v, %v", days, err)
			}
			if i < len(waits) {
				*d.clock = d.clock.Add(waits[i])
			}
		}
		if r.State != journal.RunFailed || r.Ended.IsZero() || d.open() != "" {
			t.Errorf("%+v, found %q", r, d.open())
		}
		d.bank.broken = 0
		d.run(today)
		if got := d.open(); got != disagreements {
			t.Errorf("after that a run found\n%s", got)
		}
	})
}

func TestABankIsAskedForNoMoreThanASliceAtOnce(t *testing.T) {
	d := sit(t, "sqlite:", func(_ *Options, b *Books) { b.Slice = 5 * time.Hour })
	d.day()
	d.run(today)
	if len(d.bank.asked) != 5 || d.bank.asked[4].To.Sub(d.bank.asked[4].From) != 4*time.Hour || d.open() != disagreements {
		t.Errorf("asked for %v, found %q", d.bank.asked, d.open())
	}
	for i, w := range d.bank.asked[1:] {
		if !w.From.Equal(d.bank.asked[i].To) {
			t.Errorf("a gap at %s", w.From)
		}
	}
}

func TestARunThatNobodyCanDoIsRefused(t *testing.T) {
	d := sit(t, "sqlite:", func(_ *Options, b *Books) { b.Lag = 2 * time.Hour })
	for name, c := range map[string]struct {
		order Order
		want  error
		early bool
	}{
		"of no gateway":         {order: Order{Gateway: "else"}, want: router.ErrUnknownGateway},
		"of no day":             {order: Order{Gateway: gateway, Day: "yesterday"}, want: ErrBadDay},
		"of a day that is none": {order: Order{Gateway: gateway, Day: "2026-02-30"}, want: ErrBadDay},
		"of today":              {order: Order{Gateway: gateway, Day: "2026-11-24"}, early: true},
		"of a day that is over": {order: Order{Gateway: gateway, Day: today}},
		"without a day, which is the last one that is over": {order: Order{Gateway: gateway}},
	} {
		r, err := d.Start(t.Context(), c.order)
		early := (*EarlyError)(nil)
		if c.early != errors.As(err, &early) || !c.early && !errors.Is(err, c.want) || err == nil && r.Day != today {
			t.Errorf("a run %s: %v, %+v", name, err, r)
		}
	}
	*d.clock = time.Date(2026, 11, 24, 1, 59, 59, 0, almaty)
	early := (*EarlyError)(nil)
	if _, err := d.Start(t.Context(), Order{Gateway: gateway, Day: today}); !errors.As(err, &early) || !early.Ready.Equal(d.clock.Add(time.Second)) {
		t.Errorf("before its books are closed: %v", err)
	}
	delete(d.Books, gateway)
	if _, err := d.Start(t.Context(), Order{Gateway: gateway}); !errors.Is(err, ErrNoBooks) {
		t.Errorf("of a gateway without books: %v", err)
	}
}

func TestADayIsPlannedOnceOverAllReplicasAndMissedDaysAreMadeUpFor(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		settings := func(o *Options, b *Books) { b.Schedule, b.CatchUp, b.Reread = "30 5 * * *", 10, 1 }
		one, two := d.another(settings), d.another(settings)
		*d.clock = time.Date(2026, 11, 24, 5, 0, 0, 0, almaty).UTC()
		for _, o := range []*Office{one, two} { // what was there before it began is nobody's affair
			d.must(o.plan(t.Context(), *d.clock))
		}
		morning := func(day int) {
			*d.clock = time.Date(2026, 11, day, 6, 0, 0, 0, almaty).UTC()
			for range 20 {
				for _, o := range []*Office{one, two} {
					d.must(o.plan(t.Context(), *d.clock))
					d.works(o)
				}
				*d.clock = d.clock.Add(time.Minute)
			}
		}
		var said []string
		seen := map[string]bool{}
		for _, day := range []int{24, 25, 28} { // nobody was there from the 26th on
			morning(day)
			runs, err := d.store.Runs(t.Context(), journal.RunFilter{}, journal.Cursor{}, 100)
			d.must(err)
			for i := len(runs) - 1; i >= 0; i-- {
				if r := runs[i]; !seen[r.ID] {
					seen[r.ID] = true
					said = append(said, fmt.Sprintf("%d: %s %s", day, r.Day[8:], r.Cause))
				}
			}
		}
		want := []string{"24: 23 schedule", "25: 23 reread", "25: 24 schedule", "28: 25 schedule", "28: 26 schedule", "28: 27 schedule"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
