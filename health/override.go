package health

import (
	"slices"
	"time"
)

// Mode is what an override orders.
type Mode string

// The modes.
const (
	Drain       Mode = "drain"        // no new charges or offers; everything else goes on
	Admit       Mode = "admit"        // admit whatever breakers and probes say
	ObserveOnly Mode = "observe_only" // breakers and probes are metered only
)

// Modes lists the modes in a fixed order.
func Modes() []Mode { return []Mode{Drain, Admit, ObserveOnly} }

// Override is an operator's order, with an end.
type Override struct {
	ID, Gateway   string
	Mode          Mode
	Start, End    time.Time
	MoveOpen      bool // also leave open offers, as each is proved dead
	Actor, Reason string
}

// SetOverrides replaces all orders at once. It is called every second on every
// replica; orders not yet begun or over are passed over by their times.
func (b *Board) SetOverrides(all []Override) {
	now := time.Now()
	for name, g := range b.gateways {
		g.mu.Lock()
		g.overrides = slices.DeleteFunc(slices.Clone(all), func(o Override) bool { return o.Gateway != name })
		g.noticeDrainEnd(now)
		g.mu.Unlock()
	}
}

// active is the order in force: the youngest one, a drain before others.
func (g *gateway) active(now time.Time) (Override, bool) {
	var found Override
	for _, o := range g.overrides {
		if now.Before(o.Start) || !now.Before(o.End) {
			continue
		}
		if found.Mode != Drain || o.Mode == Drain {
			found = o
		}
	}
	return found, found.Mode != ""
}

func (g *gateway) mode(now time.Time) Mode {
	o, _ := g.active(now)
	return o.Mode
}

// noticeDrainEnd begins the ramp when a drain is over: control goes back to
// breakers and probes, never straight to full traffic.
func (g *gateway) noticeDrainEnd(now time.Time) {
	draining := g.mode(now) == Drain
	if g.drained && !draining {
		g.rampFrom = now
	}
	g.drained = draining
}

// MoveOpen reports whether an active drain asks to leave open offers.
func (b *Board) MoveOpen(name string) bool {
	g, ok := b.gateways[name]
	if !ok {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	return slices.ContainsFunc(g.overrides, func(o Override) bool {
		return o.Mode == Drain && o.MoveOpen && !now.Before(o.Start) && now.Before(o.End)
	})
}
