package journal

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// What waits, for its number in the feed or for a worker, is looked for many times a second, and
// most looks find nothing. On PostgreSQL what waited before is in their way: as long as anybody
// may still read an old version of a row, its entries stay in the indexes, and a look that begins
// at the first entry passes over all of them. While pg_dump or a person's question runs for an
// hour, that is everything that happened in the hour, at every look.
//
// So a look begins at a floor. All that was seen to wait lies above it:
//
//	   every sweep                  every second   each time
//	├──────────────────────────────┼──────────────┼──────────┼──────► time
//	                          wide floor        floor       now
//
// The floor rises to the first that waits, and never so near to now that what is committed in the
// usual time could come below it: an instant is written by its writer's clock, and is to be seen
// when its transaction has ended, which is later and in no order. What takes longer than usual is
// found within a second. What takes longer than any write should, or bears the instant of a clock
// that was wrong, is found by a look below the wide floor, every sweep, which begins at the first
// entry. What is found takes the floor down with it. The floor is in memory only, each process has
// its own, and none relies on another's: too low, it costs time; too high, it delays until the
// next sweep.
//
// On SQLite no old versions are in the way, and looks begin at the first entry.

const (
	// usual is how far behind now a floor stays: clocks that are believed differ by less, and
	// most commits take a fraction of it.
	usual = 2 * time.Second
	// wideEvery is how often a look begins at the wide floor instead.
	wideEvery = time.Second
	// sweep is how often a look below the wide floor is made, at most.
	sweep = 30 * time.Second
	// sweepShare bounds these by time: they rest for so many times as long as the last one took.
	sweepShare = 20
)

// wide is how far behind now the wide floor stays: a write that waits for others is over by then.
func (s *Store) wide() time.Duration { return 2 * s.timeout }

// floor is where looks for one kind of what waits begin. The zero value has not looked yet.
type floor struct {
	mu     sync.Mutex
	known  bool
	failed bool          // the last look did
	first  int64         // that was seen waiting by the last look, if any
	looked time.Time     // when that was
	widely time.Time     // when the last look from the wide floor was,
	swept  time.Time     // and the last one below it
	rest   time.Duration // until the next one
}

// none is the first of those that wait where none does.
const none = math.MaxInt64

// begin is where a look at now begins. below says that a look below that is due, and counts it as
// made.
func (f *floor) begin(now time.Time, wide time.Duration) (from int64, below bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.known {
		f.known, f.first, f.looked = true, none, now
	}
	if f.failed {
		// It may have failed because it began too low. This one does not, and the next looks below.
		f.failed, f.first, f.looked, f.swept = false, none, now, time.Time{}
		return f.behind(now, wide), false
	}
	switch {
	case over(f.swept, now, f.rest):
		f.swept, f.rest, below = now, sweep, true
	case !over(f.widely, now, wideEvery):
		return f.behind(now, usual), false
	}
	f.widely = now
	return f.behind(now, wide), below
}

// over reports whether a time has passed since an instant, or a clock was set back since, or
// there was no such instant.
func over(since, now time.Time, d time.Duration) bool {
	return since.IsZero() || now.Before(since) || now.Sub(since) >= d
}

// behind is the first that waits, as far as is known, or a margin before the last look. A clock
// may have been set back since.
func (f *floor) behind(now time.Time, margin time.Duration) int64 {
	return min(f.first, micros(f.looked.Add(-margin)), micros(now.Add(-margin)))
}

// found takes the floor down to the first that waits below it. It rests according to how long the
// look took.
func (f *floor) found(first int64, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first, f.rest = min(f.first, first), max(f.rest, sweepShare*took)
}

// seen takes the floor to the first that a look at now, from the floor on, saw waiting.
func (f *floor) seen(first int64, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first, f.looked = first, now
}

// lost is for a look that failed.
func (f *floor) lost() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
}

// at is where the floor is at an instant, for who takes what a look has seen.
func (f *floor) at(now time.Time) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.known {
		return math.MinInt64
	}
	return f.behind(now, usual)
}

// begin is where a look for what waits begins. below asks for the first that waits below its one
// place. Whether that could be answered or not, the look may go on from where begin says.
func (s *Store) begin(ctx context.Context, f *floor, now time.Time, below string) (from int64, err error) {
	if !s.postgres {
		return math.MinInt64, nil
	}
	from, due := f.begin(now, s.wide())
	if !due {
		return from, nil
	}
	began, first := time.Now(), int64(none)
	if err = s.one(ctx, []any{&first}, below, from); errors.Is(err, ErrNotFound) {
		err = nil
	}
	f.found(first, time.Since(began))
	return min(from, first), err
}
