package health

import (
	"slices"
	"time"
)

// Health is one gateway as it stands.
type Health struct {
	Gateway   string
	Admitting bool   // charges and offers are admitted, at least in part
	Why       string // when not: the reason
	Share     int    // per cent of payments admitted: of charges or of offers, whichever are fewer
	Breakers  map[Op]string
	Faults    map[Op]int // in a row
	OpenUntil time.Time
	ProbeBad  int
	ProbedAt  time.Time
	LastFault time.Time
	LastGood  time.Time
	Flying    int // charges and offers on their way
	Peak      int // the most that were at once, within PeakWindow
	Most      int // that may be at once
	Override  *Override
}

// Snapshot returns all gateways in the order of the options.
func (b *Board) Snapshot() []Health {
	now := time.Now()
	var all []Health
	for _, name := range b.names {
		g := b.gateways[name]
		g.mu.Lock()
		g.notice(b.options, now)
		h := Health{Gateway: name, Admitting: true, Share: g.rampShare(b.options, now), Breakers: map[Op]string{}, Faults: map[Op]int{},
			ProbeBad: g.probeBad, ProbedAt: g.probedAt, LastFault: g.lastFault, LastGood: g.lastGood, Flying: g.flying,
			Peak: max(g.flying, g.peaks.most(now)), Most: g.MaxConcurrent}
		for op, guard := range g.guards {
			h.Breakers[op], h.Faults[op] = guard.state(now), guard.faults
			if guard.notBefore.After(h.OpenUntil) {
				h.OpenUntil = guard.notBefore
			}
		}
		// One gated operation refused is enough for the gateway to count as out: one that
		// never sees traffic stays closed and must not hide the other.
		for _, op := range slices.Backward([]Op{OpCharge, OpCreate}) {
			if err := b.refusal(g, op, 0, now); err != nil {
				h.Admitting, h.Why, h.Share = false, err.Error(), 0
			}
		}
		if h.Admitting && g.free(OpCharge, now) {
			h.Share = 100
		}
		if o, ok := g.active(now); ok {
			h.Override = &o
		}
		g.mu.Unlock()
		all = append(all, h)
	}
	return all
}
