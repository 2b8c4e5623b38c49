package bulk

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// ErrNotEmpty says that the books have payments: they may be somebody's.
var ErrNotEmpty = errors.New("bulk: the books are not empty")

// Filled is what the books hold afterwards.
type Filled struct {
	Plan    Plan
	Changes map[string]int64 // how long each tenant's feed is
	Rows    map[string]int64 // by table
}

// perBatch is how many payments are written in one transaction.
const perBatch = 2000

// Fill writes the payments of a plan into books that are migrated and empty. The URL is the
// journal's. While it is at work the tables have no indexes: it makes them anew at the end,
// and has the database look at what there is. Books that it did not finish are of no use.
// After each batch it says how many payments are written.
func Fill(ctx context.Context, url string, plan Plan, progress func(done int)) (Filled, error) {
	plan = plan.Default()
	filled := Filled{Plan: plan, Rows: map[string]int64{}}
	if err := plan.validate(); err != nil {
		return filled, err
	}
	into, err := open(ctx, url)
	if err != nil {
		return filled, fmt.Errorf("bulk: %w", err)
	}
	defer into.close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	batches, numbers := make(chan *batch, 1), &sequencer{}
	go func() { // one makes rows while the other writes them
		defer close(batches)
		if err := plan.batches(ctx, numbers, batches); err != nil {
			stop(err)
		}
	}()
	done := 0
	for b := range batches {
		if err := into.write(ctx, b); err != nil {
			return filled, fmt.Errorf("bulk: %w", err)
		}
		for i, rows := range b {
			filled.Rows[tables[i].name] += int64(len(rows))
		}
		done += len(b[payments])
		progress(done)
	}
	if err := context.Cause(ctx); err != nil {
		return filled, fmt.Errorf("bulk: %w", err)
	}
	filled.Changes = numbers.last
	if err := into.finish(ctx); err != nil {
		return filled, fmt.Errorf("bulk: %w", err)
	}
	return filled, nil
}

// batches makes the rows of all payments: several batches at once, handed out in their order.
func (p Plan) batches(ctx context.Context, numbers *sequencer, out chan<- *batch) error {
	type made struct {
		batch   *batch
		changes changes
		err     error
	}
	queue := make(chan chan made, runtime.GOMAXPROCS(0))
	go func() {
		defer close(queue)
		for from := 0; from < p.Payments; from += perBatch {
			one := make(chan made, 1)
			select {
			case queue <- one:
			case <-ctx.Done():
				return
			}
			go func() {
				b, c, err := p.batch(from, min(from+perBatch, p.Payments))
				one <- made{b, c, err}
			}()
		}
	}()
	next := 0
	for one := range queue {
		m := <-one
		if m.err != nil {
			return m.err
		}
		for _, c := range m.changes {
			heap.Push(&numbers.waiting, c)
		}
		before := int64(math.MaxInt64)
		if next += perBatch; next < p.Payments {
			before = micros(p.At(next)) // what comes later brings nothing earlier
		}
		numbers.number(m.batch, before)
		select {
		case out <- m.batch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// batch makes the rows of the payments from one number to another, but for those of the feed,
// and the changes that these will be of.
func (p Plan) batch(from, to int) (*batch, changes, error) {
	b, all, terms := &batch{}, changes(nil), Terms()
	due := func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }
	for n := from; n < to; n++ {
		h, err := p.history(n, terms)
		if err != nil {
			return nil, nil, err
		}
		if err := b.write(h, due); err != nil {
			return nil, nil, err
		}
		for _, c := range h.commits {
			last := c.events[len(c.events)-1]
			all = append(all, change{at: micros(last.At), payment: h.id, seq: last.Seq, tenant: c.p.Tenant})
		}
	}
	return b, all, nil
}

// books are where rows are written to.
type books interface {
	write(ctx context.Context, b *batch) error
	// finish makes the indexes and the statistics.
	finish(ctx context.Context) error
	close()
}

// open takes the indexes off books that have no payments.
func open(ctx context.Context, url string) (books, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return openSQLite(ctx, path)
	}
	return openPostgres(ctx, url)
}

// names lists the tables.
func names() []string {
	var all []string
	for _, t := range tables {
		all = append(all, t.name)
	}
	return all
}
