package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// on runs the one suite on both engines.
func on(t *testing.T, test func(t *testing.T, open func() *journal.Store)) {
	terms := payment.Terms{}
	opener := func(t *testing.T, url string) func() *journal.Store {
		return func() *journal.Store {
			t.Helper()
			store, err := journal.Open(journal.Options{URL: url, Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			return store
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		test(t, opener(t, "sqlite:"+filepath.Join(t.TempDir(), "books.db")))
	})
	t.Run("postgresql", func(t *testing.T) { test(t, opener(t, pgtest.URL(t))) })
}

func open(id, order string) (journal.Request, payment.Event) {
	body := payment.Opened{ID: id, Tenant: "shop", RequestID: "r-" + id, Order: order,
		Amount: providers.Money{Minor: 1500, Currency: "KZT"}, Methods: []providers.Method{providers.QR}, Deadline: start.Add(time.Hour)}
	return journal.Request{Tenant: "shop", ID: "r-" + id, Kind: "create", Hash: "h"},
		payment.Event{At: start, Actor: "caller:test", Body: body}
}

func planned(reference string) journal.Decide {
	return func(p payment.Payment) ([]payment.Event, error) {
		if len(p.Attempts) > 0 {
			return nil, nil
		}
		return []payment.Event{{At: start.Add(time.Second), Actor: "router", Body: payment.Planned{Attempt: 1, Gateway: "kaspi-main",
			Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: reference}}}, nil
	}
}

func TestOneRequestIDMakesOnePaymentAndAnotherBodyIsRefused(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		r, e := open("p1", "")
		if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err != nil {
			t.Fatal(err)
		}
		again := e
		body := e.Body.(payment.Opened)
		body.ID = "p2"
		again.Body = body
		p, err := s.Open(t.Context(), r, providers.Payer{}, again)
		if !errors.Is(err, journal.ErrRepeated) || p.ID != "p1" {
			t.Fatalf("payment %q, error %v", p.ID, err)
		}
		r.Hash = "other"
		var reused *journal.ReusedError
		if _, err := s.Open(t.Context(), r, providers.Payer{}, again); !errors.As(err, &reused) || reused.Payment != "p1" {
			t.Fatalf("error %v", err)
		}
	})
}

func TestTwoReplicasOfOneRequestOpenOnePayment(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		var group sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			group.Go(func() {
				_, e := open(fmt.Sprintf("race-%d", i), "")
				r := journal.Request{Tenant: "shop", ID: "one", Kind: "create", Hash: "h"}
				p, err := s.Open(context.Background(), r, providers.Payer{}, e)
				if err != nil && !errors.Is(err, journal.ErrRepeated) {
					t.Error(err)
				}
				ids[i] = p.ID
			})
		}
		group.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("payments %v", ids)
			}
		}
	})
}

func TestAnOrderHasOneOpenPayment(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		r, e := open("o1", "order-7")
		if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err != nil {
			t.Fatal(err)
		}
		r2, e2 := open("o2", "order-7")
		var taken *journal.OrderTakenError
		if _, err := s.Open(t.Context(), r2, providers.Payer{}, e2); !errors.As(err, &taken) || taken.Payment != "o1" {
			t.Fatalf("error %v", err)
		}
		if _, _, err := s.Request(t.Context(), "shop", "r-o2"); !errors.Is(err, journal.ErrNotFound) {
			t.Fatalf("a refused payment used up its request id: %v", err)
		}
		_, err := s.Advance(t.Context(), payment.Payment{Opened: payment.Opened{ID: "o1"}}, func(p payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: start, Actor: "router", Body: payment.Finished{Outcome: payment.OutcomeFailed}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(t.Context(), r2, providers.Payer{}, e2); err != nil {
			t.Fatalf("after the first ended unpaid: %v", err)
		}
	})
}

func TestOnlyOneOfManyPlannersPlans(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		r, e := open("p", "")
		first, err := s.Open(t.Context(), r, providers.Payer{Phone: "+77010000000"}, e)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		var lock sync.Mutex
		plans := 0
		for i := range 8 {
			group.Go(func() {
				mine := false
				_, err := s.Advance(context.Background(), first, func(p payment.Payment) ([]payment.Event, error) {
					events, err := planned(fmt.Sprintf("ref-%d", i))(p)
					mine = len(events) > 0
					return events, err
				})
				if err != nil {
					t.Error(err)
				}
				if mine {
					lock.Lock()
					plans++
					lock.Unlock()
				}
			})
		}
		group.Wait()
		p, err := s.Get(t.Context(), "p")
		if err != nil || len(p.Attempts) != 1 || plans != 1 {
			t.Fatalf("%d attempts, %d planners believe they planned, error %v", len(p.Attempts), plans, err)
		}
		id, n, err := s.FindAttempt(t.Context(), "kaspi-main", providers.Ref{Order: p.Attempts[0].Reference})
		if err != nil || id != "p" || n != 1 {
			t.Fatalf("found %s/%d, error %v", id, n, err)
		}
		payer, err := s.Payer(t.Context(), "p")
		if err != nil || payer.Phone != "+77010000000" {
			t.Fatalf("payer %+v, error %v", payer, err)
		}
	})
}

func TestAReferenceIsNeverUsedTwiceAtOneGateway(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		for i, id := range []string{"a", "b"} {
			r, e := open(id, "")
			p, err := s.Open(t.Context(), r, providers.Payer{}, e)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Advance(t.Context(), p, planned("same"))
			if (err != nil) != (i == 1) {
				t.Fatalf("payment %s: error %v", id, err)
			}
		}
	})
}

func TestDueWorkIsClaimedOnceAndComesBackAfterItsLease(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		const payments = 40
		for i := range payments {
			r, e := open(fmt.Sprintf("w%d", i), "")
			if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err != nil {
				t.Fatal(err)
			}
		}
		now := start.Add(time.Hour) // nobody began them, so they are due once their callers had time to
		var group sync.WaitGroup
		var lock sync.Mutex
		claimed := map[string]int{}
		for range 4 {
			group.Go(func() {
				for range 30 {
					ids, err := s.Claim(context.Background(), now, now.Add(time.Minute), 7)
					if err != nil {
						t.Error(err)
						return
					}
					lock.Lock()
					for _, id := range ids {
						claimed[id]++
					}
					lock.Unlock()
				}
			})
		}
		group.Wait()
		for id, times := range claimed {
			if times != 1 {
				t.Errorf("%s claimed %d times", id, times)
			}
		}
		if len(claimed) != payments {
			t.Fatalf("claimed %d of %d", len(claimed), payments)
		}
		if ids, _ := s.Claim(t.Context(), now.Add(2*time.Minute), now.Add(3*time.Minute), 100); len(ids) != payments {
			t.Fatalf("after the lease %d came back", len(ids))
		}
	})
}

// Who was claimed and is woken meanwhile, by an order that moves payments, is due at once and not
// when the worker, who did not know of it, comes to an end.
func TestAWakeDuringALeaseOutlivesTheLease(t *testing.T) {
	on(t, func(t *testing.T, opened func() *journal.Store) {
		s := opened()
		r, e := open("w", "")
		_, err := s.Open(t.Context(), r, providers.Payer{}, e)
		must(t, err)
		due := func(at time.Time) int {
			t.Helper()
			ids, err := s.Claim(t.Context(), at, at.Add(time.Minute), 1)
			must(t, err)
			return len(ids)
		}
		now := start.Add(time.Hour)
		if due(now) != 1 {
			t.Fatal("it is not due")
		}
		must(t, s.Wake(t.Context(), "w", now.Add(time.Second)))
		must(t, s.Defer(t.Context(), "w", 1, now.Add(time.Minute), now.Add(time.Hour)))
		now = now.Add(2 * time.Second)
		if due(now) != 1 {
			t.Error("the wake was lost")
		}
		must(t, s.Defer(t.Context(), "w", 1, now.Add(time.Minute), now.Add(time.Hour)))
		if due(now.Add(59*time.Minute)) != 0 || due(now.Add(time.Hour)) != 1 {
			t.Error("nobody woke it, and it is not due when the worker said")
		}
	})
}

func TestTheFeedHasNoGapsAndKeepsEveryChange(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		for i := range 10 {
			r, e := open(fmt.Sprintf("f%d", i), "")
			p, err := s.Open(t.Context(), r, providers.Payer{}, e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Advance(t.Context(), p, planned(fmt.Sprintf("ref%d", i))); err != nil {
				t.Fatal(err)
			}
		}
		for {
			n, err := s.Number(t.Context(), start, 7)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		changes, err := s.Changes(t.Context(), "shop", 0, 100)
		if err != nil || len(changes) != 20 {
			t.Fatalf("%d changes, error %v", len(changes), err)
		}
		for i, c := range changes {
			if c.Seq != int64(i+1) {
				t.Fatalf("change %d has number %d", i, c.Seq)
			}
		}
		if rest, _ := s.Changes(t.Context(), "shop", 15, 100); len(rest) != 5 {
			t.Fatalf("%d after 15", len(rest))
		}
	})
}

func TestPagesAreStableAndFiltered(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		for i := range 9 {
			r, e := open(fmt.Sprintf("l%d", i), "")
			e.At = start.Add(time.Duration(i) * time.Second)
			if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		var cursor journal.Cursor
		for {
			page, err := s.List(t.Context(), journal.Filter{Tenant: "shop", Status: payment.StatusProcessing}, cursor, 4)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page {
				if seen[p.ID] {
					t.Fatalf("%s twice", p.ID)
				}
				seen[p.ID] = true
				cursor = journal.Cursor{Created: p.Created, ID: p.ID}
			}
			if len(page) < 4 {
				break
			}
		}
		if len(seen) != 9 {
			t.Fatalf("saw %d", len(seen))
		}
		if other, err := s.List(t.Context(), journal.Filter{Tenant: "other"}, journal.Cursor{}, 10); err != nil || len(other) != 0 {
			t.Fatalf("another tenant saw %d, error %v", len(other), err)
		}
	})
}

func TestCountersLeasesAnswersAndOverrides(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s, ctx := openStore(), t.Context()
		one, _ := s.Take(ctx, "halyk-main", 100)
		two, err := s.Take(ctx, "halyk-main", 1)
		if err != nil || one != 1 || two != 101 {
			t.Fatalf("took %d and %d, error %v", one, two, err)
		}
		if ok, err := s.Lease(ctx, "feed", "a", start, time.Minute); err != nil || !ok {
			t.Fatalf("lease %t, error %v", ok, err)
		}
		if ok, _ := s.Lease(ctx, "feed", "b", start.Add(time.Second), time.Minute); ok {
			t.Fatal("a lease was taken from its owner")
		}
		if ok, _ := s.Lease(ctx, "feed", "b", start.Add(2*time.Minute), time.Minute); !ok {
			t.Fatal("a lease that ran out was not given on")
		}
		if err := s.Release(ctx, "feed", "a"); err != nil {
			t.Fatal(err)
		}
		if ok, _ := s.Lease(ctx, "feed", "a", start.Add(2*time.Minute), time.Minute); ok {
			t.Fatal("a lease was given up by one who had it no more")
		}
		if err := s.Release(ctx, "feed", "b"); err != nil {
			t.Fatal(err)
		}
		if ok, _ := s.Lease(ctx, "feed", "a", start.Add(2*time.Minute), time.Minute); !ok {
			t.Fatal("a lease that was given up is not to be had")
		}
		first, _ := s.KeepAnswer(ctx, "kaspi-main", "txn-1", providers.Reply{Status: 200, Body: []byte("first")})
		second, err := s.KeepAnswer(ctx, "kaspi-main", "txn-1", providers.Reply{Status: 200, Body: []byte("second")})
		if err != nil || string(first.Body) != "first" || string(second.Body) != "first" {
			t.Fatalf("answers %q, %q, error %v", first.Body, second.Body, err)
		}
		o := journal.Override{ID: "o1", Gateway: "kaspi-main", Mode: "drain", Actor: "operator:aida", Reason: "down",
			Created: start, Start: start, End: start.Add(time.Hour)}
		if _, err := s.CreateOverride(ctx, o); err != nil {
			t.Fatal(err)
		}
		if all, _ := s.Overrides(ctx, start); len(all) != 1 || all[0].Reason != "down" {
			t.Fatalf("overrides %+v", all)
		}
		if ok, _ := s.EndOverride(ctx, "o1", 7, "operator:b", start); ok {
			t.Fatal("a stale version ended an override")
		}
		if ok, err := s.EndOverride(ctx, "o1", 1, "operator:b", start); !ok || err != nil {
			t.Fatalf("ended %t, error %v", ok, err)
		}
	})
}
