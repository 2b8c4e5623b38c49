package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// observed opens a payment, plans its attempt and observes what is given.
func observed(t *testing.T, s *journal.Store, id string, o payment.Observed) {
	t.Helper()
	r, e := open(id, "")
	p, err := s.Open(t.Context(), r, providers.Payer{}, e)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = s.Advance(t.Context(), p, planned("ref-"+id)); err != nil {
		t.Fatal(err)
	}
	o.Attempt, o.Source = 1, payment.FromResponse
	_, err = s.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
		return []payment.Event{{At: start.Add(2 * time.Second), Actor: "gateway:kaspi-main", Body: o}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPaymentsWithLiveOffersAreReadFromTheBooks(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		offer := payment.Observed{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &providers.Action{Kind: providers.ShowQR}, Until: start.Add(time.Hour)}
		observed(t, s, "live-1", offer)
		observed(t, s, "live-2", offer)
		observed(t, s, "unknown", payment.Observed{Reason: providers.Timeout})
		observed(t, s, "paid", payment.Observed{Verdict: providers.Approved})
		got, err := s.LiveOfferPayments(t.Context(), "kaspi-main", 10)
		if err != nil || len(got) != 2 || got[0].ID != "live-1" || got[1].ID != "live-2" || got[0].Attempts[0].Reason != providers.AwaitingPayer {
			t.Fatalf("%v, error %v", got, err)
		}
		if got, err := s.LiveOfferPayments(t.Context(), "kaspi-main", 1); err != nil || len(got) != 1 {
			t.Fatalf("%d, error %v", len(got), err)
		}
		if got, err := s.LiveOfferPayments(t.Context(), "halyk-main", 10); err != nil || len(got) != 0 {
			t.Fatalf("%d, error %v", len(got), err)
		}
	})
}

// An account payment has no end of its own: the bank asks before it debits, and until
// the attempt is closed the payer may still pay (SAFETY section 1).
func TestAnOfferWithoutAnEndIsLiveUntilItIsClosed(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		live := func(want int64, wantLast time.Time, ids ...string) {
			t.Helper()
			count, last, err := s.LiveOffers(t.Context(), "kaspi-main")
			if err != nil || count != want || !last.Equal(wantLast) {
				t.Errorf("%d live offers until %s, want %d until %s, error %v", count, last, want, wantLast, err)
			}
			got, err := s.LiveOfferPayments(t.Context(), "kaspi-main", 10)
			if err != nil || len(got) != len(ids) {
				t.Fatalf("%d payments, want %v, error %v", len(got), ids, err)
			}
			for i, id := range ids {
				if got[i].ID != id {
					t.Errorf("payment %d is %s, want %s", i, got[i].ID, id)
				}
			}
		}
		offer := payment.Observed{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &providers.Action{Kind: providers.ShowQR}, Until: start.Add(time.Hour)}
		endless := payment.Observed{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &providers.Action{Kind: providers.TypeAccount, Service: "Shop", Number: "4711"}}
		observed(t, s, "a-qr", offer)
		live(1, start.Add(time.Hour), "a-qr")
		observed(t, s, "b-account", endless)
		observed(t, s, "c-account", endless)
		observed(t, s, "not-shown", payment.Observed{Verdict: providers.Pending, Reason: providers.Processing, Note: `"verdict":"pending","action":{"kind":"qr"}`})
		observed(t, s, "unknown", payment.Observed{Reason: providers.Timeout})
		live(3, time.Time{}, "a-qr", "b-account", "c-account") // nobody knows when the last one ends
		learn := func(id string, body func(payment.Payment) payment.Body) {
			t.Helper()
			_, err := s.Advance(t.Context(), payment.Payment{Opened: payment.Opened{ID: id}}, func(p payment.Payment) ([]payment.Event, error) {
				return []payment.Event{{At: start.Add(3 * time.Second), Actor: "router", Body: body(p)}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		learn("c-account", func(payment.Payment) payment.Body {
			return payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved, External: "740012345679"}
		})
		learn("b-account", func(payment.Payment) payment.Body {
			return payment.Closed{Attempt: 1, Evidence: payment.Evidence{Attempt: 1, Kind: payment.Withdrawn, Source: payment.FromRouter, At: start.Add(3 * time.Second)}}
		})
		live(1, start.Add(time.Hour), "a-qr")
		learn("b-account", func(p payment.Payment) payment.Body { // its first attempt was shown, this one was not
			return payment.Planned{Attempt: 2, Gateway: "kaspi-main", Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: "second", Evidence: p.Evidence()}
		})
		live(1, start.Add(time.Hour), "a-qr")
		learn("b-account", func(payment.Payment) payment.Body {
			return payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Pending, Reason: providers.PayerConfirming}
		})
		if p, err := s.Get(t.Context(), "b-account"); err != nil || !p.Attempts[0].Reopened {
			t.Fatalf("the first attempt is not seen alive again, error %v", err)
		}
		live(1, start.Add(time.Hour), "a-qr")
	})
}

func TestCodesThatNobodyDocumentedAreCountedByGateway(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		for i, code := range []string{"E-1", "E-2", "E-1"} {
			observed(t, s, fmt.Sprintf("u%d", i), payment.Observed{Reason: providers.UnknownCode, Code: code})
		}
		observed(t, s, "timeout", payment.Observed{Reason: providers.Timeout})
		got, err := s.UnknownCodes(t.Context(), "kaspi-main", 10)
		if err != nil || len(got) != 2 || got[0] != (journal.UnknownCode{Code: "E-1", Count: 2, Last: start.Add(2 * time.Second)}) || got[1].Count != 1 {
			t.Fatalf("%+v, error %v", got, err)
		}
		if got, err := s.UnknownCodes(t.Context(), "halyk-main", 10); err != nil || len(got) != 0 {
			t.Fatalf("%+v, error %v", got, err)
		}
	})
}
