package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Two replicas may both believe that they number the feed, and changes may be committed
// meanwhile: no number is missing or given twice, and no change is lost.
func TestTwoSequencersLeaveNoGapAndLoseNothing(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		a, b := openStore(), openStore()
		const payments = 60
		var group sync.WaitGroup
		written := make(chan struct{})
		group.Go(func() {
			defer close(written)
			for i := range payments {
				r, e := open(fmt.Sprintf("s%d", i), "")
				r.Tenant = fmt.Sprintf("tenant-%d", i%3)
				body := e.Body.(payment.Opened)
				body.Tenant = r.Tenant
				e.Body, e.At = body, start.Add(-time.Duration(i)*time.Second) // clocks of replicas differ
				p, err := a.Open(context.Background(), r, providers.Payer{}, e)
				if err == nil {
					written <- struct{}{}
					_, err = a.Advance(context.Background(), p, planned(fmt.Sprintf("seq-%d", i)))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		for _, s := range []*journal.Store{a, b} {
			group.Go(func() {
				for range written {
					_, _ = s.Number(context.Background(), start, 7) // the other at the same time may make it fail
				}
			})
		}
		group.Wait()
		// Each look is one from the first entry on, but the first after one that failed.
		for i, nothing := 1, 0; nothing < 2; i++ {
			n, err := a.Number(t.Context(), start.Add(time.Duration(i)*time.Hour), 7)
			if err != nil {
				t.Fatal(err)
			}
			if nothing++; n > 0 {
				nothing = 0
			}
		}
		total := 0
		for i := range 3 {
			changes, err := a.Changes(t.Context(), fmt.Sprintf("tenant-%d", i), 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for j, c := range changes {
				if key := fmt.Sprint(c.Payment, c.EventSeq); c.Seq != int64(j+1) || seen[key] {
					t.Fatalf("change %d is %+v", j, c)
				} else {
					seen[key] = true
				}
			}
			total += len(changes)
		}
		if total != 2*payments {
			t.Fatalf("%d changes of %d", total, 2*payments)
		}
	})
}
