package journal_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// found is a statement's finding about a group.
func found(about, group string, theirs int64) journal.Finding {
	return journal.Finding{Payment: journal.PaymentOf(group), Kind: "line_amount_differs", Attempt: 1, About: about, Source: journal.OfStatement, Tenant: "shop", Gateway: shop,
		Group: group, Day: "2026-11-23", Run: "one", Ours: providers.Money{Minor: 1500, Currency: "KZT"}, Theirs: providers.Money{Minor: theirs, Currency: "KZT"},
		Order: "ref", External: "x", Detail: fmt.Sprintf("%d in theirs", theirs), State: journal.FindingOpen, At: start}
}

// The names of two findings.
const (
	one = "a.line_amount_differs.1.one"
	two = "b.line_amount_differs.1.two"
)

// judged keeps what a run found about groups and returns the run.
func judged(t *testing.T, s *journal.Store, r journal.Run, groups []string, found ...journal.Finding) journal.Run {
	t.Helper()
	r, err := s.KeepJudged(t.Context(), r, journal.Judged{Groups: groups, Findings: found}, "explained by a test")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func finding(t *testing.T, s *journal.Store, id string) journal.Finding {
	t.Helper()
	f, err := s.Finding(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAFindingIsFoundOnceAndClosedWhenItIsExplained(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		r := begin(t, s, "one")
		both := []string{"a/1", "b/1"}
		first := found("one", "a/1", 1000)
		r = judged(t, s, r, both, first, found("two", "b/1", 1))
		first.Updated, first.Version = start, 1
		if diff := cmp.Diff(first, finding(t, s, one)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		r = judged(t, s, r, both, found("one", "a/1", 1000), found("two", "b/1", 1))
		if diff := cmp.Diff(first, finding(t, s, one)); diff != "" || r.Counts.Opened != 2 || r.Counts.Closed != 0 {
			t.Errorf("the same again changes it, counts %+v (-was +is):\n%s", r.Counts, diff)
		}

		r.Updated = start.Add(time.Hour)
		r = judged(t, s, r, []string{"a/1"})
		closed := first
		closed.State, closed.Resolution, closed.ClosedBy, closed.CloseReason = journal.FindingClosed, journal.Explained, "statement", "explained by a test"
		closed.Closed, closed.Updated, closed.Version = r.Updated, r.Updated, 2
		if diff := cmp.Diff(closed, finding(t, s, one)); diff != "" || r.Counts.Closed != 1 {
			t.Errorf("explained, counts %+v (-want +got):\n%s", r.Counts, diff)
		}
		if f := finding(t, s, two); f.State != journal.FindingOpen {
			t.Error("what was not judged is closed")
		}
		r = judged(t, s, r, both, found("one", "a/1", 1000), found("two", "b/1", 1))
		if f := finding(t, s, one); f.State != journal.FindingOpen || f.Resolution != "" || !f.Closed.IsZero() || f.Version != 3 || r.Counts.Opened != 3 {
			t.Errorf("seen again: %+v", f)
		}
		if groups, err := s.FindingGroups(t.Context(), shop, "a/1", 10); err != nil || fmt.Sprint(groups) != "[b/1]" {
			t.Errorf("groups with open findings after the first: %q, %v", groups, err)
		}
		var pages []string
		var after journal.Cursor
		for {
			page, err := s.Findings(t.Context(), journal.FindingFilter{Gateway: shop, State: journal.FindingOpen, Run: "one", Tenant: "shop", Kind: "line_amount_differs"}, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			pages, after = append(pages, page[0].About), journal.Cursor{Created: page[0].At, ID: page[0].ID()}
		}
		if fmt.Sprint(pages) != "[two one]" {
			t.Errorf("listed: %q", pages)
		}
	})
}

func TestWhatAPersonClosedStaysClosedUntilItSaysSomethingElse(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		r := judged(t, s, begin(t, s, "one"), []string{"a/1"}, found("one", "a/1", 1000))
		shut := func(f *journal.Finding) error {
			f.State, f.Resolution, f.ClosedBy, f.CloseReason, f.Closed = journal.FindingClosed, journal.ByPerson, "aida", "agreed with the bank", start
			return nil
		}
		if _, err := s.ChangeFinding(t.Context(), one, 2, "aida", "agreed", start, shut); !errors.Is(err, journal.ErrStale) {
			t.Errorf("a version that is not there: %v", err)
		}
		refused := errors.New("refused")
		if _, err := s.ChangeFinding(t.Context(), one, 1, "aida", "agreed", start, func(*journal.Finding) error { return refused }); !errors.Is(err, refused) {
			t.Errorf("refused: %v", err)
		}
		if f, err := s.ChangeFinding(t.Context(), one, 1, "aida", "agreed", start, shut); err != nil || f.Version != 2 || f.State != journal.FindingClosed {
			t.Errorf("closed: %+v, %v", f, err)
		}
		if _, err := s.ChangeFinding(t.Context(), "none", 1, "aida", "agreed", start, shut); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("one that is not there: %v", err)
		}
		r = judged(t, s, r, []string{"a/1"}, found("one", "a/1", 1000))
		if f := finding(t, s, one); f.State != journal.FindingClosed || f.Version != 2 {
			t.Errorf("the same again: %+v", f)
		}
		r = judged(t, s, r, []string{"a/1"})
		if f := finding(t, s, one); f.Resolution != journal.ByPerson || f.Version != 2 {
			t.Errorf("explained later: %+v", f)
		}
		judged(t, s, r, []string{"a/1"}, found("one", "a/1", 999))
		if f := finding(t, s, one); f.State != journal.FindingOpen || f.Theirs.Minor != 999 || f.Detail != "999 in theirs" {
			t.Errorf("another sum: %+v", f)
		}
	})
}

func TestWhatHealedIsARecordAndNoWork(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		r := judged(t, s, begin(t, s, "one"), []string{"a/1"}, found("one", "a/1", 1000))
		healed := journal.Judged{Groups: []string{"a/1", "b/1"}, Healed: []journal.Finding{found("one", "a/1", 1000), found("new", "b/1", 5)}}
		for range 2 {
			var err error
			if r, err = s.KeepJudged(t.Context(), r, healed, "not asked"); err != nil {
				t.Fatal(err)
			}
			for id, version := range map[string]int64{one: 2, "b.line_amount_differs.1.new": 1} {
				if f := finding(t, s, id); f.State != journal.FindingClosed || f.Resolution != journal.Healed || f.Version != version || f.Closed.IsZero() {
					t.Errorf("%+v", f)
				}
			}
		}
		if r.Counts.Opened != 1 || r.Counts.Closed != 0 {
			t.Errorf("counts %+v", r.Counts)
		}
	})
}

func TestAFindingsNameFindsIt(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		of := []journal.Finding{found("x", "a/1", 1), found("with.dots", "a/1", 1), found("", "a/1", 1), found("nobody's", "?order/else", 1)}
		judged(t, s, begin(t, s, "one"), []string{"a/1", "?order/else"}, of...)
		for _, f := range of {
			if got := finding(t, s, f.ID()); got.ID() != f.ID() || got.Group != f.Group {
				t.Errorf("%q finds %+v", f.ID(), got)
			}
		}
		for _, id := range []string{"", "a", "a.line_amount_differs", "a.line_amount_differs.x", "a.line_amount_differs.01.x", "a.line_amount_differs.1.y"} {
			if f, err := s.Finding(t.Context(), id); !errors.Is(err, journal.ErrNotFound) {
				t.Errorf("%q finds %+v, %v", id, f, err)
			}
		}
	})
}

func TestNothingIsFoundByARunThatHasEnded(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		r := begin(t, s, "one")
		if _, err := s.CancelRun(t.Context(), "one", "aida", "wrong", start); err != nil {
			t.Fatal(err)
		}
		if _, err := s.KeepJudged(t.Context(), r, journal.Judged{Groups: []string{"a/1"}, Findings: []journal.Finding{found("one", "a/1", 1)}}, ""); !errors.Is(err, journal.ErrLost) {
			t.Errorf("kept: %v", err)
		}
		if _, err := s.Finding(t.Context(), one); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("its finding: %v", err)
		}
	})
}

func TestAPaymentsFindingStandsInTheSameListUntilAPersonClosesIt(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		pay(t, s, "a")
		differs := func(about int64) journal.Decide {
			return func(p payment.Payment) ([]payment.Event, error) {
				return []payment.Event{{At: start.Add(time.Hour), Actor: "gateway", Body: payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved,
					Amount: providers.Money{Minor: about, Currency: "KZT"}}}}, nil
			}
		}
		p, err := s.Advance(t.Context(), payment.Payment{Opened: payment.Opened{ID: "a"}}, differs(1700))
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Findings(t.Context(), journal.FindingFilter{Payment: "a"}, journal.Cursor{}, 10)
		if err != nil || len(all) != len(p.Findings) || len(all) == 0 || all[0].State != journal.FindingOpen || all[0].Gateway != shop || all[0].Tenant != "shop" {
			t.Fatalf("%+v, %v; the payment has %+v", all, err, p.Findings)
		}
		_, err = s.ChangeFinding(t.Context(), all[0].ID(), 0, "aida", "seen", start, func(f *journal.Finding) error { f.State, f.Owner = journal.FindingClosed, "aida"; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Advance(t.Context(), p, differs(1800)); err != nil {
			t.Fatal(err)
		}
		if f := finding(t, s, all[0].ID()); f.State != journal.FindingClosed || f.Owner != "aida" {
			t.Errorf("the payment's next event changed it: %+v", f)
		}
	})
}
