package main

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"
)

// sample is what one run came to.
type sample struct {
	done     int           // completed within the measured time
	took     time.Duration // the measured time
	p50, p99 time.Duration
	all      int           // completed at all, warm-up included
	cpu      time.Duration // what this process spent on all of them; 0 unknown
	failed   int
	why      error // of the first that failed

	syncs      int64 // times the database made its log durable, over the whole run; -1 unknown
	unnumbered int64 // changes that the feed still lacked at the end of the measured time; -1 unknown
}

func (s sample) perSecond() float64 {
	if s.took <= 0 {
		return 0
	}
	return float64(s.done) / s.took.Seconds()
}

// warmUp is how long callers call before anything counts: connections are made,
// statements prepared, and the heap has found its size.
func warmUp(d time.Duration) time.Duration { return min(d/4, time.Second) }

// load lets callers call do, each again as soon as it is answered, and measures what is
// answered within d, after a warm-up. Whoever is waiting when d ends is waited for.
func load(ctx context.Context, callers int, d time.Duration, do func(ctx context.Context) error) sample {
	from := time.Now().Add(warmUp(d))
	until := from.Add(d)
	each := make([]sample, callers)
	waits := make([][]time.Duration, callers)
	spent := cpuTime()
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			s := &each[i]
			for ctx.Err() == nil {
				asked := time.Now()
				if asked.After(until) {
					return
				}
				err := do(ctx)
				answered := time.Now()
				switch {
				case err != nil && ctx.Err() != nil:
					return
				case err != nil:
					s.failed++
					if s.why == nil {
						s.why = err
					}
					continue
				}
				s.all++
				if answered.After(from) && !answered.After(until) {
					waits[i] = append(waits[i], answered.Sub(asked))
				}
			}
		})
	}
	group.Wait()
	total := sample{took: d, cpu: cpuTime() - spent, syncs: -1, unnumbered: -1}
	for _, s := range each {
		total.all += s.all
		total.failed += s.failed
		if total.why == nil {
			total.why = s.why
		}
	}
	total.measure(slices.Concat(waits...))
	return total
}

// cpuTime is what this process has spent of the processor so far.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// measure fills in what the waiting times say.
func (s *sample) measure(waits []time.Duration) {
	slices.Sort(waits)
	s.done, s.p50, s.p99 = len(waits), quantile(waits, 50), quantile(waits, 99)
}

// quantile is the smallest of the sorted values that so many per cent do not exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}
