package journal

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// Books of an earlier version are brought up to date with all that stands in them, and a
// process of that version may go on writing.
func TestBooksOfAnEarlierVersionKeepWhatStandsInThem(t *testing.T) {
	for name, url := range map[string]func() string{
		"sqlite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") },
		"postgresql": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(Options{URL: url(), Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			provider, err := s.provider()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := provider.UpTo(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
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
}
