package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// onNothing runs a test on an empty database of each engine.
func onNothing(t *testing.T, test func(t *testing.T, s *Store)) {
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") },
		"postgresql": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { test(t, empty(t, url(t))) })
	}
}

func empty(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(Options{URL: url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// upTo brings the schema to where an earlier version left it, and returns the newest step of
// this one.
func (s *Store) upTo(t *testing.T, step func(newest int64) int64) (newest int64) {
	t.Helper()
	provider, err := s.provider(s.write)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range provider.ListSources() {
		newest = max(newest, source.Version)
	}
	if _, err := provider.UpTo(t.Context(), step(newest)); err != nil {
		t.Fatal(err)
	}
	return newest
}

func before(newest int64) int64 { return newest - 1 }

// later marks a step of a later version as applied.
func (s *Store) later(t *testing.T) {
	t.Helper()
	if _, err := s.write.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`); err != nil {
		t.Fatal(err)
	}
}

// The version before starts on the schema of the version after it: there would be no roll-back
// otherwise.
func TestASchemaOfALaterVersionIsTakenAsItIs(t *testing.T) {
	onNothing(t, func(t *testing.T, s *Store) {
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.later(t)
		if err := errors.Join(s.Migrate(t.Context()), s.SchemaReady(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

func TestASchemaThatLacksAStepIsReportedWithTheWayOut(t *testing.T) {
	onNothing(t, func(t *testing.T, s *Store) {
		if err := s.SchemaReady(t.Context()); !errors.Is(err, ErrSchemaBehind) {
			t.Errorf("of an empty database: error %v", err)
		}
		newest := s.upTo(t, before)
		if err := s.SchemaReady(t.Context()); !errors.Is(err, ErrSchemaBehind) || !strings.HasSuffix(err.Error(), fmt.Sprintf(`it lacks step %d; run "payrouter migrate" of this version first`, newest)) {
			t.Errorf("error %v", err)
		}
		s.later(t)
		for what, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "SchemaReady": s.SchemaReady(t.Context())} {
			if !errors.Is(err, ErrSchemaParted) || !strings.Contains(err.Error(), fmt.Sprintf("at step 99999 and lacks step %d; start a release that has them all", newest)) {
				t.Errorf("%s: error %v", what, err)
			}
		}
	})
}

// A step that waits for a table makes all wait who come after it. It lets them pass: a charge
// that cannot be written down in time is not made.
func TestAMigrationThatHasToWaitLetsPaymentsPass(t *testing.T) {
	s := empty(t, pgtest.URL(t))
	s.upTo(t, func(int64) int64 { return 7 }) // the next step wants the attempts for itself
	const write = `UPDATE attempts SET external = external WHERE payment_id = 'p'`
	slow, err := s.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Rollback() }()
	if _, err := slow.ExecContext(t.Context(), write); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- s.Migrate(t.Context()) }()
	for waits := 0; waits == 0; {
		if err := s.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'attempts'::regclass`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-migrated:
			t.Fatalf("it did not wait: error %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), stepWaits+2*time.Second)
	defer cancel()
	if _, err := s.write.ExecContext(soon, write); err != nil {
		t.Errorf("a payment cannot be written while a migration waits: %v", err)
	}
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
	if err := s.SchemaReady(t.Context()); err != nil {
		t.Error(err)
	}
}

// Books of an earlier version are brought up to date with all that stands in them, and a
// process of that version may go on writing.
func TestBooksOfAnEarlierVersionKeepWhatStandsInThem(t *testing.T) {
	onNothing(t, func(t *testing.T, s *Store) {
		s.upTo(t, func(int64) int64 { return 1 })
		const earlier = `INSERT INTO findings (payment_id, kind, attempt, at, detail) VALUES ($1, 'undecided', 1, 7, 'x') ON CONFLICT DO NOTHING`
		exec := func(payment string) {
			if _, err := s.write.ExecContext(t.Context(), earlier, payment); err != nil {
				t.Fatal(err)
			}
		}
		exec("p1")
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		exec("p1") // by a process of the version before: it is there already
		exec("p2")
		var n int
		if err := s.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM findings WHERE about = '' AND kind = 'undecided' AND attempt = 1 AND at = 7 AND detail = 'x' AND state = 'open' AND source = 'payment'`).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d findings are kept, error %v", n, err)
		}
	})
}
