package journal_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// One who is refused again and again is told so when the time of one write is over, or when
// nobody waits for it any more.
func TestOneWhoIsAlwaysRefusedGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	s := openStrict(t, &strict{path: path})
	must(t, s.Migrate(t.Context()))
	r, e := open("p", "")
	p, err := s.Open(t.Context(), r, providers.Payer{}, e)
	must(t, err)
	must(t, s.Close())
	refuses := &strict{path: path, always: true}
	s, err = journal.Open(journal.Options{Connector: refuses, MaxConns: 1, CommitTimeout: 100 * time.Millisecond, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	for name, write := range map[string]func(context.Context) error{
		"a transaction": func(ctx context.Context) error { _, err := s.Take(ctx, "orders", 1); return err },
		"a statement":   func(ctx context.Context) error { return s.Release(ctx, "lease", "me") },
		"an append":     func(ctx context.Context) error { _, err := s.Advance(ctx, p, planned("x")); return err },
	} {
		began, before := time.Now(), len(refuses.points)
		if err := write(t.Context()); !refusedOnce(err) || !journal.Trouble(err) {
			t.Errorf("%s: error %v", name, err)
		}
		took, tries := time.Since(began), len(refuses.points)-before
		if took < 50*time.Millisecond || took > 5*time.Second || tries < 3 {
			t.Errorf("%s: gave up after %s and %d tries", name, took, tries)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := write(gone); err == nil {
			t.Errorf("%s: nobody waits for it, and it succeeded", name)
		}
	}
}

// Rows that do not follow from the events come from no write of ours. Whoever appends to such a
// payment hears of it, and does not try for ever.
func TestAPaymentWhoseRowsDoNotFollowFromItsEventsIsGivenUp(t *testing.T) {
	for driver, url := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "books.db"), "pgx": ""} {
		t.Run(driver, func(t *testing.T) {
			name := strings.TrimPrefix(url, "sqlite:")
			if driver == "pgx" {
				url = pgtest.URL(t)
				name = url
			}
			s, err := journal.Open(journal.Options{URL: url, CommitTimeout: 500 * time.Millisecond, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
			must(t, err)
			t.Cleanup(func() { s.Close() })
			must(t, s.Migrate(t.Context()))
			pay(t, s, "p")
			rows, err := sql.Open(driver, name)
			must(t, err)
			t.Cleanup(func() { rows.Close() })
			_, err = rows.ExecContext(t.Context(), `UPDATE payments SET seq = seq + 7`)
			must(t, err)
			_, err = s.Advance(t.Context(), payment.Payment{Opened: payment.Opened{ID: "p"}}, func(payment.Payment) ([]payment.Event, error) {
				return []payment.Event{{At: start, Actor: "test", Body: payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Approved}}}, nil
			})
			if err == nil || !strings.Contains(err.Error(), "does not follow from its") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
