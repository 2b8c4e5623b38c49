package main

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// What the targets are about.
const (
	targetCallers = 64
	targetRate    = "200"
	memoryRate    = "1000"
	// memoryLasts is how much longer than others the run is that memory is read from: at 2 s
	// it is half a minute, time enough for heap and collector to come to rest.
	memoryLasts = 15
)

// aim runs the cells that the targets rest on, in every repetition and what is compared right
// after each other, with the gateway that answers soonest. What a sweep of the same repetition
// wants too is not run again.
func (b *benchmark) aim(ctx context.Context, r *report, engines []engine, n int) {
	pause := slices.Min(b.pauses)
	b.gatewayLimit(ctx, r, n, pause, targetCallers)
	for _, e := range engines {
		b.commitLimits(ctx, r, e, n, targetCallers)
		for _, what := range []string{whatPayrouter, whatUngrouped} {
			k := key{What: what, Engine: e.name(), Flow: flowCharge, GatewayMS: pause.Milliseconds(), Callers: targetCallers}
			b.attempt(ctx, r, n, k, func() (sample, error) { return b.closed(ctx, e, k, n) })
		}
	}
	b.attempt(ctx, r, n, key{What: whatGateway, GatewayMS: pause.Milliseconds(), Rate: targetRate}, func() (sample, error) {
		perSecond, err := strconv.ParseFloat(targetRate, 64)
		return paced(ctx, perSecond, mostCallers, b.steady(), b.gateways[pause].call()), err
	})
	for _, e := range engines {
		k := key{What: whatPayrouter, Engine: e.name(), Flow: flowCharge, GatewayMS: pause.Milliseconds(), Rate: targetRate}
		b.attempt(ctx, r, n, k, func() (sample, error) { return b.steadily(ctx, e, k, b.steady()) })
	}
	if n > 0 || ctx.Err() != nil {
		return
	}
	if i := slices.IndexFunc(engines, func(e engine) bool { return e.name() == memoryEngine }); i >= 0 {
		k := memoryKey(pause.Milliseconds())
		b.attempt(ctx, r, n, k, func() (sample, error) { return b.steadily(ctx, engines[i], k, memoryLasts*b.duration) })
	}
	b.progress(n, "deciding against a gateway that is down")
	skip, err := decide(skipDecisions)
	if err != nil {
		b.warn(r, "NOT MEASURED: deciding against a gateway that is down: "+err.Error())
		return
	}
	r.Skip = &skip
}

// memoryEngine is the database of a merchant who makes a thousand charges a second.
const memoryEngine = "postgresql"

func memoryKey(gatewayMS int64) key {
	return key{What: whatPayrouter, Engine: memoryEngine, Flow: flowCharge, GatewayMS: gatewayMS, Rate: memoryRate}
}

// steadily measures at a rate that is a number.
func (b *benchmark) steadily(ctx context.Context, e engine, k key, d time.Duration) (sample, error) {
	perSecond, err := strconv.ParseFloat(k.Rate, 64)
	if err != nil {
		return sample{}, err
	}
	return b.atRate(ctx, e, k, perSecond, d)
}
