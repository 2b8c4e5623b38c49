package sim

import (
	"context"
	"slices"
	"time"
)

// agenda is what the bank will do by itself, in the order of doing: by instant, and for one instant by the order of planning.
// Timers alone would leave that second order to chance.
type agenda []*plan

type plan struct {
	at      time.Time
	do      func()
	timer   *time.Timer
	deliver bool // a letter to the merchant
}

func (a *agenda) add(p *plan) {
	i, _ := slices.BinarySearchFunc(*a, p, func(q, p *plan) int {
		if q.at.After(p.at) {
			return 1
		}
		return -1
	})
	*a = slices.Insert(*a, i, p)
}

func (a *agenda) clear() {
	for _, p := range *a {
		p.timer.Stop()
	}
	*a = nil
}

// after runs do with the lock held once d has passed. The caller holds the lock. A stopped bank runs nothing.
func (b *Bank) after(d time.Duration, do func()) *time.Timer {
	return b.plan(d, &plan{do: do})
}

// plan puts p on the agenda. The caller holds the lock.
func (b *Bank) plan(d time.Duration, p *plan) *time.Timer {
	if b.closed {
		return nil
	}
	d = max(d, 0)
	p.at = time.Now().Add(d)
	for p.deliver && slices.ContainsFunc(b.agenda, func(q *plan) bool { return q.deliver && q.at.Equal(p.at) }) {
		// Letters go out in goroutines of their own: only different instants keep them in order.
		p.at, d = p.at.Add(1), d+1
	}
	b.agenda.add(p)
	p.timer = time.AfterFunc(d, func() { b.reach(p) })
	return p.timer
}

// reach runs everything on the agenda up to p, unless another timer of the same instant has done so already.
func (b *Bank) reach(p *plan) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for slices.Contains(b.agenda, p) {
		first := b.agenda[0]
		b.cancel(first.timer)
		first.do()
	}
	for _, l := range b.post.early { // no answer is pending here that they could come before
		face := l.Face
		b.spawn(func() { b.flush(face) })
	}
}

// cancel takes a plan made by after from the agenda. The caller holds the lock.
func (b *Bank) cancel(t *time.Timer) {
	if t != nil {
		t.Stop()
		b.agenda = slices.DeleteFunc(b.agenda, func(p *plan) bool { return p.timer == t })
	}
}

// spawn runs do in a goroutine that Close waits for. The caller holds the lock.
func (b *Bank) spawn(do func()) {
	if !b.closed {
		b.work.Go(do)
	}
}

// pause waits for d, or until the bank closes or ctx ends. It reports whether the whole time passed. The lock must not be held.
func (b *Bank) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-b.ctx.Done():
	}
	return false
}
