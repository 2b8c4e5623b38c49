package halyk

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	order    = "261123004711"
	terminal = "67e34d63-102f-4bd1-898e-370781d0074d" // the bank's published sandbox terminal
	payment  = "5b0b0a5e-9b7b-4a3b-8a3e-3a6f4d0b7c11"
	notify   = "https://pay.example.kz/hooks/halyk"
)

func tenge(text string) providers.Money {
	m, err := providers.ParseMoney(text, "KZT")
	if err != nil {
		panic(err)
	}
	return m
}

// config is the bank's published sandbox merchant.
func config() Config {
	return Config{
		TokenURL: "http://127.0.0.1/oauth2/token", APIURL: "http://127.0.0.1/api",
		ScriptURL: "https://test-epay.epayment.kz/payform/payment-api.js",
		ClientID:  "test", ClientSecret: providers.NewSecret("yF587AV9Ms94qN2QShFzVR3vFnWkhjbAK3sG"), TerminalID: terminal,
		ShopID: "shop-1", QR: true, NoticeKey: providers.NewSecret("0123456789abcdef0123456789abcdef"), ReferencePrefix: "261123",
	}
}

// ref is an attempt planned now.
func ref(method providers.Method) providers.Ref {
	return providers.Ref{Order: order, Method: method, Amount: tenge("15490"), Planned: time.Now()}
}

func charge(method providers.Method) providers.Charge {
	return providers.Charge{
		Ref: ref(method), Description: "Order 4711", NotifyURL: notify, ReturnURL: "https://shop.example.kz/back", CustomerID: "cust-88",
		Payer:      providers.Payer{Phone: "+77011234567", Email: "aigerim@example.kz", Name: "AIGERIM K", IP: "203.0.113.9"},
		Instrument: providers.Token{Value: providers.NewSecret("8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20")},
	}
}

// reply is one scripted answer of the bank. A body that names a file of
// testdata/answers is that file's.
type reply struct {
	to     string // "METHOD /path", query included
	status int    // default 200
	body   string
	do     func(http.ResponseWriter) // instead of an answer
}

const (
	toToken  = "POST /oauth2/token"
	toStatus = "GET /api/check-status/payment/transaction/" + order
)

var tokenReply = reply{to: toToken, body: "token.json"}

// status scripts a token and an answer of check-status.
func status(body string) []reply { return []reply{tokenReply, {to: toStatus, body: body}} }

// bank answers by its script, in order, and writes down what it was asked.
type bank struct {
	t    *testing.T
	mu   sync.Mutex
	left []reply
	log  strings.Builder
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next, ok := b.take(r)
	if !ok {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if next.do != nil {
		next.do(w)
		return
	}
	w.WriteHeader(cmp.Or(next.status, http.StatusOK))
	io.WriteString(w, answer(b.t, next.body))
}

// take writes down a request and takes its answer from the script.
func (b *bank) take(r *http.Request) (reply, bool) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	got := r.Method + " " + r.URL.RequestURI()
	fmt.Fprintf(&b.log, "--> %s\n", got)
	for _, name := range []string{"Authorization", "Content-Type"} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&b.log, "%s: %s\n", name, value)
		}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form") {
		body = []byte(strings.ReplaceAll(string(body), "&", "\n&"))
	}
	if len(body) > 0 {
		fmt.Fprintf(&b.log, "\n%s\n", body)
	}
	if len(b.left) == 0 || b.left[0].to != got {
		b.t.Errorf("unexpected %s; left of the script: %v", got, b.left)
		return reply{}, false
	}
	next := b.left[0]
	b.left = b.left[1:]
	fmt.Fprintf(&b.log, "<-- %d %s\n\n", cmp.Or(next.status, http.StatusOK), next.body)
	return next, true
}

// answer is a scripted body: a file of testdata/answers, or the text itself.
func answer(t *testing.T, body string) string {
	if !strings.HasSuffix(body, ".json") {
		return body
	}
	data, err := os.ReadFile(filepath.Join("testdata", "answers", body))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// with runs a test against a scripted bank, in a bubble whose clock begins at the
// same instant every time.
func with(t *testing.T, c Config, script []reply, test func(*testing.T, *Gateway, *bank)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bank{t: t, left: script}
		wire := &memory{dialed: make(chan net.Conn), closed: make(chan struct{})}
		server := &httptest.Server{Listener: wire, Config: &http.Server{Handler: b}}
		server.Start()
		g, err := New(c, Options{Dial: wire.dial})
		if err != nil {
			t.Fatal(err)
		}
		test(t, g, b)
		b.mu.Lock()
		if len(b.left) > 0 {
			t.Errorf("never asked: %v", b.left)
		}
		b.mu.Unlock()
		g.Close()
		server.Close()
	})
}

// memory is a listener without a network.
type memory struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.dialed <- far:
		return near, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.dialed:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// golden compares what was sent and learnt with testdata/NAME.golden; the bank's
// document for each is named in testdata/SOURCES.md.
func golden(t *testing.T, name string, b *bank, learnt string) {
	t.Helper()
	b.mu.Lock()
	got := b.log.String() + "=== " + learnt
	b.mu.Unlock()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// show writes a Result for people and golden files.
func show(r providers.Result) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s\n", r.Verdict, cmp.Or(r.Reason, "-"))
	line := func(name string, set bool, value any) {
		if set {
			fmt.Fprintf(&s, "%s: %v\n", name, value)
		}
	}
	line("external", r.External != "", r.External)
	line("code", r.Code != "", r.Code)
	line("amount", r.Amount != providers.Money{}, r.Amount)
	line("returned", r.Returned != providers.Money{}, r.Returned)
	line("absent", r.Absent, r.Absent)
	line("until", !r.Until.IsZero(), r.Until.UTC().Format(time.RFC3339))
	line("ask in", r.AskIn > 0, r.AskIn)
	if r.Action != nil {
		a := *r.Action
		a.Expires = a.Expires.UTC()
		text, _ := json.MarshalIndent(a, "", "  ")
		line("action", true, string(text))
	}
	if r.Instrument != nil {
		line("instrument", true, fmt.Sprintf("%s %s %s", r.Instrument.Value.Reveal(), r.Instrument.Mask, r.Instrument.Brand))
	}
	line("error", r.Err != nil, r.Err)
	return s.String()
}

// expect demands a verdict with its reason.
func expect(t *testing.T, what string, r providers.Result, verdict providers.Verdict, reason providers.Reason) {
	t.Helper()
	if r.Verdict != verdict || r.Reason != reason {
		t.Errorf("%s: got %s %s, want %s %s (code %q, error %v)", what, r.Verdict, r.Reason, verdict, reason, r.Code, r.Err)
	}
}
