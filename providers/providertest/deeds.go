package providertest

import (
	"context"
	"fmt"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// deed is one call that moves money or makes it movable, and what it takes to get
// there. Every deed is asked the same questions about faults, callers and answers.
type deed struct {
	what   string // the line of the record
	name   string
	method providers.Method
	op     sim.Op // what arrives at the bank
	// ready brings an attempt to where the deed can be done.
	ready func(h *house) *attempt
	do    func(h *house, ctx context.Context, a *attempt) providers.Result
	// well reports whether a Result is what the deed earns when all goes well.
	well func(h *house, a *attempt, r providers.Result) bool
	// after holds the healthy bank's answers against the ledger, whatever came before.
	after func(h *house, a *attempt)
	// minor is the amount that must arrive; 0 where the protocol says none.
	minor func(a *attempt) int64
}

// deeds lists all that the subject offers.
func (s *suite) deeds() []deed {
	var all []deed
	for _, m := range s.payable() {
		all = append(all, s.charging(m, false))
		if m.TwoStage && !s.subject.Holds {
			all = append(all, s.charging(m, true))
		}
		if m.Withdraw == providers.Binding {
			all = append(all, s.withdrawing(m.Method))
		}
		if s.claims.Refund.API {
			all = append(all, s.refunding(m.Method))
		}
	}
	for _, m := range s.holding() {
		all = append(all, s.capturing(m.Method), s.voiding(m.Method))
	}
	return all
}

func (s *suite) charging(m providers.MethodClaims, hold bool) deed {
	d := deed{what: string(m.Method), name: fmt.Sprintf("charge by %s", m.Method), method: m.Method, op: sim.OpCreate}
	if m.Flow == providers.Direct {
		d.op = sim.OpCharge
	}
	if hold {
		d.name += " with a hold"
	}
	d.ready = func(h *house) *attempt {
		a := h.wish(m.Method)
		if hold {
			a.ref.TwoStage, a.charge.Ref.TwoStage = true, true
		}
		return a
	}
	d.do = func(h *house, ctx context.Context, a *attempt) providers.Result { return h.charge(ctx, a) }
	d.well = func(h *house, a *attempt, r providers.Result) bool {
		if m.Flow == providers.Direct {
			want := providers.Approved
			if a.ref.TwoStage {
				want = providers.Held
			}
			return r.Verdict == want && names(r.Amount, a.ref.Amount.Minor, a.ref.Amount.Currency)
		}
		return r.Verdict == providers.Pending && r.Action != nil && !r.Until.IsZero()
	}
	d.after = func(h *house, a *attempt) { h.look(a) }
	d.minor = func(a *attempt) int64 { return a.ref.Amount.Minor }
	return d
}

func (s *suite) withdrawing(m providers.Method) deed {
	return deed{what: "withdraw", name: fmt.Sprintf("withdrawal of %s", m), method: m, op: sim.OpVoid,
		ready: func(h *house) *attempt { return h.shown(m) },
		do:    func(h *house, ctx context.Context, a *attempt) providers.Result { return h.recall(ctx, a) },
		well:  func(_ *house, _ *attempt, r providers.Result) bool { return r.Verdict == providers.Approved },
		after: func(h *house, a *attempt) { h.look(a) },
		minor: func(*attempt) int64 { return 0 },
	}
}

func (s *suite) capturing(m providers.Method) deed {
	return deed{what: "capture", name: fmt.Sprintf("capture of %s", m), method: m, op: sim.OpCapture,
		ready: func(h *house) *attempt { return h.held(m) },
		do: func(h *house, ctx context.Context, a *attempt) providers.Result {
			return h.capture(ctx, a, a.ref.Amount)
		},
		well: func(_ *house, a *attempt, r providers.Result) bool {
			return r.Verdict == providers.Approved && r.Amount == a.ref.Amount
		},
		after: func(h *house, a *attempt) { h.look(a) },
		minor: func(a *attempt) int64 { return a.ref.Amount.Minor },
	}
}

func (s *suite) voiding(m providers.Method) deed {
	return deed{what: "void", name: fmt.Sprintf("void of %s", m), method: m, op: sim.OpVoid,
		ready: func(h *house) *attempt { return h.held(m) },
		do:    func(h *house, ctx context.Context, a *attempt) providers.Result { return h.cancel(ctx, a) },
		well:  func(_ *house, _ *attempt, r providers.Result) bool { return r.Verdict == providers.Approved },
		after: func(h *house, a *attempt) { h.look(a) },
		minor: func(*attempt) int64 { return 0 },
	}
}

func (s *suite) refunding(m providers.Method) deed {
	return deed{what: "refund", name: fmt.Sprintf("refund of %s", m), method: m, op: sim.OpRefund,
		ready: func(h *house) *attempt { return h.paid(m) },
		do: func(h *house, ctx context.Context, a *attempt) providers.Result {
			return h.refund(ctx, whole(a))
		},
		well: func(_ *house, _ *attempt, r providers.Result) bool {
			return r.Verdict == providers.Approved || r.Verdict == providers.Pending
		},
		after: func(h *house, a *attempt) { h.settled(a, whole(a)) },
		minor: func(a *attempt) int64 { return a.ref.Amount.Minor },
	}
}

// whole is a refund of everything, the first one.
func whole(a *attempt) providers.Refund {
	return providers.Refund{Ref: a.ref, ID: "rf" + a.ref.Order[max(0, len(a.ref.Order)-16):], Amount: a.ref.Amount,
		Before: money(0, a.ref.Amount), Reason: "Order 4711"}
}

// rehearse does the deed while all is well, and gives the Result and the bytes of the
// answer. One seed and one order of requests make the bank answer the same again.
func (s *suite) rehearse(d deed, h *house) (providers.Result, []byte) {
	h.t.Helper()
	a := d.ready(h)
	h.wire.fresh()
	r := d.do(h, context.Background(), a)
	_, _, _, heard := h.wire.traffic()
	if !d.well(h, a, r) {
		h.t.Errorf("a %s is %s while all is well", d.name, describe(r))
	}
	return r, heard
}
