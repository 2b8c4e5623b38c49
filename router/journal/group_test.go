package journal_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// What is wrong with one of those who share a commit is its own: the others are durable.
func TestAPaymentThatIsRefusedLeavesTheOthersOfItsCommitAlone(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		kept, first := open("kept", "order")
		_, err := s.Open(t.Context(), kept, providers.Payer{}, first)
		must(t, err)
		a, openA := open("a", "")
		repeated, again := open("again", "")
		repeated.ID = kept.ID
		ordered, sameOrder := open("ordered", "order")
		b, openB := open("b", "")
		errs, _ := s.Together(t.Context(), []journal.Request{a, repeated, ordered, b}, []payment.Event{openA, again, sameOrder, openB})
		for i, want := range []error{nil, journal.ErrRepeated, &journal.OrderTakenError{}, nil} {
			if taken := (*journal.OrderTakenError)(nil); errors.As(want, &taken) {
				if !errors.As(errs[i], &taken) {
					t.Errorf("payment %d is answered %v", i, errs[i])
				}
				continue
			}
			if !errors.Is(errs[i], want) {
				t.Errorf("payment %d is answered %v, want %v", i, errs[i], want)
			}
		}
		for id, there := range map[string]bool{"a": true, "again": false, "ordered": false, "b": true} {
			if _, err := s.Get(t.Context(), id); (err == nil) != there {
				t.Errorf("payment %s: %v", id, err)
			}
		}
		if _, id, err := s.Request(t.Context(), "shop", ordered.ID); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("a refused request left %q behind, error %v", id, err)
		}
	})
}

// PostgreSQL stops a whole transaction for one value that it cannot take, and lets it wait for
// a lock that somebody keeps. Whoever is behind such a thing goes by itself.
func TestAPaymentThatTheDatabaseStopsGoesAlone(t *testing.T) {
	url := pgtest.URL(t)
	s, err := journal.Open(journal.Options{URL: url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	db, err := sql.Open("pgx", url)
	must(t, err)
	defer db.Close()
	lock, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = lock.Rollback() }()
	_, err = lock.ExecContext(t.Context(), `INSERT INTO requests (tenant, request_id, kind, hash, payment_id, object) VALUES ('shop', 'r-locked', 'create', 'h', 'other', '')`)
	must(t, err)

	a, openA := open("a", "")
	locked, openLocked := open("locked", "")
	unfit, openUnfit := open("unfit", "")
	unfit.Hash = "\x00"
	b, openB := open("b", "")
	errs, took := s.Together(t.Context(), []journal.Request{a, locked, unfit, b}, []payment.Event{openA, openLocked, openUnfit, openB})
	for i, want := range []error{nil, journal.ErrAlone, journal.ErrAlone, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("payment %d is answered %v, want %v", i, errs[i], want)
		}
	}
	if took > 3*time.Second {
		t.Errorf("the others waited %s for a lock that is none of theirs", took)
	}
	for id, there := range map[string]bool{"a": true, "locked": false, "unfit": false, "b": true} {
		if _, err := s.Get(t.Context(), id); (err == nil) != there {
			t.Errorf("payment %s: %v", id, err)
		}
	}
}

// Whoever shares commits is answered as whoever has its own: the books are the same.
func TestManyPaymentsAtOnceAreAllInTheBooks(t *testing.T) {
	for name, most := range map[string]int{"sharing": 0, "each by itself": 1} {
		t.Run(name, func(t *testing.T) {
			on(t, func(t *testing.T, openStore func() *journal.Store) {
				_ = openStore() // migrates
				s := openStore()
				if most == 1 {
					s.EachByItself()
				}
				var all sync.WaitGroup
				for caller := range 16 {
					all.Go(func() {
						for n := range 5 {
							r, e := open(fmt.Sprintf("p-%d-%d", caller, n), "")
							p, err := s.Open(t.Context(), r, providers.Payer{}, e)
							if err == nil {
								p, err = s.Advance(t.Context(), p, planned(fmt.Sprintf("ref-%d-%d", caller, n)))
							}
							if err != nil {
								t.Error(err)
								return
							}
							// Everybody else repeats one request in between.
							if _, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrRepeated) {
								t.Errorf("a repetition is answered %v", err)
							}
							if now, err := s.Get(t.Context(), p.ID); err != nil || now.Seq != 2 || len(now.Attempts) != 1 {
								t.Errorf("in the books: %d events, %d attempts, error %v", now.Seq, len(now.Attempts), err)
							}
						}
					})
				}
				all.Wait()
			})
		})
	}
}

// A process that is stopped in the middle of a shared commit holds the keys and rows of all who
// shared it, and those come again elsewhere: together they hold up the others for no longer than
// one of them would.
func TestManyBehindLocksHoldUpTheOthersOfTheirCommitNoLongerThanOne(t *testing.T) {
	url := pgtest.URL(t)
	s, err := journal.Open(journal.Options{URL: url, CommitTimeout: 30 * time.Second, MaxConns: 4, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	stopped := stoppedAt(t, url)
	var requests []journal.Request
	var openings []payment.Event
	free := func(i int) bool { return i%11 == 10 }
	for i := range 44 {
		r, e := open(fmt.Sprint("p", i), "")
		requests, openings = append(requests, r), append(openings, e)
		if !free(i) {
			keep(t, stopped, r)
		}
	}
	alone, took := journal.Share(t.Context(), s, requests, openings)
	for i, err := range alone {
		if errors.Is(err, journal.ErrAlone) == free(i) || free(i) && err != nil {
			t.Errorf("payment %d is answered %v", i, err)
		}
	}
	if took >= 40*100*time.Millisecond { // what is waited for one lock, for each of them
		t.Errorf("the others waited %s for locks that are none of theirs", took)
	}
}

// Whoever waits alone for a lock keeps a connection meanwhile. Many of them leave enough to the
// others, who wait for nobody.
func TestThoseWhoWaitAloneLeaveConnectionsToTheOthers(t *testing.T) {
	url := pgtest.URL(t)
	const conns = 8
	s, err := journal.Open(journal.Options{URL: url, CommitTimeout: 30 * time.Second, MaxConns: conns, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	stopped := stoppedAt(t, url)
	var behind sync.WaitGroup
	var answered atomic.Int64
	for i := range conns + 4 {
		r, e := open(fmt.Sprint("locked", i), "")
		keep(t, stopped, r)
		behind.Go(func() {
			if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err != nil && !journal.Trouble(err) {
				t.Errorf("behind a lock: error %v", err)
			}
			answered.Add(1)
		})
	}
	for waiting := 0; waiting < conns/2; time.Sleep(5 * time.Millisecond) {
		must(t, stopped.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND transactionid::text = pg_current_xact_id()::text`).Scan(&waiting))
	}
	for i := range 10 {
		r, e := open(fmt.Sprint("free", i), "")
		if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err != nil || answered.Load() > 0 {
			t.Errorf("a payment that waits for nobody is answered after %d of those who wait for a lock, error %v", answered.Load(), err)
		}
	}
	must(t, stopped.Rollback())
	behind.Wait()
}

// stoppedAt is a transaction of a process that was stopped before it came to its end.
func stoppedAt(t *testing.T, url string) *sql.Tx {
	t.Helper()
	db, err := sql.Open("pgx", url)
	must(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback(); _ = db.Close() })
	return tx
}

// keep locks the key of a request.
func keep(t *testing.T, tx *sql.Tx, r journal.Request) {
	t.Helper()
	_, err := tx.ExecContext(t.Context(), `INSERT INTO requests (tenant, request_id, kind, hash, payment_id, object) VALUES ('shop', $1, 'create', 'h', 'other', '')`, r.ID)
	must(t, err)
}
