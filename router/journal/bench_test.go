package journal_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// onEach runs a benchmark on a SQLite file and on PostgreSQL. The throw-away server of
// the tests does not write through to the disk; the benchmark's name says what the server
// itself says about that. paydev bench measures a durable one.
func onEach(b *testing.B, run func(*testing.B, *journal.Store)) {
	bench := func(url func(testing.TB) string) func(*testing.B) {
		return func(b *testing.B) {
			terms := payment.Terms{}.Default()
			s, err := journal.Open(journal.Options{URL: url(b), Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := s.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			run(b, s)
		}
	}
	b.Run("sqlite", bench(func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") }))
	b.Run("postgresql", func(b *testing.B) { b.Run("fsync "+fsync(b, pgtest.URL(b)), bench(pgtest.URL)) })
}

func fsync(b *testing.B, url string) (setting string) {
	b.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(b.Context(), "SHOW fsync").Scan(&setting); err != nil {
		b.Fatal(err)
	}
	return setting
}

// numbered opens payment after payment, with an order and a payer as callers give them.
type numbered struct{ n int }

func (c *numbered) open(ctx context.Context, s *journal.Store) (payment.Payment, error) {
	c.n++
	r, e := open(fmt.Sprintf("019b76da-0000-7000-8000-%012d", c.n), fmt.Sprintf("order-%d", c.n))
	return s.Open(ctx, r, providers.Payer{Phone: "+77010000000", Email: "aida@example.kz", Name: "Aida", IP: "203.0.113.7"}, e)
}

// BenchmarkOpen opens payments: one commit each.
func BenchmarkOpen(b *testing.B) {
	onEach(b, func(b *testing.B, s *journal.Store) {
		var c numbered
		for b.Loop() {
			if _, err := c.open(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAdvance plans the first attempt of payments that were just opened: one commit
// each. Opening them is not measured.
func BenchmarkAdvance(b *testing.B) {
	onEach(b, func(b *testing.B, s *journal.Store) {
		var c numbered
		for b.Loop() {
			b.StopTimer()
			p, err := c.open(b.Context(), s)
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if p, err = s.Advance(b.Context(), p, planned(fmt.Sprintf("ref-%d", c.n))); err != nil || len(p.Attempts) != 1 {
				b.Fatalf("%d attempts, error %v", len(p.Attempts), err)
			}
		}
	})
}

// BenchmarkNumber numbers changes that wait, as many at a time as the service does. Making
// them is not measured.
func BenchmarkNumber(b *testing.B) {
	const most = 256
	onEach(b, func(b *testing.B, s *journal.Store) {
		var c numbered
		for b.Loop() {
			b.StopTimer()
			for range most {
				if _, err := c.open(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			if n, err := s.Number(b.Context(), start, most); err != nil || n != most {
				b.Fatalf("%d were numbered, error %v", n, err)
			}
		}
		b.ReportMetric(most*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
	})
}
