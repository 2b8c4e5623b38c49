package payment_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

var update = flag.Bool("update", false, "write the golden files")

// samples has one body of every kind, with every field set.
func samples() []payment.Body {
	at := start.Add(1234567 * time.Microsecond)
	evidence := payment.Evidence{Attempt: 1, Kind: payment.NeverShown, Source: payment.FromRouter, At: at, Detail: "timeout"}
	choice := payment.Choice{Gateway: "halyk-main", Method: providers.Page, Taken: true, Why: "taken", Detail: "first of two"}
	action := &providers.Action{Kind: providers.SubmitForm, URL: "https://pay.example/form", Text: "text", Fields: map[string]string{"order": "7"},
		Number: "0123456789", Service: "Shop", Expires: at.Add(time.Minute)}
	return []payment.Body{
		payment.Opened{ID: "p-1", Tenant: "shop", RequestID: "r-1", Order: "order-7", Amount: amount, Methods: []providers.Method{providers.QR, providers.Page},
			TwoStage: true, Instrument: "i-1", Customer: "c-1", Description: "basket 7", ReturnURL: "https://shop.example/back",
			Save: true, SoftRetry: true, Gateways: []string{"kaspi-main", "halyk-main"}, Deadline: at.Add(15 * time.Minute)},
		payment.Planned{Attempt: 2, Gateway: "halyk-main", Provider: "halyk", Credentials: "2026-11", Method: providers.Page, Flow: providers.Offer, Reference: "000000000042",
			Evidence: []payment.Evidence{evidence}, Route: []payment.Choice{choice}},
		payment.Observed{Attempt: 2, Source: payment.FromLookup, Asked: at, Lag: 10 * time.Second, Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: "ext-1", Movement: "mv-1",
			Amount: amount, Returned: tenge(100), Action: action, Absent: true, Until: at.Add(4 * time.Minute), AskIn: 5 * time.Second,
			Code: "102", Note: "called the bank"},
		payment.Closed{Attempt: 1, Evidence: evidence},
		payment.Proposed{Attempt: 2, Verdict: providers.Unserved, Reason: providers.NotFound, Note: "called the bank"},
		payment.SwitchRequested{Attempt: 2, Reason: "drained"},
		payment.CaptureRequested{RequestID: "r-2", Amount: tenge(1000000)},
		payment.CancelRequested{RequestID: "r-3", Reason: "basket changed"},
		payment.RefundRequested{Refund: "rf-1", RequestID: "r-4", Amount: tenge(400000), Reason: "returned goods"},
		payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 2, Amount: tenge(400000), Refund: "rf-1", Reference: "rfabc", Before: 100},
		payment.OperationObserved{Operation: 1, Source: payment.FromLookup, Asked: at, Verdict: providers.Declined, Reason: providers.Refused,
			External: "ext-2", Absent: true, Code: "-99000005", Note: "called the bank"},
		payment.Noted{Finding: payment.ReturnExpected, Attempt: 2, About: "9", Detail: "debit 9 refused"},
		payment.Finished{Outcome: payment.OutcomeFailed, Reason: providers.Expired, Detail: "withdrawn"},
	}
}

// stored is an event as the journal keeps it.
type stored struct {
	Seq   int64           `json:"seq"`
	At    time.Time       `json:"at"`
	Actor string          `json:"actor"`
	Kind  string          `json:"kind"`
	Body  json.RawMessage `json:"body"`
}

// Books are kept for years: what testdata/events.json holds must be read for ever, and
// written the same way. A new field is added to the file with -update; a difference in
// what stands there already is a broken book.
func TestEveryKindOfEventIsWrittenAndReadAsInOldBooks(t *testing.T) {
	golden := filepath.Join("testdata", "events.json")
	var events []stored
	for i, body := range samples() {
		data, err := payment.EncodeBody(body)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, stored{Seq: int64(i + 1), At: start, Actor: "router", Kind: body.Kind(), Body: data})
	}
	got, err := json.MarshalIndent(events, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("events are written differently (-golden +now):\n%s", cmp.Diff(string(want), string(got)))
	}
	var old []stored
	if err := json.Unmarshal(want, &old); err != nil {
		t.Fatal(err)
	}
	for i, e := range old {
		body, err := payment.DecodeBody(e.Kind, e.Body)
		if err != nil {
			t.Errorf("event %d: %v", e.Seq, err)
			continue
		}
		if diff := cmp.Diff(samples()[i], body); diff != "" {
			t.Errorf("%s is read differently (-written +read):\n%s", e.Kind, diff)
		}
	}
}

// The samples would prove little if a field stayed empty in them.
func TestTheSamplesSetEveryField(t *testing.T) {
	for _, body := range samples() {
		everyField(t, body.Kind(), reflect.ValueOf(body))
	}
}

func everyField(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		everyField(t, path, v.Elem())
	case v.IsZero(), v.Kind() == reflect.Slice && v.Len() == 0:
		t.Errorf("%s is not set", path)
	case v.Kind() == reflect.Slice:
		everyField(t, path+"[0]", v.Index(0))
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			everyField(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}

// The kinds are read from the source, so that a new one cannot be forgotten.
func TestDecodeBodyKnowsEveryKind(t *testing.T) {
	kinds := declaredKinds(t)
	if len(kinds) < 13 {
		t.Fatalf("only %v are declared: this test reads the source wrongly", kinds)
	}
	sampled := map[string]bool{}
	for _, body := range samples() {
		sampled[body.Kind()] = true
	}
	for _, kind := range kinds {
		body, err := payment.DecodeBody(kind, []byte("{}"))
		if err != nil || body.Kind() != kind {
			t.Errorf("%s is decoded as %T, error %v", kind, body, err)
		}
		if !sampled[kind] {
			t.Errorf("%s is not in the golden file", kind)
		}
	}
	if _, err := payment.DecodeBody("invented", []byte("{}")); err == nil {
		t.Error("an unknown kind was decoded")
	}
	if _, err := payment.DecodeBody("observed", []byte(`{"verdict":"charged"}`)); err == nil {
		t.Error("an unknown verdict was decoded")
	}
}

// declaredKinds are the words that the Kind methods of this package return.
func declaredKinds(t *testing.T) (kinds []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Kind" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if word, ok := n.(*ast.BasicLit); ok && word.Kind == token.STRING {
					kind, err := strconv.Unquote(word.Value)
					if err != nil {
						t.Fatal(err)
					}
					kinds = append(kinds, kind)
				}
				return true
			})
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func TestEventsAreFoldedInOrderAndOnce(t *testing.T) {
	b := open(t)
	b.plan(card)
	b.tell(response(providers.Approved, ""))
	p, err := payment.Fold(b.events)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.p, p); diff != "" {
		t.Errorf("folded differently (-applied +folded):\n%s", diff)
	}
	if _, err := payment.Fold(nil); err == nil {
		t.Error("a payment of no events")
	}
	if _, err := payment.Fold(b.events[1:]); err == nil {
		t.Error("a payment that was never opened")
	}
	if _, err := payment.Fold(slices.Concat(b.events, b.events[:1])); err == nil {
		t.Error("a payment opened twice")
	}
	twice := b.events[len(b.events)-1]
	if _, err := b.p.Apply(twice); err == nil {
		t.Error("an event applied twice")
	}
	if next, err := b.p.Apply(payment.Event{At: b.now, Body: notice(providers.Approved, "")}); err != nil || next.Seq != b.p.Seq+1 {
		t.Errorf("seq 0 does not take the next one: %v", err)
	}
}

// Apply must leave the payment it is called on as it was: a decision may run twice.
func TestApplyChangesNothingButItsResult(t *testing.T) {
	b := open(t, noDeadline)
	b.plan(card)
	b.tell(response(providers.Unknown, providers.Timeout), notThere())
	before, err := payment.Fold(b.events)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // two branches from one payment must not share what they append to
		e := payment.Event{At: start.Add(time.Duration(i+1) * time.Hour), Body: notThere()}
		next, err := b.p.Apply(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := next.Attempts[0].Absences; len(got) != 2 || !got[1].Equal(e.At) {
			t.Fatalf("absences %v", got)
		}
		if _, err := next.Apply(payment.Event{At: e.At.Add(time.Hour), Body: notThere()}); err != nil {
			t.Fatal(err)
		}
		if got := next.Attempts[0].Absences; len(got) != 2 || !got[1].Equal(e.At) {
			t.Fatalf("absences %v after another Apply", got)
		}
	}
	if diff := cmp.Diff(before, b.p); diff != "" {
		t.Errorf("the payment changed:\n%s", diff)
	}
}

func TestAPlanIsRefusedWithoutWhatItNeeds(t *testing.T) {
	b := open(t)
	good := b.planned(card)
	tests := map[string]func(*payment.Planned){
		"not the next attempt": func(p *payment.Planned) { p.Attempt = 2 },
		"no reference":         func(p *payment.Planned) { p.Reference = "" },
		"no gateway":           func(p *payment.Planned) { p.Gateway = "" },
		"evidence of nothing":  func(p *payment.Planned) { p.Evidence = []payment.Evidence{{Attempt: 1, Kind: payment.NotSent}} },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			bad := good
			spoil(&bad)
			b.refuse(bad)
		})
	}
	b.tell(good)
	b.tell(response(providers.Unserved, providers.NotSent))
	for name, spoil := range map[string]func(*payment.Planned){
		"its evidence deleted":     func(p *payment.Planned) { p.Evidence = nil },
		"evidence of another kind": func(p *payment.Planned) { p.Evidence[0].Kind = payment.DeclinedFinally },
		"another's evidence":       func(p *payment.Planned) { p.Evidence[0].Attempt = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			bad := b.planned(backup)
			spoil(&bad)
			b.refuse(bad)
		})
	}
	b.plan(backup)
}

func TestWhatIsClosedOrFinishedIsNotClosedOrFinishedAgain(t *testing.T) {
	b := open(t)
	b.plan(card)
	evidence := payment.Evidence{Attempt: 1, Kind: payment.NotSent}
	b.refuse(payment.Closed{Attempt: 1})
	b.refuse(payment.Closed{Attempt: 1, Evidence: payment.Evidence{Attempt: 2, Kind: payment.NotSent}})
	b.refuse(payment.Finished{Outcome: payment.OutcomeFailed}) // an attempt is open
	b.tell(response(providers.Declined, providers.DeclinedHard))
	b.refuse(payment.Closed{Attempt: 1, Evidence: evidence})
	b.refuse(payment.Finished{Outcome: payment.OutcomeFailed})

	b = open(t)
	b.plan(card)
	b.tell(response(providers.Approved, ""))
	b.refuse(payment.Closed{Attempt: 1, Evidence: evidence})
	b.refuse(payment.Finished{Outcome: payment.OutcomeFailed})
	if err := b.try(payment.Closed{Attempt: 2}); err == nil {
		t.Error("an attempt that does not exist was closed")
	}
}
