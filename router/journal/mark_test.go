package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// A process whose last commit is gone writes nothing behind it: whatever it would send
// then may have been sent before (SAFETY section 3).
func TestBooksThatLostAProcessLastCommitTakeNothingFromIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	for engine, url := range map[string]func(*testing.T) (string, string, string){
		"sqlite":     func(*testing.T) (string, string, string) { return "sqlite:" + path, "sqlite", "file:" + path },
		"postgresql": func(t *testing.T) (string, string, string) { url := pgtest.URL(t); return url, "pgx", url },
	} {
		t.Run(engine, func(t *testing.T) {
			url, driver, name := url(t)
			s, err := journal.Open(journal.Options{URL: url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
			must(t, err)
			defer s.Close()
			must(t, s.Migrate(t.Context()))
			openNow := func(id string) payment.Payment {
				t.Helper()
				r, e := open(id, "")
				p, err := s.Open(t.Context(), r, providers.Payer{}, e)
				must(t, err)
				return p
			}
			kept := openNow("kept")
			openNow("lost")
			if look, err := s.LookOver(t.Context()); look.Gone || look.Moved || err != nil {
				t.Fatalf("%+v, error %v, while all stands", look, err)
			}
			db, err := sql.Open(driver, name)
			must(t, err)
			defer db.Close()
			for _, table := range []string{"events WHERE payment_id", "payments WHERE id", "requests WHERE payment_id"} {
				_, err := db.ExecContext(t.Context(), "DELETE FROM "+table+" = 'lost'")
				must(t, err)
			}
			if look, err := s.LookOver(t.Context()); !look.Gone || err != nil {
				t.Errorf("%+v, error %v", look, err)
			}
			r, e := open("new", "")
			if _, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrWentBack) {
				t.Errorf("an opening on books that went back: error %v", err)
			}
			if _, err := s.Advance(t.Context(), kept, planned("ref")); !errors.Is(err, journal.ErrWentBack) || !journal.Trouble(err) {
				t.Errorf("a plan on books that went back: error %v", err)
			}
			if p, err := s.Get(t.Context(), "kept"); err != nil || len(p.Attempts) != 0 {
				t.Errorf("%d attempts, error %v", len(p.Attempts), err)
			}
			s.StartAnew()
			if _, err := s.Advance(t.Context(), kept, planned("ref")); err != nil {
				t.Errorf("a plan on books taken as they are: %v", err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// behind is a process that finds less of a payment than it had read before.
func behind(t *testing.T, openStore func() *journal.Store) *journal.Store {
	t.Helper()
	a, b := openStore(), openStore()
	r, e := open("p", "")
	p, err := a.Open(t.Context(), r, providers.Payer{}, e)
	must(t, err)
	p.Seq = 7 // as b had read it before
	if _, err := b.Advance(t.Context(), p, planned("ref")); !errors.Is(err, journal.ErrWentBack) {
		t.Errorf("error %v", err)
	}
	return b
}

// What a process had read of a payment, and is not there any more, tells the same as its
// own commit: somebody else's is gone.
func TestBooksThatHoldLessOfAPaymentThanWasReadWentBack(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		b := behind(t, openStore)
		if look, err := b.LookOver(t.Context()); !look.Behind || err != nil {
			t.Errorf("%+v, error %v", look, err)
		}
		if look, err := b.LookOver(t.Context()); look.Behind || err != nil {
			t.Errorf("told once: %+v, error %v", look, err)
		}
	})
}

// A process may still hold a payment as it was before the books went back. When others have
// written on since, its next number fits what it never read: it must not be written there.
func TestAPaymentWhoseHistoryWasReplacedTakesNothingFromWhoReadTheOldOne(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		a, b := openStore(), openStore()
		r, e := open("p", "")
		_, err := a.Open(t.Context(), r, providers.Payer{}, e)
		must(t, err)
		before, err := b.Get(t.Context(), "p")
		must(t, err)
		gone := before
		gone.Writer = "a commit that the books lost" // as a had read it, at the same number
		a.StartAnew()
		if _, err := a.Advance(t.Context(), gone, planned("ref")); !errors.Is(err, journal.ErrWentBack) {
			t.Errorf("error %v", err)
		}
		if look, err := a.LookOver(t.Context()); !look.Behind || err != nil {
			t.Errorf("%+v, error %v", look, err)
		}
		if now, err := b.Get(t.Context(), "p"); err != nil || now.Seq != before.Seq {
			t.Errorf("written up to %d, error %v", now.Seq, err)
		}
		if _, err := a.Advance(t.Context(), before, planned("ref")); err != nil {
			t.Errorf("on what stands there: %v", err)
		}
	})
}

// While a server is taken over from, looks fail. What was found out before is still told.
func TestThatTheBooksAreBehindIsToldByTheFirstLookThatComesToItsEnd(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		b := behind(t, openStore)
		cut, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.LookOver(cut); err == nil {
			t.Fatal("a look that was cut off came to its end")
		}
		if look, err := b.LookOver(t.Context()); !look.Behind || err != nil {
			t.Errorf("after a look that failed: %+v, error %v", look, err)
		}
	})
}
