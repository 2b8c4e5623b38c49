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
	took, ratios, quiet := make([][]time.Duration, len(all)), []float64{}, []float64{}
	for round := range g.repetitions {
		calls := g.calls
		if round == 0 {
			if _, err := g.round(ctx, o, all, max(5, calls/2)); err != nil { // warm-up
				return err
			}
		}
		these, err := g.round(ctx, o, all, calls)
		if err != nil {
			return err
		}
		for i := range all {
			took[i] = append(took[i], these[i]...)
		}
		share := func(percent int) float64 {
			return float64(quantile(these[len(all)-1], percent)) / float64(max(1, quantile(these[0], percent)))
		}
		ratios, quiet = append(ratios, share(50)), append(quiet, share(10))
	}
	slices.Sort(ratios)
	slices.Sort(quiet)
	c.Ratio, c.Quiet = ratios[len(ratios)/2], quiet[len(quiet)/2]
	c.Over = min(c.Ratio, c.Quiet) > flat
	for i, b := range all {
		pages, err := g.pages(ctx, e, o, b)
		if err != nil {
			return err
		}
		c.Books = append(c.Books, growthFigures{Payments: b.plan.Payments, P10US: quantile(took[i], 10).Microseconds(), P50US: quantile(took[i], 50).Microseconds(), P90US: quantile(took[i], 90).Microseconds(), Pages: pages})
	}
	return nil
}

// mostOfRound is after what time a repetition ends early, for what takes long, and leastCalls
// how often it is called all the same.
const (
	mostOfRound = 4 * time.Second
	leastCalls  = 3
)

// round calls an operation some times in each books, in turn.
func (g *growth) round(ctx context.Context, o operation, all []*grown, calls int) ([][]time.Duration, error) {
	took, start := make([][]time.Duration, len(all)), time.Now()
	for n := range calls {
		if n >= leastCalls && time.Since(start) > mostOfRound {
			break
		}
		for i := range all {
			i := (i + n) % len(all) // nobody is always the first
			call, err := o.ready(ctx, all[i])
			if err != nil {
				return nil, fmt.Errorf("%d payments: %w", all[i].plan.Payments, err)
			}
			began := time.Now()
			if err := call(ctx); err != nil {
				return nil, fmt.Errorf("%d payments: %w", all[i].plan.Payments, err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	return took, nil
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
			err = errors.Join(err, call(ctx))
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
