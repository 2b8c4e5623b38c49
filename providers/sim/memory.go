package sim

import (
	"context"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// Dial connects to a face through memory: real HTTP over net.Pipe, which also works inside a testing/synctest bubble.
// While the face refuses it fails as a real socket does, with syscall.ECONNREFUSED. An unknown face panics, as in Handler.
func (b *Bank) Dial(ctx context.Context, face string) (net.Conn, error) {
	refusal := &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr(face), Err: syscall.ECONNREFUSED}
	b.mu.Lock()
	shut := b.closed || b.refused(face)
	p := b.pipeTo(face)
	b.mu.Unlock()
	if shut {
		return nil, refusal
	}
	b.setDoors()
	ours, theirs := net.Pipe()
	if err := p.hand(ctx, theirs); err != nil {
		_, _ = ours.Close(), theirs.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, refusal
	}
	return ours, nil
}

// Transport is a fresh http.Transport whose connections all go to one face through memory, whatever the address.
// Close its idle connections before the bubble ends.
func (b *Bank) Transport(face string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return b.Dial(ctx, face) },
	}
}

// pipeTo finds or makes the in-memory door of a face. The caller holds the lock.
func (b *Bank) pipeTo(face string) *pipes {
	for _, d := range b.doors {
		if d.face == face && d.pipes != nil {
			return d.pipes
		}
	}
	p := &pipes{face: face}
	d := &door{face: face, handler: b.Handler(face), log: b.log, pipes: p, listen: p.listen}
	if !b.closed {
		b.doors = append(b.doors, d)
	}
	return p
}

// pipes is a listener factory: each opening of the door is a new listener.
type pipes struct {
	face string
	mu   sync.Mutex
	now  *pipeListener
}

func (p *pipes) listen() (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = &pipeListener{face: p.face, conns: make(chan net.Conn), closed: make(chan struct{})}
	return p.now, nil
}

// hand passes a connection to whoever listens now.
func (p *pipes) hand(ctx context.Context, c net.Conn) error {
	p.mu.Lock()
	l := p.now
	p.mu.Unlock()
	if l == nil {
		return net.ErrClosed
	}
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

type pipeListener struct {
	face   string
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr(l.face) }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }
