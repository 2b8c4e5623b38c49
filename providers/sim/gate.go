package sim

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// maxRequest bounds a merchant's request body; no provider's request comes near it.
const maxRequest = 1 << 20

// Handler is one face for in-memory use. It panics with http.ErrAbortHandler where a connection must break, as net/http expects
// of handlers; see Transport for connections that really break. An unknown face is a programming mistake and panics.
func (b *Bank) Handler(face string) http.Handler {
	f := b.face(face)
	if f == nil {
		panic("sim: no face is called " + face)
	}
	return &gate{b: b, f: f}
}

// gate stands before a face: it checks the invariants on arrival, and misbehaves as the faults say.
type gate struct {
	b *Bank
	f Face
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, name := g.b, g.f.Name()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "unreadable body", http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	if b.closed || b.refused(name) {
		b.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	c := g.f.read(r, body)
	c.r, c.body = r, body
	b.mu.Unlock()

	witness := g.ask(c)
	b.mu.Lock()
	found := b.arrive(name, c, witness)
	fault := b.pick(name, c)
	c.excused = fault.BrokenPromise
	rep, acted := g.decide(c, fault)
	b.mu.Unlock()
	b.report(found)
	if acted {
		b.flush(name)
	}
	delivered := false
	defer func() { b.settle(g.f, c, delivered) }()
	delivered = g.answer(w, c, fault, rep)
}

// ask consults the two callbacks, without the lock.
func (g *gate) ask(c *call) error {
	opt := g.b.opt
	if c.create && opt.PaymentOf != nil {
		c.payment = opt.PaymentOf(g.f.Name(), c.reference)
	}
	if !c.money || opt.Witness == nil {
		return nil
	}
	return opt.Witness(Move{
		Face: g.f.Name(), Account: c.account, Op: c.op, Reference: c.reference, AmountMinor: c.amount, Currency: c.currency,
	})
}

// decide acts or not, and builds the answer before transport faults. The caller holds the lock.
func (g *gate) decide(c *call, fault Fault) (reply, bool) {
	b, name := g.b, g.f.Name()
	switch fault.Kind {
	case FaultHang, FaultDrop, FaultHTTPError, FaultHTML, FaultRedirect:
		return reply{}, false
	case FaultCode, FaultNotFound, FaultUnauthorized, FaultThrottle:
		rep := g.f.refuse(c, fault.Kind, fault.Code, fault.Status)
		if rep.unprocessed || fault.Kind == FaultUnauthorized || fault.Kind == FaultThrottle {
			b.unprocessed(name, c)
		}
		return rep, false
	case FaultActLate:
		p := &pendingAct{face: name, reference: c.reference, payment: c.payment, counts: c.create && !c.inert && !c.excused}
		b.books.pending = append(b.books.pending, p)
		b.after(orDefault(fault.Delay, 30*time.Second), func() {
			b.books.pending = slices.DeleteFunc(b.books.pending, func(q *pendingAct) bool { return q == p })
			g.f.act(c)
			b.shown(g.f, c, false)
			b.spawn(func() { b.flush(name) })
		})
		return reply{}, false
	case FaultWrongAmount, FaultWrongReference, FaultBadSignature, FaultUnknownStatus:
		c.twist, c.code = fault.Kind, fault.Code
	}
	rep := g.f.act(c)
	if rep.unprocessed {
		b.unprocessed(name, c)
	}
	switch o := c.created; {
	case o == nil:
	case o.Style == StylePush:
		b.shown(g.f, c, true) // the bank reaches this payer itself, whatever becomes of the answer
	case o.Style == StyleOffer:
		// An answer under a fault may be given up at any moment, and the merchant is free to go elsewhere at that same moment,
		// before settle has heard of it. So such an offer is unseen until its answer is out.
		o.Unseen = fault.Kind != ""
	}
	return rep, true
}

// settle runs once the answer is out or lost.
func (b *Bank) settle(f Face, c *call, delivered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown(f, c, delivered && c.r.Context().Err() == nil)
}

// shown says whether the object that c created has reached somebody who can pay it: a lost offer is unseen, every other object
// meets its payer. The caller holds the lock.
func (b *Bank) shown(f Face, c *call, delivered bool) {
	o := c.created
	if o == nil {
		return
	}
	c.created = nil
	switch o.Style {
	case StyleOffer:
		o.Unseen = !delivered
		if delivered {
			b.meetPayer(f, o)
		}
	case StylePush:
		b.meetPayer(f, o)
	}
}

func orDefault(d Duration, fallback time.Duration) time.Duration {
	if d > 0 {
		return time.Duration(d)
	}
	return fallback
}
