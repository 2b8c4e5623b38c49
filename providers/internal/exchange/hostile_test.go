package exchange

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/payrouter/payrouter/providers"
)

// What every adapter makes of hostile peers is asked by providertest.Hostile. Here are
// the questions that need the inside of a Client.

// serve answers each request by hand, on a real socket, until answer reports that the
// connection is over.
func serve(t *testing.T, answer func(conn net.Conn, r *http.Request, body string) bool) string {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // after everything below has ended
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ended, func() { conn.Close() })
			served.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil || !answer(conn, r, string(body)) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		end()
		served.Wait()
	})
	return "http://" + listener.Addr().String()
}

// The body of HTTP 101 is the bare connection, which the transport's deadline does not
// end (SAFETY section 6: bounded in time).
func TestAnotherProtocolOnTheConnectionEndsTheCall(t *testing.T) {
	hungUp := make(chan struct{})
	base := serve(t, func(conn net.Conn, _ *http.Request, _ string) bool {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(io.Discard, conn)
		close(hungUp)
		return false
	})
	done := make(chan Answer, 1)
	go func() { done <- New(Options{}).Do(context.Background(), post(base)) }()
	select {
	case answer := <-done:
		if result, settled := answer.Settle(); !settled || result.Verdict != providers.Unknown || result.Reason != providers.Unreadable {
			t.Errorf("settled %t, result %+v", settled, result)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the call outlives its limit")
	}
	select {
	case <-hungUp:
	case <-time.After(5 * time.Second):
		t.Error("the connection outlives the call")
	}
}

// I13: net/http quotes what it cannot read, and a peer may put there what we sent.
func TestErrorsRepeatNothingThatCame(t *testing.T) {
	const phone = "+77015550142"
	for _, frame := range []string{
		"%", "%/1.1 200 OK\r\n\r\n", "HTTP/1.1 % OK\r\n\r\n", "HTTP/1.1 200 OK\r\n%\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: %\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: %\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: %\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%\r\n\r\n",
	} {
		base := serve(t, func(conn net.Conn, _ *http.Request, _ string) bool {
			io.WriteString(conn, strings.ReplaceAll(frame, "%", phone))
			return false
		})
		answer := New(Options{}).Do(t.Context(), post(base))
		if answer.Outcome != Sent || answer.Err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", answer.Err, answer.Err, answer.Err), phone) {
			t.Errorf("%q: outcome %d, error %v", frame, answer.Outcome, answer.Err)
		}
	}
}

// A gateway that sends one answer too many must not answer the next caller with it: an
// answer need not name what it is about (I10).
func TestASurplusAnswerIsNobodys(t *testing.T) {
	log.SetOutput(io.Discard) // net/http tells of each
	defer log.SetOutput(os.Stderr)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		base := serve(t, func(conn net.Conn, r *http.Request, _ string) bool {
			reply := "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
			text := reply + r.URL.Path[1:]
			if r.URL.Path == "/mine" {
				text += reply + "else"
			}
			_, err := io.WriteString(conn, text)
			return err == nil
		})
		client := New(Options{})
		ask := func(path string) {
			call := Call{Method: method, URL: base + path, Timeout: 10 * time.Second}
			if method == http.MethodPost {
				call.Body = []byte("{}")
			}
			if answer := client.Do(t.Context(), call); answer.Outcome == Answered && "/"+string(answer.Body) != path {
				t.Errorf("%s %s is answered %q", method, path, answer.Body)
			}
		}
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for range 150 {
					ask("/mine")
					ask("/your")
				}
			})
		}
		callers.Wait()
		client.Close()
	}
}

func TestAConnectionIsDrainedOnceItsReaderWaitsOrItIsClosed(t *testing.T) {
	for what, end := range map[string]func(*watched){
		"a read":  func(w *watched) { w.Read(make([]byte, 1)) },
		"a close": func(w *watched) { w.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			w := watch(near)
			done := false
			go func() {
				drained(w)
				done = true
			}()
			synctest.Wait()
			if done {
				t.Errorf("before %s it is drained", what)
			}
			go end(w)
			synctest.Wait()
			if !done {
				t.Errorf("after %s it is not drained", what)
			}
		})
	}
}

// Nor does it say anything about the gateway: no connection was tried.
func TestAWaitForAFreeConnectionIsNotSent(t *testing.T) {
	asked := make(chan struct{})
	base := serve(t, func(conn net.Conn, _ *http.Request, _ string) bool {
		close(asked)
		io.Copy(io.Discard, conn)
		return false
	})
	client := New(Options{MaxConns: 1})
	var first sync.WaitGroup
	first.Go(func() {
		call := post(base)
		call.Timeout = 600 * time.Millisecond
		if answer := client.Do(context.Background(), call); answer.Outcome != Sent {
			t.Errorf("the first: outcome %d, error %v", answer.Outcome, answer.Err)
		}
	})
	<-asked
	if answer := client.Do(t.Context(), post(base)); answer.Outcome != NotSent {
		t.Errorf("the second: outcome %d, error %v", answer.Outcome, answer.Err)
	} else if result, _ := answer.Settle(); !result.HeldBack() {
		t.Errorf("the gateway is blamed for our own calls: %v", result.Err)
	}
	first.Wait()
}

// SAFETY section 3: a reused connection that the gateway is just closing turns a charge
// into an Unknown.
func TestMoneyGoesOutOnAConnectionOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	callers := map[string][]string{}
	base := serve(t, func(conn net.Conn, r *http.Request, _ string) bool {
		mu.Lock()
		callers[conn.RemoteAddr().String()] = append(callers[conn.RemoteAddr().String()], r.URL.Path)
		mu.Unlock()
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		return err == nil && !r.Close
	})
	client := New(Options{})
	defer client.Close()
	for _, path := range []string{"/look", "/charge", "/look", "/charge"} {
		call := post(base + path)
		call.MovesMoney = path == "/charge"
		if answer := client.Do(t.Context(), call); answer.Outcome != Answered {
			t.Fatalf("%s: outcome %d, error %v", path, answer.Outcome, answer.Err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(callers) != 3 {
		t.Errorf("three connections are wanted, one of them for both looks: %v", callers)
	}
	for _, paths := range callers {
		if len(paths) > 1 && slices.Contains(paths, "/charge") {
			t.Errorf("a charge shared a connection: %v", paths)
		}
	}
}
