package providertest

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// Exposed is a Subject in front of real sockets.
type Exposed struct {
	Subject
	// At makes the adapter towards a bank at base, such as http://127.0.0.1:4711 or
	// https://…, over the network itself. Limits that are zero are the adapter's own.
	At func(base string, limits providers.Timeouts) (providers.Provider, error)
	// Account is how answers name the account; empty where they do not.
	Account string
	// Other is another account, whose answers are not meant for this one. Nil where
	// answers name no account.
	Other *Exposed
}

// patient are the limits of all other questions, which nothing on loopback comes near.
var patient = providers.Timeouts{Charge: 5 * time.Second, Create: 5 * time.Second, Status: 5 * time.Second, Refund: 5 * time.Second}

// hasty are the limits of a question that only the clock can end: long enough for a
// busy machine to come as far as the peer that stalls.
var hasty = providers.Timeouts{Charge: time.Second, Create: time.Second, Status: time.Second, Refund: time.Second}

const (
	// lateness is what a call on real sockets may take beyond its limit, on a busy machine.
	lateness = 2 * time.Second
	// gluttony is more memory than any answer may cost. A megabyte is read; growing the
	// buffer and the peer itself take the rest (2.4 MB in all, measured).
	gluttony = 16 << 20
)

// Hostile asks every operation of the adapter, over real sockets and in real time, what
// it makes of a peer that breaks, stalls, floods, lies about its framing or its name,
// or is not there. What moves money is counted where it arrives: it comes once if the
// request was read, and never if it was not. Then the peer is good again, and so must
// the adapter be.
func Hostile(t *testing.T, e Exposed) {
	t.Helper()
	if _, err := trusted(); err != nil {
		t.Fatal(err)
	}
	installResolver()
	bomb() // takes longer than any call may
	p, err := e.At("https://127.0.0.1:1", providers.Timeouts{})
	if err != nil {
		t.Fatal(err)
	}
	claims := p.Claims()
	if err := e.validate(claims); err != nil {
		t.Fatal(err)
	}
	e.Subject = e.withDefaults(claims)
	// net/http writes an answer too many to the log of package log, whole. What is done
	// about it is for the program to say; here it would only be noise.
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	s := &siege{suite: &suite{subject: e.Subject, claims: claims, provider: p, record: &Record{}}, exposed: e}
	for _, d := range s.targets() {
		t.Run(d.name, func(t *testing.T) {
			steps := s.rehearsed(t, d, nil, false)
			for _, group := range [][]blow{breaks, floods, redirects(), frames, echoes} {
				for _, b := range group {
					t.Run(b.sentence, func(t *testing.T) {
						calm(t)
						s.suffer(t, d, b, steps, nil)
					})
				}
			}
			s.keptAlive(t, d, steps)
			s.strangers(t, d, steps)
			s.certificates(t, d)
		})
	}
	s.besieged(t)
	s.nameless(t)
}

// siege is a suite on real sockets.
type siege struct {
	*suite
	exposed Exposed
}

// targets are one deed of each kind, and the look-ups.
func (s *siege) targets() []deed {
	var all []deed
	for _, d := range s.deeds() {
		known := slices.ContainsFunc(all, func(known deed) bool { return known.what == d.what })
		if !known && !s.composed(d) {
			all = append(all, d)
		}
	}
	m := s.payable()[0].Method
	all = append(all, s.looking(m))
	if s.claims.Refund.API {
		all = append(all, s.lookingAtRefund(m))
	}
	return all
}

// looking is no deed, but is asked the same: it moves nothing, and may say what it
// would say of a good peer, or nothing.
func (s *siege) looking(m providers.Method) deed {
	return deed{what: "look-up", name: "look-up of " + string(m), method: m, op: sim.OpStatus,
		ready: func(h *house) *attempt { return h.paid(m) },
		do:    func(h *house, ctx context.Context, a *attempt) providers.Result { return h.lookupBy(ctx, a) },
		well:  func(_ *house, _ *attempt, r providers.Result) bool { return r.Verdict == providers.Approved },
		after: func(h *house, a *attempt) { h.look(a) },
		minor: func(*attempt) int64 { return 0 },
	}
}

func (s *siege) lookingAtRefund(m providers.Method) deed {
	return deed{what: "look-up of a refund", name: "look-up of a refund of " + string(m), method: m, op: sim.OpStatus,
		ready: func(h *house) *attempt {
			a := h.paid(m)
			if r := h.refund(context.Background(), whole(a)); r.Verdict != providers.Approved {
				h.t.Fatalf("a refund is %s", describe(r))
			}
			return a
		},
		do: func(h *house, ctx context.Context, a *attempt) providers.Result { return h.lookupRefund(ctx, whole(a)) },
		well: func(h *house, _ *attempt, r providers.Result) bool {
			return r.Verdict == providers.Approved || h.subject.HidesRefunds && r.Verdict == providers.Unknown && !r.Absent
		},
		after: func(h *house, a *attempt) { h.settled(a, whole(a)) },
		minor: func(*attempt) int64 { return 0 },
	}
}

// house makes a house whose bank is behind a real socket.
func (s *siege) house(t *testing.T, e Exposed, m providers.Method, secure *tls.Config) (*house, *peer) {
	t.Helper()
	elsewhere := newDecoy(t)
	h := found(t, e.Subject, m)
	h.slack, h.deaf = lateness, true // notices would come in the middle of anything
	p := h.listen(secure, elsewhere.listener.Addr().String())
	h.enter(e.At(p.address(), patient))
	return h, p
}

// rehearsed counts what the deed takes with a good peer, of an adapter that was there
// before or of one that comes anew and may need a token of its own.
func (s *siege) rehearsed(t *testing.T, d deed, secure *tls.Config, anew bool) tally {
	t.Helper()
	h, p := s.house(t, s.exposed, d.method, secure)
	a := d.ready(h)
	h.hangUp()
	if anew {
		h.enter(s.exposed.At(p.address(), hasty))
	}
	p.arm(nil, 0)
	if r := d.do(h, context.Background(), a); !d.well(h, a, r) {
		t.Fatalf("it is %s while all is well", describe(r))
	}
	steps, _, _ := p.count()
	return steps
}

// calm fails the test unless everything that it started has ended when it ends. Call it
// first.
func calm(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// suffer lets a blow fall on the last request, or the last connection, of a deed.
func (s *siege) suffer(t *testing.T, d deed, b blow, steps tally, secure *tls.Config) {
	t.Helper()
	h, p := s.house(t, s.exposed, d.method, secure)
	a := d.ready(h)
	h.hangUp()
	h.strike(d, a, p, b, steps)
	h.recovered(d, a)
}

// strike does the deed while the blow falls on the last of its steps, and holds the
// Result against what came out of the socket.
func (h *house) strike(d deed, a *attempt, p *peer, b blow, steps tally) {
	h.t.Helper()
	at := steps.requests
	if b.early {
		at = steps.connections
	}
	moved := h.moved()
	p.arm(&b, at)
	allocated := allocations()
	r := h.bounded(d, a, p)
	if got := allocations() - allocated; got > gluttony && !b.stalls {
		h.t.Errorf("it took %d MB of memory", got>>20)
	}
	came, fell, kept := p.count()
	p.arm(nil, 0)
	if !fell {
		h.t.Fatal("the blow met nothing")
	}
	h.withstood(d, b, a, r)
	want, got := 0, h.moved()-moved
	if d.op != sim.OpStatus {
		if kept {
			got++
		}
		if !b.early {
			want = 1
		}
	}
	if got != want {
		h.t.Errorf("%d money-moving requests arrived, want %d", got, want)
	}
	if d.op == sim.OpStatus { // a look without a body may be asked once more, on another connection
		steps.connections++
		steps.requests++
	}
	if came.connections > steps.connections || came.requests > steps.requests {
		h.t.Errorf("%+v arrived, want no more than %+v", came, steps)
	}
}

// bounded does the deed, and breaks every connection if the call outlives its limit:
// the test then ends, at least.
func (h *house) bounded(d deed, a *attempt, p *peer) providers.Result {
	h.t.Helper()
	c := h.claims.Timeouts
	overdue := time.AfterFunc(max(c.Charge, c.Create, c.Status, c.Refund)+2*lateness, func() {
		p.drop(func(c *net.TCPConn) { _ = c.Close() })
	})
	defer overdue.Stop()
	return d.do(h, context.Background(), a)
}

// moved counts the money-moving requests that the bank heard of.
func (h *house) moved() int { return h.arrived(moving...) }

// allocations is how much memory was ever taken.
func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// withstood fails unless a Result says no more than can be known after the blow.
func (h *house) withstood(d deed, b blow, a *attempt, r providers.Result) {
	h.t.Helper()
	looks := d.op == sim.OpStatus
	unknown := r.Verdict == providers.Unknown && !r.Absent
	switch {
	case b.unsent && looks:
		if !unknown || r.Reason != providers.NotSent {
			h.t.Errorf("it is %s, want unknown not_sent", describe(r))
		}
		return
	case b.unsent:
		h.unsent(r)
		return
	case b.undecided && r.Reason == providers.NotSent && (unknown || r.Verdict == providers.Unserved && !looks):
		return
	case b.truthful && d.well(h, a, r), looks && d.well(h, a, r): // an earlier answer to the same look may have said it all
		return
	case r.Verdict == providers.Unserved && d.op == sim.OpCreate && slices.Contains(h.subject.Inert, d.method):
		return
	}
	switch {
	case !unknown:
		h.t.Errorf("it is %s, and nobody can know that", describe(r))
	case looks && b.early && r.Reason == providers.NotSent: // it was the token's connection
	case b.reasons != nil && !slices.Contains(b.reasons, r.Reason):
		h.t.Errorf("it is %s, want the reason to be one of %q", describe(r), b.reasons)
	}
}

// recovered asks the peer, who is good again, how the attempt stands, and does the deed
// once more, which must go well. Connections that the peer has closed are dropped first:
// a look may get lost on one of them, and is then unknown.
func (h *house) recovered(d deed, a *attempt) {
	h.t.Helper()
	h.hangUp()
	d.after(h, a)
	next := d.ready(h)
	before := h.moved()
	if r := d.do(h, context.Background(), next); !d.well(h, next, r) {
		h.t.Errorf("of a good peer it is %s", describe(r))
	}
	if n := h.moved() - before; d.op != sim.OpStatus && n != 1 {
		h.t.Errorf("of a good peer %d money-moving requests arrived", n)
	}
}

// besieged lets every deed suffer every stall at the same time: they cost nothing but
// waiting. All get ready before the first begins, and recover one after another, so
// that the hasty limits are not spent on anything else.
func (s *siege) besieged(t *testing.T) {
	t.Run("peers that stall", func(t *testing.T) {
		calm(t)
		secure := s.presents(t, nil)
		var line waiting
		var all []func()
		for _, d := range s.targets() {
			plain, ciphered := s.rehearsed(t, d, nil, true), s.rehearsed(t, d, secure, true)
			for _, b := range slices.Concat(stalls, mute) {
				steps, config := plain, (*tls.Config)(nil)
				if b.unsent {
					steps, config = ciphered, secure
				}
				line.ready.Add(1)
				all = append(all, func() {
					prepared := sync.OnceFunc(line.ready.Done)
					defer prepared() // whoever fails, or is not asked, lets the others go on
					t.Run(d.name+", "+b.sentence, func(t *testing.T) { s.stalled(t, d, b, steps, config, &line, prepared) })
				})
			}
		}
		together(all)
	})
}

// waiting is where those who are ready wait for the others.
type waiting struct {
	ready sync.WaitGroup
	turn  sync.Mutex
}

func (s *siege) stalled(t *testing.T, d deed, b blow, steps tally, secure *tls.Config, line *waiting, prepared func()) {
	t.Helper()
	defer prepared()
	h, p := s.house(t, s.exposed, d.method, secure)
	line.turn.Lock()
	a := d.ready(h)
	line.turn.Unlock()
	h.hangUp()
	h.enter(s.exposed.At(p.address(), hasty))
	prepared()
	line.ready.Wait()
	h.strike(d, a, p, b, steps)
	line.turn.Lock()
	defer line.turn.Unlock()
	h.recovered(d, a)
}
