package exchange

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func post(url string) Call {
	return Call{Method: http.MethodPost, URL: url, Body: []byte(`{"amount":1}`), Timeout: 300 * time.Millisecond, MovesMoney: true}
}

func TestRefusedConnectionIsNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	answer := New(Options{}).Do(t.Context(), post("http://"+address))
	if answer.Outcome != NotSent {
		t.Fatalf("outcome %d, error %v", answer.Outcome, answer.Err)
	}
	if result, settled := answer.Settle(); !settled || result.Verdict != providers.Unserved || result.Reason != providers.NotSent {
		t.Fatalf("result %+v", result)
	}
}

func TestFailedTLSHandshakeIsNotSent(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // its root is not ours
	server.Config.ErrorLog = nil
	defer server.Close()
	if answer := New(Options{}).Do(t.Context(), post(server.URL)); answer.Outcome != NotSent {
		t.Fatalf("outcome %d, error %v", answer.Outcome, answer.Err)
	}
}

// What we cannot write or gave up before is our own; whatever became of a connection that was
// tried is the gateway's, or the way's to it.
func TestOnlyWhatNoConnectionWasTriedForIsHeldBack(t *testing.T) {
	gone, leave := context.WithCancel(context.Background())
	leave()
	refused := errors.New("connection refused")
	client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
	for _, c := range []struct {
		name   string
		ctx    context.Context
		change func(*Call)
		held   bool
	}{
		{"a refused connection", context.Background(), func(*Call) {}, false},
		{"whoever gave up before", gone, func(*Call) {}, true},
		{"no time-out", context.Background(), func(c *Call) { c.Timeout = 0 }, true},
		{"an address that is none", context.Background(), func(c *Call) { c.URL = "http://[" }, true},
		{"a header that cannot be sent", context.Background(), func(c *Call) { c.Header = map[string]string{"A": "b\nc"} }, true},
	} {
		call := post("http://gateway.example")
		c.change(&call)
		answer := client.Do(c.ctx, call)
		if result, _ := answer.Settle(); answer.Outcome != NotSent || result.Verdict != providers.Unserved || result.HeldBack() != c.held {
			t.Errorf("%s: outcome %s, %s, held back %t: %v", c.name, answer.Outcome, result.Verdict, result.HeldBack(), answer.Err)
		}
	}
}

// A connection that is still being made when the caller goes was tried.
func TestWhoGivesUpWhileConnectingWasNotHeldBack(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	client := New(Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		leave()
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	answer := client.Do(ctx, post("http://gateway.example"))
	if result, _ := answer.Settle(); answer.Outcome != NotSent || result.HeldBack() {
		t.Errorf("outcome %s, held back %t: %v", answer.Outcome, result.HeldBack(), answer.Err)
	}
}

func TestSilenceAfterSendingIsDoubt(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-release
	}))
	defer server.Close()
	defer close(release)
	answer := New(Options{}).Do(t.Context(), post(server.URL))
	if result, _ := answer.Settle(); answer.Outcome != Sent || result.Verdict != providers.Unknown || result.Reason != providers.Timeout {
		t.Fatalf("outcome %d, result %+v", answer.Outcome, result)
	}
}

func TestCallerWhoGivesUpDoesNotStopARequestThatLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		io.WriteString(w, "done")
	}))
	defer server.Close()
	if answer := New(Options{}).Do(ctx, post(server.URL)); answer.Outcome != Answered || string(answer.Body) != "done" {
		t.Fatalf("outcome %d, error %v", answer.Outcome, answer.Err)
	}
}

func TestCallerWhoGaveUpBeforeIsNotSent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answer := New(Options{}).Do(ctx, post("http://127.0.0.1:1")); answer.Outcome != NotSent {
		t.Fatalf("outcome %d", answer.Outcome)
	}
}

// A kept-alive connection that the gateway closes at the worst moment makes
// Go's transport repeat a request it holds to be safe. Ours must not be.
func TestDroppedConnectionIsNeverSentAgain(t *testing.T) {
	for _, moves := range []bool{true, false} {
		var deliveries atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/warm" {
				return
			}
			deliveries.Add(1)
			connection, _, _ := w.(http.Hijacker).Hijack()
			connection.Close()
		}))
		client := New(Options{})
		warm := post(server.URL + "/warm")
		warm.MovesMoney = false
		client.Do(t.Context(), warm)
		call := post(server.URL + "/charge")
		call.MovesMoney = moves
		answer := client.Do(t.Context(), call)
		server.Close()
		if deliveries.Load() != 1 || answer.Outcome != Sent {
			t.Fatalf("moves money %t: delivered %d times, outcome %d", moves, deliveries.Load(), answer.Outcome)
		}
	}
}

func TestRedirectsServerErrorsAndHugeBodiesAreDoubt(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/error":
			http.Error(w, "declined", http.StatusBadGateway)
		case "/huge":
			io.Copy(w, io.LimitReader(zeros{}, 2<<20))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		case "/elsewhere":
			t.Error("a redirect was followed")
		}
	}))
	defer server.Close()
	for path, want := range map[string]providers.Reason{
		"/redirect": providers.Unreadable, "/error": providers.ServerError,
		"/huge": providers.Unreadable, "/cut": providers.Broken,
	} {
		result, settled := New(Options{}).Do(t.Context(), post(server.URL+path)).Settle()
		if !settled || result.Verdict != providers.Unknown || result.Reason != want {
			t.Errorf("%s: settled %t, result %+v, want reason %s", path, settled, result, want)
		}
	}
}

func TestAnswersAreLeftToTheAdapter(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Request-ID") != "7" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		w.Write(body)
	}))
	defer server.Close()
	call := post(server.URL)
	call.ContentType, call.Header = "application/json", map[string]string{"X-Request-ID": "7"}
	answer := New(Options{}).Do(t.Context(), call)
	if _, settled := answer.Settle(); settled || answer.Status != 400 || !strings.Contains(string(answer.Body), "amount") {
		t.Fatalf("answer %+v", answer)
	}
}

func TestDialErrorOfTheCallerIsKept(t *testing.T) {
	broken := errors.New("no route")
	client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, broken }})
	if answer := client.Do(t.Context(), post("http://gateway.invalid")); !errors.Is(answer.Err, broken) || answer.Outcome != NotSent {
		t.Fatalf("answer %+v", answer)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
