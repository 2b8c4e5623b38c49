package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// strangers are answers that say nothing about what was asked.
var strangers = []struct {
	status int
	body   string
}{
	{200, ``}, {200, ` `}, {200, `{}`}, {200, `[]`}, {200, `null`}, {200, `""`}, {200, `0`}, {200, `true`}, {200, `"OK"`}, {200, `OK`},
	{200, `{"`}, {200, "\x00\xff\xfe"}, {200, `[[[[[[[[[[`}, {200, `{"status":"success"}`}, {200, `{"error":"declined"}`}, {200, `<xml/>`},
	{201, `{}`}, {202, ``}, {204, ``}, {206, `{}`}, {300, ``}, {304, ``}, {400, ``}, {400, `{}`}, {400, `[]`}, {400, `declined`}, {402, `{}`},
	{404, `{}`}, {405, ``}, {408, ``}, {409, `{}`}, {410, ``}, {412, ``}, {418, `{}`}, {422, `{}`}, {425, ``}, {429, ``}, {451, `{}`},
	{500, `{}`}, {502, ``}, {503, `{"code":0}`}, {504, ``}, {599, `{}`},
}

// askAnswers asks about answers that are not what the bank meant to say. A teller in
// front of the bank spoils the last request of the deed, which is the one that moves:
// what comes before it are tokens and looks.
func (s *suite) askAnswers(t *testing.T, d deed) {
	s.ask(t, d.what, "an answer that says nothing proves nothing", d.method, func(h *house) {
		teller := h.stand()
		last := h.requests(teller, d)
		for _, strange := range strangers {
			a := d.ready(h)
			before := h.arrived(moving...)
			teller.plan(nth(last, answering(strange.status, strange.body)))
			r := d.do(h, context.Background(), a)
			teller.plan(nil)
			if n := h.arrived(moving...) - before; n != 0 {
				h.t.Fatalf("%d %q: %d money-moving requests came past the teller", strange.status, strange.body, n)
			}
			h.undecided(d, strange.status, strange.body, r)
		}
	})
	s.ask(t, d.what, "a true answer with one thing damaged is never a refusal", d.method, func(h *house) {
		teller := h.stand()
		var truth []byte
		last := h.requests(teller, d)
		spoil := func(change func(body []byte) []byte) (*attempt, providers.Result) {
			a := d.ready(h)
			teller.plan(nth(last, damaging(change)))
			r := d.do(h, context.Background(), a)
			teller.plan(nil)
			return a, r
		}
		spoil(func(body []byte) []byte { truth = body; return body })
		for i, damage := range damages(truth) {
			a, r := spoil(func(body []byte) []byte {
				all := damages(body)
				if i >= len(all) || all[i].what != damage.what {
					h.t.Fatalf("the bank answers in another shape: %s", body)
				}
				return all[i].body()
			})
			if r.Verdict == providers.Declined || r.Verdict == providers.Unserved && !(d.op == sim.OpCreate && slices.Contains(h.subject.Inert, d.method)) {
				h.t.Errorf("%s: it is %s, and the bank did it", damage.what, describe(r))
			}
			if r.Verdict.HasMoney() && !names(r.Amount, d.minor(a), a.ref.Amount.Currency) && d.minor(a) != 0 {
				h.t.Errorf("%s: it is %s of %s", damage.what, describe(r), r.Amount)
			}
		}
	})
}

// requests is how many the deed takes when all is well and nothing has to be prepared
// any more.
func (h *house) requests(t *teller, d deed) int {
	h.t.Helper()
	n := 0
	for range 2 {
		a := d.ready(h)
		n = t.count(func() {
			if r := d.do(h, context.Background(), a); !d.well(h, a, r) {
				h.t.Errorf("it is %s while all is well", describe(r))
			}
		})
	}
	return n
}

// undecided fails unless a Result leaves everything open. HTTP 401 and 403 are not
// asked here: what they mean is documented.
func (h *house) undecided(d deed, status int, body string, r providers.Result) {
	h.t.Helper()
	wordless := h.subject.Wordless && (status == http.StatusOK || status == http.StatusNoContent) && d.op != sim.OpCreate && d.op != sim.OpCharge
	switch {
	case r.Verdict == providers.Unknown && !r.Absent, r.Verdict == providers.Pending && r.Action == nil:
	case r.Verdict == providers.Unserved && slices.Contains(h.subject.Inert, d.method):
	case r.Verdict == providers.Approved && wordless && (strings.TrimSpace(body) == "" || strings.HasPrefix(body, "{")):
	default:
		h.t.Errorf("HTTP %d with %q: it is %s", status, body, describe(r))
	}
}

// damage is one way to spoil a JSON body.
type damage struct {
	what string
	body func() []byte // written when it is asked for: few of a body's damages are
}

// damages spoils every field of a JSON body in every way, one at a time: missing, null,
// of another type, of another value. The order is the same for bodies of one shape.
func damages(body []byte) []damage {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // amounts keep their digits, and with them their signatures
	var root any
	if d.Decode(&root) != nil {
		return nil
	}
	var all []damage
	add := func(what string, object map[string]any, name string, spoil func()) {
		all = append(all, damage{what, func() []byte {
			was := object[name]
			spoil()
			defer func() { object[name] = was }()
			var out bytes.Buffer
			e := json.NewEncoder(&out)
			e.SetEscapeHTML(false)
			if err := e.Encode(root); err != nil {
				panic("a body that was JSON: " + err.Error())
			}
			return out.Bytes()
		}})
	}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		object, ok := node.(map[string]any)
		if !ok {
			if list, ok := node.([]any); ok {
				for _, item := range list {
					walk(path+"[]", item)
				}
			}
			return
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			add(at+" is missing", object, name, func() { delete(object, name) })
			for label, value := range oddities {
				if fmt.Sprint(value) != fmt.Sprint(object[name]) {
					add(at+" is "+label, object, name, func() { object[name] = value })
				}
			}
			walk(at, object[name])
		}
	}
	walk("", root)
	slices.SortStableFunc(all, func(a, b damage) int { return strings.Compare(a.what, b.what) })
	return all
}

// oddities are values that no provider uses for anything.
var oddities = map[string]any{
	"null": nil, "empty text": "", "a word": "damaged", "a number": json.Number("987654"), "huge": json.Number("1e400"), "an object": map[string]any{},
}
