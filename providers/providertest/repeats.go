package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// repeats asks whether what is claimed to be idempotent is: the same call under the
// same id, inside the claimed time, teaches the same and moves nothing more.
func (s *suite) repeats(t *testing.T) {
	if len(s.claims.Idempotent) == 0 {
		return
	}
	s.about(t, "repeats", func(t *testing.T) {
		for _, claim := range s.claims.Idempotent {
			deeds := s.named(claim.Operation)
			if len(deeds) == 0 {
				t.Errorf("nothing is called %q: write charge, create, capture, void or refund", claim.Operation)
			}
			for _, d := range deeds {
				s.ask(t, d.what, "a repeated "+d.name+" teaches the same", d.method, func(h *house) { h.repeat(d, claim.Window, "") })
				s.ask(t, d.what, "a repeated "+d.name+" after a lost answer teaches what was lost", d.method, func(h *house) {
					h.repeat(d, claim.Window, sim.FaultActDrop)
				})
			}
		}
	})
}

// named are the deeds that a claim is about.
func (s *suite) named(operation string) []deed {
	op, known := map[string]sim.Op{"charge": sim.OpCharge, "create": sim.OpCreate, "capture": sim.OpCapture, "void": sim.OpVoid, "refund": sim.OpRefund}[operation]
	var found []deed
	for _, d := range s.deeds() {
		if known && d.op == op {
			found = append(found, d)
		}
	}
	return found
}

// repeat does a deed at the beginning, in the middle and at the end of its window.
func (h *house) repeat(d deed, window time.Duration, first sim.FaultKind) {
	h.t.Helper()
	h.rude = true
	a := d.ready(h)
	if first != "" {
		h.fault(sim.Fault{Op: d.op, Kind: first, Times: 1})
	}
	d.do(h, context.Background(), a)
	h.heal()
	entries := len(h.bank.Ledger().Entries)
	for _, pause := range []time.Duration{0, window / 2, window/2 - time.Second} {
		time.Sleep(max(pause, 0))
		if r := d.do(h, context.Background(), a); !d.well(h, a, r) {
			h.t.Errorf("a repeated %s is %s", d.name, describe(r))
		}
	}
	if n := len(h.bank.Ledger().Entries) - entries; n != 0 {
		h.t.Errorf("repeats moved money %d times: %+v", n, h.bank.Ledger().Entries)
	}
	if n := len(h.objects(a)); n != 1 {
		h.t.Errorf("repeats made %d objects at the bank", n)
	}
}
