package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

const shop = "kaspi-main"

// business is the day of these tests.
var business = providers.Window{From: start.Add(-9 * time.Hour), To: start.Add(15 * time.Hour)}

// pay opens a payment with one paid attempt, which the gateway knows as x-id, and a refund
// of it under its own number own-id, which it knows as back-id.
func pay(t *testing.T, s *journal.Store, id string) {
	t.Helper()
	r, e := open(id, "")
	p, err := s.Open(t.Context(), r, providers.Payer{}, e)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = s.Advance(t.Context(), p, planned("ref-"+id)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
		return []payment.Event{
			{At: start.Add(time.Minute), Actor: "gateway", Body: payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved, External: "x-" + id}},
			{At: start.Add(time.Minute), Actor: "router", Body: payment.RefundRequested{Refund: "f", RequestID: "f", Amount: p.Amount}},
			{At: start.Add(time.Minute), Actor: "router", Body: payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: p.Amount, Refund: "f", Reference: "own-" + id}},
			{At: start.Add(2 * time.Minute), Actor: "gateway", Body: payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "back-" + id}},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func told(change ...func(*journal.StagedLine)) journal.StagedLine {
	l := journal.StagedLine{Day: "2026-11-23", StatementLine: providers.StatementLine{Kind: providers.LineCharge, Verdict: providers.Approved,
		Amount: providers.Money{Minor: 1500, Currency: "KZT"}, At: start.Add(time.Minute)}}
	for _, c := range change {
		c(&l)
	}
	return l
}

func named(order, external string) func(*journal.StagedLine) {
	return func(l *journal.StagedLine) { l.Order, l.External = order, external }
}

func ofRefund(l *journal.StagedLine) { l.Kind = providers.LineRefund }

func TestALineFindsItsAttemptByTheSurestOfItsNames(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		pay(t, s, "a")
		pay(t, s, "b")
		for name, c := range map[string]struct {
			line journal.StagedLine
			want string
			by   journal.FoundBy
		}{
			"our reference":                   {told(named("ref-a", "")), "a/1", journal.ByReference},
			"our reference before their id":   {told(named("ref-a", "x-b")), "a/1", journal.ByReference},
			"their id":                        {told(named("", "x-b")), "b/1", journal.ByExternal},
			"their id before a strange order": {told(named("else", "x-b")), "b/1", journal.ByExternal},
			"a refund's own number":           {told(named("own-a", ""), ofRefund), "a/1", journal.ByOwn},
			"which a charge may not bear":     {told(named("own-a", "")), "?order/own-a/2026-11-23", ""},
			"a refund's id":                   {told(named("", "back-b"), ofRefund), "b/1", journal.ByExternal},
			"a strange order":                 {told(named("else", "")), "?order/else/2026-11-23", ""},
			"a strange id":                    {told(named("", "else")), "?id/else/", ""},
			"no name":                         {told(), "?line/charge/2026-11-23T09:01:00Z/approved/15.00 KZT/", ""},
		} {
			lines := []journal.StagedLine{c.line}
			if err := s.Assign(t.Context(), shop, lines); err != nil {
				t.Fatal(err)
			}
			if lines[0].Group != c.want || lines[0].FoundBy != c.by {
				t.Errorf("%s: %q by %q, want %q by %q", name, lines[0].Group, lines[0].FoundBy, c.want, c.by)
			}
			if p := journal.PaymentOf(lines[0].Group); p != strings.TrimSuffix(c.want, "/1") && !strings.HasPrefix(c.want, "?") || strings.HasPrefix(c.want, "?") && p != "" {
				t.Errorf("%s: the payment is %q", name, p)
			}
			if err := s.Assign(t.Context(), "halyk-main", lines); err != nil || lines[0].FoundBy != "" {
				t.Errorf("%s: at another gateway it is %q by %q: %v", name, lines[0].Group, lines[0].FoundBy, err)
			}
		}
	})
}

// newRun is a run of the day of these tests that anybody may take up.
func newRun(id string) journal.Run {
	return journal.Run{ID: id, Gateway: shop, Day: "2026-11-23", Span: business, Source: providers.StatementList, Cause: "operator", Actor: "aida", Reason: "asked",
		RequestID: "q-" + id, State: journal.RunQueued, Reading: id, ReadTo: business.From, Due: start, Created: start, Updated: start}
}

// begin starts a run and takes it up.
func begin(t *testing.T, s *journal.Store, id string) journal.Run {
	t.Helper()
	if _, fresh, err := s.StartRun(t.Context(), newRun(id)); err != nil || !fresh {
		t.Fatalf("start: fresh %t, %v", fresh, err)
	}
	r, err := s.ClaimRun(t.Context(), "me", start, time.Minute, []string{shop})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestADayHasOneRunAtATimeAndARunOneOwner(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s, other := open(), open()
		r := begin(t, s, "one")
		want := newRun("one")
		want.Owner, want.Due = "me", start.Add(time.Minute)
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("taken up (-want +got):\n%s", diff)
		}
		if again, fresh, err := other.StartRun(t.Context(), newRun("two")); err != nil || fresh || again.ID != "one" {
			t.Errorf("a second run of the day: %q, fresh %t, %v", again.ID, fresh, err)
		}
		if _, err := other.ClaimRun(t.Context(), "you", start.Add(59*time.Second), time.Minute, []string{shop}); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("taken up under its owner: %v", err)
		}
		taken, err := other.ClaimRun(t.Context(), "you", start.Add(time.Minute), time.Minute, []string{shop})
		if err != nil || taken.Owner != "you" {
			t.Errorf("after the lease: %q, %v", taken.Owner, err)
		}
		r.Counts.Lines = 5
		if err := s.KeepRun(t.Context(), r); !errors.Is(err, journal.ErrLost) {
			t.Errorf("written by who has it no more: %v", err)
		}
		if err := s.Stage(t.Context(), r, []journal.StagedLine{told()}); !errors.Is(err, journal.ErrLost) {
			t.Errorf("staged by who has it no more: %v", err)
		}
		if ok, err := s.CancelRun(t.Context(), "one", "aida", "wrong day", start.Add(time.Hour)); err != nil || !ok {
			t.Errorf("canceled: %t, %v", ok, err)
		}
		if err := other.KeepRun(t.Context(), taken); !errors.Is(err, journal.ErrLost) {
			t.Errorf("written after it was canceled: %v", err)
		}
		if ok, err := s.CancelRun(t.Context(), "one", "aida", "again", start.Add(time.Hour)); err != nil || ok {
			t.Errorf("canceled again: %t, %v", ok, err)
		}
		if again, fresh, err := s.StartRun(t.Context(), newRun("one")); err != nil || fresh || again.State != journal.RunCanceled {
			t.Errorf("the same call again: %q, fresh %t, %v", again.State, fresh, err)
		}
		if _, fresh, err := s.StartRun(t.Context(), newRun("two")); err != nil || !fresh {
			t.Errorf("a run after that: fresh %t, %v", fresh, err)
		}
		all, err := s.Runs(t.Context(), journal.RunFilter{Gateway: shop, FromDay: "2026-11-23", ToDay: "2026-11-23"}, journal.Cursor{}, 10)
		if err != nil || len(all) != 2 {
			t.Errorf("%d runs, %v", len(all), err)
		}
		last, err := s.LastRuns(t.Context(), shop, "2026-11-01")
		if err != nil || len(last) != 1 {
			t.Errorf("%d last runs, %v", len(last), err)
		}
	})
}

// stageAll reads lines into a run's reading and makes it the statement of its day.
func stageAll(t *testing.T, s *journal.Store, r journal.Run, lines ...journal.StagedLine) journal.Run {
	t.Helper()
	for i := range lines {
		lines[i].Seq = int64(i)
	}
	if err := s.Assign(t.Context(), r.Gateway, lines); err != nil {
		t.Fatal(err)
	}
	r.Counts.Lines, r.Staged, r.ReadTo, r.State = int64(len(lines)), int64(len(lines)), r.Span.To, journal.RunMatching
	if err := s.Stage(t.Context(), r, lines); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), r, start); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAStatementIsWhatItsLastReadingTells(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		pay(t, s, "a")
		r := begin(t, s, "one")
		half := told(named("ref-a", "half"))
		half.Group = "a/1"
		if err := s.Stage(t.Context(), r, []journal.StagedLine{half}); err != nil {
			t.Fatal(err)
		}
		if lines, err := s.LinesOf(t.Context(), shop, []string{"a/1"}, 10); err != nil || len(lines) != 0 {
			t.Errorf("a reading that has not come to its end tells %d lines, %v", len(lines), err)
		}
		if more, err := s.Unstage(t.Context(), r, 10); err != nil || !more {
			t.Fatal(err)
		}
		full := told(named("ref-a", "x-a"), func(l *journal.StagedLine) {
			l.Fee, l.Settled, l.Code = providers.Money{Minor: 15, Currency: "KZT"}, start.AddDate(0, 0, 1), "100"
			l.Reason = providers.Released
		})
		r = stageAll(t, s, r, full, told(named("ref-a", ""), func(l *journal.StagedLine) { l.At = time.Time{} }), told(named("ref-a", "third")), told(named("else", "")))
		lines, err := s.LinesOf(t.Context(), shop, []string{"a/1"}, 2)
		if err != nil {
			t.Fatal(err)
		}
		full.Group, full.FoundBy = "a/1", journal.ByReference
		if len(lines) != 2 || !lines[1].At.IsZero() || cmp.Diff(full, lines[0]) != "" {
			t.Errorf("%d lines, the first (-want +got):\n%s", len(lines), cmp.Diff(full, lines[0]))
		}
		if groups, err := s.Groups(t.Context(), "one", r.Day, providers.Window{}, "", 10); err != nil || fmt.Sprint(groups) != "[?order/else/2026-11-23 a/1]" {
			t.Errorf("groups %q, %v", groups, err)
		}
		if groups, err := s.Groups(t.Context(), "one", r.Day, providers.Window{From: start.Add(time.Hour), To: start.Add(2 * time.Hour)}, "", 10); err != nil || len(groups) != 0 {
			t.Errorf("groups of another hour %q, %v", groups, err)
		}
		days, err := s.StatementDays(t.Context(), shop)
		want := []journal.StatementDay{{Gateway: shop, Day: r.Day, Reading: "one", Source: providers.StatementList, Span: business, Lines: 4, Read: start}}
		if diff := cmp.Diff(want, days); err != nil || diff != "" {
			t.Errorf("days (-want +got):\n%s%v", diff, err)
		}
		r.State, r.Ended, r.Due = journal.RunDone, start, time.Time{}
		if err := s.KeepRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}

		stageAll(t, s, begin(t, s, "two"), told(named("ref-a", "x-a")))
		if lines, err := s.LinesOf(t.Context(), shop, []string{"a/1", "?order/else/2026-11-23"}, 10); err != nil || len(lines) != 1 {
			t.Errorf("after another reading there are %d lines, %v", len(lines), err)
		}
		var dropped int64
		for range 3 {
			n, err := s.DropReplaced(t.Context(), shop, r.Day, 3)
			if err != nil || n > 3 {
				t.Fatal(n, err)
			}
			dropped += n
		}
		if dropped != 4 {
			t.Errorf("%d lines of the first reading were dropped", dropped)
		}
		if lines, err := s.LinesOf(t.Context(), shop, []string{"a/1"}, 10); err != nil || len(lines) != 1 {
			t.Errorf("after that there are %d lines, %v", len(lines), err)
		}
	})
}

func TestMoneyThatAStatementDoesNotTellOfIsListed(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		for _, id := range []string{"a", "b", "c"} {
			pay(t, s, id)
		}
		r, e := openOne("d")
		p, err := s.Open(t.Context(), r, providers.Payer{}, e)
		if err == nil {
			_, err = s.Advance(t.Context(), p, planned("ref-d")) // it has no money
		}
		if err != nil {
			t.Fatal(err)
		}
		run := stageAll(t, s, begin(t, s, "one"), told(named("ref-b", "")))
		for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
			var all []string
			var after journal.Movement
			for {
				groups, next, err := s.Untold(t.Context(), kind, shop, "one", run.Day, business, after, 1)
				if err != nil {
					t.Fatal(err)
				}
				if len(groups) == 0 {
					break
				}
				all, after = append(all, groups...), next
			}
			if fmt.Sprint(all) != "[a/1 c/1]" {
				t.Errorf("%s: %q", kind, all)
			}
			for name, span := range map[string]providers.Window{"before": {From: start.Add(-2 * time.Hour), To: start}, "after": {From: start.Add(time.Hour + time.Microsecond), To: start.Add(2 * time.Hour)}} {
				if groups, _, err := s.Untold(t.Context(), kind, shop, "one", run.Day, span, journal.Movement{}, 9); err != nil || len(groups) != 0 {
					t.Errorf("%s, %s: %q, %v", kind, name, groups, err)
				}
			}
		}
	})
}

func openOne(id string) (journal.Request, payment.Event) { return open(id, "") }

func TestManyPaymentsAreReadAsEachAlone(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		pay(t, s, "a")
		pay(t, s, "b")
		many, err := s.GetMany(t.Context(), []string{"b", "nobody", "a"})
		if err != nil || len(many) != 2 {
			t.Fatalf("%d, %v", len(many), err)
		}
		for i, id := range []string{"a", "b"} {
			one, err := s.Get(t.Context(), id)
			if diff := cmp.Diff(one, many[i]); err != nil || diff != "" {
				t.Errorf("%s (-alone +among many):\n%s%v", id, diff, err)
			}
		}
		if none, err := s.GetMany(t.Context(), nil); err != nil || len(none) != 0 {
			t.Errorf("none: %v, %v", none, err)
		}
	})
}
