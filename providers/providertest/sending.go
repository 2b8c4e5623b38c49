package providertest

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// fault is one way in which the bank fails after a request has left.
type fault struct {
	sentence string
	sim.Fault
	reasons []providers.Reason // that Unknown may have; nil is any
	// unprocessed: the answer may be documented as "not carried out". Then Unserved is
	// true, with one of these reasons.
	unprocessed []providers.Reason
	lie         bool // a true answer with one untrue thing in it, where the protocol has a place for it
}

var (
	silent  = []providers.Reason{providers.Timeout}
	cut     = []providers.Reason{providers.Broken}
	failed  = []providers.Reason{providers.ServerError}
	garbled = []providers.Reason{providers.Unreadable}
)

// faults are asked of every deed. A delay of zero is filled in with the deed's limit.
var faults = []fault{
	{sentence: "silence is doubt", Fault: sim.Fault{Kind: sim.FaultHang}, reasons: silent},
	{sentence: "silence after the bank acted is doubt", Fault: sim.Fault{Kind: sim.FaultActHang}, reasons: silent},
	{sentence: "a connection that breaks is doubt", Fault: sim.Fault{Kind: sim.FaultDrop}, reasons: cut},
	{sentence: "a connection that breaks after the bank acted is doubt", Fault: sim.Fault{Kind: sim.FaultActDrop}, reasons: cut},
	{sentence: "HTTP 500 is doubt", Fault: sim.Fault{Kind: sim.FaultHTTPError, Status: 500}, reasons: failed},
	{sentence: "HTTP 503 is doubt", Fault: sim.Fault{Kind: sim.FaultHTTPError}, reasons: failed},
	{sentence: "HTTP 504 is doubt", Fault: sim.Fault{Kind: sim.FaultHTTPError, Status: 504}, reasons: failed},
	{sentence: "HTTP 500 after the bank acted is doubt", Fault: sim.Fault{Kind: sim.FaultActHTTPError, Status: 500}, reasons: failed},
	{sentence: "HTTP 502 after the bank acted is doubt", Fault: sim.Fault{Kind: sim.FaultActHTTPError, Status: 502}, reasons: failed},
	{sentence: "HTTP 404 is doubt", Fault: sim.Fault{Kind: sim.FaultHTTPError, Status: 404}},
	{sentence: "HTTP 409 after the bank acted is doubt", Fault: sim.Fault{Kind: sim.FaultActHTTPError, Status: 409}},
	{sentence: "HTTP 422 after the bank acted is doubt", Fault: sim.Fault{Kind: sim.FaultActHTTPError, Status: 422}},
	{sentence: "a maintenance page is doubt", Fault: sim.Fault{Kind: sim.FaultHTML}, reasons: garbled},
	{sentence: "half an answer is doubt", Fault: sim.Fault{Kind: sim.FaultTruncate}, reasons: cut},
	{sentence: "an endless answer is doubt and is not read to its end", Fault: sim.Fault{Kind: sim.FaultHuge}, reasons: garbled},
	{sentence: "an answer after the time-out is doubt", Fault: sim.Fault{Kind: sim.FaultSlow}, reasons: silent},
	{sentence: "an answer that trickles beyond the time-out is doubt", Fault: sim.Fault{Kind: sim.FaultTrickle, Delay: sim.Duration(time.Second)}, reasons: silent},
	{sentence: "a redirect is doubt and not followed", Fault: sim.Fault{Kind: sim.FaultRedirect}, reasons: garbled},
	{sentence: "a bank that acts late is doubt", Fault: sim.Fault{Kind: sim.FaultActLate, Delay: sim.Duration(20 * time.Second)}, reasons: cut},
	{sentence: "a code that nobody knows is doubt", Fault: sim.Fault{Kind: sim.FaultCode, Code: "987654"}},
	{sentence: "a status that nobody knows is doubt", Fault: sim.Fault{Kind: sim.FaultUnknownStatus}, lie: true},
	{sentence: "an answer about another amount is doubt", Fault: sim.Fault{Kind: sim.FaultWrongAmount}, lie: true},
	{sentence: "an answer about something else is doubt", Fault: sim.Fault{Kind: sim.FaultWrongReference}, lie: true},
	{sentence: "an answer with a bad signature is doubt", Fault: sim.Fault{Kind: sim.FaultBadSignature}, lie: true},
	{sentence: "a throttled request is doubt unless documented as not carried out", Fault: sim.Fault{Kind: sim.FaultThrottle},
		unprocessed: []providers.Reason{providers.Throttled}},
	{sentence: "refused credentials are doubt unless documented as not carried out", Fault: sim.Fault{Kind: sim.FaultUnauthorized},
		unprocessed: []providers.Reason{providers.Misconfigured}},
	{sentence: "not found is doubt unless there was something to act on", Fault: sim.Fault{Kind: sim.FaultNotFound},
		unprocessed: []providers.Reason{providers.NotFound}},
}

// sendings asks every deed about every fault, and about its callers and its answers.
func (s *suite) sendings(t *testing.T) {
	damaged := map[string]bool{}
	for _, d := range s.deeds() {
		s.about(t, d.name, func(t *testing.T) {
			s.ask(t, d.what, "is done once as asked", d.method, func(h *house) {
				a := d.ready(h)
				before := h.arrived(moving...)
				if r := d.do(h, context.Background(), a); !d.well(h, a, r) {
					h.t.Errorf("it is %s", describe(r))
				}
				h.once(d, a, before)
				d.after(h, a)
			})
			if s.composed(d) {
				return // nobody was asked, so that nothing could go wrong
			}
			for _, f := range faults {
				s.askFault(t, d, f)
			}
			s.askCallers(t, d)
			if !damaged[d.what] { // to spoil an answer field by field takes long, and an operation reads one shape of it
				s.askAnswers(t, d)
			}
			damaged[d.what] = true
		})
	}
}

// fits says whether a fault makes sense for a deed: what does not exist yet cannot be
// answered as not found by a code of its own.
func (f fault) fits(d deed) bool {
	return f.Kind != sim.FaultNotFound || d.op != sim.OpCreate && d.op != sim.OpCharge
}

// mayBeTrue says whether the fault may leave an answer as it was: a lie that has no place in
// it, or a body cut short that had no bytes.
func (f fault) mayBeTrue() bool {
	return f.lie || f.Kind == sim.FaultTruncate || f.Kind == sim.FaultTrickle
}

// composed reports whether the deed makes an offer without asking the bank.
func (s *suite) composed(d deed) bool {
	return d.op == sim.OpCreate && slices.Contains(s.subject.Composed, d.method)
}

func (s *suite) askFault(t *testing.T, d deed, f fault) {
	if !f.fits(d) {
		return
	}
	s.ask(t, d.what, f.sentence, d.method, func(h *house) {
		a := d.ready(h)
		before := h.arrived(moving...)
		f.Op, f.Times = d.op, 1
		if f.Kind == sim.FaultSlow {
			f.Delay = sim.Duration(h.limit(d) + time.Second)
		}
		h.fault(f.Fault)
		h.wire.fresh()
		r := d.do(h, context.Background(), a)
		h.spoiled()
		_, read, _, heard := h.wire.traffic()
		if read > longestAnswer {
			h.t.Errorf("%d bytes of the answer were read", read)
		}
		if f.mayBeTrue() && s.sameAsTrue(h.t, d, heard) {
			// The answer has no place for the lie: it is the true one.
			if !d.well(h, a, r) {
				h.t.Errorf("a true answer is %s", describe(r))
			}
		} else {
			h.doubted(d, f, a, r)
		}
		h.once(d, a, before)
		h.heal()
		if f.Kind == sim.FaultActLate {
			d.after(h, a) // it has not acted yet
			time.Sleep(time.Minute)
		}
		if f.Kind == sim.FaultWrongReference && r.External != "" && r.Verdict == providers.Pending {
			return // it was told the id of something else, and nothing in the answer shows it
		}
		d.after(h, a)
		if h.claims.Method(d.method).NeverShown && d.op == sim.OpCreate && r.Verdict != providers.Pending {
			h.unseen(a)
		}
	})
}

// longestAnswer is what may be read of an answer: a megabyte, and what the transport
// reads ahead.
const longestAnswer = 1<<20 + 64<<10

// limit is the deed's claimed time limit.
func (h *house) limit(d deed) time.Duration {
	switch {
	case d.op == sim.OpCharge, h.claims.Method(d.method).Flow == providers.Pushed && d.op == sim.OpCreate:
		return h.claims.Timeouts.Charge
	case d.op == sim.OpCreate:
		return h.claims.Timeouts.Create
	}
	return h.claims.Timeouts.Refund
}

// doubted fails unless a Result leaves open what cannot be known.
func (h *house) doubted(d deed, f fault, a *attempt, r providers.Result) {
	h.t.Helper()
	switch r.Verdict {
	case providers.Unknown:
		if f.reasons != nil && !slices.Contains(f.reasons, r.Reason) {
			h.t.Errorf("it is %s, want the reason to be one of %q", describe(r), f.reasons)
		}
		if r.Absent {
			h.t.Errorf("it is %s: a failed call says nothing about absence", describe(r))
		}
		return
	case providers.Pending: // as open as can be
		if d.op == sim.OpCreate && r.Action == nil {
			h.t.Errorf("it is %s, and there is nothing to show", describe(r))
		}
		return
	case providers.Unserved:
		if slices.Contains(f.unprocessed, r.Reason) && h.net(a) == d.before(h, a) {
			return
		}
		if d.op == sim.OpCreate && slices.Contains(h.subject.Inert, d.method) {
			h.unseen(a)
			return
		}
	}
	h.t.Errorf("it is %s, and nobody can know that", describe(r))
}

// before is the money that was there before the deed.
func (d deed) before(h *house, a *attempt) int64 {
	if d.op == sim.OpRefund {
		return a.ref.Amount.Minor
	}
	return 0
}

// once fails unless exactly one money-moving request arrived since before, and it was
// about what was asked.
func (h *house) once(d deed, a *attempt, before int) {
	h.t.Helper()
	if n := h.arrived(moving...) - before; n != 1 {
		h.t.Errorf("%d money-moving requests arrived", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	want := d.minor(a)
	if want == 0 {
		return
	}
	if len(h.moves) == 0 {
		h.t.Error("no money-moving request arrived")
		return
	}
	m := h.moves[len(h.moves)-1]
	if m.Op != d.op || m.AmountMinor != want || m.Currency != a.ref.Amount.Currency {
		h.t.Errorf("a %s of %d %s arrived, want a %s of %d %s", m.Op, m.AmountMinor, m.Currency, d.op, want, a.ref.Amount.Currency)
	}
}

// unseen fails if somebody can pay an offer whose creation we do not know of.
func (h *house) unseen(a *attempt) {
	h.t.Helper()
	h.besiege(a)
	if net := h.net(a); net != 0 {
		h.t.Errorf("an offer that was never shown took %d", net)
	}
}

// sameAsTrue reports whether the bank's answer was the true one in spite of the lie.
func (s *suite) sameAsTrue(t *testing.T, d deed, heard []byte) bool {
	t.Helper()
	var truth []byte
	again := open(t, s.subject, d.method)
	_, truth = s.rehearse(d, again)
	return bytes.Equal(truth, heard)
}
