package main

import (
	"context"
	"sync"
	"syscall"
	"time"
)

// sample is what one run came to.
type sample struct {
	repetition int
	took       time.Duration // the measured time
	done       int           // answered within the measured time
	waits      histogram     // how long they took
	all        int           // answered at all, warm-up included
	cpu        time.Duration // what this process spent on all of them; 0 unknown
	failed     int
	why        error // of the first that failed

	asked     float64 // starts a second at a fixed rate; 0 when callers wait for their answers
	late      int     // started later than [lateAfter]
	unstarted int     // could not be started at all before [paced] gave up

	service    usage         // what the service's process spent on all of them; zero unknown
	ready      time.Duration // from starting the service's process until it served
	syncs      int64         // times the database made its log durable, over the whole run; -1 unknown
	unnumbered int64         // changes that the feed still lacked at the end of the measured time; -1 unknown
}

func (s sample) perSecond() float64 {
	if s.took <= 0 {
		return 0
	}
	return float64(s.done) / s.took.Seconds()
}

// fail counts what failed and keeps the first reason.
func (s *sample) fail(err error) {
	s.failed++
	if s.why == nil {
		s.why = err
	}
}

// merge adds what another caller of the same run came to.
func (s *sample) merge(other sample) {
	s.done += other.done
	s.all += other.all
	s.failed += other.failed
	s.waits.merge(other.waits)
	if s.why == nil {
		s.why = other.why
	}
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
					s.fail(err)
					continue
				}
				s.all++
				if answered.After(from) && !answered.After(until) {
					s.done++
					s.waits.add(answered.Sub(asked))
				}
			}
		})
	}
	group.Wait()
	total := sample{took: d, cpu: cpuTime() - spent, syncs: -1, unnumbered: -1}
	for _, s := range each {
		total.merge(s)
	}
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
