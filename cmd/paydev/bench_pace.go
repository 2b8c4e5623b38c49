package main

import (
	"context"
	"sync"
	"time"
)

// lateAfter is from when on a start counts as late: more than a timer of a busy machine is.
const lateAfter = 10 * time.Millisecond

// paced calls do at a fixed rate, whether or not earlier calls are answered, and measures
// those that should start within d, after a warm-up. A wait counts from when the call should
// have started: a service that stands still for a second makes all those wait that would have
// come in that second, and not only the one that it was busy with (coordinated omission).
//
// At most so many calls are under way; who finds no place waits for one, in turn. When d is
// over, whoever is still waiting may start for as long again. Who could not is counted as
// unstarted and, lest a service look better the less it serves, with the wait it had by then.
func paced(ctx context.Context, perSecond float64, most int, d time.Duration, do func(ctx context.Context) error) sample {
	begin := time.Now()
	from := begin.Add(warmUp(d))
	until := from.Add(d)
	waiting, cancel := context.WithDeadline(ctx, until.Add(d))
	defer cancel()
	var (
		total = sample{took: d, asked: perSecond, syncs: -1, unnumbered: -1}
		mu    sync.Mutex // guards total
		group sync.WaitGroup
		seats = make(chan struct{}, most)
		spent = cpuTime()
	)
	call := func(intended time.Time) {
		err := do(ctx)
		answered := time.Now()
		<-seats
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			if ctx.Err() == nil {
				_ = total.fail(err) // who is refused does not come back here
			}
			return
		}
		total.all++
		if answered.After(from) && !answered.After(until) {
			total.done++
		}
		if !intended.Before(from) {
			total.waits.add(answered.Sub(intended))
		}
	}
	for i := 0; ctx.Err() == nil; i++ {
		intended := begin.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
		if !intended.Before(until) {
			break
		}
		time.Sleep(time.Until(intended))
		started := waitFor(waiting, seats)
		delay := time.Since(intended)
		if !intended.Before(from) {
			mu.Lock()
			switch {
			case !started:
				total.unstarted++
				total.waits.add(delay)
			case delay > lateAfter:
				total.late++
			}
			mu.Unlock()
		}
		if started {
			group.Go(func() { call(intended) })
		}
	}
	group.Wait()
	total.cpu = cpuTime() - spent
	return total
}

// waitFor takes a seat, and reports false when there was none in time.
func waitFor(ctx context.Context, seats chan<- struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case seats <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
