package tiptoppay

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

var update = flag.Bool("update", false, "write the golden files of requests anew")

// The made-up merchant of the notes, section 11.
const publicID = "pk_4b0e2d6a91c75f3e8d20a6b4c91f0"

var secret = providers.NewSecret("9c1f6a0d4be2478ea5f3d07b8c26e914")

// asked is one request as it came.
type asked struct {
	path, body, id string
}

// desk answers TipTop Pay's API with prepared answers, in order, and keeps what was
// asked. One request too many fails the test. An answer "429 text" has that status.
type desk struct {
	*httptest.Server
	mu      sync.Mutex
	answers []string
	asked   []asked
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, asked{r.URL.Path, string(body), r.Header.Get("X-Request-ID")})
	user, password, _ := r.BasicAuth()
	if r.Method != http.MethodPost || user != publicID || password != secret.Reveal() || len(d.answers) == 0 {
		http.Error(w, "unexpected", http.StatusTeapot)
		return
	}
	next := d.answers[0]
	d.answers = d.answers[1:]
	if len(next) >= 3 {
		if status, err := strconv.Atoi(next[:3]); err == nil {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			next = strings.TrimPrefix(next[3:], " ")
		}
	}
	_, _ = io.WriteString(w, next)
}

// paths lists what was asked.
func (d *desk) paths() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, a := range d.asked {
		all = append(all, a.path)
	}
	return strings.Join(all, " ")
}

// least is the smallest configuration that works, with pages.
func least() Config {
	return Config{PublicID: publicID, APISecret: secret, TestMode: true, Check: true}
}

// open makes a gateway in front of a desk. change adjusts its configuration.
func open(t *testing.T, change func(*Config), answers ...string) (*Gateway, *desk) {
	t.Helper()
	d := &desk{answers: answers}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	c := least()
	c.APIBaseURL = d.URL
	if change != nil {
		change(&c)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, d
}

// deaf is a gateway that nobody is behind, for what needs no network.
func deaf(t testing.TB, change func(*Config)) *Gateway {
	t.Helper()
	c := least()
	if change != nil {
		change(&c)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// golden compares a request, as sent, with its golden file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(got), "", " "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

const (
	orderNumber = "kz2026000481a1"
	tokenOrder  = tokenPrefix + orderNumber
	orderID     = "hV7tq3XnB0s5LkQz"
	txID        = "2346712901"
)

// model is a transaction as TipTop Pay writes it; more are pairs of a name and a raw JSON
// value, which an empty value removes.
func model(order, status string, more ...string) string {
	fields := map[string]json.RawMessage{
		"ReasonCode": json.RawMessage("0"), "PublicId": json.RawMessage(strconv.Quote(publicID)), "TransactionId": json.RawMessage(txID),
		"Amount": json.RawMessage("14500.00"), "Currency": json.RawMessage(`"KZT"`), "CurrencyCode": json.RawMessage("4"),
		"InvoiceId": json.RawMessage(strconv.Quote(order)), "Email": json.RawMessage(`"aigerim@example.kz"`),
		"CreatedDateIso": json.RawMessage(`"2026-03-14T09:21:07"`), "TestMode": json.RawMessage("true"),
		"OriginalTransactionId": json.RawMessage("null"), "CardFirstSix": json.RawMessage(`"400005"`), "CardLastFour": json.RawMessage(`"5556"`),
		"CardType": json.RawMessage(`"Visa"`), "Status": json.RawMessage(strconv.Quote(status)), "Type": json.RawMessage("0"),
		"Refunded": json.RawMessage("false"), "Token": json.RawMessage("null"), "TotalFee": json.RawMessage("362.5"),
	}
	if code := map[string]string{"AwaitingAuthentication": "1", "Authorized": "2", "Completed": "3", "Cancelled": "4", "Declined": "5"}[status]; code != "" {
		fields["StatusCode"] = json.RawMessage(code)
	}
	for i := 0; i < len(more); i += 2 {
		fields[more[i]] = json.RawMessage(more[i+1])
	}
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool { return len(value) == 0 })
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// found is the answer that shows a transaction. Success is false wherever it may be.
func found(order, status string, more ...string) string {
	return `{"Model":` + model(order, status, more...) + `,"Success":` + strconv.FormatBool(status == "Completed") + `,"Message":null}`
}

const (
	notFound = `{"Success":false,"Message":"Not found"}`
	done     = `{"Success":true,"Message":null}`
	refusal  = `{"Success":false,"Message":null}`
)

func tenge(t testing.TB, text string) providers.Money {
	t.Helper()
	m, err := providers.ParseMoney(text, "KZT")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// page is a page that was handed out, and saved a charge by token that was answered.
func page(t testing.TB) providers.Ref {
	t.Helper()
	return providers.Ref{Order: orderNumber, External: orderID, Method: providers.Link, Amount: tenge(t, "14500"), Planned: time.Now()}
}

func saved(t testing.TB) providers.Ref {
	t.Helper()
	return providers.Ref{Order: tokenOrder, External: txID, Method: providers.Instrument, Amount: tenge(t, "14500"), Planned: time.Now()}
}

// verdict checks the two words that decide.
func verdict(t *testing.T, got providers.Result, want providers.Verdict, reason providers.Reason) {
	t.Helper()
	if got.Verdict != want || got.Reason != reason {
		t.Errorf("got %s %q (code %q, error %v), want %s %q", got.Verdict, got.Reason, got.Code, got.Err, want, reason)
	}
}

// line is a network in memory, for tests in virtual time.
type line struct {
	mu    sync.Mutex
	asked []asked
}

// scripted is a gateway whose requests are answered by their path.
func scripted(t *testing.T, change func(*Config), answer func(path string) (int, string)) (*Gateway, *line) {
	t.Helper()
	l := &line{}
	server := &providertest.Scripted{Answer: func(r *http.Request) (int, []byte) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return http.StatusTeapot, nil
		}
		l.mu.Lock()
		l.asked = append(l.asked, asked{r.URL.Path, string(body), r.Header.Get("X-Request-ID")})
		l.mu.Unlock()
		status, text := answer(r.URL.Path)
		return status, []byte(text)
	}}
	c := least()
	c.APIBaseURL = "http://127.0.0.1:1"
	if change != nil {
		change(&c)
	}
	g, err := New(c, Options{Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, l
}
