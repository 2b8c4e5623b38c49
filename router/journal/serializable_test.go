package journal_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// crowd is many writers at several replicas on one PostgreSQL whose every transaction is
// isolated more strictly than PostgreSQL does it by itself: SERIALIZABLE, as on CockroachDB, or
// with one snapshot for all of it, as on YugabyteDB. It stands in for such an engine, whose SQL
// and whose clocks it does not have.
type crowd struct {
	*testing.T
	replicas []*journal.Store
	db       *sql.DB
	refused  atomic.Int64 // calls that failed for another one's sake, and were made again by their caller
	sent     sync.Map     // payment → how many believe that they planned its attempt: *atomic.Int64
}

func newCrowd(t *testing.T, isolation string, replicas int) *crowd {
	t.Helper()
	url := pgtest.URL(t) + "&default_transaction_isolation=" + strings.ReplaceAll(isolation, " ", "%20")
	c := &crowd{T: t}
	for range replicas {
		terms := payment.Terms{}
		s, err := journal.Open(journal.Options{URL: url, MaxConns: 8, Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		c.replicas = append(c.replicas, s)
	}
	must(t, c.replicas[0].Migrate(t.Context()))
	var err error
	c.db, err = sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { c.db.Close() })
	if is := column(t, c.db, `SHOW transaction_isolation`); !slices.Equal(is, []string{isolation}) {
		t.Fatalf("transactions are %s", is)
	}
	return c
}

// insists does what a caller does who is told that somebody else was in the way: the same again.
func (c *crowd) insists(do func() error) {
	for {
		err := do()
		if !refusedOnce(err) {
			if err != nil {
				c.Error(err)
			}
			return
		}
		c.refused.Add(1)
	}
}

// pays opens a payment, which others open too under the same request id, plans its attempt and,
// if it was the one who did, takes its money and gives it back.
func (c *crowd) pays(s *journal.Store, request, writer int) {
	_, e := open(fmt.Sprintf("p-%d-%d", request, writer), fmt.Sprintf("order-%d", request))
	r := journal.Request{Tenant: "shop", ID: fmt.Sprintf("r-%d", request), Kind: "create", Hash: "h"}
	var p payment.Payment
	c.insists(func() (err error) {
		if p, err = s.Open(context.Background(), r, providers.Payer{}, e); err != nil && !refusedOnce(err) && p.ID != "" { // it came before
			err = nil
		}
		return err
	})
	mine := false
	c.insists(func() error {
		next, err := s.Advance(context.Background(), p, func(p payment.Payment) ([]payment.Event, error) {
			events, err := planned(fmt.Sprintf("ref-%d-%d", request, writer))(p)
			mine = len(events) > 0
			return events, err
		})
		if err == nil {
			p = next
		}
		return err
	})
	if !mine {
		return
	}
	count, _ := c.sent.LoadOrStore(p.ID, new(atomic.Int64))
	if n, ok := count.(*atomic.Int64); ok {
		n.Add(1)
	}
	for _, bodies := range [][]payment.Body{
		{payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "x-" + p.ID}},
		{payment.RefundRequested{Refund: "f", RequestID: "f", Amount: price}, payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: price, Refund: "f", Reference: "own-" + p.ID}},
		{payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "back-" + p.ID}},
	} {
		c.insists(func() error {
			next, err := s.Advance(context.Background(), p, func(payment.Payment) (events []payment.Event, _ error) {
				for _, b := range bodies {
					events = append(events, payment.Event{At: start.Add(time.Minute), Actor: "test", Body: b})
				}
				return events, nil
			})
			if err == nil {
				p = next
			}
			return err
		})
	}
}

// keepsHouse numbers the feed and claims work, as every replica does all the time.
func (c *crowd) keepsHouse(ctx context.Context, s *journal.Store, name string) {
	for ctx.Err() == nil {
		c.insists(func() error {
			mine, err := s.Lease(context.Background(), "sequencer", name, time.Now(), 50*time.Millisecond)
			if err != nil || !mine {
				return err
			}
			// Where the lease ran out under it, another one numbers too, and one of them fails.
			if _, err = s.Number(context.Background(), start, 16); journal.Trouble(err) && strings.Contains(err.Error(), "feed_pkey") {
				return nil
			}
			return err
		})
		c.insists(func() error {
			_, err := s.Claim(context.Background(), start.Add(time.Hour), start.Add(61*time.Minute), 4)
			return err
		})
		time.Sleep(time.Millisecond)
	}
}

// Nothing is lost and nothing doubled where every transaction is isolated strictly. All that is
// refused is made again within the journal, but for what is left to callers with a request id.
func TestWritersThatAreIsolatedStrictlyLoseAndDoubleNothing(t *testing.T) {
	for _, isolation := range []string{"serializable", "repeatable read"} {
		t.Run(isolation, func(t *testing.T) { newCrowd(t, isolation, replicas).loseAndDoubleNothing() })
	}
}

const replicas = 3

func (c *crowd) loseAndDoubleNothing() {
	const requests, writers = 40, 3
	ctx, stop := context.WithCancel(c.Context())
	var house, crowd sync.WaitGroup
	for i, s := range c.replicas {
		house.Go(func() { c.keepsHouse(ctx, s, fmt.Sprint("replica-", i)) })
	}
	var first [replicas]int64
	for w := range replicas * writers {
		s := c.replicas[w%replicas]
		crowd.Go(func() {
			for request := range requests {
				c.pays(s, request, w)
				if request%8 != 0 {
					continue
				}
				c.insists(func() error {
					_, err := s.AppendAudit(context.Background(), audit.Record{Time: start, Actor: "operator:aida", Act: "act", Subject: fmt.Sprintf("%d-%d", w, request), Phase: audit.Asked})
					return err
				})
				c.insists(func() error {
					n, err := s.Take(context.Background(), "orders", 10)
					if err == nil {
						atomic.AddInt64(&first[w%replicas], n)
					}
					return err
				})
				c.insists(func() error {
					return s.StoreNotice(context.Background(), fmt.Sprintf("n-%d-%d", w, request), shop, providers.Notice{}, start)
				})
			}
		})
	}
	crowd.Wait()
	stop()
	house.Wait()
	for { // what the last one left
		n, err := c.replicas[0].Number(c.Context(), start, 256)
		must(c.T, err)
		if n == 0 {
			break
		}
	}
	c.books(requests)
	const each = replicas * writers * requests / 8
	c.holds("taken numbers", fmt.Sprint(10*each), `SELECT value FROM counters WHERE name = 'orders'`)
	var sum int64
	for _, n := range first {
		sum += n
	}
	if want := int64(each + 10*each*(each-1)/2); sum != want { // 1, 11, 21 …
		c.Errorf("the first numbers taken add up to %d, want %d: some were given twice", sum, want)
	}
	if last, err := audit.Check(c.replicas[0].WalkAudit(c.Context()), audit.Anchor{}); err != nil || last.Number != each {
		c.Errorf("the audit ends at %d of %d: %v", last.Number, each, err)
	}
	c.holds("notices", fmt.Sprint(each), `SELECT COUNT(*) FROM notices`)
	rolled := column(c.T, c.db, `SELECT pg_stat_get_db_xact_rollback(oid) FROM pg_database WHERE datname = current_database()`)
	c.Logf("%d calls were refused for another one's sake and made again by their callers; the server has rolled back %s transactions", c.refused.Load(), rolled)
}

// holds asks the books for one value.
func (c *crowd) holds(what, want, query string) {
	c.Helper()
	if got := column(c.T, c.db, query); !slices.Equal(got, []string{want}) {
		c.Errorf("%s: %s, want %s", what, got, want)
	}
}

// books looks whether every request has one payment, paid once and given back once, and all of
// it in the feed.
func (c *crowd) books(requests int) {
	c.Helper()
	all := column(c.T, c.db, `SELECT id FROM payments ORDER BY id`)
	if len(all) != requests {
		c.Errorf("%d payments of %d requests", len(all), requests)
	}
	changes := 0
	for _, id := range all {
		p, err := c.replicas[0].Get(c.Context(), id)
		must(c.T, err)
		if p.Status() != payment.StatusPaid || p.Refundable() != 0 || len(p.Operations) != 1 || len(p.Attempts) != 1 || p.Seq != 6 || len(p.Findings) > 0 {
			c.Errorf("%s is %s after %d events, with %d attempts and %d findings", id, p.Status(), p.Seq, len(p.Attempts), len(p.Findings))
		}
		n, _ := c.sent.Load(id)
		if planners, ok := n.(*atomic.Int64); !ok || planners.Load() != 1 {
			c.Errorf("of %s somebody has not planned its one attempt, or two believe that they did: both would send", id)
		}
		changes += 5 // of six events, two were written at once
	}
	feed, err := c.replicas[0].Changes(c.Context(), "shop", 0, math.MaxInt32)
	must(c.T, err)
	last := map[string]int64{}
	for i, change := range feed {
		if change.Seq != int64(i+1) || change.EventSeq <= last[change.Payment] {
			c.Errorf("change %d of the feed is number %d, event %d of %s after its event %d", i+1, change.Seq, change.EventSeq, change.Payment, last[change.Payment])
		}
		last[change.Payment] = change.EventSeq
	}
	if len(feed) != changes || len(last) != requests {
		c.Errorf("the feed has %d changes of %d payments, want %d of %d", len(feed), len(last), changes, requests)
	}
	c.holds("requests", fmt.Sprint(requests), `SELECT COUNT(*) FROM requests`)
	c.holds("changes without a number", "0", `SELECT COUNT(*) FROM outbox`)
	if twice := column(c.T, c.db, `SELECT reference FROM attempts GROUP BY gateway, reference HAVING COUNT(*) > 1`); len(twice) > 0 {
		c.Errorf("used twice: %s", strings.Join(twice, ", "))
	}
}
