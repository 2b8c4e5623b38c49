package providertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// mostConnections is more than any deed needs: tokens, a look, the deed itself.
const mostConnections = 6

// askCallers asks about what happens before a request leaves, and about the caller.
func (s *suite) askCallers(t *testing.T, d deed) {
	s.ask(t, d.what, "a refused connection is not sent", d.method, func(h *house) {
		a := d.ready(h)
		before := h.arrived(moving...)
		h.fault(sim.Fault{Kind: sim.FaultRefuse})
		h.unsent(d.do(h, context.Background(), a))
		h.heal()
		h.untouched(d, a, before)
	})
	s.ask(t, d.what, "whichever connection is refused, nothing is sent", d.method, func(h *house) {
		for n := range mostConnections {
			a := d.ready(h)
			before := h.arrived(moving...)
			h.hangUp() // no connection is left over from getting ready
			h.wire.change(func(w *wire) { w.whole = n })
			r := d.do(h, context.Background(), a)
			h.wire.change(func(w *wire) { w.whole = -1 })
			if d.well(h, a, r) {
				return // it needed no more
			}
			h.unsent(r)
			h.untouched(d, a, before)
		}
		h.t.Errorf("it took more than %d connections", mostConnections)
	})
	s.ask(t, d.what, "a caller who gave up before sends nothing", d.method, func(h *house) {
		a := d.ready(h)
		before := h.arrived(moving...)
		ctx, giveUp := context.WithCancel(context.Background())
		giveUp()
		h.unsent(d.do(h, ctx, a))
		h.untouched(d, a, before)
	})
	s.ask(t, d.what, "a caller who gives up while the connection is made sends nothing", d.method, func(h *house) {
		a := d.ready(h)
		before := h.arrived(moving...)
		h.hangUp()
		h.wire.change(func(w *wire) { w.stuck = true })
		ctx, giveUp := context.WithTimeout(context.Background(), time.Second)
		defer giveUp()
		began := time.Now()
		h.unsent(d.do(h, ctx, a))
		if took := time.Since(began); took > time.Second+patience {
			h.t.Errorf("it went on for %s", took)
		}
		h.wire.change(func(w *wire) { w.stuck = false })
		time.Sleep(h.limit(d)) // a token that others wait for may still be on its way
		h.untouched(d, a, before)
	})
	s.ask(t, d.what, "a caller who gives up after sending stops nothing", d.method, func(h *house) {
		a := d.ready(h)
		before := h.arrived(moving...)
		h.fault(sim.Fault{Op: d.op, Kind: sim.FaultSlow, Delay: sim.Duration(2 * time.Second), Times: 1})
		ctx, giveUp := context.WithTimeout(context.Background(), time.Second)
		defer giveUp()
		r := d.do(h, ctx, a)
		h.spoiled()
		if !d.well(h, a, r) {
			h.t.Errorf("it is %s, and the bank did it", describe(r))
		}
		h.once(d, a, before)
		h.heal()
		d.after(h, a)
	})
	for _, share := range []time.Duration{20, 45, 95} {
		s.ask(t, d.what, fmt.Sprintf("it keeps its limit when every answer takes %d %% of it", share), d.method, func(h *house) {
			a := d.ready(h)
			delay := h.limit(d) * share / 100
			h.fault(sim.Fault{Kind: sim.FaultSlow, Delay: sim.Duration(delay)})
			d.do(h, context.Background(), a) // h.call holds the clock
			h.spoiled()
			h.heal()
			time.Sleep(h.limit(d))
			d.after(h, a)
		})
	}
}

// unsent fails unless a Result is the proof that nothing left.
func (h *house) unsent(r providers.Result) {
	h.t.Helper()
	if r.Verdict != providers.Unserved || r.Reason != providers.NotSent {
		h.t.Errorf("it is %s, want unserved not_sent", describe(r))
	}
}

// untouched fails if anything that moves money arrived since before, and asks how the
// attempt stands.
func (h *house) untouched(d deed, a *attempt, before int) {
	h.t.Helper()
	if n := h.arrived(moving...) - before; n != 0 {
		h.t.Errorf("%d money-moving requests arrived", n)
	}
	d.after(h, a)
}
