package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// kaspiRequestID is the example of Kaspi's document: a GUID without dashes.
const kaspiRequestID = "0123456789abcdef0123456789abcdef"

// shop is a merchant's plain HTTP client of one bank, with no opinion about what the answers mean.
type shop struct {
	client *http.Client
	base   string
}

// inBubble runs a test on fake time against a bank that is reached through memory.
func inBubble(t *testing.T, opt sim.Options, kaspi sim.KaspiOptions, test func(t *testing.T, b *sim.Bank, s shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := sim.New(opt, sim.Kaspi(kaspi))
		transport := b.Transport("kaspi")
		defer b.Close()
		defer transport.CloseIdleConnections()
		test(t, b, shop{client: &http.Client{Transport: transport, CheckRedirect: noRedirect}, base: "http://kaspi.invalid"})
	})
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// send makes one request. A path without a slash in front is one of r3.
func (s shop) send(ctx context.Context, method, path, body string, header ...string) (*http.Response, []byte, error) {
	if !strings.HasPrefix(path, "/") {
		path = "/r3/v01/" + path
	}
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.GetBody = nil // one request is one request: the transport repeats nothing by itself
	r.Header.Set("X-Request-ID", kaspiRequestID)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res, got, err
}

// envelope is an answer as Kaspi's document describes it, with numbers left as they were written.
type envelope struct {
	HTTP       int             `json:"-"`
	StatusCode json.RawMessage `json:"StatusCode"`
	Message    string          `json:"Message"`
	Data       json.RawMessage `json:"Data"`
}

// field reads one field of Data as it was written.
func (e envelope) field(name string) string {
	var data map[string]json.RawMessage
	if json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	return strings.Trim(string(data[name]), `"`)
}

// call makes a request that must get a whole answer.
func (s shop) call(t *testing.T, method, path, body string, header ...string) envelope {
	t.Helper()
	res, got, err := s.send(t.Context(), method, path, body, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	e := envelope{HTTP: res.StatusCode}
	if err := json.Unmarshal(got, &e); err != nil {
		t.Fatalf("%s %s: %v in %q", method, path, err, got)
	}
	return e
}

func createBody(reference, amount string) string {
	return fmt.Sprintf(`{"OrganizationBin":%q,"DeviceToken":%q,"Amount":%s,"ExternalId":%q}`,
		sim.KaspiDefaultBIN, sim.KaspiDefaultDevice, amount, reference)
}

// offer creates a QR and returns its QrPaymentId.
func (s shop) offer(t *testing.T, reference string) string {
	t.Helper()
	e := s.call(t, "POST", "qr/create", createBody(reference, "15490.00"))
	wantCode(t, e, "0")
	return e.field("QrPaymentId")
}

func (s shop) status(t *testing.T, id string) string {
	t.Helper()
	e := s.call(t, "GET", "payment/status/"+id, "")
	wantCode(t, e, "0")
	return e.field("Status")
}

func wantCode(t *testing.T, e envelope, code string) {
	t.Helper()
	if string(e.StatusCode) != code {
		t.Fatalf("StatusCode is %s (HTTP %d, %q), want %s", e.StatusCode, e.HTTP, e.Message, code)
	}
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// pass lets time pass in a bubble, and everything happen that then is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func addFault(t *testing.T, b *sim.Bank, f sim.Fault) string {
	t.Helper()
	id, err := b.AddFault(f)
	must(t, err)
	return id
}

func addPayer(t *testing.T, b *sim.Bank, p sim.PayerRule) {
	t.Helper()
	_, err := b.AddPayer(p)
	must(t, err)
}

func addNotice(t *testing.T, b *sim.Bank, n sim.NoticeRule) {
	t.Helper()
	_, err := b.AddNotice(n)
	must(t, err)
}

// control makes one request to the control surface.
func control(b *sim.Bank, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.Control().ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

// inbox is a merchant's server, reached without a network: what came in, and what it answers.
type inbox struct {
	mu      sync.Mutex
	handler http.HandlerFunc // nil answers 200
	got     []delivery
}

type delivery struct {
	at     time.Time
	path   string
	query  string
	body   string
	header http.Header
}

func (in *inbox) client() *http.Client { return &http.Client{Transport: in} }

func (in *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	in.mu.Lock()
	in.got = append(in.got, delivery{time.Now(), r.URL.Path, r.URL.RawQuery, string(body), r.Header})
	h := in.handler
	in.mu.Unlock()
	w := httptest.NewRecorder()
	if h != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func (in *inbox) all() []delivery {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]delivery(nil), in.got...)
}

// bodies are the bodies that came to a path, in the order of their coming.
func (in *inbox) bodies(path string) []string {
	var out []string
	for _, d := range in.all() {
		if d.path == path {
			out = append(out, d.body)
		}
	}
	return out
}

// logbook collects log lines of a bank.
type logbook struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logbook) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level}))
}

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}
