package router

import (
	"testing"
	"time"
	"unsafe"
)

// suspended is a moment before which the monotonic clock stood still for d. The time
// package has no door for that, so its second word is written.
func suspended(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	later := at
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&later)).ext -= int64(d)
	if !later.Round(0).Equal(at.Round(0)) || at.Sub(later) != d {
		t.Fatal("package time keeps its clocks otherwise than this test believes")
	}
	return later
}

// set is a moment before which the wall clock was set forward by d.
func set(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	return suspended(t, at.Add(d), d)
}

func TestTheLongerOfTheWallAndTheMonotonicClockCounts(t *testing.T) {
	from := time.Now()
	for name, c := range map[string]struct {
		to   time.Time
		want time.Duration
	}{
		"neither was touched":          {from.Add(time.Second), time.Second},
		"suspended for ten minutes":    {suspended(t, from.Add(10*time.Minute), 10*time.Minute-time.Second), 10 * time.Minute},
		"set back by an hour":          {set(t, from.Add(time.Second), -time.Hour), time.Second},
		"set forward by an hour":       {set(t, from.Add(time.Second), time.Hour), time.Hour + time.Second},
		"only the wall clock is known": {from.Add(time.Minute).Round(0), time.Minute},
	} {
		if got := elapsed(from, c.to); got != c.want {
			t.Errorf("%s: %s passed, want %s", name, got, c.want)
		}
	}
}

func TestAClockThatWasSetIsNotBelievedUntilTheDatabaseAgrees(t *testing.T) {
	const tick = time.Second
	asked := time.Now()
	good := clock{}.after(asked, asked.Add(2*time.Millisecond), asked.Add(time.Millisecond).Round(0), true)
	if good.wrong || good.offset != 0 || good.mistimed(asked.Add(time.Hour)) {
		t.Fatalf("a right clock is not believed: %+v", good)
	}
	for _, by := range []time.Duration{time.Minute, -time.Minute, clockTolerance + 1, -clockTolerance - 1} {
		next := set(t, asked.Add(tick), by)
		if !good.mistimed(next) {
			t.Errorf("set by %s, and believed", by)
		}
		silent := good.after(next, next, time.Time{}, false)
		if !silent.mistimed(next.Add(tick)) {
			t.Errorf("set by %s, and believed because the database did not answer", by)
		}
		slow := silent.after(next.Add(tick), next.Add(tick+clockTolerance+1), next.Add(tick).Round(0), true)
		if !slow.mistimed(next.Add(2 * tick)) {
			t.Errorf("set by %s, and believed because of an answer that took too long", by)
		}
		again := slow.after(next.Add(2*tick), next.Add(2*tick), next.Add(2*tick).Round(0), true)
		if again.mistimed(next.Add(3 * tick)) {
			t.Errorf("set by %s, and not believed though the database agrees", by)
		}
	}
	if good.mistimed(set(t, asked.Add(tick), clockTolerance)) {
		t.Error("a clock within the tolerance is not believed")
	}
}

func TestAClockIsAsWrongAsTheDatabaseSays(t *testing.T) {
	asked := time.Now()
	heard, middle := asked.Add(200*time.Millisecond), asked.Add(100*time.Millisecond).Round(0)
	for offset, wrong := range map[time.Duration]bool{0: false, clockTolerance: false, -clockTolerance: false,
		clockTolerance + 1: true, -clockTolerance - 1: true, -5 * time.Minute: true} {
		got := clock{}.after(asked, heard, middle.Add(offset), true)
		if got.offset != offset || got.mistimed(heard) != wrong {
			t.Errorf("%s off: %s measured, not believed %t", offset, got.offset, got.mistimed(heard))
		}
	}
	// An answer that took long says nothing, whatever it says.
	if got := (clock{}).after(asked, asked.Add(clockTolerance+1), middle.Add(time.Hour), true); got.mistimed(heard) {
		t.Error("a slow answer made the clock wrong")
	}
	// Set between the question and its answer: the next reading still shows it.
	if got := (clock{}).after(asked, set(t, heard, -time.Minute), middle, true); !got.mistimed(set(t, heard, -time.Minute)) {
		t.Error("a clock that was set during the question is believed")
	}
}

// Two replicas, each off by the tolerance and measured wrong by half of it, still leave a
// request the time that package payment counts it as running.
func TestTheToleranceFitsIntoTheSendWindow(t *testing.T) {
	const ours = 5 * time.Second // of Terms.sendWindow, besides the call's own time-out
	if worst := 2 * (clockTolerance + clockTolerance/2); sendBy+worst > ours {
		t.Errorf("a request leaves within %s, replicas differ by %s: more than %s", sendBy, worst, ours)
	}
}
