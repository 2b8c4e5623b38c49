package providertest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// offers asks about what a payer can be shown or sent: its end, its death, and the
// truth about it in between.
func (s *suite) offers(t *testing.T) {
	for _, m := range s.methods(providers.Offer, providers.Pushed) {
		s.about(t, "offer by "+string(m.Method), func(t *testing.T) {
			what := string(m.Method)
			s.ask(t, what, "it says what to do, and when nobody can any more", m.Method, func(h *house) {
				a := h.shown(m.Method)
				h.ends(a, m)
			})
			s.ask(t, what, "a slow answer does not make its end come too early", m.Method, func(h *house) {
				delay := h.limit(deed{op: sim.OpCreate, method: m.Method}) / 4
				h.fault(sim.Fault{Op: sim.OpCreate, Kind: sim.FaultSlow, Delay: sim.Duration(delay), Times: 1})
				h.ends(h.shown(m.Method), m)
			})
			s.ask(t, what, "it never outlives the payment", m.Method, func(h *house) { h.outlives(m, 0) })
			s.ask(t, what, "it never outlives the payment, however slow the answer", m.Method, func(h *house) {
				h.outlives(m, h.limit(deed{op: sim.OpCreate, method: m.Method})/4)
			})
			s.ask(t, what, "a look along its life tells the truth", m.Method, func(h *house) {
				a := h.shown(m.Method)
				end := a.result.Until.Add(m.Margin)
				for pause := time.Until(end) / 24; time.Now().Before(end); time.Sleep(pause) {
					h.look(a)
				}
			})
			s.ask(t, what, "unpaid, it is dead when it says so", m.Method, func(h *house) {
				a := h.shown(m.Method)
				time.Sleep(time.Until(a.result.Until.Add(m.Margin)) + time.Millisecond)
				if r := h.look(a); !harmless(r) {
					h.t.Errorf("a look after its end says %s", describe(r))
				}
				h.besiege(a)
				if net := h.net(a); net != 0 {
					h.t.Errorf("after its end it took %d", net)
				}
			})
			s.ask(t, what, "a payer who begins at the last moment is waited for", m.Method, s.lastMoment)
			s.ask(t, what, "a paid one is approved with its amount", m.Method, func(h *house) {
				h.full(h.paid(m.Method))
			})
			s.ask(t, what, "a payer who has only begun is waited for", m.Method, func(h *house) {
				a := h.shown(m.Method)
				h.act(a, sim.ActScan)
				if r := h.look(a); r.Verdict != providers.Pending {
					h.t.Errorf("it is %s", describe(r))
				}
				h.act(a, sim.ActConfirm)
				h.look(a)
			})
			s.ask(t, what, "a decline is final only if the payer cannot try again", m.Method, s.declined)
			if m.NeverShown {
				s.ask(t, what, "the provider learns nothing by which it could reach the payer", m.Method, func(h *house) {
					h.shown(m.Method)
					_, _, sent, _ := h.wire.traffic()
					for _, reach := range []string{payer.Phone[2:], "canary.personal"} {
						if bytes.Contains(sent, []byte(reach)) {
							h.t.Errorf("never shown is claimed, and %s was sent", reach)
						}
					}
				})
			}
		})
	}
}

// ends checks an offer's end against the bank's own and against what is claimed.
func (h *house) ends(a *attempt, m providers.MethodClaims) {
	h.t.Helper()
	r := a.result
	if r.Reason != providers.AwaitingPayer || r.Action == nil || r.Until.IsZero() {
		h.t.Fatalf("it is %s, until %s, action %+v", describe(r), r.Until, r.Action)
	}
	o, found := h.object(a)
	if !found {
		h.t.Fatal("the bank has no such offer")
	}
	if r.Until.Before(o.LiveUntil) {
		h.t.Errorf("it says it ends at %s, at the bank it can be paid until %s", clock(r.Until), clock(o.LiveUntil))
	}
	if r.Action.Expires.IsZero() || r.Action.Expires.After(r.Until) {
		h.t.Errorf("the payer may begin until %s, and the end is %s", clock(r.Action.Expires), clock(r.Until))
	}
	if m.OfferLife > 0 {
		if life := o.LiveUntil.Sub(o.Created); life > m.OfferLife {
			h.t.Errorf("it lives %s, claimed are %s", life, m.OfferLife)
		}
		if latest := time.Now().Add(m.OfferLife); r.Until.After(latest) {
			h.t.Errorf("it says it ends at %s, claimed is %s at the latest", clock(r.Until), clock(latest))
		}
	}
}

func clock(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05.000") }

// outlives asks for offers for payments that end sooner or later. Either it is refused,
// or it is dead in time.
func (h *house) outlives(m providers.MethodClaims, slow time.Duration) {
	h.t.Helper()
	spans := []time.Duration{-time.Hour, 0, time.Second, 30 * time.Second, time.Minute, 61 * time.Second, 3 * time.Minute, 244 * time.Second, 245 * time.Second,
		5 * time.Minute, 20 * time.Minute, time.Hour, 2 * time.Hour, 24 * time.Hour, 25 * time.Hour, 72 * time.Hour, 90 * 24 * time.Hour}
	if m.OfferLife > 0 {
		spans = append(spans, m.OfferLife-time.Millisecond, m.OfferLife, m.OfferLife+time.Millisecond, m.OfferLife+slow)
	}
	if slow > 0 {
		h.fault(sim.Fault{Op: sim.OpCreate, Kind: sim.FaultSlow, Delay: sim.Duration(slow)})
	}
	offered := 0
	for _, span := range spans {
		a := h.wish(m.Method)
		a.charge.Expires = time.Now().Add(span)
		before := h.arrived(sim.OpCreate)
		switch r := h.charge(context.Background(), a); {
		case r.Verdict == providers.Pending:
			offered++
			o, _ := h.object(a)
			if r.Until.After(a.charge.Expires) || o.LiveUntil.After(a.charge.Expires) || r.Action.Expires.After(a.charge.Expires) {
				h.t.Errorf("for a payment of %s there is an offer until %s, at the bank %s", span, clock(r.Until), clock(o.LiveUntil))
			}
		case r.Verdict == providers.Unserved && r.Reason == providers.Unsupported:
			if n := h.arrived(sim.OpCreate) - before; n > 0 && !m.NeverShown {
				h.t.Errorf("for a payment of %s it is refused after it was sent", span)
			}
		case r.Verdict == providers.Unknown && m.NeverShown && slow > 0: // it came too late to be shown
		default:
			h.t.Errorf("for a payment of %s it is %s", span, describe(r))
		}
	}
	if offered == 0 {
		h.t.Error("no payment lives long enough for an offer")
	}
}

// lastMoment lets the payer begin one millisecond before nobody can begin any more, and
// finish one millisecond before the bank's own end.
func (s *suite) lastMoment(h *house) {
	a := h.shown(h.method)
	time.Sleep(time.Until(a.result.Action.Expires) - time.Millisecond)
	h.act(a, sim.ActScan)
	h.look(a)
	if o, _ := h.object(a); !o.LiveUntil.IsZero() {
		time.Sleep(time.Until(o.LiveUntil) - time.Millisecond)
	}
	h.look(a)
	h.act(a, sim.ActConfirm)
	if h.look(a); h.net(a)+h.heldBy(a) != a.ref.Amount.Minor {
		h.t.Errorf("the bank has %d of %s", h.net(a), a.ref.Amount)
	}
}

// declined lets the payer decline and then try again.
func (s *suite) declined(h *house) {
	a := h.shown(h.method)
	h.act(a, sim.ActDecline)
	r := h.look(a)
	h.act(a, sim.ActPay)
	again := h.look(a)
	if r.Verdict == providers.Declined || r.Verdict == providers.Unserved {
		if again.Verdict.HasMoney() || h.net(a) != 0 {
			h.t.Errorf("it was %s, and then took %d", describe(r), h.net(a))
		}
	}
}

// full fails unless the bank holds the attempt's whole amount for us.
func (h *house) full(a *attempt) {
	h.t.Helper()
	if net := h.net(a); net != a.ref.Amount.Minor {
		h.t.Errorf("the bank has %d of %s", net, a.ref.Amount)
	}
}

// heldBy is what is authorised and not captured.
func (h *house) heldBy(a *attempt) int64 {
	var sum int64
	for _, o := range h.objects(a) {
		if o.Phase == sim.Held {
			sum += o.Authorized
		}
	}
	return sum
}
