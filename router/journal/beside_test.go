package journal

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/pgtest"
)

// An index is built beside those who write, and waits for those who began before it. A build
// that waited too long is cut off and leaves an index that nobody may use: it is built again.
func TestAnIndexThatWasCutOffIsBuiltAgain(t *testing.T) {
	s := empty(t, pgtest.URL(t))
	s.upTo(t, func(int64) int64 { return 14 }) // the next step builds indexes
	ctx := t.Context()
	long, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = long.Rollback() }()
	if _, err := long.ExecContext(ctx, `UPDATE payments SET seq = seq`); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- s.Migrate(ctx) }()
	invalid := func() (n int) {
		if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	builds := func() (n int) { // at work just now
		if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_stat_progress_create_index WHERE relid = 'payments'::regclass`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for invalid() == 0 || builds() > 0 { // cut off, and not yet begun again
		select {
		case err := <-migrated:
			t.Fatalf("it did not wait: error %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := long.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
	if n := invalid(); n > 0 {
		t.Errorf("%d indexes cannot be used", n)
	}
	if err := s.SchemaReady(ctx); err != nil {
		t.Error(err)
	}
}
