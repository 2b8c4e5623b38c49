package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	qpHook    = "https://pay.example.kz/hooks/quickpay"
	qpAccount = "https://pay.example.kz/hooks/account"
	qpSaved   = 9_000_000_001
)

// qpShop is a merchant of QuickPay without opinions, who writes requests as the notes do.
type qpShop struct {
	t      *testing.T
	bank   *Bank
	face   *quickpay
	mu     sync.Mutex
	opened time.Time
	heard  []qpHeard
	answer func(n int) int // the HTTP status of the n-th callback, from 1; nil accepts
	broken []Violation
	header http.Header // of every request, besides the usual ones
}

type qpHeard struct {
	at     time.Duration // since the shop opened
	url    string
	header http.Header
	body   string
}

// qpAnswer is an answer with every number as it was written.
type qpAnswer struct {
	HTTP int
	Type string
	Text string
	JSON any
}

// at reads a field by its path: "operations.0.amount". What is missing is "<none>", null is "<nil>".
func (a qpAnswer) at(path string) string {
	v := a.JSON
	for name := range strings.SplitSeq(path, ".") {
		var ok bool
		switch in := v.(type) {
		case map[string]any:
			v, ok = in[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err == nil && i < len(in) {
				v, ok = in[i], true
			}
		}
		if !ok {
			return "<none>"
		}
	}
	return fmt.Sprint(v)
}

func (a qpAnswer) size() int {
	list, _ := a.JSON.([]any)
	return len(list)
}

// inQuickPay runs a test on fake time. Violations fail it.
func inQuickPay(t *testing.T, opt QuickPayOptions, test func(s *qpShop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if opt.Cards == nil {
			opt.Cards = []QuickPayCard{{ID: qpSaved}}
		}
		face, _ := QuickPay(opt).(*quickpay)
		s := &qpShop{t: t, face: face, opened: time.Now(), header: http.Header{}}
		s.bank = New(Options{Client: &http.Client{Transport: s}, OnViolation: func(v Violation) { s.broken = append(s.broken, v) }}, face)
		defer s.bank.Close()
		test(s)
		for _, v := range s.broken {
			t.Errorf("%s violated: %s", v.Invariant, v.Text)
		}
	})
}

// RoundTrip takes a callback.
func (s *qpShop) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, qpHeard{time.Since(s.opened), r.URL.String(), r.Header, string(body)})
	status := http.StatusOK
	if s.answer != nil {
		status = s.answer(len(s.heard))
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}, nil
}

func (s *qpShop) callbacks() []qpHeard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]qpHeard(nil), s.heard...)
}

// try makes one request. A broken connection is an error.
func (s *qpShop) try(method, path, body string) (a qpAnswer, err error) {
	s.t.Helper()
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the connection broke")
		}
	}()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(":sim-api-key-1")))
	r.Header.Set("Accept-Version", "v10")
	r.Header.Set("Content-Type", "application/json")
	for name, values := range s.header {
		r.Header[name] = values
	}
	rec := httptest.NewRecorder()
	s.bank.Handler("quickpay").ServeHTTP(rec, r)
	a = qpAnswer{HTTP: rec.Code, Type: rec.Header().Get("Content-Type"), Text: rec.Body.String()}
	if a.Type == "application/json" && a.HTTP != http.StatusNoContent {
		d := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
		d.UseNumber()
		if err := d.Decode(&a.JSON); err != nil {
			s.t.Fatalf("%s %s: %v in %q", method, path, err, a.Text)
		}
	}
	return a, nil
}

func (s *qpShop) ask(method, path, body string) qpAnswer {
	s.t.Helper()
	a, err := s.try(method, path, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// want fails unless an answer has this HTTP status and these fields: path, value, path, value.
func (s *qpShop) want(a qpAnswer, status int, fields ...string) qpAnswer {
	s.t.Helper()
	if a.HTTP != status {
		s.t.Errorf("HTTP %d %s, want %d", a.HTTP, a.Text, status)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if got := a.at(fields[i]); got != fields[i+1] {
			s.t.Errorf("%s is %s, want %s, in %s", fields[i], got, fields[i+1], a.Text)
		}
	}
	return a
}

// create makes a payment and returns its address.
func (s *qpShop) create(order string) string {
	s.t.Helper()
	a := s.want(s.ask("POST", "/payments", fmt.Sprintf(`{"order_id":%q,"currency":"DKK","variables":{"attempt":"a1"}}`, order)), 201)
	return "/payments/" + a.at("id")
}

// offer makes a payment with a link, for 1500.50.
func (s *qpShop) offer(order, more string) string {
	s.t.Helper()
	p := s.create(order)
	s.want(s.ask("PUT", p+"/link", `{"amount":150050`+more+`}`), 200)
	return p
}

// paid is an offer that somebody paid, and captured is one whose money was taken.
func (s *qpShop) paid(order string) string {
	s.t.Helper()
	p := s.offer(order, "")
	s.act(order, ActPay)
	return p
}

func (s *qpShop) captured(order string) string {
	s.t.Helper()
	p := s.paid(order)
	s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 200, "operations.1.qp_status_code", "20000")
	return p
}

// paidWith is an offer that somebody paid with a card.
func (s *qpShop) paidWith(order, number, more string) string {
	s.t.Helper()
	p := s.offer(order, more)
	s.act(order, "pay:"+number)
	return p
}

func (s *qpShop) act(order, act string) {
	s.t.Helper()
	if err := s.bank.Act("quickpay", order, act); err != nil {
		s.t.Fatal(err)
	}
}

func (s *qpShop) fault(f Fault) {
	s.t.Helper()
	f.Face = "quickpay"
	if _, err := s.bank.AddFault(f); err != nil {
		s.t.Fatal(err)
	}
}

// object is the bank's own view of an order.
func (s *qpShop) object(order string) Object {
	s.t.Helper()
	for _, o := range s.bank.Ledger().Objects {
		if o.Reference == order {
			return o
		}
	}
	return Object{}
}

// stands checks the bank's own view of an order.
func (s *qpShop) stands(order string, phase Phase, authorized, captured, refunded int64) {
	s.t.Helper()
	o := s.object(order)
	if o.Phase != phase || o.Authorized != authorized || o.Captured != captured || o.Refunded != refunded {
		s.t.Errorf("%s is %s with %d, %d, %d; want %s with %d, %d, %d", order, o.Phase, o.Authorized, o.Captured, o.Refunded, phase, authorized, captured, refunded)
	}
}

// pass lets time pass, and everything happen that then is due.
func (s *qpShop) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// switches changes the switches through the control surface.
func (s *qpShop) switches(body string) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.bank.Control().ServeHTTP(w, httptest.NewRequest("PUT", "/quickpay/switches", strings.NewReader(body)))
	if w.Code != http.StatusOK {
		s.t.Fatalf("switches: %d %s", w.Code, w.Body)
	}
}

func TestQuickPayCreateAnswersAsTheNotesShow(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		a := s.ask("POST", "/payments", `{"order_id":"rt-000000000001","currency":"DKK","variables":{"attempt":"a1"}}`)
		s.want(a, 201, "merchant_id", "1234", "order_id", "rt-000000000001", "accepted", "false", "type", "Payment",
			"text_on_statement", "<nil>", "branding_id", "<nil>", "variables.attempt", "a1", "currency", "DKK", "state", "initial",
			"metadata", "map[]", "link", "<nil>", "basket", "[]", "operations", "[]", "test_mode", "false", "acquirer", "<nil>", "balance", "0",
			"fee", "<nil>", "created_at", "2000-01-01T00:00:00Z", "updated_at", "2000-01-01T00:00:00Z", "deadline_at", "<nil>")
		if a.Type != "application/json" {
			t.Errorf("Content-Type is %q", a.Type)
		}
		if len(a.at("ulid")) != 26 || len(a.at("id")) < 10 {
			t.Errorf("ulid %s, id %s", a.at("ulid"), a.at("id"))
		}
		if n := len(s.bank.Ledger().Objects); n != 0 {
			t.Errorf("%d objects: a payment without a link is nothing that anybody could pay", n)
		}
	})
}

func TestQuickPayRefusesBadPayments(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.create("taken")
		for _, tt := range []struct{ name, body, field, text string }{
			{"short", `{"order_id":"abc","currency":"DKK"}`, "order_id", "must have length between 4 and 20"},
			{"long", `{"order_id":"123456789012345678901","currency":"DKK"}`, "order_id", "must have length between 4 and 20"},
			{"missing", `{"currency":"DKK"}`, "order_id", "must have length between 4 and 20"},
			{"a slash", `{"order_id":"rt/0001","currency":"DKK"}`, "order_id", "is invalid"},
			{"a duplicate", `{"order_id":"taken","currency":"DKK"}`, "order_id", "already exists on another payment"},
			{"small letters", `{"order_id":"rt-0001","currency":"dkk"}`, "currency", "must be three uppercase letters"},
			{"no currency", `{"order_id":"rt-0001"}`, "currency", "must be three uppercase letters"},
		} {
			a := s.ask("POST", "/payments", tt.body)
			s.want(a, 400, "message", "Validation error", "errors."+tt.field+".0", tt.text, "error_code", "<nil>")
		}
		s.want(s.ask("POST", "/payments", `[]`), 400)
		s.want(s.ask("POST", "/payments", `null`), 400)
		s.create("Taken") // compared exactly
		s.want(s.ask("POST", "/payments", `{"order_id":"a b._-9012345678901x","currency":"XYZ"}`), 201)
	})
}

func TestQuickPayTakesFormsAndNumbersAsText(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := s.want(s.ask("POST", "/payments", "order_id=rt-0001&currency=DKK&variables[attempt]=a1"), 201, "variables.attempt", "a1")
		s.want(s.ask("PUT", "/payments/"+a.at("id")+"/link", "amount=100&auto_capture=true"), 200)
		s.header.Del("Content-Type")
		s.want(s.ask("PUT", "/payments/"+a.at("id")+"/link", `{"amount":"150050","auto_capture":"true"}`), 200)
		s.act("rt-0001", ActPay)
		s.stands("rt-0001", Charged, 150050, 150050, 0)
	})
}

func TestQuickPayKnowsWhoAsks(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Switches: QuickPaySwitches{Forbidden: []string{"PUT /payments/:id/link"}}}, func(s *qpShop) {
		p := s.create("rt-0001")
		s.want(s.ask("PUT", p+"/link", `{"amount":100}`), 403, "message", "Not authorized: Not authorized to PUT /payments/:id/link", "errors", "map[]")
		s.want(s.ask("GET", "/payments/17", ""), 404, "message", "Not found: No Payment with id 17")
		s.want(s.ask("GET", "/payments/abc", ""), 404)
		s.want(s.ask("GET", "/refunds", ""), 404)
		s.want(s.ask("PUT", p, ""), 405)
		s.want(s.ask("GET", "/ping", ""), 200, "version", "v10")
		s.want(s.ask("GET", "/account/private-key", ""), 200, "private_key", QuickPayDefaultPrivateKey)

		for _, version := range []string{"", "v9"} {
			s.header.Set("Accept-Version", version)
			s.want(s.ask("GET", p, ""), 406)
		}
		s.header.Del("Accept-Version")
		for _, credentials := range []string{"", ":", ":wrong", "user:sim-api-key-1", "sim-api-key-1:"} {
			s.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
			s.want(s.ask("GET", "/ping", ""), 401, "message", "Invalid API key")
		}
	})
}

func TestQuickPayPatchChangesVariablesAlone(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.create("rt-0001")
		s.pass(time.Minute)
		s.want(s.ask("PATCH", p, `{"variables":{"attempt":"a2"},"text_on_statement":"Shop"}`), 200,
			"variables.attempt", "a2", "text_on_statement", "Shop", "updated_at", "2000-01-01T00:01:00Z")
		s.want(s.ask("PATCH", p, `{"order_id":"rt-0002"}`), 400)
		s.want(s.ask("PATCH", p, `{"basket":[]}`), 400)
		s.want(s.ask("GET", p, ""), 200, "order_id", "rt-0001", "variables.attempt", "a2")
	})
}

func TestQuickPaySwitchesAreReadAndReplacedWhileTheBankRuns(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.switches(`{"numeric_codes":true,"hold_life":"24h"}`)
		get := httptest.NewRecorder()
		s.bank.Control().ServeHTTP(get, httptest.NewRequest("GET", "/quickpay/switches", nil))
		if body := get.Body.String(); !strings.Contains(body, `"numeric_codes": true`) || !strings.Contains(body, `"hold_life": "24h0m0s"`) {
			t.Errorf("switches are %s", body)
		}
		for _, wrong := range []string{`{"hold_life":"-1s"}`, `{"acquirer_takes":"-1s"}`, `{"decline_code":"20000"}`, `{"decline_code":"no"}`, `{"unknown":1}`} {
			w := httptest.NewRecorder()
			s.bank.Control().ServeHTTP(w, httptest.NewRequest("PUT", "/quickpay/switches", strings.NewReader(wrong)))
			if w.Code != http.StatusBadRequest {
				t.Errorf("%s is answered %d", wrong, w.Code)
			}
		}
		s.paid("rt-0001")
		if got := s.ask("GET", "/payments?order_id=rt-0001", ""); !strings.Contains(got.Text, `"qp_status_code":20000`) {
			t.Errorf("codes are no numbers: %s", got.Text)
		}
	})
}

func TestQuickPayOptionsThatMakeNoSenseAreAProgrammingMistake(t *testing.T) {
	for name, opt := range map[string]QuickPayOptions{
		"negative":   {Switches: QuickPaySwitches{HoldLife: -1}},
		"no id":      {Cards: []QuickPayCard{{}}},
		"two alike":  {Cards: []QuickPayCard{{ID: 1}, {ID: 1}}},
		"a bad code": {Cards: []QuickPayCard{{ID: 1, Code: "declined"}}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: nobody minds", name)
				}
			}()
			QuickPay(opt)
		}()
	}
}
