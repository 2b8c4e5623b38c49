package main

import (
	"context"
	"errors"
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
	refused    int           // by a service that had too much to do: see [refusal]
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

// refusal is the answer of a service that has too much to do: nothing was done, and one may
// come back after a while.
type refusal struct {
	error
	after time.Duration
}

// fail counts what was refused or failed, and keeps the first reason of a failure. It says
// how long to stay away.
func (s *sample) fail(err error) time.Duration {
	var r refusal
	if errors.As(err, &r) {
		s.refused++
		return r.after
	}
	s.failed++
	if s.why == nil {
		s.why = err
	}
	return 0
}

// merge adds what another caller of the same run came to.
func (s *sample) merge(other sample) {
	s.done += other.done
	s.all += other.all
	s.refused += other.refused
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
// answered within d, after a warm-up. Whoever is waiting when d ends is waited for. Who is
// refused stays away as long as it is told to, as a caller in earnest would: one that came
// back at once would measure refusals.
func load(ctx context.Context, callers int, d time.Duration, do func(ctx context.Context) error) sample {
	total, _ := loadEach(ctx, callers, d, do)
	return total
}

// loadEach is load, and tells of every caller too.
func loadEach(ctx context.Context, callers int, d time.Duration, do func(ctx context.Context) error) (total sample, each []sample) {
	from := time.Now().Add(warmUp(d))
	until := from.Add(d)
	each = make([]sample, callers)
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
					away(ctx, min(s.fail(err), time.Until(until)))
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
	total = sample{took: d, cpu: cpuTime() - spent, syncs: -1, unnumbered: -1}
	for _, s := range each {
		total.merge(s)
	}
	return total, each
}

// away waits, or until nobody waits for the result any more.
func away(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// cpuTime is what this process has spent of the processor so far.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
