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
