package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// feedState is what the books say of the feed of changes when all that was asked for is done.
type feedState struct {
	caughtUp time.Duration // until every change had its number, from when the last charge was answered; never when it took longer than we waited
	numbered int64
	wrong    []string // what is out of order
	paid     int64    // payments, to hold against the charges that were answered
}

// feedPatience is how long the feed may take to catch up.
const feedPatience = 20 * time.Second

// feed looks at the feed of some books beside those who write it.
type feed struct{ db *sql.DB }

func openFeed(books string) (*feed, error) {
	db, err := sql.Open("pgx", books)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &feed{db}, nil
}

func (f *feed) close() { _ = f.db.Close() }

func (f *feed) count(ctx context.Context, query string) (n int64, err error) {
	return n, f.db.QueryRowContext(ctx, query).Scan(&n)
}

const changesWaiting = `SELECT COUNT(*) FROM outbox`

// watch looks again and again how many changes wait for their number, until the function that
// it returns is called, which tells the most that there were; -1 unknown.
func (f *feed) watch(ctx context.Context) (most func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan int64)
	go func() {
		seen := int64(-1)
		for ctx.Err() == nil {
			if n, err := f.count(ctx, changesWaiting); err == nil {
				seen = max(seen, n)
			}
			away(ctx, 100*time.Millisecond)
		}
		done <- seen
	}()
	return func() int64 { cancel(); return <-done }
}

// outOfOrder are questions whose answer is 0 when the feed is whole and in order.
var outOfOrder = map[string]string{
	"numbers are missing, or there are two of one": `SELECT COUNT(*) FROM (SELECT seq - LAG(seq, 1, CAST(0 AS BIGINT)) OVER (ORDER BY seq) AS step FROM feed) steps WHERE step <> 1`,
	"a payment's changes are not in their order":   `SELECT COUNT(*) FROM (SELECT event_seq - LAG(event_seq, 1, CAST(0 AS BIGINT)) OVER (PARTITION BY payment_id ORDER BY seq) AS step FROM feed) steps WHERE step <= 0`,
	"a payment's last change is not in the feed":   `SELECT COUNT(*) FROM payments p WHERE NOT EXISTS (SELECT 1 FROM feed f WHERE f.payment_id = p.id AND f.event_seq = p.seq)`,
}

// settled waits until the feed has caught up, and looks whether it is in order.
func (f *feed) settled(ctx context.Context) (s feedState, err error) {
	began := time.Now()
	for s.caughtUp = never; s.caughtUp == never && time.Since(began) < feedPatience && ctx.Err() == nil; {
		waiting, err := f.count(ctx, changesWaiting)
		switch {
		case err != nil:
			return s, err
		case waiting == 0:
			s.caughtUp = time.Since(began)
		default:
			away(ctx, 10*time.Millisecond)
		}
	}
	if s.numbered, err = f.count(ctx, `SELECT COUNT(*) FROM feed`); err != nil {
		return s, err
	}
	if s.paid, err = f.count(ctx, `SELECT COUNT(*) FROM payments WHERE status = 'paid'`); err != nil {
		return s, err
	}
	for what, query := range outOfOrder {
		n, err := f.count(ctx, query)
		if err != nil {
			return s, err
		}
		if n > 0 {
			s.wrong = append(s.wrong, fmt.Sprintf("%s: %d", what, n))
		}
	}
	return s, nil
}
