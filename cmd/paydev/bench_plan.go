package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// repeat runs every cell once, what is compared right after each other.
func (b *benchmark) repeat(ctx context.Context, r *report, engines []engine, n int) {
	if b.measures(partTargets) {
		b.aim(ctx, r, engines, n)
	}
	if n < b.sweeps {
		b.sweep(ctx, r, engines, n)
	}
}

// sweep runs all cells that were chosen.
func (b *benchmark) sweep(ctx context.Context, r *report, engines []engine, n int) {
	for _, callers := range b.callers {
		if b.measures(partLimits) {
			b.limits(ctx, r, engines, n, callers)
		}
		for _, e := range engines {
			b.each(e, func(k key) {
				if k.Callers = callers; b.measures(partClosed) {
					b.attempt(ctx, r, n, k, func() (sample, error) { return b.closed(ctx, e, k, n) })
				}
			})
		}
	}
	for _, e := range engines {
		for _, rate := range b.rates {
			b.each(e, func(k key) {
				if k.Rate = rate; k.Flow == flowCharge && b.measures(partOpen) {
					b.attempt(ctx, r, n, k, func() (sample, error) {
						perSecond, err := r.perSecond(k, n)
						if err != nil {
							return sample{}, err
						}
						return b.atRate(ctx, e, k, perSecond, b.steady())
					})
				}
			})
		}
	}
	if b.measures(partOutages) {
		b.outages(ctx, r, engines[0], n)
	}
	for _, e := range engines {
		if server, ok := e.(*postgres); ok && b.measures(partScale) {
			b.scale(ctx, r, server, n)
		}
	}
}

// limits measures what this machine can do without the service.
func (b *benchmark) limits(ctx context.Context, r *report, engines []engine, n, callers int) {
	for _, pause := range b.pauses {
		b.gatewayLimit(ctx, r, n, pause, callers)
	}
	if len(b.answer) > 0 {
		b.attempt(ctx, r, n, key{What: whatEcho, Callers: callers}, func() (sample, error) { return b.echo(ctx, callers) })
	}
	for _, e := range engines {
		b.commitLimits(ctx, r, e, n, callers)
	}
}

// gatewayLimit measures calls of the gateway alone.
func (b *benchmark) gatewayLimit(ctx context.Context, r *report, n int, pause time.Duration, callers int) {
	b.attempt(ctx, r, n, key{What: whatGateway, GatewayMS: pause.Milliseconds(), Callers: callers}, func() (sample, error) {
		return b.gateways[pause].bare(ctx, callers, b.duration), nil
	})
}

// commitLimits measures what an engine can do without the service.
func (b *benchmark) commitLimits(ctx context.Context, r *report, e engine, n, callers int) {
	limit := func(what string, commit committing) {
		b.attempt(ctx, r, n, key{What: what, Engine: e.name(), Callers: callers}, func() (sample, error) {
			return b.commits(ctx, e, commit, callers)
		})
	}
	if e.canCommit() {
		limit(whatCommits, e.commits)
	}
	if l, ok := e.(*lite); ok {
		limit(whatBatch, l.batches)
		if callers == targetCallers {
			limit(whatRows, l.rows)
		}
	}
}

// each names the cells of the service on an engine, one for each flow and gateway.
func (b *benchmark) each(e engine, do func(key)) {
	for _, flow := range b.flows {
		for _, pause := range b.pauses {
			do(key{What: whatPayrouter, Engine: e.name(), Flow: flow, GatewayMS: pause.Milliseconds()})
		}
	}
}

// steady is how long a fixed rate lasts: at 200 a second there are a thousand waits, so that
// ten of them decide on the p99.
func (b *benchmark) steady() time.Duration { return b.duration * 5 / 2 }

// attempt runs one cell once in a repetition. One that cannot be measured is told, and the
// others go on.
func (b *benchmark) attempt(ctx context.Context, r *report, n int, k key, measure func() (sample, error)) {
	if _, measured := r.sample(k, n); measured || ctx.Err() != nil {
		return
	}
	b.progress(n, k.String())
	s, err := measure()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		b.warn(r, fmt.Sprintf("NOT MEASURED: %s, repetition %d: %v", k, n+1, err))
	default:
		r.cell(k).add(n, s)
	}
}

// outages breaks a gateway in every way under every router.
func (b *benchmark) outages(ctx context.Context, r *report, e engine, n int) {
	for _, fault := range b.faults {
		for _, router := range allRouters() {
			if ctx.Err() != nil {
				return
			}
			what := fmt.Sprintf("outage %s, %s", fault, router)
			b.progress(n, what)
			run, err := b.breakOne(ctx, e, router, fault)
			if err != nil {
				b.warn(r, fmt.Sprintf("NOT MEASURED: %s, repetition %d: %v", what, n+1, err))
				continue
			}
			if run.why != nil {
				b.warn(r, fmt.Sprintf("FAILED: %s: %v", what, run.why))
			}
			o := r.outage(router, fault)
			o.runs = append(o.runs, run)
		}
	}
}

// perSecond reads a rate.
func (r *report) perSecond(k key, repetition int) (float64, error) {
	if k.Rate != rateHalf {
		return strconv.ParseFloat(k.Rate, 64)
	}
	half := r.capacity(k, repetition) / 2
	if half < 1 {
		return 0, fmt.Errorf("half of what is not known: %s needs %s in the same run", partOpen, partClosed)
	}
	return half, nil
}

// progress tells what is running. It begins every run with a swept heap.
func (b *benchmark) progress(n int, what string) {
	runtime.GC()
	fmt.Fprintf(b.errs, "%s repetition %d of %d: %s\n", time.Now().Format(time.TimeOnly), n+1, b.repetitions, what)
}

// quick is the gateway with the shortest pause.
func (b *benchmark) quick() *quickGateway { return b.gateways[slices.Min(b.pauses)] }
