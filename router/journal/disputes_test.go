package journal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
)

// disputed is a dispute as a person records it.
func disputed(id, number string) journal.Dispute {
	return journal.Dispute{ID: id, Said: "hash of " + id, Payment: "p-" + id, Attempt: 1, Tenant: "shop", Gateway: shop, Kind: journal.Chargeback, Case: number,
		Amount: providers.Money{Minor: 1500, Currency: "KZT"}, Detail: "Тауар жеткізілмеді", Opened: start.Add(-time.Hour), RecordedBy: "operator:aida", Created: start}
}

func recorded(t *testing.T, s *journal.Store, d journal.Dispute) journal.Dispute {
	t.Helper()
	stands, err := s.RecordDispute(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return stands
}

func TestADisputeIsRecordedOnceAndItsCaseNumberOnceAtAGateway(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		want := disputed("d1", "81")
		want.State, want.Updated, want.Version = journal.DisputeOpen, start, 1
		if diff := cmp.Diff(want, recorded(t, s, disputed("d1", "81"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		again := disputed("d1", "82")
		again.Said = "something else"
		if diff := cmp.Diff(want, recorded(t, s, again)); diff != "" {
			t.Errorf("the second call changed it (-want +got):\n%s", diff)
		}
		var taken *journal.CaseTakenError
		if _, err := s.RecordDispute(t.Context(), disputed("d2", "81")); !errors.As(err, &taken) || taken.Dispute != "d1" {
			t.Errorf("the same case again: %v", err)
		}
		if _, err := s.Dispute(t.Context(), "d2"); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("the refused one: %v", err)
		}
		elsewhere := disputed("d3", "81")
		elsewhere.Gateway = "halyk-main"
		recorded(t, s, elsewhere)
		recorded(t, s, disputed("d4", "")) // cases that nobody knows yet are no case
		recorded(t, s, disputed("d5", ""))
	})
}

func TestOnlyWhoSawTheLatestVersionOfADisputeChangesIt(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		recorded(t, s, disputed("d1", "81"))
		recorded(t, s, disputed("d2", ""))
		later := start.Add(time.Hour)
		change := func(id string, version int64, change func(*journal.Dispute) error) (journal.Dispute, error) {
			return s.ChangeDispute(t.Context(), id, version, "operator:bolat", "a test", later, change)
		}
		answer := func(d *journal.Dispute) error {
			d.State, d.Answer, d.Answered, d.AnsweredBy = journal.DisputeAnswered, "жеткізілді", later, "operator:bolat"
			return nil
		}
		for _, version := range []int64{0, 2} {
			if _, err := change("d1", version, answer); !errors.Is(err, journal.ErrStale) {
				t.Errorf("version %d: %v", version, err)
			}
		}
		if _, err := change("d9", 1, answer); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("nobody's: %v", err)
		}
		refused := errors.New("refused")
		if _, err := change("d1", 1, func(d *journal.Dispute) error { d.Answer = "x"; return refused }); !errors.Is(err, refused) {
			t.Errorf("refused: %v", err)
		}
		want := disputed("d1", "81")
		want.State, want.Answer, want.Answered, want.AnsweredBy, want.Updated, want.Version = journal.DisputeAnswered, "жеткізілді", later, "operator:bolat", later, 2
		got, err := change("d1", 1, answer)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("answered: %v (-want +got):\n%s", err, diff)
		}
		got, err = change("d1", 2, func(d *journal.Dispute) error {
			d.State, d.Outcome, d.ClosedBy, d.CloseReason, d.Closed, d.Owner, d.Note = journal.DisputeClosed, journal.Lost, "operator:bolat", "the bank says so", later, "bolat", "n"
			return nil
		})
		want.State, want.Outcome, want.ClosedBy, want.CloseReason, want.Closed, want.Owner, want.Note, want.Version = journal.DisputeClosed, journal.Lost, "operator:bolat", "the bank says so", later, "bolat", "n", 3
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("closed: %v (-want +got):\n%s", err, diff)
		}
		var taken *journal.CaseTakenError
		if _, err := change("d2", 1, func(d *journal.Dispute) error { d.Case = "81"; return nil }); !errors.As(err, &taken) || taken.Dispute != "d1" {
			t.Errorf("the case of another: %v", err)
		}
		if got, err := change("d2", 1, func(d *journal.Dispute) error { d.Case = "82"; return nil }); err != nil || got.Case != "82" || got.Version != 2 {
			t.Errorf("a case of its own: %+v, %v", got, err)
		}
	})
}

// The bank tells two people at once.
func TestOfManyWhoRecordOneCaseOneDoes(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		stores := []*journal.Store{open(), open()}
		const n = 6
		for i := range n {
			recorded(t, stores[0], disputed(fmt.Sprintf("later-%d", i), ""))
		}
		var wg sync.WaitGroup
		errs := make([]error, 2*n)
		for i := range n {
			wg.Go(func() {
				_, errs[i] = stores[i%2].RecordDispute(t.Context(), disputed(fmt.Sprintf("d-%d", i), "81"))
			})
			wg.Go(func() {
				_, errs[n+i] = stores[i%2].ChangeDispute(t.Context(), fmt.Sprintf("later-%d", i), 1, "operator:aida", "", start, func(d *journal.Dispute) error { d.Case = "81"; return nil })
			})
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			var taken *journal.CaseTakenError
			switch {
			case err == nil:
				done++
			case !errors.As(err, &taken):
				t.Error(err)
			}
		}
		if done != 1 {
			t.Errorf("%d disputes have the case", done)
		}
	})
}

func TestDisputesAreListedAndCountedByTheirClock(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		now := start.Add(30 * time.Hour)
		add := func(id string, opened time.Duration, change ...func(*journal.Dispute)) {
			d := disputed(id, id)
			d.Opened, d.Created = start.Add(opened), start.Add(opened).Add(time.Minute)
			for _, c := range change {
				c(&d)
			}
			recorded(t, s, d)
		}
		add("late", 0)
		add("just", 6*time.Hour) // its time ends at this very instant
		add("fresh", 20*time.Hour, func(d *journal.Dispute) { d.Kind, d.Owner, d.Payment = journal.Claim, "aida", "p-late" })
		add("other", time.Hour, func(d *journal.Dispute) { d.Gateway = "halyk-main" })
		add("done", 0)
		if _, err := s.ChangeDispute(t.Context(), "done", 1, "operator:aida", "", now, func(d *journal.Dispute) error { d.State = journal.DisputeAnswered; return nil }); err != nil {
			t.Fatal(err)
		}
		list := func(f journal.DisputeFilter) (all []string) {
			var after journal.Cursor
			for {
				page, err := s.Disputes(t.Context(), f, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range page {
					all, after = append(all, d.ID), journal.Cursor{Created: d.Created, ID: d.ID}
				}
				if len(page) < 2 {
					return all
				}
			}
		}
		for want, f := range map[string]journal.DisputeFilter{
			"[fresh just other late done]": {},
			"[fresh just late]":            {Gateway: shop, State: journal.DisputeOpen},
			"[fresh late]":                 {Payment: "p-late"},
			"[fresh]":                      {Owner: "aida"},
			"[other late]":                 {OverdueAt: now},
			"[late done]":                  {CreatedBefore: start.Add(time.Hour)},
			"[fresh just]":                 {CreatedFrom: start.Add(6*time.Hour + time.Minute)},
		} {
			if got := fmt.Sprint(list(f)); got != want {
				t.Errorf("%+v: %s, want %s", f, got, want)
			}
		}
		counted, err := s.OpenDisputes(t.Context(), now)
		if diff := cmp.Diff([]journal.OpenDisputes{{Gateway: "halyk-main", Kind: journal.Chargeback, Count: 1, Overdue: 1, Oldest: start.Add(time.Hour)},
			{Gateway: shop, Kind: journal.Chargeback, Count: 2, Overdue: 1, Oldest: start}, {Gateway: shop, Kind: journal.Claim, Count: 1, Oldest: start.Add(20 * time.Hour)}}, counted); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestNoticesOfAPaymentAreToldByTheHashesOfTheirBodies(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		for i, n := range []struct{ id, payment, body string }{{"n1", "p1", "paid"}, {"n2", "p2", "paid"}, {"n3", "p1", ""}, {"n4", "p1", "paid again"}} {
			if err := s.StoreNotice(t.Context(), n.id, shop, providers.Notice{Method: "POST", Body: []byte(n.body)}, start.Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
			if err := s.MarkNotice(t.Context(), n.id, "fact", n.payment, "a person's name"); err != nil {
				t.Fatal(err)
			}
		}
		sum := sha256.Sum256([]byte("paid"))
		want := []journal.KeptNotice{{ID: "n1", Gateway: shop, Received: start, State: "fact", SHA256: hex.EncodeToString(sum[:])}, {ID: "n3", Gateway: shop, Received: start.Add(2 * time.Second), State: "fact"}}
		got, err := s.NoticesOf(t.Context(), "p1", 2)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if none, err := s.NoticesOf(t.Context(), "", 2); err != nil || len(none) > 0 {
			t.Errorf("of nobody: %v, %v", none, err)
		}
	})
}
