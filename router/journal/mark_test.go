package journal_test

import (
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
			if gone, err := s.WentBack(t.Context()); gone || err != nil {
				t.Fatalf("gone %t, error %v, while all stands", gone, err)
			}
			db, err := sql.Open(driver, name)
			must(t, err)
			defer db.Close()
			for _, table := range []string{"events WHERE payment_id", "payments WHERE id", "requests WHERE payment_id"} {
				_, err := db.ExecContext(t.Context(), "DELETE FROM "+table+" = 'lost'")
				must(t, err)
			}
			if gone, err := s.WentBack(t.Context()); !gone || err != nil {
				t.Errorf("gone %t, error %v", gone, err)
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
