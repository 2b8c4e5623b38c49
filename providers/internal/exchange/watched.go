package exchange

import (
	"crypto/tls"
	"net"
	"sync"
)

// watched is a connection that knows whether somebody waits for the gateway's next
// byte.
//
// A gateway (or a proxy before it) that sends one answer too many leaves the surplus in
// the buffers of a kept-alive connection. The transport looks for it once its reading
// goroutine has come round, but hands the connection out a moment earlier: under load
// the next request then takes the surplus, which is somebody else's answer, for its
// own. Waiting until the transport reads the socket again shows that its buffers, and
// those of TLS, are empty; a connection with a surplus is closed instead.
type watched struct {
	net.Conn

	mu      sync.Mutex
	changed sync.Cond
	reading bool
	closed  bool
}

func watch(conn net.Conn) *watched {
	w := &watched{Conn: conn}
	w.changed.L = &w.mu
	return w
}

// Read is called by one goroutine at a time, and by none between two answers but the
// transport's own.
func (w *watched) Read(p []byte) (int, error) {
	w.set(&w.reading, true)
	defer w.set(&w.reading, false)
	return w.Conn.Read(p)
}

// Close also lets go whoever waits in drained.
func (w *watched) Close() error {
	w.set(&w.closed, true)
	return w.Conn.Close()
}

func (w *watched) set(field *bool, value bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*field = value
	w.changed.Broadcast()
}

// drained returns when everything that came on a kept-alive connection has been looked
// at, or the connection has been closed.
func drained(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	w, ok := conn.(*watched)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.reading && !w.closed {
		w.changed.Wait()
	}
}
