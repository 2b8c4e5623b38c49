package kaspi

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var update = flag.Bool("update", false, "rewrite the golden files of what we send")

// counter is when the golden answers were given: three minutes before the QR of
// qr-create.json expires.
var counter = time.Date(2026, 11, 23, 9, 0, 20, 417_000_000, time.UTC)

const (
	bookshop = "240540012345"
	desk     = "7c1f6a52-0d3b-4a83-9a55-1f2f5f0b7e11"
)

var price = providers.Money{Minor: 15490_00, Currency: "KZT"}

// atCounter runs the test in a bubble whose clock stands at counter, with a bank
// that answers by script.
func atCounter(t *testing.T, test func(t *testing.T, b *bank)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(counter))
		test(t, openBank(t))
	})
}

// bank is a Kaspi that says what it is told to and remembers what it was asked.
type bank struct {
	t      *testing.T
	listen *memory

	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by path below /rN/vNN
	seen    []string                    // requests as golden text
	ids     []string                    // their X-Request-ID
}

func openBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{t: t, listen: &memory{callers: make(chan net.Conn), shut: make(chan struct{})}, answers: map[string]http.HandlerFunc{}}
	server := &http.Server{Handler: b}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(b.listen) })
	t.Cleanup(func() { server.Close(); served.Wait() })
	return b
}

// memory is a listener without a network. (grpc's bufconn would do, but a deadline that
// is set and cleared at once may end a later read there, and a server then hangs up.)
type memory struct {
	callers chan net.Conn
	shut    chan struct{}
	once    sync.Once
}

func (m *memory) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.callers <- far:
		return near, nil
	case <-m.shut:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.callers:
		return conn, nil
	case <-m.shut:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.shut) }); return nil }
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "kaspi", Net: "pipe"} }

var versions = regexp.MustCompile(`^/r\d/v\d\d`)

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.seen = append(b.seen, golden(r, body))
	b.ids = append(b.ids, r.Header.Get("X-Request-ID"))
	answer, ok := b.answers[versions.ReplaceAllString(r.URL.Path, "")]
	b.mu.Unlock()
	if !ok {
		b.t.Errorf("nothing is scripted for %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
		return
	}
	answer(w, r)
}

// golden is a request as it stands in testdata/requests.
func golden(r *http.Request, body []byte) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range []string{"Accept", "Api-Key", "Content-Type"} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&text, "%s: %s\n", name, value)
		}
	}
	text.WriteString("X-Request-ID: <guid>\n")
	if len(body) > 0 {
		fmt.Fprintf(&text, "\n%s\n", body)
	}
	return text.String()
}

// says scripts an answer.
func (b *bank) says(path string, status int, body string) {
	b.does(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// code scripts an answer that is nothing but a StatusCode.
func (b *bank) code(path string, code int64) {
	b.says(path, http.StatusOK, fmt.Sprintf(`{"StatusCode":%d,"Message":"no"}`, code))
}

// reads scripts an answer of testdata/answers.
func (b *bank) reads(path, name string) {
	b.says(path, http.StatusOK, answerFile(b.t, name))
}

func (b *bank) does(path string, answer http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[path] = answer
}

func answerFile(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "answers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// asked returns the requests so far and forgets them.
func (b *bank) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}

// expect compares the requests so far with golden files, in order.
func (b *bank) expect(names ...string) {
	b.t.Helper()
	seen := b.asked()
	if len(seen) != len(names) {
		b.t.Fatalf("%d requests, want %d: %q", len(seen), len(names), seen)
	}
	for i, name := range names {
		compare(b.t, filepath.Join("requests", name+".http"), seen[i])
	}
	guid := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for i, id := range b.ids {
		if !guid.MatchString(id) || slices.Contains(b.ids[:i], id) {
			b.t.Errorf("X-Request-ID %q is not a new GUID", id)
		}
	}
}

// silent fails unless nothing was sent.
func (b *bank) silent() {
	b.t.Helper()
	if seen := b.asked(); len(seen) > 0 {
		b.t.Errorf("sent %q", seen)
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

func basic(scheme Scheme) Config {
	c := Config{
		Scheme:  scheme,
		BaseURL: "http://localhost/" + string(scheme) + "/v01",
		Biller:  Biller{Service: "Qazaq Books"},
	}
	c.DeviceToken = providers.NewSecret(desk)
	switch scheme {
	case R1:
		c.APIKey = providers.NewSecret("test_5f1d0c")
	case R3:
		c.OrganizationBIN = bookshop
	}
	return c
}

// gateway opens an account under the scheme, changed by the caller.
func (b *bank) gateway(scheme Scheme, changes ...func(*Config)) *Gateway {
	b.t.Helper()
	c := basic(scheme)
	for _, change := range changes {
		change(&c)
	}
	g, err := New(c, Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return b.listen.dial(ctx) }})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(g.Close)
	return g
}

// charge is one of the price by the method, planned just now.
func charge(m providers.Method) providers.Charge {
	return providers.Charge{
		Ref:         providers.Ref{Order: "q3ncb5xeusdk7a2mzt4w", Method: m, Amount: price, Planned: time.Now()},
		Payer:       providers.Payer{Phone: "+77011234567", Name: "Aigerim Serikova", Email: "aigerim@example.kz"},
		Description: "Order 4711",
	}
}

// bought is the reference of a purchase by the method.
func bought(m providers.Method) providers.Ref {
	ref := charge(m).Ref
	ref.External = "12911004518"
	return ref
}

func is(t *testing.T, r providers.Result, v providers.Verdict, reason providers.Reason) {
	t.Helper()
	if r.Verdict != v || r.Reason != reason {
		t.Errorf("%s %s (code %q, error %v), want %s %s", r.Verdict, r.Reason, r.Code, r.Err, v, reason)
	}
}
