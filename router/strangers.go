package router

import (
	"sync"
	"time"
)

// strangers are payments of which a later version wrote what this one cannot read. Each is
// given back soon, so that a replica of that version finds it due. This one must not be kept
// from all others by doing nothing but that: the more there are, the longer they rest.
type strangers struct {
	mu    sync.Mutex
	since time.Time // when the count, and the silence of the log, began
	n     int
}

const (
	strangerRest  = 2 * time.Second       // before one is due again
	strangerShare = 20 * time.Millisecond // of that for each that was met within the minute: fifty a second
	strangerSpan  = time.Minute           // also the least time between two lines of the log
)

// met counts one and says how long it rests. Once a minute it has it said, with how many there
// were since the last time.
func (s *strangers) met(now time.Time, say func(since int)) (rest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() || now.Sub(s.since) >= strangerSpan || now.Before(s.since) {
		say(s.n)
		s.since, s.n = now, 0
	}
	s.n++
	return min(max(strangerRest, time.Duration(s.n)*strangerShare), strangerSpan)
}
