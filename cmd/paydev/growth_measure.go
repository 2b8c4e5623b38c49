package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// measure calls every operation in all books of an engine.
func (g *growth) measure(ctx context.Context, e growthEngine, all []*grown, r *growthReport) error {
	for _, o := range operations() {
		if g.operations != nil && !slices.Contains(g.operations, o.name) {
			continue
		}
		c := &growthCell{Engine: e.name(), Operation: o.name, What: o.what}
		if err := g.cell(ctx, e, o, all, c); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		r.Cells = append(r.Cells, c)
		g.say("%s", c.line())
	}
	return nil
}

// cell measures one operation. Calls alternate between the books, and the ratio is the median
// of each repetition's own.
func (g *growth) cell(ctx context.Context, e growthEngine, o operation, all []*grown, c *growthCell) error {
	took, found, ratios, quiet := make([][]time.Duration, len(all)), make([]int, len(all)), []float64{}, []float64{}
	for round := range g.repetitions {
		calls := g.calls
		if round == 0 {
			if _, _, err := g.round(ctx, o, all, max(5, calls/2)); err != nil { // warm-up
				return err
			}
		}
		these, got, err := g.round(ctx, o, all, calls)
		if err != nil {
			return err
		}
		for i := range all {
			took[i] = append(took[i], these[i]...)
			found[i] += got[i]
		}
		share := func(percent int) float64 {
			return float64(quantile(these[len(all)-1], percent)) / float64(max(1, quantile(these[0], percent)))
		}
		ratios, quiet = append(ratios, share(50)), append(quiet, share(10))
	}
	slices.Sort(ratios)
	slices.Sort(quiet)
	c.Ratio, c.Quiet = ratios[len(ratios)/2], quiet[len(quiet)/2]
	for i, b := range all {
		pages, err := g.pages(ctx, e, o, b)
		if err != nil {
			return err
		}
		c.Books = append(c.Books, growthFigures{Payments: b.plan.Payments, Found: float64(found[i]) / float64(len(took[i])), P10US: quantile(took[i], 10).Microseconds(), P50US: quantile(took[i], 50).Microseconds(), P90US: quantile(took[i], 90).Microseconds(), Pages: pages})
	}
	c.judge()
	return nil
}

// judge says whether the operation costs more in the largest books. Where it found more there,
// each of what it found must cost more, too; where the smallest books have nothing to find and the
// largest have, there is nothing to compare with.
func (c *growthCell) judge() {
	small, large := c.Books[0].Found, c.Books[len(c.Books)-1].Found
	c.Each = c.Ratio
	if large > small {
		c.Each *= small / large
	}
	c.Over = min(c.Ratio, c.Quiet, c.Each) > flat
}

// mostOfRound is after what time a repetition ends early, for what takes long, and leastCalls
// how often it is called all the same.
const (
	mostOfRound = 4 * time.Second
	leastCalls  = 3
)

// round calls an operation some times in each books, in turn.
func (g *growth) round(ctx context.Context, o operation, all []*grown, calls int) (took [][]time.Duration, found []int, err error) {
	took, found = make([][]time.Duration, len(all)), make([]int, len(all))
	start := time.Now()
	for n := range calls {
		if n >= leastCalls && time.Since(start) > mostOfRound {
			break
		}
		for i := range all {
			i := (i + n) % len(all) // nobody is always the first
			call, err := o.ready(ctx, all[i])
			if err != nil {
				return nil, nil, fmt.Errorf("%d payments: %w", all[i].plan.Payments, err)
			}
			began := time.Now()
			n, err := call(ctx)
			if err != nil {
				return nil, nil, fmt.Errorf("%d payments: %w", all[i].plan.Payments, err)
			}
			took[i], found[i] = append(took[i], time.Since(began)), found[i]+n
		}
	}
	return took, found, nil
}

// pages is how many pages of tables and indexes one call touches; -1 when that is not known. A
// connection tells of them when it leaves, so the calls have connections of their own.
func (g *growth) pages(ctx context.Context, e growthEngine, o operation, b *grown) (float64, error) {
	if err := b.store.Close(); err != nil {
		return 0, err
	}
	defer func() { _ = b.store.Close(); _ = b.connect(0) }()
	before := e.pages(ctx, b.url)
	if before < 0 {
		return -1, nil
	}
	// PostgreSQL plans a connection's first five calls anew, so these are taken off.
	first, more := 6, 12
	if o.writes {
		first, more = 0, 1 // each call needs something to be there first
	}
	var touched [2]int64
	for i, calls := range []int{first, more} {
		if err := b.connect(1); err != nil {
			return 0, err
		}
		call, err := o.ready(ctx, b)
		if err := errors.Join(err, b.store.Close(), b.connect(1)); err != nil {
			return 0, err
		}
		before := e.pages(ctx, b.url)
		for range calls {
			_, failed := call(ctx)
			err = errors.Join(err, failed)
		}
		if err := errors.Join(err, b.store.Close()); err != nil {
			return 0, fmt.Errorf("count the pages in books of %d payments: %w", b.plan.Payments, err)
		}
		touched[i] = e.pages(ctx, b.url) - before
	}
	// An autovacuum that looked at the books during the first calls is taken off, too.
	return max(0, float64(touched[1]-touched[0])/float64(more-first)), nil
}

// quantile is the value that so many percent do not exceed.
func quantile(all []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
