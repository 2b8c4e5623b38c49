package health

import (
	"sync/atomic"
	"time"
)

// contact is when a gateway was last reached and last out of reach, by the clock of elapsed.
// Its fields are atomic because every gateway's report looks at all gateways.
type contact struct{ reached, missed atomic.Int64 }

// egressMemory is how long a contact says something about our own way out.
const egressMemory = 2 * time.Minute

// note keeps what a signal says about the way to the gateway, and reports whether it was reached.
func (c *contact) note(s Signal, elapsed int64) (reached bool) {
	switch s {
	case Unreachable:
		c.missed.Store(elapsed)
	case Healthy, Fault, Throttled:
		c.reached.Store(elapsed)
		return true
	}
	return false
}

// elapsed is how many nanoseconds the board is old. A wall clock that was ahead when the
// process began and is put right would make old contacts the latest for hours. It is never
// zero, which is the contact that never was.
func (b *Board) elapsed(now time.Time) int64 { return int64(now.Sub(b.made)) + 1 }

// egressDown reports whether it is our own way out that fails: two gateways or more
// were tried lately, and none of them was reached. Then no gateway is to blame, no
// breaker opens and no probe counts (SAFETY section 6).
func (b *Board) egressDown(now time.Time) bool {
	at, missed := b.elapsed(now), 0
	for _, g := range b.gateways {
		last, lost := g.contact.reached.Load(), g.contact.missed.Load()
		if at-max(last, lost) > int64(egressMemory) || max(last, lost) == 0 {
			continue
		}
		if last >= lost {
			return false
		}
		missed++
	}
	return missed >= 2
}

// EgressDown reports whether the next call that gets no connection would be laid to our own way out.
func (b *Board) EgressDown() bool { return b.egressDown(time.Now()) }

// judge notes a signal and says how it counts: a gateway out of reach is at fault
// unless everything is.
func (b *Board) judge(g *gateway, s Signal, now time.Time) Signal {
	if g.contact.note(s, b.elapsed(now)) && b.egressOut.Swap(false) {
		b.options.Log.Info("our way out works again", "gateway", g.Name)
	}
	if s != Unreachable {
		return s
	}
	if !b.egressDown(now) {
		b.egressOut.Store(false)
		return Fault
	}
	if !b.egressOut.Swap(true) {
		b.options.Log.Error("no gateway can be reached: our own way out is down, no breaker opens")
	}
	return Neutral
}
