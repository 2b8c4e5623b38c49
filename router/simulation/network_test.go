package simulation

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
)

// drawGateways says which gateways a seed has, in the order of their priority: often those
// of which most is known, and else any of them.
func drawGateways(draw *rand.Rand) []string {
	all := slices.Clone(accounts.Names)
	if chance(draw, 40) {
		return all[:3]
	}
	draw.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:3+draw.IntN(2)]
}

// openAccounts makes both sides of the gateways' accounts, with lives short enough to see
// their end.
func (w *world) openAccounts() {
	a := accounts.New("http://payrouter/webhooks", customer)
	a.Kaspi.PushLife, a.Kaspi.PushMargin, a.Kaspi.RefundSettle = 12*time.Minute, 2*time.Minute, 3*time.Minute
	a.Halyk.PageTokenLife, a.Halyk.TwoStage = 15*time.Minute, w.twoStage
	if w.swarm.mute {
		a.Bank.Kaspi.NotifyURL = ""
	}
	a.Bank.Kaspi.InvoiceLife = 10 * time.Minute
	a.Robokassa.InvoiceLife, a.Bank.Robokassa.Switches.InvoiceLife = 10*time.Minute, sim.Duration(10*time.Minute) // shorter than a payment: or no invoice is ever made
	a.Bank.Halyk.TokenLife, a.Bank.Halyk.RefundRows = 15*time.Minute, true
	if w.swarm.brokenPromises {
		a.Bank.BreakPromises()
	}
	w.accounts = a
}

// withCards are the gateways at which the customer has saved a card.
func (w *world) withCards() []string {
	return slices.DeleteFunc(slices.Clone(w.gateways), func(name string) bool {
		_, saved := accounts.Card(name)
		return !saved
	})
}

// adapters are the real ones, configured for this world.
func (w *world) adapters(p *process) []router.Gateway {
	var all []router.Gateway
	for _, name := range w.gateways {
		adapter, err := w.accounts.Open(name, p.dial(name))
		w.must(err)
		all = append(all, router.Gateway{Name: accounts.Gateway(name), Credentials: router.Credentials{Provider: adapter}})
	}
	return all
}

// dial is the process's way to a face of the bank.
func (p *process) dial(face string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		who, n := p.dialing(ctx, face)
		if p.gone() {
			return nil, errDead
		}
		if err := p.w.wait(ctx, p.w.latency(5*time.Millisecond, who, n, nil)); err != nil {
			return nil, err
		}
		if err := p.awake(ctx); err != nil {
			return nil, err
		}
		if !p.reaches(face) {
			return nil, &net.OpError{Op: "dial", Net: "pipe", Err: syscall.EHOSTUNREACH}
		}
		conn, err := p.w.bank.Dial(ctx, face)
		if err != nil {
			return nil, err
		}
		c := &wire{Conn: conn, p: p, face: face, who: who, dial: n, asking: true}
		p.change(func() { p.wires = append(p.wires, c) })
		if p.dead.Load() { // between the two
			c.cut()
		}
		return c, nil
	}
}

// dialing says for whom a dial is, and which of theirs it is. Those who shared a commit learn
// its end at one instant, and may dial at it: where there are rushes, each has a pace of its own.
func (p *process) dialing(ctx context.Context, face string) (who string, n int) {
	counted, who := "", p.name+face
	if p.w.swarm.disk > 0 {
		who += caller(ctx)
		counted = who
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials[counted]++
	return who, p.dials[counted]
}

// wire is one connection of a process to the bank.
type wire struct {
	net.Conn
	p    *process
	face string
	who  string // it serves
	dial int    // which of theirs it came from

	mu      sync.Mutex
	asking  bool // the next bytes written begin a request
	dies    bool // when the answer comes
	written int
}

func (c *wire) cut() { _ = c.Conn.Close() }

// Write sends, unless the process dies of it.
func (c *wire) Write(b []byte) (int, error) {
	c.mu.Lock()
	begins := c.asking
	c.asking = false
	if begins {
		c.written++
	}
	nth := c.written
	c.mu.Unlock()
	if begins && c.p.gone() {
		return 0, errDead
	}
	if begins {
		if err := c.p.w.wait(context.Background(), c.p.w.latency(20*time.Millisecond, c.who, nth, nil)); err != nil {
			return 0, err
		}
		if err := c.p.awake(context.Background()); err != nil {
			return 0, err
		}
		switch c.p.effect("request") {
		case dieBefore:
			c.p.kill("before a request to " + c.face)
			return 0, errDead
		case dieAfter:
			c.mu.Lock()
			c.dies = true
			c.mu.Unlock()
		}
	}
	return c.Conn.Write(b)
}

// Read waits for the answer. That a gateway broke all its connections, each end learns at an
// instant of its own.
func (c *wire) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		_ = c.p.w.wait(context.Background(), c.p.w.latency(5*time.Millisecond, c.who, c.dial, nil))
	}
	c.mu.Lock()
	c.asking = true
	dies := c.dies
	c.mu.Unlock()
	if n > 0 && dies {
		c.p.kill("after a request to " + c.face)
		return 0, errDead
	}
	if n > 0 {
		if err := c.p.awake(context.Background()); err != nil {
			return 0, err
		}
	}
	return n, err
}

// Close also forgets the wire.
func (c *wire) Close() error {
	c.p.change(func() { c.p.wires = slices.DeleteFunc(c.p.wires, func(other *wire) bool { return other == c }) })
	return c.Conn.Close()
}

// delivered is one notice as it came, for delivering it again.
type delivered struct {
	method, url, source string
	header              http.Header
	body                []byte
	taken               bool // it was answered, and not by "come again"
}

// post carries the bank's notices to a replica that is up, as a load balancer does.
type post struct{ w *world }

// RoundTrip delivers one.
func (t post) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	d := delivered{method: r.Method, url: r.URL.String(), source: "127.0.0.1:4711", header: r.Header.Clone(), body: body}
	t.w.mu.Lock()
	t.w.delivered = append(t.w.delivered, d)
	n := len(t.w.delivered)
	t.w.mu.Unlock()
	if err := t.w.wait(r.Context(), t.w.latency(20*time.Millisecond, "post", n, nil)); err != nil {
		return nil, err
	}
	answer, err := t.w.deliver(d, n)
	if err == nil {
		err = r.Context().Err() // a process that was stopped answers to nobody
	}
	if err != nil {
		return nil, err
	}
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.w.delivered[n-1].taken = !comeAgain(answer)
	return answer, nil
}

// comeAgain reports whether the answer asks for the same notice later: with a status of the
// server's, or as Kaspi's biller is asked, who takes nothing but 200 for an answer.
func comeAgain(answer *http.Response) bool {
	body, _ := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer.StatusCode >= http.StatusInternalServerError || bytes.Contains(body, []byte(`"result":4,`))
}

// deliver hands a notice to the n-th replica of those that are up.
func (w *world) deliver(d delivered, n int) (*http.Response, error) {
	p := w.any(n)
	if p == nil {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: syscall.ECONNREFUSED}
	}
	in := httptest.NewRequest(d.method, d.url, bytes.NewReader(d.body))
	in.Header, in.RemoteAddr = d.header.Clone(), d.source
	out := httptest.NewRecorder()
	p.server.Webhooks().ServeHTTP(out, in)
	if p.dead.Load() {
		return nil, lost("read")
	}
	return out.Result(), nil
}
