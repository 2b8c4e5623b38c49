package providertest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"syscall"

	"github.com/payrouter/payrouter/providers/sim"
)

// wire is the adapter's only way out: connections to the bank through memory, counted
// and listened to. A question may cut it, stop it, or put a teller in front of the bank.
type wire struct {
	bank *sim.Bank
	face string

	mu     sync.Mutex
	dials  int  // connections asked for
	whole  int  // this many more succeed, then all are refused; negative: no limit
	stuck  bool // connections are neither made nor refused
	teller *teller
	read   int64        // bytes that reached the adapter
	sent   bytes.Buffer // what the adapter wrote
	heard  bytes.Buffer // what it read, up to heardLimit
}

const heardLimit = 64 << 10

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dials++
	refused, stuck, teller := w.whole == 0, w.stuck, w.teller
	if w.whole > 0 {
		w.whole--
	}
	w.mu.Unlock()
	switch {
	case stuck:
		<-ctx.Done()
		return nil, ctx.Err()
	case refused:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	var conn net.Conn
	var err error
	if teller != nil {
		conn, err = teller.door.dial(ctx)
	} else {
		conn, err = w.bank.Dial(ctx, w.face)
	}
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: conn, wire: w}, nil
}

// change alters the wire between two calls.
func (w *wire) change(do func(w *wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(w)
}

// fresh forgets what was counted and heard so far.
func (w *wire) fresh() {
	w.change(func(w *wire) {
		w.dials, w.read = 0, 0
		w.sent.Reset()
		w.heard.Reset()
	})
}

// traffic is what was counted since fresh.
func (w *wire) traffic() (dials int, read int64, sent, heard []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials, w.read, bytes.Clone(w.sent.Bytes()), bytes.Clone(w.heard.Bytes())
}

// tapped is a connection that the wire listens to.
type tapped struct {
	net.Conn
	wire *wire
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.change(func(w *wire) {
		w.read += int64(n)
		if room := heardLimit - w.heard.Len(); room > 0 {
			w.heard.Write(p[:min(n, room)])
		}
	})
	return n, err
}

func (c *tapped) Write(p []byte) (int, error) {
	c.wire.change(func(w *wire) { w.sent.Write(p) }) // before, since the answer may be faster than we are
	return c.Conn.Write(p)
}
