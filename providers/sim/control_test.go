package sim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers/sim"
)

func newControlled(t *testing.T) *sim.Bank {
	t.Helper()
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	t.Cleanup(b.Close)
	return b
}

func TestControlRefusesWhatItDoesNotKnow(t *testing.T) {
	b := newControlled(t)
	for _, c := range []struct{ path, body, names string }{
		{"/faults", `{"face":"kaspi","kind":"hang","tims":1}`, "tims"},
		{"/faults", `{"face":"kaspi","kind":"hangg"}`, "hangg"},
		{"/faults", `{"face":"kapsi","kind":"hang"}`, "kapsi"},
		{"/faults", `{"kind":"hang","delay":5}`, `"1.5s"`},
		{"/faults", `{"kind":"hang"} {"kind":"drop"}`, "more than one"},
		{"/faults", `kind=hang`, "bad JSON"},
		{"/statements", `{"face":"kaspi","kind":"omit","mach":"pay_1"}`, "mach"},
		{"/statements", `{"face":"kapsi","kind":"omit"}`, "kapsi"},
		{"/statements", `{"face":"kaspi","kind":"ommit"}`, "ommit"},
		{"/statements", `{"face":"kaspi","kind":"unpaid"}`, "unpaid"},
		{"/statements", `{"face":"kaspi","kind":"fee"}`, "amount_minor"},
		{"/statements", `{"face":"kaspi","kind":"late","by":5}`, `"1.5s"`},
		{"/payers", `{"behavior":"pay"}`, "behavior"},
		{"/payers", `{"behaviour":"tip"}`, "tip"},
		{"/payers/act", `{"face":"kaspi","reference":"pay_1","act":"pay"}`, "pay_1"},
		{"/payers/act", `{"face":"kaspi","act":"pay"}`, "either id"},
		{"/payers/act", `{"face":"kaspi","id":"1","reference":"2","act":"pay"}`, "either id"},
		{"/payers/act", `{"face":"kaspi","ref":"pay_1","act":"pay"}`, "ref"},
		{"/notices", `{"mode":"late","by":"10s"}`, "by"},
		{"/notices", `{"mode":"postponed"}`, "postponed"},
		{"/kaspi/biller", `{"command":"check","acount":"1"}`, "acount"},
	} {
		w := control(b, "POST", c.path, c.body)
		wantEqual(t, "HTTP status of "+c.path+" "+c.body, w.Code, http.StatusBadRequest)
		var answer struct{ Error string }
		if json.Unmarshal(w.Body.Bytes(), &answer) != nil || !strings.Contains(answer.Error, c.names) {
			t.Errorf("%s %s is answered %s, which does not name %s", c.path, c.body, w.Body, c.names)
		}
	}
	wantEqual(t, "rules in force", len(b.Faults())+len(b.Tampers())+len(b.Payers())+len(b.Notices()), 0)
}

func TestRulesComeAndGoOverControl(t *testing.T) {
	b := newControlled(t)
	for path, body := range map[string]string{
		"/faults":     `{"face":"kaspi","op":"create","kind":"slow","delay":"2s","times":3}`,
		"/statements": `{"face":"kaspi","kind":"late","match":"pay_1","by":"1h30m","times":2}`,
		"/payers":     `{"behaviour":"pay","after":"1m30s"}`,
		"/notices":    `{"mode":"double"}`,
	} {
		var rule struct{ ID string }
		for range 2 {
			w := control(b, "POST", path, body)
			wantEqual(t, "HTTP status of "+path, w.Code, http.StatusCreated)
			must(t, json.Unmarshal(w.Body.Bytes(), &rule))
		}
		if w := control(b, "GET", path, ""); !strings.Contains(w.Body.String(), `"`+rule.ID+`"`) {
			t.Errorf("GET %s does not show %s: %s", path, rule.ID, w.Body)
		}
		wantEqual(t, "removal", control(b, "DELETE", path+"/"+rule.ID, "").Code, http.StatusNoContent)
		wantEqual(t, "second removal", control(b, "DELETE", path+"/"+rule.ID, "").Code, http.StatusNotFound)
		wantEqual(t, "clearing", control(b, "DELETE", path, "").Code, http.StatusNoContent)
	}
	wantEqual(t, "rules in force", len(b.Faults())+len(b.Tampers())+len(b.Payers())+len(b.Notices()), 0)
}

func TestControlShowsTheLedger(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		wantEqual(t, "the act", control(b, "POST", "/payers/act", `{"face":"kaspi","reference":"pay_1","act":"pay"}`).Code, http.StatusOK)
		var l sim.Ledger
		must(t, json.Unmarshal(control(b, "GET", "/ledger?face=kaspi", "").Body.Bytes(), &l))
		wantEqual(t, "money", l.Net("kaspi", "pay_1"), 1549000)
		wantEqual(t, "creates", l.Count("kaspi", sim.OpCreate, "pay_1"), 1)
		wantEqual(t, "phase", l.Objects[0].Phase, sim.Charged)
		wantEqual(t, "an unknown face", control(b, "GET", "/ledger?face=kapsi", "").Code, http.StatusBadRequest)
	})
}

func TestControlSpoilsAStatement(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		must(t, b.Act("kaspi", s.offer(t, "pay_1"), sim.ActPay))
		w := control(b, "POST", "/statements", `{"face":"kaspi","kind":"amount","match":"pay_1","amount_minor":-49000,"times":1}`)
		wantEqual(t, "HTTP status", w.Code, http.StatusCreated)
		for _, want := range []string{"15000.00", "15490.00"} {
			wantEqual(t, "the sum", sim.CSVRows(statementOf(b, "2000-01-01").Body.String())[0]["amount"], want)
		}
		if w := control(b, "GET", "/statements", ""); !strings.Contains(w.Body.String(), `"used": 1`) {
			t.Errorf("GET /statements does not count its use: %s", w.Body)
		}
		wantEqual(t, "money", b.Ledger().Net("kaspi", "pay_1"), 1549000)
	})
}

func TestControlIndexNamesEveryEndpoint(t *testing.T) {
	index := control(newControlled(t), "GET", "/", "").Body.String()
	for _, name := range []string{"/ledger", "/faults", "/statements", "/payers", "/payers/act", "/notices", "/healthz", "/kaspi/biller", "/kaspi/statement"} {
		if !strings.Contains(index, name) {
			t.Errorf("the index does not name %s", name)
		}
	}
}
