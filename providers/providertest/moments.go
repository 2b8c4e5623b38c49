package providertest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// keptAlive closes connections that were kept alive, at the moments when an HTTP client
// is tempted to send again by itself.
func (s *siege) keptAlive(t *testing.T, d deed, steps tally) {
	warmed := func(t *testing.T) (*house, *peer, *attempt) {
		t.Helper()
		calm(t)
		h, p := s.house(t, s.exposed, d.method, nil)
		a := d.ready(h)
		h.lookup(h.begin(h.wish(d.method)))
		return h, p, a
	}
	t.Run("a kept connection closed once it was asked", func(t *testing.T) {
		h, p, a := warmed(t)
		h.strike(d, a, p, blow{reasons: cut, strike: func(*stroke) {}}, steps)
		h.recovered(d, a)
	})
	for sentence, hangUp := range map[string]func(*net.TCPConn) error{
		"kept connections closed just before they are asked": (*net.TCPConn).Close,
		"kept connections reset just before they are asked": func(c *net.TCPConn) error {
			return errors.Join(c.SetLinger(0), c.Close())
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			h, p, a := warmed(t)
			before := h.moved()
			p.arm(nil, 0)
			p.drop(func(c *net.TCPConn) { _ = hangUp(c) })
			r := d.do(h, context.Background(), a)
			h.consistent(d, a, r, h.moved()-before)
			h.recovered(d, a)
		})
	}
}

// consistent fails unless a Result fits the number of requests that arrived.
func (h *house) consistent(d deed, a *attempt, r providers.Result, moved int) {
	h.t.Helper()
	most := 1
	if d.op == sim.OpStatus {
		most = 0
	}
	ok := moved <= most
	switch {
	case d.well(h, a, r):
		ok = ok && moved == most
	case r.Verdict == providers.Unknown && !r.Absent:
	default:
		ok = ok && r.Verdict == providers.Unserved && r.Reason == providers.NotSent && moved == 0
	}
	if !ok {
		h.t.Errorf("it is %s, and %d money-moving requests arrived", describe(r), moved)
	}
}

// strangers answer with what is true of another payment: one with another number, one
// of another amount, and one of another account under the same number.
func (s *siege) strangers(t *testing.T, d deed, steps tally) {
	t.Run("the answer about another payment", func(t *testing.T) {
		calm(t)
		h, p := s.house(t, s.exposed, d.method, nil)
		told, known := h.told(d, p)
		s.impose(h, d, p, steps, told, known.Order, known.External)
	})
	t.Run("the answer about another amount", func(t *testing.T) {
		calm(t)
		h, p := s.house(t, s.exposed, d.method, nil)
		usual := h.subject.Amount
		h.subject.Amount.Minor += 1_00
		told, known := h.told(d, p)
		h.subject.Amount = usual
		s.impose(h, d, p, steps, told, known.Order, known.External, known.Amount.Shortest(), known.Amount.Decimal())
	})
	if s.exposed.Other == nil {
		return
	}
	t.Run("the answer about another account", func(t *testing.T) {
		calm(t)
		other, far := s.house(t, *s.exposed.Other, d.method, nil)
		told, _ := other.told(d, far)
		h, p := s.house(t, s.exposed, d.method, nil)
		s.impose(h, d, p, steps, told, s.exposed.Other.Account)
	})
}

// told does a deed while all is well. It gives the bank's last answer to it, and what we
// knew of the attempt before: an answer that names nothing of it cannot be told apart.
func (h *house) told(d deed, p *peer) (answer, providers.Ref) {
	h.t.Helper()
	a := d.ready(h)
	known := a.ref
	if r := d.do(h, context.Background(), a); !d.well(h, a, r) {
		h.t.Fatalf("it is %s while all is well", describe(r))
	}
	return p.heardLast(), known
}

// impose answers the deed with what was told about something else. Where the answer
// names it by one of these names, it must not be believed; where it names nothing,
// nobody could tell.
func (s *siege) impose(h *house, d deed, p *peer, steps tally, told answer, names ...string) {
	h.t.Helper()
	named := false
	for _, name := range names {
		named = named || name != "" && strings.Contains(string(told.body), name)
	}
	if !named {
		h.t.Skipf("the protocol's answer names nothing: %d bytes", len(told.body))
	}
	a := d.ready(h)
	h.hangUp()
	h.strike(d, a, p, blow{strike: func(s *stroke) {
		if truth := s.truth(); bytes.Equal(truth.body, told.body) {
			h.t.Error("the true answer is the same")
		}
		_, _ = s.conn.Write(told.whole())
	}}, steps)
	h.recovered(d, a)
}

// nameless are banks whose name cannot be resolved. Nothing is sent, within the time a
// connection may take.
func (s *siege) nameless(t *testing.T) {
	// connecting is the limit of package exchange.
	const connecting = 2 * time.Second
	for sentence, replies := range map[string]func(query []byte) []byte{
		"a name server that is silent":        func([]byte) []byte { return nil },
		"a name server that fails":            refusing(2),
		"a name that does not exist":          refusing(3),
		"a name server that answers nonsense": func([]byte) []byte { return []byte("nonsense") },
	} {
		t.Run(sentence, func(t *testing.T) {
			calm(t)
			resolveBy(t, replies)
			var all []func()
			for _, d := range s.targets() {
				h, _ := s.house(t, s.exposed, d.method, nil)
				a := d.ready(h)
				h.hangUp()
				h.enter(s.exposed.At("https://bank.payrouter.test", providers.Timeouts{}))
				all = append(all, func() {
					before, began := h.moved(), time.Now()
					r := d.do(h, context.Background(), a)
					if took := time.Since(began); took > connecting+lateness {
						t.Errorf("a %s took %s", d.name, took)
					}
					h.withstood(d, blow{unsent: true}, a, r)
					if h.moved() != before {
						t.Errorf("a %s arrived", d.name)
					}
				})
			}
			together(all)
		})
	}
}
