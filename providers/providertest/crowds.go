package providertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// crowd is how many call at once.
const crowd = 64

// crowds asks whether many callers get their own answers. The race detector listens.
func (s *suite) crowds(t *testing.T) {
	for _, m := range s.payable() {
		s.about(t, "a crowd by "+string(m.Method), func(t *testing.T) {
			s.ask(t, string(m.Method), "64 callers at once each get their own answer", m.Method, s.crowded)
			s.ask(t, string(m.Method), "64 callers at once wait no longer than one", m.Method, func(h *house) {
				h.fault(sim.Fault{Kind: sim.FaultHang})
				var all sync.WaitGroup
				for range crowd {
					a := h.wish(m.Method)
					all.Go(func() { h.charge(context.Background(), a) })
					all.Go(func() { h.lookup(&attempt{ref: a.ref}) })
				}
				all.Wait()
			})
		})
	}
}

// crowded charges many different amounts at once, asks about them, hears about them and
// gives some of them back.
func (s *suite) crowded(h *house) {
	attempts := make([]*attempt, crowd)
	for i := range attempts {
		a := h.wish(h.method)
		a.ref.Amount.Minor += int64(i)
		a.charge.Ref.Amount = a.ref.Amount
		attempts[i] = a
	}
	each := func(do func(i int, a *attempt)) {
		var all sync.WaitGroup
		for i, a := range attempts {
			all.Go(func() { do(i, a) })
		}
		all.Wait()
	}
	each(func(_ int, a *attempt) { h.charge(context.Background(), a) })
	if n := h.arrived(sim.OpCharge, sim.OpCreate); n != crowd {
		h.t.Errorf("%d requests arrived", n)
	}
	seen := map[string]bool{}
	for _, a := range attempts {
		if r := a.result; r.Verdict.HasMoney() && r.Amount != a.ref.Amount || !r.Verdict.HasMoney() && r.Action == nil {
			h.t.Errorf("%s asked for %s, and is told %s", a.ref.Order, a.ref.Amount, describe(r))
		} else if r.Action != nil && h.claims.Method(h.method).Flow == providers.Offer {
			if shown := r.Action.URL + r.Action.Text; seen[shown] {
				h.t.Errorf("%s is shown what another is shown: %s", a.ref.Order, shown)
			} else {
				seen[shown] = true
			}
		}
		if o, found := h.object(a); !found || o.Amount != a.ref.Amount.Minor {
			h.t.Fatalf("%s asked for %s, the bank has %+v", a.ref.Order, a.ref.Amount, o)
		}
		h.take(a)
	}
	each(func(_ int, a *attempt) {
		for range 3 {
			h.look(a)
		}
	})
	time.Sleep(time.Minute)
	if can[providers.Listener](h.provider) {
		letters := h.post.letters()
		each(func(i int, _ *attempt) {
			for _, l := range letters {
				h.hear(l.notice)
			}
		})
	}
	if h.claims.Refund.API && !h.subject.Holds {
		each(func(i int, a *attempt) {
			if i%2 == 0 {
				h.refund(context.Background(), whole(a))
			}
		})
		time.Sleep(48 * time.Hour) // some are accepted, and given back later
		for i, a := range attempts {
			want := a.ref.Amount.Minor
			if i%2 == 0 {
				want = 0
			}
			if net := h.net(a); net != want {
				h.t.Errorf("%s: the bank has %d, want %d", a.ref.Order, net, want)
			}
		}
	}
}
