package health

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Run probes every gateway that has a probe until ctx ends: slowly while all is
// well, so that a dead gateway is noticed before a payer's money is tried, and
// faster after an outage.
func (b *Board) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, name := range b.names {
		if g := b.gateways[name]; g.Probe != nil {
			group.Go(func() { b.watch(ctx, g) })
		}
	}
	group.Wait()
	return nil
}

func (b *Board) watch(ctx context.Context, g *gateway) {
	for {
		b.probe(ctx, g)
		pause := b.options.ProbeEvery
		if g.unwell(b.options, time.Now()) {
			pause = b.options.ProbeFast
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (b *Board) probe(ctx context.Context, g *gateway) {
	ctx, cancel := context.WithTimeout(ctx, b.options.ProbeTimeout)
	defer cancel()
	began := time.Now()
	s := b.ask(ctx, g)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.probedAt = time.Now()
	b.metrics.probes.WithLabelValues(g.Name, s.String()).Inc()
	switch b.judge(g, s, g.probedAt) {
	case Healthy:
		wasBad := g.probeBad >= b.options.ProbesNeeded
		g.probeGood++
		if g.probeGood >= b.options.ProbesNeeded || !wasBad {
			if wasBad {
				g.ramp(g.probedAt)
				b.options.Log.Info("probes are good again", "gateway", g.Name)
			}
			g.probeBad = 0
		}
	case Fault:
		g.failed(b.options, began, g.probedAt)
		g.probeGood = 0
		g.probeBad++
		if g.probeBad == b.options.ProbesNeeded {
			b.options.Log.Warn("probes are failing", "gateway", g.Name)
		}
	}
}

// ask makes the probe's call. One that panics is a fault: the process must live.
func (b *Board) ask(ctx context.Context, g *gateway) (s Signal) {
	defer func() {
		if cause := recover(); cause != nil {
			b.options.Log.Error("probe panicked", "gateway", g.Name, "cause", fmt.Sprintf("%T", cause))
			s = Fault
		}
	}()
	return g.Probe(ctx)
}

// unwell reports whether the gateway is worth probing fast: not where nothing but a real charge is
// waited for.
func (g *gateway) unwell(o Options, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, op := range Ops() {
		if back := g.guards[op].notBefore; op.gated() && !back.IsZero() && (now.Before(back) || g.probeGood < o.ProbesNeeded) {
			return true
		}
	}
	return g.probeBad > 0
}
