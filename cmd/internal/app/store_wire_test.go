//go:build unix

package app_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// wire is the network between a process and PostgreSQL. It passes everything on, until
// it is told what to do to a COMMIT.
//
//	process ──tcp──► wire ──► server       lost: the COMMIT passes, its answer does not
//	                                        gone: the COMMIT does not pass
//	                                        late: the COMMIT waits, and passes when nobody waits any more
type wire struct {
	t        *testing.T
	URL      string // the books' URL through the wire
	network  string // of the server
	address  string
	listener net.Listener

	mu     sync.Mutex
	snare  *snare
	dark   bool
	turned int // connections turned away in the dark
	opened int // connections that were not
	conns  map[net.Conn]bool
}

// fate is what becomes of a COMMIT.
type fate string

const (
	lost fate = "lost"
	gone fate = "gone"
	late fate = "late"
)

// snare waits for the next COMMIT that writes an event of a kind.
type snare struct {
	event   string
	fate    fate
	dark    bool          // lost and gone: nothing else passes afterwards, until the wire is lit
	caught  chan struct{} // closed when it was carried out (lost), dropped (gone) or is held (late)
	release chan struct{} // late: it waits for this
}

// newWire lays a wire to the books at the URL.
func newWire(t *testing.T, books string) *wire {
	t.Helper()
	config, err := pgconn.ParseConfig(books)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, conns: map[net.Conn]bool{}}
	w.network, w.address = pgconn.NetworkAddress(config.Host, config.Port)
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(w.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(books)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("host", host)
	query.Set("port", port)
	query.Set("sslmode", "disable")
	u.Host, u.RawQuery = "", query.Encode()
	w.URL = u.String()
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { w.pass(client) })
		}
	})
	t.Cleanup(func() {
		w.listener.Close()
		w.cutAll()
		passing.Wait()
	})
	return w
}

// catch sets a snare.
func (w *wire) catch(event string, f fate, dark bool) *snare {
	s := &snare{event: event, fate: f, dark: dark, caught: make(chan struct{}), release: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snare = s
	return s
}

// turnedAway counts the connections that were turned away in the dark.
func (w *wire) turnedAway() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.turned
}

// connections counts those that were ever opened.
func (w *wire) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened
}

// light lets everything pass again.
func (w *wire) light() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dark = false
}

// cutAll closes all connections and lets none pass any more.
func (w *wire) cutAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dark = true
	for conn := range w.conns {
		conn.Close()
	}
}

// join adds connections to those that a cut closes.
func (w *wire) join(conns ...net.Conn) (joined bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range conns {
		w.conns[conn] = true
	}
	if w.dark {
		w.turned++
	} else {
		w.opened++
	}
	return !w.dark
}

// caught takes the snare if the COMMIT of a transaction that wrote this is what it
// waits for.
func (w *wire) caught(written [][]byte) *snare {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.snare
	if s == nil {
		return nil
	}
	// A parameter is its length and its bytes, and of a text these are the text.
	parameter := append(binary.BigEndian.AppendUint32(nil, uint32(len(s.event))), s.event...)
	for _, message := range written {
		if bytes.Contains(message, parameter) {
			w.snare = nil
			return s
		}
	}
	return nil
}

// pass carries one connection.
func (w *wire) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(w.network, w.address)
	if err != nil {
		return
	}
	defer server.Close()
	if !w.join(client, server) {
		return
	}
	var answers sync.WaitGroup
	unheard := make(chan *snare, 1)
	answers.Go(func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			select {
			case s := <-unheard: // it was carried out, and nobody hears of it
				if s.dark {
					w.cutAll()
				}
				close(s.caught)
				return
			default:
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	w.questions(client, server, unheard)
	server.Close()
	answers.Wait()
}

// questions carries what the client says, message by message, and looks for COMMITs.
func (w *wire) questions(client, server net.Conn, unheard chan<- *snare) {
	first, err := message(client, 0)
	if err != nil {
		return
	}
	var written [][]byte // by the transaction
	for next := first; ; {
		switch {
		case bytes.HasPrefix(next, []byte("Q")) && bytes.Contains(next, []byte("begin")):
			written = nil
		case bytes.HasPrefix(next, []byte("B")):
			written = append(written, next)
		case bytes.HasPrefix(next, []byte("Q")) && bytes.Contains(next, []byte("commit")):
			if s := w.caught(written); s != nil {
				switch s.fate {
				case lost:
					unheard <- s
				case gone:
					if s.dark {
						w.cutAll()
					}
					close(s.caught)
					return
				case late:
					close(s.caught)
					<-s.release
				}
			}
		}
		if _, err := server.Write(next); err != nil {
			return
		}
		if next, err = message(client, 1); err != nil {
			return
		}
	}
}

// message reads one message of PostgreSQL's protocol: a byte for its kind (but for the
// first of a connection), its length, and the rest.
func message(r io.Reader, kind int) ([]byte, error) {
	head := make([]byte, kind+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[kind:])
	if length < 4 || length > 16<<20 {
		return nil, strconv.ErrRange
	}
	whole := append(head, make([]byte, length-4)...)
	_, err := io.ReadFull(r, whole[kind+4:])
	return whole, err
}
