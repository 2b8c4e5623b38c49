package bulk

import (
	"cmp"
	"container/heap"
	"strings"
)

// change is a commit that waits for its number in the feed.
type change struct {
	at      int64
	payment string
	seq     int64
	tenant  string
}

func (c change) order(o change) int {
	return cmp.Or(cmp.Compare(c.at, o.at), strings.Compare(c.payment, o.payment), cmp.Compare(c.seq, o.seq))
}

// sequencer numbers changes in the order of their instants, as the journal's does, though a
// payment's are known all at once: each waits until no payment can bring an earlier one.
type sequencer struct {
	waiting changes
	last    map[string]int64 // by tenant
}

// number writes the feed's rows of all changes before an instant.
func (s *sequencer) number(b *batch, before int64) {
	if s.last == nil {
		s.last = map[string]int64{}
	}
	for len(s.waiting) > 0 && s.waiting[0].at < before {
		c := s.waiting[0]
		heap.Pop(&s.waiting)
		s.last[c.tenant]++
		b.add(feed, c.tenant, s.last[c.tenant], c.payment, c.seq)
	}
}

// changes are a heap, the earliest on top.
type changes []change

func (c changes) Len() int           { return len(c) }
func (c changes) Less(i, j int) bool { return c[i].order(c[j]) < 0 }
func (c changes) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }

// Push adds one, for container/heap.
func (c *changes) Push(x any) {
	one, _ := x.(change)
	*c = append(*c, one)
}

// Pop takes the last one off, for container/heap.
func (c *changes) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}
