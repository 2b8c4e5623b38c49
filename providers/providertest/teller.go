package providertest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// teller stands between the adapter and the bank and hands requests on, except those
// that a question answers itself. It cannot refuse connections or break them.
type teller struct {
	door *door
	bank http.Handler

	mu       sync.Mutex
	requests int                  // since the last plan
	spoil    func(n int) *spoiler // decides about the n-th request; nil lets all pass
}

// spoiler is what becomes of one request.
type spoiler struct {
	unasked bool                                        // the bank never hears of it
	answer  func(status int, body []byte) (int, []byte) // from the bank's true answer, empty if unasked
}

// stand puts a teller in front of the bank until the end of the question.
func (h *house) stand() *teller {
	t := &teller{door: &door{callers: make(chan net.Conn), shut: make(chan struct{})}, bank: h.bank.Handler(h.face)}
	server := &http.Server{Handler: t, ReadHeaderTimeout: time.Minute}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(t.door) })
	h.wire.change(func(w *wire) { w.teller = t })
	h.t.Cleanup(func() {
		_ = server.Close()
		served.Wait()
	})
	return t
}

// door is a listener without a network.
type door struct {
	callers chan net.Conn
	shut    chan struct{}
	once    sync.Once
}

func (d *door) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case d.callers <- far:
		return near, nil
	case <-d.shut:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for a caller.
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.callers:
		return conn, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

// Close lets nobody in any more.
func (d *door) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

// Addr is no address.
func (d *door) Addr() net.Addr { return &net.UnixAddr{Name: "teller", Net: "pipe"} }

func (t *teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	t.requests++
	var spoiled *spoiler
	if t.spoil != nil {
		spoiled = t.spoil(t.requests)
	}
	t.mu.Unlock()
	if spoiled == nil {
		t.bank.ServeHTTP(w, r)
		return
	}
	status, body := 0, []byte(nil)
	if spoiled.unasked {
		_, _ = io.Copy(io.Discard, r.Body)
	} else {
		answer := httptest.NewRecorder()
		t.bank.ServeHTTP(answer, r)
		status, body = answer.Code, answer.Body.Bytes()
	}
	status, body = spoiled.answer(status, body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// count runs do and says how many requests it made.
func (t *teller) count(do func()) int {
	t.plan(nil)
	do()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests
}

// plan replaces what becomes of the requests, counted from now on; nil lets all pass.
func (t *teller) plan(spoil func(n int) *spoiler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spoil, t.requests = spoil, 0
}

// nth spoils the n-th request alone.
func nth(n int, s spoiler) func(int) *spoiler {
	return func(at int) *spoiler {
		if at != n {
			return nil
		}
		return &s
	}
}

// answering answers whatever is asked, and the bank never hears of it.
func answering(status int, body string) spoiler {
	return spoiler{unasked: true, answer: func(int, []byte) (int, []byte) { return status, []byte(body) }}
}

// damaging lets the bank act and changes what it says.
func damaging(change func(body []byte) []byte) spoiler {
	return spoiler{answer: func(status int, body []byte) (int, []byte) { return status, change(body) }}
}
