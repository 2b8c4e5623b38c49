package bulk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var until = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// month is few enough to write one by one, and so thin that a month passes: whatever may
// follow days later has happened to one of them. Of those of a minute ago most have not come
// to their end.
var (
	month  = Plan{Payments: 300, PerDay: 10, Until: until}
	minute = Plan{Payments: 300, PerDay: 200_000, Until: until}
)

// on opens two empty books of each engine.
func on(t *testing.T, test func(t *testing.T, bulk, one *kept)) {
	t.Run("sqlite", func(t *testing.T) {
		folder := t.TempDir()
		test(t, keep(t, "sqlite:"+filepath.Join(folder, "bulk.db")), keep(t, "sqlite:"+filepath.Join(folder, "one.db")))
	})
	t.Run("postgresql", func(t *testing.T) { test(t, keep(t, pgtest.URL(t)), keep(t, pgtest.URL(t))) })
}

// kept are books under test.
type kept struct {
	url   string
	store *journal.Store
	rows  *sql.DB
}

func keep(t *testing.T, url string) *kept {
	t.Helper()
	k := &kept{url: url}
	k.open(t)
	if err := k.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *kept) open(t *testing.T) {
	t.Helper()
	driver, dsn := "pgx", k.url
	if path, ok := strings.CutPrefix(k.url, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path
	}
	var err error
	if k.store, err = journal.Open(journal.Options{URL: k.url, Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, Terms()) }}); err != nil {
		t.Fatal(err)
	}
	if k.rows, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.close)
}

func (k *kept) close() { _, _ = k.store.Close(), k.rows.Close() }

// fill fills the books while nobody else has them open.
func (k *kept) fill(t *testing.T, p Plan) (Filled, error) {
	t.Helper()
	k.close()
	defer k.open(t)
	return Fill(t.Context(), k.url, p, func(int) {})
}

func TestEveryRowIsTheOneThatTheJournalWrites(t *testing.T) {
	for name, plan := range map[string]Plan{"month": month, "minute": minute} {
		t.Run(name, func(t *testing.T) {
			on(t, func(t *testing.T, bulk, one *kept) {
				filled, err := bulk.fill(t, plan)
				if err != nil {
					t.Fatal(err)
				}
				for n := range plan.Payments {
					live(t, one.store, plan, n)
				}
				if _, err := one.store.Number(t.Context(), plan.Until, 1_000_000); err != nil {
					t.Fatal(err)
				}
				for _, table := range everyTable(t, bulk) {
					same(t, table, bulk.dump(t, table), one.dump(t, table))
					if rows := filled.Rows[table]; int(rows) != len(bulk.dump(t, table)) {
						t.Errorf("%s: %d rows are told of, there are %d", table, rows, len(bulk.dump(t, table)))
					}
				}
				same(t, "schema", bulk.schema(t), one.schema(t))
			})
		})
	}
}

// live does to a store what happened to payment n.
func live(t *testing.T, s *journal.Store, plan Plan, n int) {
	t.Helper()
	h, err := plan.Default().history(n, Terms())
	if err != nil {
		t.Fatal(err)
	}
	var p payment.Payment
	for i, c := range h.commits {
		events := slices.Clone(c.events)
		decide := func(payment.Payment) ([]payment.Event, error) { return events, nil }
		switch {
		case i == 0:
			p, err = s.Open(t.Context(), *c.request, h.payer, events...)
		case c.request != nil:
			p, err = s.AdvanceOnce(t.Context(), *c.request, p, decide)
		default:
			p, err = s.Advance(t.Context(), p, decide)
		}
		if err != nil {
			t.Fatalf("payment %d, commit %d: %v", n, i, err)
		}
	}
	if h.closed.IsZero() {
		return
	}
	found, err := s.Findings(t.Context(), journal.FindingFilter{Payment: h.id}, journal.Cursor{}, 100)
	if err != nil || len(found) == 0 {
		t.Fatalf("%d findings, error %v", len(found), err)
	}
	for _, f := range found {
		if _, err := s.ChangeFinding(t.Context(), f.ID(), f.Version, closer, closeReason, h.closed, func(f *journal.Finding) error {
			f.State, f.Resolution, f.ClosedBy, f.CloseReason = journal.FindingClosed, journal.ByPerson, closer, closeReason
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// same compares sorted rows, and prints the first that differ.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	lacks := func(side string, rows, others []string) {
		shown := 0
		for _, row := range rows {
			if _, there := slices.BinarySearch(others, row); !there && shown < 3 {
				t.Errorf("%s: %s", side, row)
				shown++
			}
		}
	}
	lacks("only in bulk", got, want)
	lacks("missing in bulk", want, got)
}

// everyTable lists the tables of the books; a new one is compared without anybody's doing.
func everyTable(t *testing.T, k *kept) []string {
	t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1`
	if k.store.Engine() == "postgresql" {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1`
	}
	all := slices.DeleteFunc(k.query(t, query), func(row string) bool { return strings.Contains(row, "goose") })
	for i := range all {
		all[i] = strings.Trim(all[i], "[]")
	}
	if len(all) < 20 {
		t.Fatalf("only %d tables: %q", len(all), all)
	}
	return all
}

// schema lists the indexes and what they are of.
func (k *kept) schema(t *testing.T) []string {
	t.Helper()
	if k.store.Engine() == "postgresql" {
		return k.query(t, `SELECT replace(indexdef, current_schema(), '') FROM pg_indexes WHERE schemaname = current_schema()`)
	}
	return append(k.query(t, `SELECT name, tbl_name, sql FROM sqlite_master`), k.query(t, `PRAGMA journal_mode`)...)
}

// dump reads a table, sorted. Who wrote an event is a random name.
func (k *kept) dump(t *testing.T, table string) []string {
	t.Helper()
	rows := k.query(t, "SELECT * FROM "+table)
	if table == "events" {
		rows = k.query(t, "SELECT payment_id, seq, at, actor, kind, body, length(writer) FROM events")
	}
	return rows
}

func (k *kept) query(t *testing.T, query string) []string {
	t.Helper()
	rows, err := k.rows.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, places := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestEveryHistoryFoldsAndAllThatMayHappenHappens(t *testing.T) {
	on(t, func(t *testing.T, first, second *kept) {
		seen := map[string]int{}
		for books, plan := range map[*kept]Plan{first: month, second: minute} {
			if _, err := books.fill(t, plan); err != nil {
				t.Fatal(err)
			}
			for n := range plan.Payments {
				id, tenant := plan.Payment(n)
				p, err := books.store.Get(t.Context(), id)
				if err != nil || p.Tenant != tenant || p.RequestID != RequestID(n) || p.Order != Order(n) || !p.Created.Equal(plan.At(n)) {
					t.Fatalf("payment %d is %s of %s, error %v", n, p.ID, p.Tenant, err)
				}
				notice(seen, p)
			}
			for _, state := range books.query(t, `SELECT state FROM findings`) {
				seen["finding "+strings.Trim(state, "[]")]++
			}
		}
		for _, what := range []string{"paid", "declined", "failed", "processing", "awaiting_payer", "two attempts", "refund", "finding open", "finding closed", "tenant kiosk", "at wayforpay-main",
			"attempt approved", "attempt declined", "attempt unserved", "attempt unknown", "attempt pending"} {
			if seen[what] == 0 {
				t.Errorf("none has %s; they have %v", what, seen)
			}
		}
	})
}

// notice counts what a payment is an example of.
func notice(seen map[string]int, p payment.Payment) {
	seen[string(p.Status())]++
	seen["tenant "+p.Tenant]++
	for _, a := range p.Attempts {
		seen["at "+a.Gateway]++
		seen["attempt "+a.Verdict.String()]++
	}
	if len(p.Attempts) > 1 {
		seen["two attempts"]++
	}
	if len(p.Refunds) > 0 {
		seen["refund"]++
	}
}

func TestBooksThatHavePaymentsAreLeftAlone(t *testing.T) {
	on(t, func(t *testing.T, bulk, _ *kept) {
		live(t, bulk.store, month, 0)
		before := bulk.schema(t)
		if _, err := bulk.fill(t, month); !errors.Is(err, ErrNotEmpty) {
			t.Fatalf("error %v", err)
		}
		if after := bulk.schema(t); !slices.Equal(after, before) {
			t.Errorf("the schema is %q, was %q", after, before)
		}
		if rows := bulk.dump(t, "payments"); len(rows) != 1 {
			t.Errorf("%d payments", len(rows))
		}
	})
}

func TestFillingStopsWhenItIsTold(t *testing.T) {
	on(t, func(t *testing.T, bulk, _ *kept) {
		bulk.close()
		ctx, stop := context.WithCancel(t.Context())
		many := month
		many.Payments = 10 * perBatch
		_, err := Fill(ctx, bulk.url, many, func(int) { stop() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
