package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The traps of protocol.md, as its own words: what is asked, and what must be answered.
func TestPlainPayDoesWhatItsDocumentsSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{}, PlainPay(PlainPayOptions{Shop: "plain", Key: "k"}))
		defer b.Close()
		ask := func(path, body string) string {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(strings.Replace(body, "{", `{"shop":"plain",`, 1)))
			r.Header.Set("Authorization", "Bearer k")
			w := httptest.NewRecorder()
			b.Handler("plainpay").ServeHTTP(w, r)
			return http.StatusText(w.Code) + " " + w.Body.String()
		}
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		create := func(order string) string {
			return ask("/create", `{"order":"`+order+`","amount":"15490.37","currency":"KZT","until":"`+until+`"}`)
		}
		act := func(act string) func() {
			return func() {
				if err := b.Act("plainpay", "a", act); err != nil {
					t.Error(err)
				}
			}
		}
		for i, step := range []struct {
			before           func()
			path, body, want string
		}{
			{nil, "/status", `{"order":"a"}`, "Not Found"},
			{nil, "/create", `{"order":"a","amount":"15490.375","currency":"KZT","until":"` + until + `"}`, "malformed"},
			{nil, "/create", `{"order":"a","amount":"1.00","currency":"KZT","until":"` + until + `","text":"` + strings.Repeat("ж", 101) + `"}`, "malformed"},
			{func() { create("a") }, "/status", `{"order":"a"}`, `"state":"open"`},
			{nil, "/refund", `{"order":"a","amount":"1.00","currency":"KZT"}`, "not_refundable"},
			{act(ActPay), "/cancel", `{"order":"a"}`, "not_open"},
			{act(ActPayAgain), "/refund", `{"order":"a","amount":"15490.38","currency":"KZT"}`, "not_refundable"},
			{nil, "/refund", `{"order":"a","amount":"0.37","currency":"KZT","comment":"r1"}`, `"returned":"0.37"`},
			{func() { create("b") }, "/cancel", `{"order":"b"}`, `"state":"canceled"`},
			{nil, "/cancel", `{"order":"b"}`, `"state":"canceled"`},
			{nil, "/create", `{"order":"b"}`, "order_exists"},
			{func() { create("c"); time.Sleep(time.Hour); synctest.Wait() }, "/status", `{"order":"c"}`, `"state":"expired"`},
			{nil, "/ping", `{"order":""}`, "at your service"},
			{nil, "/ping", `{"shop":"other"}`, "bad_key"},
		} {
			if step.before != nil {
				step.before()
			}
			if got := ask(step.path, step.body); !strings.Contains(got, step.want) {
				t.Errorf("step %d: %s of %s says %s, want %s", i, step.path, step.body, got, step.want)
			}
		}
		if net := b.Ledger().Net("plainpay", "a"); net != 15490_00 {
			t.Errorf("the ledger has %d", net)
		}
	})
}
