package office

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// teller is what a bank that walks keeps.
type teller struct {
	about  []string         // which orders it was asked about, each time
	inside int              // how many questions it has at this moment,
	most   int              // and had at most
	fails  map[string]error // about which orders it gives no answer
}

// Tell tells the bank's lines of one order, and what went back in sum.
func (b *bank) Tell(_ context.Context, a providers.Asked) (providers.Told, error) {
	b.Lock()
	b.about = append(b.about, a.Ref.Order)
	b.inside++
	b.most = max(b.most, b.inside)
	b.Unlock()
	time.Sleep(0) // lets others in
	b.Lock()
	defer b.Unlock()
	b.inside--
	told := providers.Told{Returned: providers.Money{Currency: "KZT"}}
	for _, l := range b.lines {
		switch {
		case l.Order != a.Ref.Order:
		case l.Kind == providers.LineCharge:
			told.Known, told.Charge = true, l
		default:
			told.Returned.Minor += l.Amount.Minor
		}
	}
	if err := b.fails[a.Ref.Order]; err != nil || !told.Known {
		return providers.Told{}, err
	}
	return told, nil
}

// walking runs a test on both engines, with a bank that lists nothing.
func walking(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("sqlite", func(t *testing.T) { test(t, stroll(t, "sqlite:")) })
	t.Run("postgresql", func(t *testing.T) { test(t, stroll(t, pgtest.URL(t))) })
}

func stroll(t *testing.T, url string) *desk {
	t.Helper()
	d := sit(t, url)
	d.bank.walks = true
	d.Office = d.another() // which finds it so
	return d
}

// walked fills both books of a day that is walked: with what agrees, and one of each
// disagreement.
func (d *desk) walked() (payments []string) {
	back := func(l *providers.StatementLine) { l.Kind = providers.LineRefund }
	lost := refunded(300)
	d.pay("agrees", learnt(providers.Approved))
	d.pay("declined", learnt(providers.Declined))
	d.pay("forgotten", learnt(providers.Unknown))
	d.pay("late", learnt(providers.Declined)) // we gave it up, and the payer did not
	d.pay("missing", learnt(providers.Approved))
	d.pay("unpaid", learnt(providers.Unknown))
	d.pay("differs", learnt(providers.Approved))
	d.pay("flipped", learnt(providers.Approved))
	d.pay("returned", refunded(300)...)
	d.pay("unreturned", refunded(300)...)
	d.pay("lost", lost[:len(lost)-1]...) // the answer to its refund
	d.pay("elsewhere", learnt(providers.Approved))
	d.tell(
		charged("agrees", 1000), charged("forgotten", 1000), charged("late", 1000), charged("differs", 999), charged("returned", 1000), charged("returned", 300, back),
		charged("unreturned", 1000), charged("lost", 1000), charged("lost", 300, back), charged("elsewhere", 1000), charged("elsewhere", 400, back),
		charged("flipped", 1000, func(l *providers.StatementLine) { l.Verdict = providers.Declined }), charged("stranger", 700),
	)
	return []string{"agrees", "declined", "forgotten", "late", "missing", "unpaid", "differs", "flipped", "returned", "unreturned", "lost", "elsewhere"}
}

const differences = "line_amount_differs:differs line_state_differs:flipped refund_missing:unreturned refund_unknown_to_us:elsewhere unknown_to_them:missing"

func TestADayIsWalkedAndHeldAgainstOurs(t *testing.T) {
	walking(t, func(t *testing.T, d *desk) {
		payments := d.walked()
		r := d.run(today)
		if got := d.open(); got != differences {
			t.Errorf("found\n%s, want\n%s", got, differences)
		}
		if got := d.findings(journal.FindingClosed); got != "line_state_differs:forgotten line_state_differs:late line_state_differs:lost" {
			t.Errorf("healed %q", got)
		}
		if r.Source != providers.StatementWalk || r.Counts.Lines != 12 || r.Counts.Healed != 3 || !r.ReadTo.Equal(r.Span.To) {
			t.Errorf("%+v", r)
		}
		p, err := d.store.Get(t.Context(), "forgotten")
		d.must(err)
		if a := p.Attempts[0]; a.Verdict != providers.Approved || a.Source != payment.FromStatement || a.External != "x-forgotten" || p.Status() != payment.StatusPaid {
			t.Errorf("the forgotten payment is %s, its attempt %s by %s", p.Status(), a.Verdict, a.Source)
		}
		p, err = d.store.Get(t.Context(), "lost")
		d.must(err)
		if o := p.Operations[0]; o.Verdict != providers.Approved || o.Source != payment.FromStatement || p.Sums().Refunded != 300 {
			t.Errorf("the lost refund is %s by %s", o.Verdict, o.Source)
		}
		p, err = d.store.Get(t.Context(), "elsewhere")
		d.must(err)
		if p.Attempts[0].Returned != 400 || p.Refundable() != 600 || !p.Found(payment.ReturnedElsewhere, 1) {
			t.Errorf("of a payment that the bank refunded %d can be refunded", p.Refundable())
		}
		slices.Sort(d.bank.about)
		if all := len(d.bank.about); all != len(payments) || len(slices.Compact(d.bank.about)) != all || d.bank.most > mostAsked {
			t.Errorf("asked %d times about %d payments, %d at a time", all, len(payments), d.bank.most)
		}

		before := d.dump(payments...)
		*d.clock = d.clock.Add(time.Hour)
		again := d.run(today)
		if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(d.dump(payments...), "\n")); diff != "" {
			t.Errorf("a second run changed (-before +after):\n%s", diff)
		}
		if again.Counts.Opened+again.Counts.Closed+again.Counts.Healed != 0 {
			t.Errorf("a second run counts %+v", again.Counts)
		}
	})
}

// Wherever a walk dies, whoever takes it up asks on from there, and comes to the same end.
func TestAWalkThatDiesIsTakenUpWhereItWas(t *testing.T) {
	whole := stroll(t, "sqlite:")
	payments := whole.walked()
	whole.run(today)
	want := whole.dump(payments...)
	points := map[string]int{}
	count := whole.another(func(o *Options, _ *Books) { o.Step = func(point string) { points[point]++ } })
	whole.order(today)
	whole.works(count)
	if len(points) != 4 || points["lines staged"] < 7 {
		t.Fatalf("the points of a walk are %v", points)
	}
	walking(t, func(t *testing.T, d *desk) {
		payments := d.walked()
		d.order(today)
		deaths := 0
		die := func(point string) {
			d.dies(point, 1, &deaths)
			*d.clock = d.clock.Add(2 * time.Minute)
		}
		for range points["lines staged"] { // each comes a page further
			die("payments asked")
			die("lines staged")
		}
		die("statement read")
		for range points["page judged"] {
			die("page judged")
		}
		d.works(d.Office)
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(d.dump(payments...), "\n")); diff != "" {
			t.Errorf("after %d deaths (-whole +cut):\n%s", deaths, diff)
		}
		if all := 2*points["lines staged"] + 1 + points["page judged"]; deaths != all {
			t.Errorf("it died %d times, of %d", deaths, all)
		}
		if asked := len(d.bank.about); asked != 2*len(payments) { // each page once in vain
			t.Errorf("asked %d times about %d payments", asked, len(payments))
		}
		runs, err := d.store.Runs(t.Context(), journal.RunFilter{}, journal.Cursor{}, 10)
		d.must(err)
		if len(runs) != 1 || runs[0].State != journal.RunDone || runs[0].Tries != 0 || runs[0].Counts.Lines != 12 || runs[0].Counts.Opened != 5 {
			t.Errorf("runs: %+v", runs)
		}
	})
}

func TestOneAnswerThatSaysNothingIsNoAbsence(t *testing.T) {
	walking(t, func(t *testing.T, d *desk) {
		d.walked()
		for _, order := range []string{"ref-returned", "ref-unreturned"} {
			d.bank.fails = map[string]error{order: errors.New("the line broke")}
			r := d.order(today)
			d.works(d.Office)
			r, err := d.store.Run(t.Context(), r.ID)
			d.must(err)
			if r.State != journal.RunReading || !strings.Contains(r.Error, "the line broke") || r.Owner != "" {
				t.Fatalf("%+v", r)
			}
			if days, err := d.store.StatementDays(t.Context(), gateway); err != nil || len(days) != 0 || d.open() != "" {
				t.Fatalf("part of a walk is a statement: %v, %v, found %q", days, err, d.open())
			}
			*d.clock = d.clock.Add(waits[len(waits)-1])
		}
		d.bank.fails = nil
		d.works(d.Office)
		if got := d.open(); got != differences {
			t.Errorf("after that it found\n%s", got)
		}
	})
}

// A refund belongs to the statement of its own day, and its payment to that of the payment's.
func TestARefundOfAnotherDaysPaymentIsAskedAboutOnItsOwnDay(t *testing.T) {
	walking(t, func(t *testing.T, d *desk) {
		d.pay("later", learnt(providers.Approved))
		d.tell(charged("later", 1000))
		d.run(today)
		p, err := d.store.Get(t.Context(), "later")
		d.must(err)
		for i, b := range append(refunded(300)[1:], payment.RefundRequested{Refund: "g", RequestID: "g", Amount: tenge(200)},
			payment.OperationPlanned{Operation: 2, Op: payment.OpRefund, Attempt: 1, Amount: tenge(200), Refund: "g", Before: 300},
			payment.OperationObserved{Operation: 2, Source: payment.FromResponse, Verdict: providers.Approved}) {
			p, err = d.store.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
				return []payment.Event{{At: noon.Add(48*time.Hour + time.Duration(i)*time.Second), Actor: "test", Body: b}}, nil
			})
			d.must(err)
		}
		back := func(l *providers.StatementLine) { l.Kind = providers.LineRefund }
		d.tell(charged("later", 300, back))
		*d.clock = dawn.Add(48 * time.Hour)
		for _, day := range []string{"2026-11-24", "2026-11-25", today} {
			d.run(day)
		}
		if got := d.open(); got != "refund_missing:later" {
			t.Errorf("while one of two shows it found %q", got)
		}
		d.tell(charged("later", 200, back))
		d.run("2026-11-25")
		d.run(today)
		if got := d.open(); got != "" {
			t.Errorf("found %q", got)
		}
		lines, err := d.store.LinesOf(t.Context(), gateway, []string{"later/1"}, 10)
		d.must(err)
		var said []string
		for _, l := range lines {
			said = append(said, l.Day+" "+string(l.Kind)+" "+l.Amount.String())
		}
		if got := strings.Join(said, ", "); got != "2026-11-23 charge 10.00 KZT, 2026-11-25 refund 3.00 KZT, 2026-11-25 refund 2.00 KZT" {
			t.Errorf("the statements tell %s", got)
		}
	})
}

// What the bank's other system took has no look-up. A walk is silent about it; a file is not.
func TestSilenceAboutWhatCannotBeAskedSaysNothing(t *testing.T) {
	walking(t, func(t *testing.T, d *desk) {
		d.payBy(providers.Account, "typed", learnt(providers.Approved))
		d.pay("missing", learnt(providers.Approved))
		d.run(today)
		if got := d.open(); got != "unknown_to_them:missing" || slices.Contains(d.bank.about, "ref-typed") {
			t.Errorf("found %q, asked about %v", got, d.bank.about)
		}
		d.bank.walks = false
		d.Office = d.another()
		d.run(today)
		if got := d.open(); got != "unknown_to_them:missing unknown_to_them:typed" {
			t.Errorf("where all is listed it found %q", got)
		}
	})
}

func TestAWalkIsPlannedLikeAList(t *testing.T) {
	d := stroll(t, "sqlite:")
	o := d.another(func(_ *Options, b *Books) { b.Schedule = "30 5 * * *" })
	*d.clock = time.Date(2026, 11, 24, 5, 0, 0, 0, almaty).UTC()
	d.must(o.plan(t.Context(), *d.clock))
	*d.clock = d.clock.Add(time.Hour)
	d.must(o.plan(t.Context(), *d.clock))
	runs, err := d.store.Runs(t.Context(), journal.RunFilter{}, journal.Cursor{}, 10)
	d.must(err)
	if len(runs) != 1 || runs[0].Day != today || runs[0].Source != providers.StatementWalk {
		t.Errorf("runs: %+v", runs)
	}
}

// Books may go back between the list of attempts to ask about and their reading, and again while
// the bank answers.
func TestAnAttemptThatTheBooksLostIsNotAskedAbout(t *testing.T) {
	d := stroll(t, "sqlite:")
	d.pay("kept", learnt(providers.Approved))
	run := d.order(today)
	some := []journal.Walked{{Payment: "kept", Attempt: 2}, {Payment: "lost", Attempt: 1}, {Payment: "kept", Attempt: 1}}
	if _, err := d.Office.ask(t.Context(), run, d.bank, d.bank.Claims(), some); err != nil {
		t.Fatal(err)
	}
	if len(d.bank.about) != 1 {
		t.Errorf("asked about %v", d.bank.about)
	}
}
