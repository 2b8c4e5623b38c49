package journal_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// The floors of floor.go: PostgreSQL alone has them.

const (
	usual     = 2 * time.Second
	wide      = 10 * time.Second // twice the time-out of a write
	wideEvery = time.Second
	sweep     = 30 * time.Second
)

// queues are what waits on PostgreSQL, with a way round the journal to its rows.
type queues struct {
	*testing.T
	rows *sql.DB
	url  string
	ears ears
}

func newQueues(t *testing.T) *queues {
	q := &queues{T: t, url: pgtest.URL(t)}
	var err error
	q.rows, err = sql.Open("pgx", q.url)
	must(t, err)
	t.Cleanup(func() { q.rows.Close() })
	return q
}

// replica is a process that has not looked yet.
func (q *queues) replica() *journal.Store { return overheard(q.T, q.url, &q.ears) }

type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (q *queues) exec(on executor, query string, args ...any) {
	q.Helper()
	_, err := on.ExecContext(q.Context(), query, args...)
	must(q.T, err)
}

// change lets a change of a payment wait for its number since an instant.
func (q *queues) change(on executor, id string, at time.Time) {
	q.Helper()
	q.exec(on, `INSERT INTO outbox (payment_id, seq, tenant, at) VALUES ($1, 1, 'shop', $2)`, id, at.UnixMicro())
}

// due writes a payment that is due at an instant.
func (q *queues) due(on executor, id string, at time.Time) {
	q.Helper()
	q.exec(on, `INSERT INTO payments (id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, due_at, payer)
		VALUES ($1, 'shop', '', FALSE, 'processing', $2, TRUE, 1, $3, $3, $3, '{}')`, id, shop, at.UnixMicro())
}

// churn has many payments wait, a hundred a second from start on, and then wait no more.
func (q *queues) churn(n int) {
	q.Helper()
	q.exec(q.rows, `INSERT INTO payments (id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, due_at, payer)
		SELECT 'p' || i, 'shop', '', FALSE, 'processing', $3, TRUE, 1, CAST($2 AS BIGINT), $2, $2 + i * 10000, '{}' FROM generate_series(1, $1) i`, n, start.UnixMicro(), shop)
	q.exec(q.rows, `INSERT INTO outbox (payment_id, seq, tenant, at) SELECT 'p' || i, 1, 'shop', CAST($2 AS BIGINT) + i * 10000 FROM generate_series(1, $1) i`, n, start.UnixMicro())
	q.exec(q.rows, `UPDATE payments SET due_at = NULL`)
	q.exec(q.rows, `DELETE FROM outbox`)
}

// buffers counts the pages that what was just asked reads, by the statement's first words.
func (q *queues) buffers(words string) (sum int) {
	q.Helper()
	seen := false
	for _, s := range q.ears.take() {
		if !strings.HasPrefix(s.text, words) {
			continue
		}
		seen = true
		for i := len(s.args); i > 0; i-- {
			s.text = strings.ReplaceAll(s.text, fmt.Sprintf("$%d", i), literal(s.args[i-1]))
		}
		tx, err := q.rows.BeginTx(q.Context(), nil)
		must(q.T, err)
		defer func() { _ = tx.Rollback() }() // an UPDATE is done only to be counted
		var text string
		must(q.T, tx.QueryRowContext(q.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+s.text).Scan(&text))
		var found []struct {
			Plan struct {
				Hit  int `json:"Shared Hit Blocks"`
				Read int `json:"Shared Read Blocks"`
			}
		}
		must(q.T, json.Unmarshal([]byte(text), &found))
		sum += found[0].Plan.Hit + found[0].Plan.Read
	}
	if !seen {
		q.Errorf("nothing was asked that begins with %q", words)
	}
	return sum
}

// Twenty thousand entries that no vacuum may clear away cost a look as much as none: but for the
// one that begins at the first.
func TestALookDoesNotPassOverWhatWaitedBefore(t *testing.T) {
	for _, analyzed := range []bool{false, true} {
		t.Run(fmt.Sprintf("analyzed %t", analyzed), func(t *testing.T) {
			q := newQueues(t)
			s := q.replica()
			analyst, err := q.rows.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
			must(t, err)
			defer func() { _ = analyst.Rollback() }()
			q.exec(analyst, `SELECT COUNT(*) FROM payments`)
			const entries, few, many = 20000, 16, 100
			q.churn(entries)
			if analyzed {
				q.exec(q.rows, "ANALYZE")
			}
			now := start.Add(time.Hour)
			look := func(queue string, at time.Time, want ...string) {
				t.Helper()
				q.ears.take()
				switch queue {
				case "work":
					gateways, err := s.DueAt(t.Context(), at)
					must(t, err)
					if !slices.Equal(gateways, want) {
						t.Errorf("due at %v", gateways)
					}
				case "claim":
					ids, err := s.Claim(t.Context(), at, at.Add(time.Minute), 16, shop)
					must(t, err)
					if !slices.Equal(ids, want) {
						t.Errorf("claimed %v", ids)
					}
				case "feed":
					n, err := s.Number(t.Context(), at, 256)
					must(t, err)
					if n != len(want) {
						t.Errorf("%d were numbered", n)
					}
				}
			}
			for queue, below := range map[string]string{"work": "SELECT due_at FROM payments WHERE due_at <", "feed": "SELECT at FROM outbox WHERE at <"} {
				look(queue, now)
				if n := q.buffers(below); n < many {
					t.Errorf("the look below the floor of the %s passes over %d pages: there is nothing to see here", queue, n)
				}
			}
			q.due(q.rows, "waits", now)
			q.change(q.rows, "waits", now)
			now = now.Add(time.Second)
			for _, c := range []struct {
				queue, words string
				want         []string
			}{
				{"work", "SELECT", []string{shop}},
				{"claim", "UPDATE payments", []string{"waits"}},
				{"work", "SELECT", nil},
				{"feed", "SELECT at", []string{"waits"}},
				{"feed", "SELECT at", nil},
			} {
				look(c.queue, now, c.want...)
				if n := q.buffers(c.words); n > few {
					t.Errorf("a look of the %s that finds %v reads %d pages", c.queue, c.want, n)
				}
			}
			q.change(q.rows, "waits too", now)
			look("feed", now, "waits too")
			if n := q.buffers("INSERT INTO feed"); n > few {
				t.Errorf("to number one change reads %d pages", n)
			}
		})
	}
}

// Transactions end in no order, and some late: what they wrote is found, at once where it lies
// above the floor, within a second above the wide floor, and below that at the next sweep.
func TestWhatIsCommittedLateIsFound(t *testing.T) {
	for _, c := range []struct {
		age      time.Duration // at the look before the commit
		at, soon time.Duration // after that look: when it is found, and a look that does not find it
	}{
		{age: usual, at: time.Millisecond},
		{age: usual + time.Millisecond, soon: wideEvery - time.Millisecond, at: wideEvery},
		{age: wide - wideEvery, soon: wideEvery - time.Millisecond, at: wideEvery},
		{age: wide + time.Millisecond, soon: sweep - time.Second, at: sweep},
		{age: 30 * 24 * time.Hour, soon: sweep - time.Second, at: sweep},
		{age: -time.Hour, at: 0}, // from a clock that is wrong; due only then
	} {
		t.Run(c.age.String(), func(t *testing.T) {
			q := newQueues(t)
			s := q.replica()
			late, err := q.rows.BeginTx(t.Context(), nil)
			must(t, err)
			defer func() { _ = late.Rollback() }()
			q.change(late, "late", start.Add(-c.age))
			q.due(late, "late", start.Add(-c.age))
			look := func(after time.Duration) (numbered int, due []string) {
				t.Helper()
				numbered, err := s.Number(t.Context(), start.Add(after), 256)
				must(t, err)
				_, err = s.DueAt(t.Context(), start.Add(after))
				must(t, err)
				due, err = s.Claim(t.Context(), start.Add(after), start.Add(after+time.Minute), 16, shop)
				must(t, err)
				return numbered, due
			}
			if n, due := look(0); n+len(due) > 0 {
				t.Fatal("it is seen before its commit")
			}
			must(t, late.Commit())
			if c.soon > 0 {
				if n, due := look(c.soon); n+len(due) > 0 {
					t.Errorf("found already after %v: looks begin below the floor", c.soon)
				}
			}
			wantDue := 1
			if c.age < 0 {
				wantDue = 0
			}
			if n, due := look(c.at); n != 1 || len(due) != wantDue {
				t.Errorf("%d numbered, %d due", n, len(due))
			}
			if n, err := q.replica().Number(t.Context(), start, 256); n != 0 || err != nil {
				t.Errorf("numbered again: %d, error %v", n, err)
			}
		})
	}
}

// A process that has not looked yet finds everything at its first look, and one whose look failed
// at its second.
func TestAReplicaThatTakesOverFindsWhatHasWaitedForLong(t *testing.T) {
	q := newQueues(t)
	s := q.replica()
	old := start.Add(-30 * 24 * time.Hour)
	look := func(s *journal.Store, ctx context.Context) (int, []string, error) {
		n, err := s.Number(ctx, start, 256)
		if err != nil {
			_, err = s.DueAt(ctx, start)
			return 0, nil, err
		}
		_, err = s.DueAt(ctx, start)
		must(t, err)
		due, err := s.Claim(ctx, start, start.Add(time.Minute), 16)
		return n, due, err
	}
	for i, prepare := range []func(){func() {}, func() {
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := look(s, canceled); err == nil {
			t.Error("a look that was broken off found something out")
		}
		if n, due, err := look(s, t.Context()); n+len(due) > 0 || err != nil {
			t.Errorf("the look after one that failed begins below its floor: %d, %v, error %v", n, due, err)
		}
	}} {
		id := fmt.Sprint("old-", i)
		q.change(q.rows, id, old)
		q.due(q.rows, id, old)
		prepare()
		if n, due, err := look(s, t.Context()); n != 1 || !slices.Equal(due, []string{id}) || err != nil {
			t.Errorf("%s: %d numbered, due %v, error %v", id, n, due, err)
		}
	}
}

// Whatever the order of commits and the instants that were written: nothing that was committed
// waits for its number longer than a sweep.
func TestNothingThatWaitsIsPassedOverForLong(t *testing.T) {
	q := newQueues(t)
	q.replica()
	rapid.Check(t, func(rt *rapid.T) {
		q.exec(q.rows, `DELETE FROM outbox`)
		q.exec(q.rows, `DELETE FROM feed`)
		s, err := journal.Open(journal.Options{URL: q.url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
		must(t, err)
		defer s.Close()
		now, looked := start, start.Add(-time.Hour)
		type entry struct{ at, committed time.Time }
		written := map[string]entry{} // their transactions have not ended
		waiting := map[string]entry{}
		open := map[string]*sql.Tx{}
		defer func() {
			for _, tx := range open {
				_ = tx.Rollback()
			}
		}()
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, wideEvery / 2, wideEvery, wide, sweep / 2, time.Hour}).Draw(rt, "passes"))
			switch rapid.SampledFrom([]string{"write", "write", "commit", "commit", "look", "look"}).Draw(rt, "step") {
			case "write":
				if len(open) < 3 {
					id := fmt.Sprint("e", i)
					at := now.Add(-rapid.SampledFrom([]time.Duration{0, usual, usual + time.Millisecond, wide, wide + time.Millisecond, time.Hour, -time.Second, -time.Hour}).Draw(rt, "age"))
					tx, err := q.rows.BeginTx(t.Context(), nil)
					must(t, err)
					q.change(tx, id, at)
					open[id], written[id] = tx, entry{at: at}
				}
			case "commit":
				for id, tx := range open { // whichever
					must(t, tx.Commit())
					waiting[id] = entry{written[id].at, now}
					delete(open, id)
					break
				}
			case "look":
				n, err := s.Number(t.Context(), now, rapid.IntRange(1, 4).Draw(rt, "most")*64)
				must(t, err)
				left := column(t, q.rows, `SELECT payment_id FROM outbox`)
				if n != len(waiting)-len(left) {
					rt.Fatalf("%d numbered of %d, and %d are left", n, len(waiting), len(left))
				}
				for id, e := range waiting {
					switch {
					case !slices.Contains(left, id):
						delete(waiting, id)
					case !e.committed.Add(sweep).After(now):
						rt.Fatalf("%s of %v waits since %v, and was not found at %v", id, e.at, e.committed, now)
					case !e.at.Before(looked.Add(-usual)), !e.at.Before(looked.Add(-wide)) && !e.committed.Add(wideEvery).After(now):
						rt.Fatalf("%s of %v was not found at %v, and the look before was at %v", id, e.at, now, looked)
					}
				}
				looked = now
			}
		}
	})
}
