package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Two replicas archive at once what two others write on, erase and read: every event that was
// committed is told of once, in its place, to everybody and at any time.
func TestArchivingBesideEverybodyElseLosesAndDoublesNothing(t *testing.T) {
	const payments, appends = 12, 60
	aging(t, func(s shelf) {
		var ids []string
		known := make([]atomic.Int64, payments) // events that were committed, at least
		for i := range payments {
			p := s.write(fmt.Sprintf("p%02d", i), paid()...)
			ids = append(ids, p.ID)
			known[i].Store(p.Seq)
		}
		ctx, done := context.WithCancel(context.Background())
		defer done()
		var others, writers sync.WaitGroup
		moved := make([]int64, 2)
		until := func(do func(s shelf) error) {
			replica := s.another()
			others.Go(func() {
				for ctx.Err() == nil {
					if err := do(replica); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range moved {
			w := ArchiveWalk{Tenant: "shop", Began: later}
			until(func(s shelf) error {
				a, err := s.Archive(context.Background(), "pass", w, term, later, 5)
				moved[i] += a.Done
				if w.After = a.Last; a.Rows == 0 {
					w.After = Cursor{}
				}
				return err
			})
		}
		until(func(s shelf) error {
			for i, id := range ids {
				before := known[i].Load()
				p, err := s.Get(context.Background(), id)
				if err == nil && p.Seq < before {
					err = fmt.Errorf("%s is read up to %d, and %d was committed before", id, p.Seq, before)
				}
				if err != nil {
					return err
				}
			}
			_, err := s.GetMany(context.Background(), ids)
			return err
		})
		until(func(s shelf) error {
			_, err := s.ErasePayers(context.Background(), "pass", Cursor{}, term, term, later, 5)
			return err
		})
		for range 2 {
			replica := s.another()
			writers.Go(func() {
				for i := range appends {
					at := i % payments
					p, err := replica.Advance(context.Background(), payment.Payment{Opened: payment.Opened{ID: ids[at]}}, func(p payment.Payment) ([]payment.Event, error) {
						return []payment.Event{{At: bought, Actor: "test", Body: payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Approved, External: "x-1"}}}, nil
					})
					look, lookErr := replica.LookOver(context.Background())
					if look.Gone || look.Behind {
						lookErr = fmt.Errorf("the books are said to have gone back: %+v", look)
					}
					if err := errors.Join(err, lookErr); err != nil {
						t.Error(err)
						return
					}
					for before := known[at].Load(); before < p.Seq && !known[at].CompareAndSwap(before, p.Seq); before = known[at].Load() {
					}
				}
			})
		}
		writers.Wait()
		done()
		others.Wait()
		s.archive("pass")
		s.erase("pass")
		for i, id := range ids {
			events, err := s.Events(t.Context(), id)
			if want := 7 + 2*appends/payments; err != nil || len(events) != want || known[i].Load() != int64(want) {
				t.Errorf("%s has %d events of %d, error %v", id, len(events), want, err)
			}
		}
		if s.rows("archive") != payments || s.rows("events") != payments || s.rows("payments WHERE archived_seq = seq") != payments {
			t.Errorf("%d rows of the archive, %d of events", s.rows("archive"), s.rows("events"))
		}
		if moved[0]+moved[1] == 0 {
			t.Error("nobody archived anything meanwhile")
		}
		t.Logf("archived %v beside %d appends", moved, 2*appends)
	})
}
