package journal_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// One who is refused again and again is told so when the time of one write is over, or when
// nobody waits for it any more.
func TestOneWhoIsAlwaysRefusedGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	s := openStrict(t, &strict{path: path})
	must(t, s.Migrate(t.Context()))
	must(t, s.Close())
	refuses := &strict{path: path, always: true}
	s, err := journal.Open(journal.Options{Connector: refuses, MaxConns: 1, CommitTimeout: 100 * time.Millisecond, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	for name, write := range map[string]func(context.Context) error{
		"a transaction": func(ctx context.Context) error { _, err := s.Take(ctx, "orders", 1); return err },
		"a statement":   func(ctx context.Context) error { return s.Release(ctx, "lease", "me") },
	} {
		began, before := time.Now(), len(refuses.points)
		if err := write(t.Context()); !refusedOnce(err) && err != nil || err == nil {
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
