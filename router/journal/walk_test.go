package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

func TestAWalkListsEachAttemptOfADayOnceWhateverIsKnownOfIt(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		pay(t, s, "b") // and gave it back the same day
		for _, id := range []string{"c", "a"} {
			r, e := openOne(id)
			p, err := s.Open(t.Context(), r, providers.Payer{}, e)
			if err == nil {
				_, err = s.Advance(t.Context(), p, planned("ref-"+id)) // of c nobody knows what became
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		p, err := s.Get(t.Context(), "a")
		for n := 0; n < 3 && err == nil; n++ { // two parts of it go back on the day after
			p, err = s.Advance(t.Context(), p, inParts(n))
		}
		if err != nil {
			t.Fatal(err)
		}
		next := providers.Window{From: business.To, To: business.To.Add(24 * time.Hour)}
		for _, c := range []struct {
			kind    providers.LineKind
			gateway string
			span    providers.Window
			want    string
		}{
			{providers.LineCharge, shop, business, "a/1 b/1 c/1"},
			{providers.LineRefund, shop, business, ""}, // the day's own attempts are asked about already
			{providers.LineCharge, shop, next, ""},
			{providers.LineRefund, shop, next, "a/1"},
			{providers.LineCharge, "halyk-main", business, ""},
			{providers.LineCharge, shop, providers.Window{From: start.Add(time.Second), To: start.Add(time.Second + time.Microsecond)}, "a/1 b/1 c/1"},
			{providers.LineCharge, shop, providers.Window{From: business.From, To: start.Add(time.Second)}, ""},
		} {
			for _, page := range []int{1, 2, 10} {
				var said []string
				var after journal.Movement
				for {
					some, further, err := s.Walk(t.Context(), c.kind, c.gateway, c.span, after, page)
					if err != nil {
						t.Fatal(err)
					}
					if len(some) == 0 {
						break
					}
					for _, w := range some {
						said = append(said, fmt.Sprintf("%s/%d", w.Payment, w.Attempt))
					}
					after = further
				}
				if got := strings.Join(said, " "); got != c.want {
					t.Errorf("%s at %s from %s, %d at a time: %q, want %q", c.kind, c.gateway, c.span.From, page, got, c.want)
				}
			}
		}
	})
}

// inParts has a payment paid, and then refunded by a little each time.
func inParts(n int) journal.Decide {
	return func(payment.Payment) ([]payment.Event, error) {
		if n == 0 {
			return []payment.Event{{At: start.Add(time.Minute), Actor: "gateway", Body: payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved}}}, nil
		}
		id, at, part := fmt.Sprintf("f%d", n), start.Add(30*time.Hour+time.Duration(n)*time.Minute), providers.Money{Minor: 100, Currency: "KZT"}
		return []payment.Event{
			{At: at, Actor: "router", Body: payment.RefundRequested{Refund: id, RequestID: id, Amount: part}},
			{At: at, Actor: "router", Body: payment.OperationPlanned{Operation: n, Op: payment.OpRefund, Attempt: 1, Amount: part, Refund: id, Reference: "own-" + id}},
			{At: at, Actor: "gateway", Body: payment.OperationObserved{Operation: n, Source: payment.FromResponse, Verdict: providers.Approved}},
		}, nil
	}
}
