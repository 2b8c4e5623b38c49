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
	// Reconcile stands for a window that the books lost: while any gateway has this order
	// nothing that moves money is sent to any of them.
	Reconcile Mode = "reconcile"
)

// Modes lists the modes in a fixed order.
func Modes() []Mode { return []Mode{Drain, Admit, ObserveOnly, Reconcile} }

// Override is an operator's order, with an end.
type Override struct {
	ID, Gateway   string
	Mode          Mode
	Start, End    time.Time
	MoveOpen      bool // also leave open offers, as each is proved dead
	Actor, Reason string
}

// SetOverrides replaces all orders at once. It is called twice a second on every
// replica; orders not yet begun or over are passed over by their times.
func (b *Board) SetOverrides(all []Override) {
	now := time.Now()
	b.reconcile.Store(slices.ContainsFunc(all, func(o Override) bool { return o.Mode == Reconcile }))
	for name, g := range b.gateways {
		g.mu.Lock()
		g.overrides = slices.DeleteFunc(slices.Clone(all), func(o Override) bool { return o.Gateway != name })
		g.noticeDrainEnd(now)
		g.mu.Unlock()
	}
}

// Reconciled is ErrReconcile while a gateway has an order to reconcile.
func (b *Board) Reconciled() error {
	if b.reconcile.Load() {
		return ErrReconcile
	}
	return nil
}

// active is the order in force: the youngest one, a drain before others, and before a
// drain the order to reconcile.
func (g *gateway) active(now time.Time) (Override, bool) {
	var found Override
	for _, o := range g.overrides {
		if now.Before(o.Start) || !now.Before(o.End) {
			continue
		}
		if rank(o.Mode) >= rank(found.Mode) {
			found = o
		}
	}
	return found, found.Mode != ""
}

func rank(m Mode) int {
	switch m {
	case Reconcile:
		return 2
	case Drain:
		return 1
	}
	return 0
}

func (g *gateway) mode(now time.Time) Mode {
	o, _ := g.active(now)
	return o.Mode
}

// noticeDrainEnd begins the ramp when a drain is over: control goes back to
// breakers and probes, never straight to full traffic.
func (g *gateway) noticeDrainEnd(now time.Time) {
	mode := g.mode(now)
	draining := mode == Drain || mode == Reconcile
	if g.drained && !draining {
		g.ramp(now)
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
