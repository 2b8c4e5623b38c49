package office

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// unnamed is a row that says what moved and when, and nothing else.
func unnamed(minor int64, at time.Time, change ...func(*providers.StatementLine)) providers.StatementLine {
	l := providers.StatementLine{Kind: providers.LineCharge, Verdict: providers.Approved, Amount: tenge(minor), At: at}
	for _, c := range change {
		c(&l)
	}
	return l
}

func TestALineWithoutNamesIsFoundByItsAmountAndTime(t *testing.T) {

	back := func(l *providers.StatementLine) { l.Kind = providers.LineRefund }
	held := func(l *providers.StatementLine) { l.Verdict = providers.Held }
	for name, c := range map[string]struct {
		ours  func(d *desk)
		lines []providers.StatementLine
		want  string
		found int64
	}{
		"the only one": {func(d *desk) { d.pay("a", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1000, noon.Add(9*time.Minute))}, "", 1},
		"one of two": {func(d *desk) { d.pay("a", learnt(providers.Approved)); d.pay("b", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1000, noon)}, "unknown_to_them:a unknown_to_them:b unknown_to_us:", 0},
		"of two, the other is told by its name": {func(d *desk) { d.pay("a", learnt(providers.Approved)); d.pay("b", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1000, noon), charged("b", 1000)}, "", 2},
		"two for one": {func(d *desk) { d.pay("a", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1000, noon), unnamed(1000, noon.Add(time.Second))}, "unknown_to_them:a unknown_to_us: unknown_to_us:", 0},
		"another sum": {func(d *desk) { d.pay("a", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1001, noon)}, "unknown_to_them:a unknown_to_us:", 0},
		"another hour": {func(d *desk) { d.pay("a", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1000, noon.Add(time.Hour))}, "unknown_to_them:a unknown_to_us:", 0},
		"another state": {func(d *desk) { d.pay("a", learnt(providers.Approved)) },
			[]providers.StatementLine{unnamed(1000, noon, held)}, "unknown_to_them:a unknown_to_us:", 0},
		"nothing that has money": {func(d *desk) { d.pay("a", learnt(providers.Declined)); d.pay("b", learnt(providers.Unknown)) },
			[]providers.StatementLine{unnamed(1000, noon)}, "unknown_to_us:", 0},
		"a charge and its refund": {func(d *desk) { d.pay("a", refunded(300)...) },
			[]providers.StatementLine{unnamed(1000, noon), unnamed(300, noon.Add(2*time.Second), back)}, "", 2},
		"a name that nobody knows": {func(d *desk) { d.pay("a", learnt(providers.Approved)) },
			[]providers.StatementLine{charged("stranger", 1000)}, "unknown_to_them:a unknown_to_us:ref-strangerx-stranger", 0},
	} {
		t.Run(name, func(t *testing.T) {
			at(t, func(t *testing.T, d *desk) {
				c.ours(d)
				d.tell(c.lines...)
				r := d.run(today)
				if got := d.open(); got != c.want || r.Counts.Matched != c.found {
					t.Errorf("found %q and %d that agree, want %q and %d", got, r.Counts.Matched, c.want, c.found)
				}
				before := d.dump("a")
				if again := d.run(today); again.Counts.Opened+again.Counts.Closed+again.Counts.Healed != 0 || again.Counts.Matched != c.found {
					t.Errorf("a second run counts %+v", again.Counts)
				}
				if diff := cmp.Diff(before, d.dump("a")); diff != "" {
					t.Errorf("a second run changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func TestLinesWithoutNamesAreFoundOnceWhereverARunDies(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		groups := []string{}
		for i, id := range []string{"a", "b", "c", "d", "e"} {
			d.payOf(tenge(1000+int64(i)), providers.QR, id, learnt(providers.Approved))
			d.tell(unnamed(1000+int64(i), noon.Add(time.Duration(i)*time.Second)))
			groups = append(groups, id+"/1")
		}
		d.order(today)
		deaths := 0
		for _, point := range []string{"statement read", "lines reassigned", "page judged"} {
			d.dies(point, 1, &deaths)
			*d.clock = d.clock.Add(2 * time.Minute)
		}
		d.works(d.Office)
		if got := d.open(); deaths != 3 || got != "" {
			t.Errorf("after %d deaths it found %q", deaths, got)
		}
		lines, err := d.store.LinesOf(t.Context(), gateway, groups, 10)
		d.must(err)
		if len(lines) != 5 || slices.ContainsFunc(lines, func(l journal.StagedLine) bool { return l.FoundBy != journal.ByAmount }) {
			t.Errorf("the lines are %+v", lines)
		}
	})
}

// A line that the next day tells of the payment by its name was its own all along: the one
// without names is a stranger's again.
func TestWhatWasFoundByItsAmountIsTakenBackWhenAnotherLineNamesTheMovement(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("a", learnt(providers.Approved))
		d.tell(unnamed(1000, noon.Add(time.Minute)))
		if r := d.run(today); r.Counts.Matched != 1 || d.open() != "" {
			t.Fatalf("%d agree, found %q", r.Counts.Matched, d.open())
		}
		d.tell(charged("a", 1000, func(l *providers.StatementLine) { l.At = noon.Add(20 * time.Hour) }))
		*d.clock = dawn.Add(24 * time.Hour)
		d.run("2026-11-24")
		d.run(today)
		if got := d.open(); got != "unknown_to_us:" {
			t.Errorf("found %q", got)
		}
		if r := d.run("2026-11-24"); r.Counts.Matched != 1 || r.Counts.Opened+r.Counts.Closed != 0 {
			t.Errorf("once more it counts %+v", r.Counts)
		}
	})
}

// A sum and a time are no evidence. Two people have said that nothing was taken since the line
// was found to be the payment's: it does not say otherwise, and they are asked.
func TestALineThatWasFoundByItsAmountTeachesNothing(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.Office = d.another(func(_ *Options, b *Books) { b.Fees = contract })
		d.pay("a", learnt(providers.Approved))
		d.tell(unnamed(1000, noon.Add(time.Minute), func(l *providers.StatementLine) { l.Fee = tenge(7) }))
		d.run(today)
		if got := d.open(); got != "fee_differs:a" { // so that the day after looks at it again
			t.Fatalf("found %q", got)
		}
		p, err := d.store.Get(t.Context(), "a")
		d.must(err)
		_, err = d.store.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: noon.Add(time.Hour), Actor: "test", Body: payment.Observed{Attempt: 1, Source: payment.FromOperator, Verdict: providers.Unserved}}}, nil
		})
		d.must(err)
		*d.clock = dawn.Add(24 * time.Hour)
		if r := d.run("2026-11-24"); r.Counts.Healed != 0 || d.open() != "line_state_differs:a" {
			t.Errorf("it counts %+v and found %q", r.Counts, d.open())
		}
		if p, err = d.store.Get(t.Context(), "a"); err != nil || p.Attempts[0].Verdict != providers.Unserved {
			t.Errorf("the attempt is %s, %v", p.Attempts[0].Verdict, err)
		}
	})
}
