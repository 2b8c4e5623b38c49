package freedompay

import (
	"context"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The merchant of the computed vectors (notes, section 11).
const merchant = "541027"

var secret = providers.NewSecret("k7mQ2wXr9TzB4nVd")

const (
	orderNumber = "KZ-2026-000481"
	paymentID   = "915334407"
	notifyURL   = "https://pay.example.kz/webhooks/freedompay-main"
)

// reply is a prepared answer of the desk: a message, which is signed with the script of
// whatever is asked unless it says otherwise, or a status and a body as they are.
type reply struct {
	message node
	script  string // instead of the last segment; "-" is none
	spoiled bool   // its signature is wrong
	bare    bool   // it has none
	status  int
	body    string
	after   time.Duration // how long it takes
}

func says(pairs ...string) reply { return reply{message: flat(pairs...)} }

// refuses is an error answer.
func refuses(code string) reply {
	return says("pg_status", "error", "pg_error_code", code, "pg_error_description", "Ошибка")
}

// stands is a status answer about the vectors' payment; more fields replace or join those.
func stands(word string, more ...string) reply {
	r := says("pg_status", "ok", "pg_payment_id", paymentID, "pg_order_id", orderNumber, "pg_amount", "14500.00", "pg_currency", "KZT", "pg_payment_status", word)
	r.message.replace(more...)
	return r
}

func (m *node) replace(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		found := false
		for j := range m.children {
			if m.children[j].name == pairs[i] {
				m.children[j].value, found = pairs[i+1], true
			}
		}
		if !found {
			m.add(pairs[i], pairs[i+1])
		}
	}
}

// desk answers the API's address with prepared answers, in order, and keeps what was
// asked. One request too many is answered with 418.
type desk struct {
	mu      sync.Mutex
	answers []reply
	asked   []asked
}

type asked struct {
	path   string
	fields node
	at     time.Time
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := parseForm(string(body))
	path := strings.TrimPrefix(r.URL.Path, "/")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, asked{path, form, time.Now()})
	if len(d.answers) == 0 || !form.signedBy(scriptOf(path), secret) || form.text("pg_merchant_id") != merchant {
		http.Error(w, "unexpected", http.StatusTeapot)
		return
	}
	next := d.answers[0]
	d.answers = d.answers[1:]
	time.Sleep(next.after)
	if next.status != 0 || next.body != "" {
		if next.status != 0 {
			w.WriteHeader(next.status)
		}
		_, _ = io.WriteString(w, next.body)
		return
	}
	_, _ = w.Write(next.written(scriptOf(path)))
}

func (r reply) written(script string) []byte {
	m := r.message
	m.add(fieldSalt, "9b1deb4d3b7d4bad")
	switch r.script {
	case "":
	case "-":
		script = ""
	default:
		script = r.script
	}
	if !r.bare {
		signature := m.sign(script, secret)
		if r.spoiled {
			signature = strings.Repeat("0", 32)
		}
		m.add(fieldSig, signature)
	}
	return treeXML(m, "response")
}

// treeXML writes nested fields too.
func treeXML(m node, root string) []byte {
	var b strings.Builder
	var write func(n node)
	write = func(n node) {
		b.WriteString("<" + n.name + ">")
		_ = xml.EscapeText(&b, []byte(n.value))
		for _, child := range n.children {
			write(child)
		}
		b.WriteString("</" + n.name + ">")
	}
	m.name = root
	write(m)
	return []byte(b.String())
}

// paths lists what was asked.
func (d *desk) paths() string {
	var paths []string
	for _, a := range d.asked {
		paths = append(paths, strings.TrimPrefix(a.path, "v1/merchant/"+merchant+"/"))
	}
	return strings.Join(paths, " ")
}

// atDesk runs a test in a bubble, with a gateway in front of a desk.
func atDesk(t *testing.T, change func(*Config), answers []reply, test func(t *testing.T, g *Gateway, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{answers: answers}
		door := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: d}
		go func() { _ = server.Serve(door) }()
		c := config()
		if change != nil {
			change(&c)
		}
		g, err := New(c, Options{Dial: door.dial})
		if err != nil {
			t.Fatal(err)
		}
		test(t, g, d)
		g.Close()
		_ = server.Close()
		synctest.Wait()
	})
}

func config() Config {
	return Config{BaseURL: "http://127.0.0.1:1", MerchantID: merchant, Secret: secret, Cards: true}
}

// pipes is a listener whose connections go through memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func tenge(t testing.TB, text string) providers.Money {
	t.Helper()
	m, err := providers.ParseMoney(text, "KZT")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// page is the vectors' payment by a page, card the same by a saved card.
func pageRef(t testing.TB) providers.Ref {
	t.Helper()
	return providers.Ref{Order: orderNumber, External: paymentID, Method: providers.Page, Amount: tenge(t, "14500")}
}

func cardRef(t testing.TB) providers.Ref {
	t.Helper()
	ref := pageRef(t)
	ref.Method = providers.Instrument
	return ref
}

func hold(ref providers.Ref) providers.Ref {
	ref.TwoStage = true
	return ref
}

func chargeOf(ref providers.Ref) providers.Charge {
	ref.External = ""
	c := providers.Charge{Ref: ref, Description: "Заказ 481", NotifyURL: notifyURL, ReturnURL: "https://shop.example.kz/back"}
	if ref.Method == providers.Instrument {
		c.Instrument, c.CustomerID = providers.Token{Value: providers.NewSecret("tok-1")}, "c-88"
	}
	return c
}

// verdict checks the two words that decide.
func verdict(t *testing.T, got providers.Result, want providers.Verdict, reason providers.Reason) {
	t.Helper()
	if got.Verdict != want || got.Reason != reason {
		t.Errorf("got %s %q (code %q, error %v), want %s %q", got.Verdict, got.Reason, got.Code, got.Err, want, reason)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}
