package journal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

func TestAnAttemptTellsOnceWhomItPassedOverAndWhoGaveItNoService(t *testing.T) {
	on(t, func(t *testing.T, open func() *journal.Store) {
		s := open()
		r, e := openOne("a")
		p, err := s.Open(t.Context(), r, providers.Payer{}, e)
		if err != nil {
			t.Fatal(err)
		}
		plan := payment.Planned{Attempt: 1, Gateway: shop, Provider: "kaspi", Method: providers.QR, Flow: providers.Direct, Reference: "ref-a", Route: []payment.Choice{
			{Gateway: "down-main", Why: payment.WhyBreakerOpen}, {Gateway: "dead-main", Why: payment.WhyProbeFailing},
			{Gateway: "drained-main", Why: "drained"}, {Gateway: shop, Taken: true, Why: "taken"}}}
		count := func(gateway string, signal journal.Signal) map[int]int64 {
			t.Helper()
			got, err := s.Signals(t.Context(), gateway, signal, business)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		minute := int(start.Add(time.Second).Sub(business.From) / time.Minute)
		one, none := map[int]int64{minute: 1}, map[int]int64{}
		for i, step := range []struct {
			body     payment.Body
			unserved map[int]int64
		}{
			{plan, none},
			{payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unknown}, none},
			{payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unserved, Reason: providers.NotSent}, one},
			{payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unserved, Reason: providers.NotSent, Code: "again"}, one},
			{payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved}, none}, // it was served after all
		} {
			p, err = s.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
				return []payment.Event{{At: start.Add(time.Duration(i+1) * time.Second), Actor: "test", Body: step.body}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for gateway, want := range map[string]map[int]int64{"down-main": one, "dead-main": one, "drained-main": none, shop: none} {
				if diff := cmp.Diff(want, count(gateway, journal.Diverted)); diff != "" {
					t.Errorf("after step %d, passed over %s (-want +got):\n%s", i, gateway, diff)
				}
			}
			if diff := cmp.Diff(step.unserved, count(shop, journal.Unserved)); diff != "" {
				t.Errorf("after step %d, unserved (-want +got):\n%s", i, diff)
			}
		}
		next, err := s.Signals(t.Context(), "down-main", journal.Diverted, providers.Window{From: business.To, To: business.To.Add(24 * time.Hour)})
		if err != nil || len(next) > 0 {
			t.Errorf("the day after tells of %v, %v", next, err)
		}
	})
}
