package journal_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// tried opens a payment with one attempt at a gateway, planned at an instant, and appends
// what became of it.
func tried(t *testing.T, s *journal.Store, id, gateway, provider string, at time.Time, became ...payment.Body) {
	t.Helper()
	r, e := open(id, "")
	e.At = at
	p, err := s.Open(t.Context(), r, providers.Payer{}, e)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
		events := []payment.Event{{At: at, Actor: "router", Body: payment.Planned{Attempt: 1, Gateway: gateway, Provider: provider, Method: providers.QR, Flow: providers.Offer, Reference: "ref-" + id}}}
		for i, b := range became {
			events = append(events, payment.Event{At: at.Add(time.Duration(i+1) * time.Second), Actor: "gateway", Body: b})
		}
		return events, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func learnt(v providers.Verdict, source payment.Source) payment.Observed {
	return payment.Observed{Attempt: 1, Verdict: v, Source: source, Reason: map[providers.Verdict]providers.Reason{providers.Unknown: providers.Timeout}[v]}
}

func TestChargesOfOtherGatewaysAreCountedByTheQuarterOfAnHour(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		approved := learnt(providers.Approved, payment.FromNotice)
		tried(t, s, "k1", "kaspi-main", "kaspi", start, approved)
		tried(t, s, "h1", "halyk-main", "halyk", start.Add(-time.Second), approved) // before the span
		tried(t, s, "h2", "halyk-main", "halyk", start, approved)
		tried(t, s, "h3", "halyk-main", "halyk", start.Add(15*time.Minute-time.Second), approved)
		tried(t, s, "h4", "halyk-main", "halyk", start.Add(time.Minute), learnt(providers.Declined, payment.FromNotice))
		tried(t, s, "h5", "halyk-main", "halyk", start.Add(time.Hour), approved) // after it
		tried(t, s, "w1", "way-main", "wayforpay", start.Add(20*time.Minute), approved)
		known, asked, err := s.KnownGateways(t.Context())
		want := []journal.Known{{"halyk-main", "halyk"}, {"kaspi-main", "kaspi"}, {"way-main", "wayforpay"}}
		if diff := cmp.Diff(want, known); diff != "" || err != nil || !strings.HasPrefix(asked, "WITH RECURSIVE known(gateway)") {
			t.Fatalf("known (-want +got):\n%s%s, error %v", diff, asked, err)
		}
		counts, asked, err := s.Successes(t.Context(), []string{"halyk-main", "way-main"}, providers.Window{From: start, To: start.Add(time.Hour)})
		if diff := cmp.Diff([]journal.Success{{"halyk-main", start, 2}, {"way-main", start.Add(15 * time.Minute), 1}}, counts); diff != "" || err != nil {
			t.Errorf("counts (-want +got):\n%s error %v", diff, err)
		}
		if want := "SELECT gateway, planned_at / 900000000 AS quarter, COUNT(*) FROM attempts WHERE gateway IN ('halyk-main', 'way-main') AND verdict IN ('approved', 'held') " +
			"AND verdict = 'approved' AND planned_at >= 1795424400000000 AND planned_at < 1795428000000000 GROUP BY gateway, quarter ORDER BY gateway, quarter"; asked != want {
			t.Errorf("asked %s", asked)
		}
		if none, asked, err := s.Successes(t.Context(), nil, providers.Window{}); len(none) > 0 || asked != "" || err != nil {
			t.Errorf("of no gateway: %v, %q, %v", none, asked, err)
		}
	})
}

func TestBooksWithoutAnythingAnswerWithNothing(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		if known, _, err := s.KnownGateways(t.Context()); len(known) > 0 || err != nil {
			t.Errorf("known %v, %v", known, err)
		}
		if _, _, asked, err := s.LatestPaid(t.Context(), shop); !errors.Is(err, journal.ErrNotFound) || asked == "" {
			t.Errorf("paid: %q, %v", asked, err)
		}
		if oldest, _, err := s.PaymentsKept(t.Context()); !oldest.IsZero() || err != nil {
			t.Errorf("payments: %s, %v", oldest, err)
		}
		if _, open, asked, err := s.LastStatement(t.Context(), shop); !errors.Is(err, journal.ErrNotFound) || open != 0 || asked == "" {
			t.Errorf("statements: %d, %q, %v", open, asked, err)
		}
		if all, duplicates, refuses, asked, err := s.References(t.Context(), shop); all != 0 || duplicates != 0 || !refuses || !strings.Contains(asked, "attempts_reference") || err != nil {
			t.Errorf("references: %d, %d, %t, %q, %v", all, duplicates, refuses, asked, err)
		}
		if ids, _, err := s.LatestCanceled(t.Context(), shop, nil, 1); len(ids) > 0 || err != nil {
			t.Errorf("canceled, of no tenant: %v, %v", ids, err)
		}
	})
}

func TestTheLatestPaymentsThatShowSomethingAreFound(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		approved, unknown := learnt(providers.Approved, payment.FromLookup), learnt(providers.Unknown, payment.FromResponse)
		canceled := []payment.Body{payment.CancelRequested{RequestID: "c"}, payment.Closed{Attempt: 1, Evidence: payment.Evidence{Attempt: 1, Kind: payment.Withdrawn}}, payment.Finished{Outcome: payment.OutcomeCanceled}}
		tried(t, s, "paid-1", shop, "kaspi", start, approved)
		tried(t, s, "paid-2", shop, "kaspi", start.Add(2*time.Hour), approved)
		tried(t, s, "paid-3", "halyk-main", "halyk", start.Add(4*time.Hour), approved)
		tried(t, s, "canceled-1", shop, "kaspi", start.Add(time.Minute), canceled...)
		tried(t, s, "canceled-2", shop, "kaspi", start.Add(2*time.Minute), canceled...)
		tried(t, s, "canceled-3", "halyk-main", "halyk", start.Add(3*time.Minute), canceled...)
		tried(t, s, "unknown-1", shop, "kaspi", start.Add(time.Minute), unknown, approved)
		tried(t, s, "unknown-2", "halyk-main", "halyk", start.Add(2*time.Minute), unknown, approved)
		pay(t, s, "refunded")

		if id, n, _, err := s.LatestPaid(t.Context(), shop); id != "paid-2" || n != 1 || err != nil {
			t.Errorf("paid: %s/%d, %v", id, n, err)
		}
		for what, c := range map[string]struct {
			found func() ([]string, string, error)
			want  string
		}{
			"canceled": {func() ([]string, string, error) {
				return s.LatestCanceled(t.Context(), shop, []string{"shop", "else"}, 9)
			}, "canceled-2 canceled-1"},
			"canceled, one":     {func() ([]string, string, error) { return s.LatestCanceled(t.Context(), shop, []string{"shop"}, 1) }, "canceled-2"},
			"canceled, another": {func() ([]string, string, error) { return s.LatestCanceled(t.Context(), shop, []string{"else"}, 1) }, ""},
			"unknown":           {func() ([]string, string, error) { return s.LatestUnknown(t.Context(), shop, []string{"shop"}, 9) }, "unknown-1"},
			"refunded":          {func() ([]string, string, error) { return s.LatestRefunds(t.Context(), shop, 9) }, "refunded"},
		} {
			ids, asked, err := c.found()
			if strings.Join(ids, " ") != c.want || err != nil || !strings.HasPrefix(asked, "SELECT ") || strings.Contains(asked, "$") {
				t.Errorf("%s: %v, %q, %v", what, ids, asked, err)
			}
		}
		oldest, asked, err := s.PaymentsKept(t.Context())
		if !oldest.Equal(start) || asked != "SELECT MIN(created_at) FROM payments WHERE tenant = 'shop'" || err != nil {
			t.Errorf("payments: %s, %q, %v", oldest, asked, err)
		}
		if all, duplicates, _, _, err := s.References(t.Context(), shop); all != 6 || duplicates != 0 || err != nil {
			t.Errorf("references: %d, %d, %v", all, duplicates, err)
		}
	})
}

func TestANoticeThatCameTwiceIsFoundAndAQuestionIsNot(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		came := func(id, state, payment, body string, at time.Time) {
			t.Helper()
			err := s.StoreNotice(t.Context(), id, shop, providers.Notice{Method: "POST", Path: "/paid", Body: []byte(body)}, at)
			if err == nil {
				err = s.MarkNotice(t.Context(), id, state, payment, "")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		came("1", "debit", "p1", "one", start)
		came("2", "repeated", "", "one", start.Add(time.Minute))
		came("3", "question", "p2", "two", start)
		came("4", "question", "p2", "two", start.Add(time.Second))
		came("5", "fact", "p3", "three", start)
		came("6", "fact", "p3", "three again", start.Add(time.Hour))
		found, asked, err := s.LatestTwice(t.Context(), shop, 9)
		if diff := cmp.Diff([]journal.Twice{{"p1", 2, start.Add(time.Minute)}}, found); diff != "" || asked == "" || err != nil {
			t.Errorf("twice (-want +got):\n%s%v", diff, err)
		}
		if oldest, _, err := s.NoticesKept(t.Context(), shop); !oldest.Equal(start) || err != nil {
			t.Errorf("notices: %s, %v", oldest, err)
		}
	})
}

func TestDrainsAreTheLatestFirstAndEndWhenTheyWereEnded(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		order := func(id, mode string, at time.Time) journal.Override {
			o, err := s.CreateOverride(t.Context(), journal.Override{ID: id, Gateway: shop, Mode: mode, Actor: "operator:aida", Created: at, Start: at, End: at.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		order("1", "drain", start)
		order("2", "admit", start.Add(time.Minute))
		early := order("3", "drain", start.Add(2*time.Minute))
		order("4", "drain", start.Add(24*time.Hour)) // has not begun
		if _, err := s.EndOverride(t.Context(), early.ID, early.Version, "operator:aida", start.Add(5*time.Minute)); err != nil {
			t.Fatal(err)
		}
		found, _, err := s.LatestDrains(t.Context(), shop, start.Add(3*time.Hour), 9)
		want := []journal.Drained{{start.Add(2 * time.Minute), start.Add(5 * time.Minute), "operator:aida"}, {start, start.Add(time.Hour), "operator:aida"}}
		if diff := cmp.Diff(want, found); diff != "" || err != nil {
			t.Errorf("drains (-want +got):\n%s%v", diff, err)
		}
	})
}

func TestEvidenceStaysAndTheNewestCounts(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		record := func(id, item, reference string, created time.Time) journal.Evidence {
			t.Helper()
			e, err := s.RecordEvidence(t.Context(), journal.Evidence{ID: id, Gateway: shop, Item: item, Shown: start, Reference: reference, Detail: "seen\x00", Actor: "operator:aida", Reason: "test", Created: created})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		first := record("a", "alerts", "case 1", start)
		if again := record("a", "backup", "else", start.Add(time.Hour)); again != first || first.Reference != "case 1" || first.Detail != "seen\uFFFD" {
			t.Errorf("recorded again: %+v", again)
		}
		second := record("b", "alerts", "case 2", start.Add(time.Minute))
		third := record("c", "backup", "case 3", start.Add(time.Minute))
		newest, asked, err := s.NewestEvidence(t.Context(), shop)
		if diff := cmp.Diff([]journal.Evidence{second, third}, newest); diff != "" || err != nil || !strings.Contains(asked, "gateway = 'kaspi-main'") {
			t.Errorf("newest (-want +got):\n%s%s, %v", diff, asked, err)
		}
		page, err := s.ListEvidence(t.Context(), journal.EvidenceFilter{Gateway: shop}, journal.Cursor{}, 2)
		if diff := cmp.Diff([]journal.Evidence{third, second}, page); diff != "" || err != nil {
			t.Errorf("page (-want +got):\n%s%v", diff, err)
		}
		page, err = s.ListEvidence(t.Context(), journal.EvidenceFilter{Item: "alerts"}, journal.Cursor{Created: second.Created, ID: second.ID}, 9)
		if diff := cmp.Diff([]journal.Evidence{first}, page); diff != "" || err != nil {
			t.Errorf("the next (-want +got):\n%s%v", diff, err)
		}
	})
}
