package halyk

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// Whatever the token endpoint says: without a token nothing else is sent and nothing is
// charged, and a page is handed out only with a token that ends when we claim it does.
func FuzzToken(f *testing.F) {
	for _, status := range []uint16{200, 204, 302, 400, 401, 403, 404, 429, 500, 503} {
		for _, body := range []string{`{"access_token":"ACCESS-TOKEN-1","expires_in":"7200","token_type":"Bearer"}`, `{"access_token":"ACCESS-TOKEN-1","expires_in":7201}`,
			`{"access_token":"","expires_in":7200}`, `{"access_token":"ACCESS-TOKEN-1","expires_in":1e3}`, `{"access_token":"A\r\nB"}`,
			` {"access_token":"ACCESS-TOKEN-1","expires_in":60,"x":"</script>"} `, `{"error":"invalid_client","error_description":"AIGERIM K 77011234567"}`, "", "<html>"} {
			f.Add(status, []byte(body))
		}
	}
	w := &providertest.Scripted{}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		answered, beyond := int(status%1000), false
		w.Answer = func(r *http.Request) (int, []byte) {
			if r.URL.Path == "/oauth2/token" {
				return answered, body
			}
			beyond = true
			return 500, nil
		}
		for _, op := range []uint8{byPage, byCard, byLink, byQR, lookCard, refunding, forgetting, probing} {
			through(t, w, func(g *Gateway) {
				beyond = false
				began := time.Now()
				r := operate(g, t, op)
				discreet(t, r.Code, " ", r.Err)
				if r.Verdict.HasMoney() || r.Verdict == providers.Declined || r.Absent {
					t.Errorf("operation %d is %s, absent %t", op, r.Verdict, r.Absent)
				}
				if beyond && answered != 200 {
					t.Errorf("operation %d went on after HTTP %d for its token", op, answered)
				}
				if op != byPage {
					if !beyond && r.Verdict != providers.Unserved && !looks(op) && op != probing {
						t.Errorf("operation %d was never sent and is %s %s", op, r.Verdict, r.Reason)
					}
					return
				}
				if r.Verdict == providers.Pending {
					page(t, r, began)
				} else if r.Verdict != providers.Unserved {
					t.Errorf("a page that was not made is %s", r.Verdict)
				}
			})
		}
	})
}

// page checks what a browser would be handed.
func page(t *testing.T, r providers.Result, began time.Time) {
	t.Helper()
	var object struct {
		InvoiceID string `json:"invoiceId"`
		Amount    json.Number
		Auth      map[string]any
	}
	if r.Action == nil || json.Unmarshal([]byte(r.Action.Text), &object) != nil || object.InvoiceID != order || object.Amount != "15490" || len(object.Auth) == 0 {
		t.Fatalf("%+v", r.Action)
	}
	if !r.Until.After(began) || r.Until.After(time.Now().Add(2*time.Hour)) || strings.ContainsAny(r.Action.Text, "<>") {
		t.Errorf("a page until %s: %s", r.Until, r.Action.Text)
	}
}
