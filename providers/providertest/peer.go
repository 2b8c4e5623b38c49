package providertest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// peer puts the bank behind a real socket. It writes HTTP by hand, so that it can do
// what no HTTP server would, and counts what came out of the socket, so that nothing
// the client sends by itself stays unseen.
type peer struct {
	listener net.Listener
	bank     http.Handler
	secure   *tls.Config // nil: plain HTTP
	served   sync.WaitGroup

	mu        sync.Mutex
	open      map[*net.TCPConn]bool
	closed    bool
	tally     tally
	blow      *blow
	at        int // the blow falls on this connection or request, counted since arm; 0 on none
	fell      bool
	heard     bool   // the bank heard of the request that the blow fell on
	last      answer // the bank's last
	elsewhere string
}

// tally counts since arm.
type tally struct {
	connections int // accepted
	requests    int // read to their last byte
}

// answer is what the bank says to one request.
type answer struct {
	status int
	kind   string // content type
	body   []byte
}

// stroke is a blow as it falls.
type stroke struct {
	conn net.Conn      // what HTTP is spoken on
	raw  *net.TCPConn  // what it is made of
	in   *bufio.Reader // nil before the first byte was read
	// truth lets the bank act, and is what it says.
	truth     func() answer
	body      []byte // of the request
	elsewhere string // a listener that nobody should ever call
}

// listen opens a peer in front of the house's bank until the end of the test.
func (h *house) listen(secure *tls.Config, elsewhere string) *peer {
	h.t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: loopback})
	if err != nil {
		h.t.Fatal(err)
	}
	p := &peer{listener: listener, bank: h.bank.Handler(h.face), secure: secure, open: map[*net.TCPConn]bool{}, elsewhere: elsewhere}
	p.served.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			p.served.Go(func() { p.serve(conn) })
		}
	})
	h.t.Cleanup(p.close)
	return p
}

func (p *peer) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drop(func(c *net.TCPConn) { _ = c.Close() })
	p.served.Wait()
}

// drop does something to every open connection.
func (p *peer) drop(how func(*net.TCPConn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		how(conn)
	}
}

// address is where the peer is found by its callers.
func (p *peer) address() string {
	if p.secure != nil {
		return "https://" + p.listener.Addr().String()
	}
	return "http://" + p.listener.Addr().String()
}

// arm counts from now on, and lets a blow fall once; nil: none.
func (p *peer) arm(b *blow, at int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally, p.blow, p.at, p.fell, p.heard = tally{}, b, at, false, false
}

// count is what came since arm, and whether the blow fell on a request of which the
// bank never heard.
func (p *peer) count() (t tally, fell, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept = p.fell && !p.heard && (p.blow == nil || !p.blow.early)
	return p.tally, p.fell, kept
}

// enter registers a connection, or says that the peer is gone.
func (p *peer) enter(conn *net.TCPConn) (*blow, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false
	}
	p.open[conn] = true
	p.tally.connections++
	return p.falls(true, p.tally.connections), true
}

// arrived counts a request.
func (p *peer) arrived() *blow {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally.requests++
	return p.falls(false, p.tally.requests)
}

func (p *peer) falls(early bool, n int) *blow {
	if p.blow == nil || p.blow.early != early || n != p.at {
		return nil
	}
	p.fell = true
	return p.blow
}

func (p *peer) serve(raw *net.TCPConn) {
	defer raw.Close()
	blow, ok := p.enter(raw)
	if !ok {
		return
	}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, raw)
	}()
	if blow != nil {
		blow.strike(&stroke{conn: raw, raw: raw})
		return
	}
	conn := net.Conn(raw)
	if p.secure != nil {
		conn = tls.Server(raw, p.secure)
	}
	in := bufio.NewReader(conn)
	for p.exchange(conn, raw, in) {
	}
}

// exchange serves one request and reports whether there may be another.
func (p *peer) exchange(conn net.Conn, raw *net.TCPConn, in *bufio.Reader) bool {
	request, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false
	}
	truth := func() answer { return p.ask(request, body) }
	if blow := p.arrived(); blow != nil {
		blow.strike(&stroke{conn: conn, raw: raw, in: in, body: body, elsewhere: p.elsewhere, truth: func() answer {
			p.mu.Lock()
			p.heard = true
			p.mu.Unlock()
			return truth()
		}})
		return false
	}
	_, err = conn.Write(truth().whole())
	return err == nil && !request.Close
}

// ask hands a request to the bank.
func (p *peer) ask(request *http.Request, body []byte) answer {
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	p.bank.ServeHTTP(w, request)
	a := answer{status: w.Code, kind: w.Header().Get("Content-Type"), body: w.Body.Bytes()}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = a
	return a
}

// heardLast is the bank's last answer.
func (p *peer) heardLast() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// head is the status line and the headers that are in order, without the last line.
func (a answer) head() string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", a.status, http.StatusText(a.status), a.kind)
}

func (a answer) whole() []byte {
	return append(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", a.head(), len(a.body)), a.body...)
}

// say writes a text and reports whether somebody may still read.
func (s *stroke) say(text string) bool {
	_, err := io.WriteString(s.conn, text)
	return err == nil
}

// reset breaks the connection as a dying machine does.
func (s *stroke) reset() {
	_ = s.raw.SetLinger(0)
	_ = s.raw.Close()
}

// silence says nothing until the caller hangs up.
func (s *stroke) silence() { _, _ = io.Copy(io.Discard, s.conn) }

// decoy is a listener that counts who calls.
type decoy struct {
	listener net.Listener
	mu       sync.Mutex
	calls    int
}

func newDecoy(t *testing.T) *decoy {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: loopback})
	if err != nil {
		t.Fatal(err)
	}
	d := &decoy{listener: listener}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			d.mu.Lock()
			d.calls++
			d.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
		if d.calls != 0 {
			t.Errorf("a redirect was followed %d times", d.calls)
		}
	})
	return d
}
