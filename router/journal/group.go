package journal

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A commit costs a wait for the disk, whatever is in it. So writes that come while a commit is
// under way share the next one. Nobody waits for company: a write that finds no commit under
// way is written at once, alone. Each is answered when its own transaction has ended, and what
// is wrong with one touches no other.

// group lets writes share transactions.
type group struct {
	most    int // writes in one transaction
	leaders int // transactions at once
	run     func([]*member)

	mu      sync.Mutex
	leading int       // members that have a place among the leaders; none of them waits
	waiting []*member // those without one, while all places are taken
}

// member is a write that waits for its transaction to end.
type member struct {
	write *write
	ctx   context.Context // of its caller, for what belongs to it
	until time.Time       // it is given up when its turn has not come by then
	told  chan outcome
	outcome
}

// outcome is what a member is told.
type outcome struct {
	lead   bool  // a place among the leaders is its own
	alone  bool  // nothing was written, and it should go by itself: it would hold up the others,
	behind bool  // because it is behind somebody's lock
	err    error // otherwise, what became of it
}

// errWaited says that a write's turn did not come in time. Nothing of it was written.
var errWaited = errors.Join(errors.New("the books are too slow: the write's turn did not come"), context.DeadlineExceeded)

// errCutOff says that a transaction did not come to its end: whether it stands must be looked up.
var errCutOff = errors.Join(errors.New("the books were cut off"), context.DeadlineExceeded)

// do makes a write in a transaction that it may share, and returns when that has ended. It
// reports whether the write must go alone instead.
func (g *group) do(m *member) (alone bool, err error) {
	if g.join(m) {
		g.lead(m)
	}
	return m.alone, m.err
}

// join waits until another has made the write, or reports that the member leads a transaction.
func (g *group) join(m *member) (leads bool) {
	g.mu.Lock()
	if g.leading < g.leaders {
		g.leading++
		g.mu.Unlock()
		return true
	}
	m.told = make(chan outcome, 1)
	g.waiting = append(g.waiting, m)
	g.mu.Unlock()
	m.outcome = <-m.told
	return m.lead
}

// lead runs a transaction of the leader's write and of those who have waited longest, hands the
// place on and tells the others.
func (g *group) lead(leader *member) {
	g.mu.Lock()
	n := min(len(g.waiting), g.most-1)
	members := append([]*member{leader}, g.waiting[:n]...)
	g.waiting = g.waiting[n:]
	g.mu.Unlock()

	now := time.Now()
	inTime := make([]*member, 0, len(members))
	for _, m := range members {
		if m.outcome = (outcome{}); now.After(m.until) {
			m.err = errWaited
			continue
		}
		inTime = append(inTime, m)
	}
	ended := false
	defer func() {
		if !ended { // the leader panicked, and nobody knows what stands
			for _, m := range inTime {
				m.outcome = outcome{err: errCutOff}
			}
		}
		g.handOn()
		for _, m := range members {
			if m != leader {
				m.told <- m.outcome
			}
		}
	}()
	if len(inTime) > 0 {
		g.run(inTime)
	}
	ended = true
}

// handOn gives the place of a leader to whoever has waited longest, who is told once and waits no
// more: a member is in one place only, or else one could take it along while another gives it a place.
func (g *group) handOn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.waiting = nil // what was handed out is not kept
		g.leading--
		return
	}
	next := g.waiting[0]
	g.waiting = g.waiting[1:]
	next.told <- outcome{lead: true}
}
