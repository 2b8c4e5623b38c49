package quickpay

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

var update = flag.Bool("update", false, "write the golden files of requests anew")

// The keys of the notes, section 11.
var (
	apiKey     = providers.NewSecret("sim-api-key-1")
	privateKey = providers.NewSecret("sim-private-key-0123456789abcdef0123456789abcdef0123456789abcdef")
)

// least is a configuration with nothing optional in it.
func least() Config { return Config{APIKey: apiKey, PrivateKey: privateKey} }

// step is a request that must come, and its answer.
type step struct {
	line   string // "POST /payments"
	status int
	body   string
}

// desk answers QuickPay's API with prepared answers, in order, and keeps what was asked.
type desk struct {
	t     *testing.T
	mu    sync.Mutex
	steps []step
	asked []asked
	pause time.Duration // before every answer
}

type asked struct {
	line   string
	header http.Header
	body   string
}

func (d *desk) answer(r *http.Request) (int, []byte) {
	time.Sleep(d.pause)
	d.mu.Lock()
	defer d.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	line := r.Method + " " + r.URL.RequestURI()
	d.asked = append(d.asked, asked{line, r.Header, string(body)})
	if len(d.steps) == 0 || d.steps[0].line != line {
		d.t.Errorf("%s was asked, %+v was expected", line, d.steps)
		return http.StatusTeapot, nil
	}
	next := d.steps[0]
	d.steps = d.steps[1:]
	return next.status, []byte(next.body)
}

// open makes a gateway in front of a desk, which must be asked everything. change adjusts
// its configuration.
func open(t *testing.T, change func(*Config), steps ...step) (*Gateway, *desk) {
	t.Helper()
	d := &desk{t: t, steps: steps}
	c := least()
	if change != nil {
		change(&c)
	}
	c.APIBaseURL = "http://127.0.0.1"
	g, err := New(c, Options{Dial: (&providertest.Scripted{Answer: d.answer}).Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.steps) > 0 {
			t.Errorf("nobody asked %+v", d.steps)
		}
	})
	return g, d
}

// golden compares a request's body with its golden file.
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

// object is a payment of 1500.50 DKK as the notes, section 4, show it.
func object(state string, operations ...map[string]any) map[string]any {
	all := []map[string]any{}
	held, balance := false, 0
	for i, o := range operations {
		if o["id"] == nil {
			o["id"] = i + 1
		}
		all = append(all, o)
		if o["pending"] == false && o["qp_status_code"] == "20000" {
			minor, _ := o["amount"].(int)
			switch o["type"] {
			case "authorize", "recurring":
				held = true
			case "capture":
				balance += minor
			case "refund":
				balance -= minor
			}
		}
	}
	return map[string]any{
		"id": 714001, "ulid": "01J00000000000000000000000", "merchant_id": 1234, "order_id": order, "accepted": held, "type": "Payment",
		"variables": map[string]string{"attempt": order, "method": "instrument"}, "currency": "DKK", "state": state, "link": nil,
		"metadata":   map[string]any{"type": "card", "last4": "0008", "customer_ip": "203.0.113.7"},
		"operations": all, "test_mode": false, "acquirer": "clearhaus", "balance": balance, "fee": 0,
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:02:00Z", "deadline_at": nil,
	}
}

const (
	order  = "rt-000000000001"
	amount = 150050
)

// did is a finished operation.
func did(kind string, minor int, code string) map[string]any {
	return map[string]any{"type": kind, "amount": minor, "pending": false, "qp_status_code": code, "qp_status_msg": "…", "data": map[string]any{},
		"created_at": "2026-01-01T00:01:00Z"}
}

// doing is an operation under way.
func doing(kind string, minor int) map[string]any {
	o := did(kind, minor, "")
	o["pending"], o["qp_status_code"] = true, nil
	return o
}

// with changes fields of an object.
func with(o map[string]any, changes ...any) map[string]any {
	for i := 0; i < len(changes); i += 2 {
		o[changes[i].(string)] = changes[i+1]
	}
	return o
}

// ending is when the link of linked ends.
const ending = "2026-01-01T00:20:00Z"

// linked makes the payment one that a link was made for.
func linked(o map[string]any) map[string]any {
	return with(o, "link", map[string]any{"url": "https://payment.quickpay.net/payments/x", "amount": amount}, "deadline_at", ending,
		"variables", map[string]string{"attempt": order, "method": "link"})
}

func text(t testing.TB, o any) string {
	t.Helper()
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// refusedBy is an error body that names fields.
func refusedBy(fields ...string) string {
	named := map[string][]string{}
	for _, field := range fields {
		named[field] = []string{"is invalid"}
	}
	body, err := json.Marshal(map[string]any{"message": "Validation error", "errors": named, "error_code": nil})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func kroner(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "DKK"} }

// byCard and byLink are references to the payment of object.
func byCard() providers.Ref {
	return providers.Ref{Order: order, External: "714001", Method: providers.Instrument, Amount: kroner(amount), Planned: time.Unix(1767225600, 0).UTC()}
}

func byLink() providers.Ref {
	ref := byCard()
	ref.Method = providers.Link
	return ref
}

func held(ref providers.Ref) providers.Ref {
	ref.TwoStage = true
	return ref
}

func lost(ref providers.Ref) providers.Ref {
	ref.External = ""
	return ref
}

// verdict checks the two words that decide.
func verdict(t *testing.T, got providers.Result, want providers.Verdict, reason providers.Reason) {
	t.Helper()
	if got.Verdict != want || got.Reason != reason {
		t.Errorf("got %s %q (code %q, error %v), want %s %q", got.Verdict, got.Reason, got.Code, got.Err, want, reason)
	}
}

// lines are the requests that came, one a line.
func (d *desk) lines() string {
	var all []string
	for _, a := range d.asked {
		all = append(all, a.line)
	}
	return strings.Join(all, "\n")
}
