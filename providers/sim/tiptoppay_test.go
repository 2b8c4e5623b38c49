package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The saved cards of the shop's customers.
const (
	ttpGoodToken = "tk_7f21c0d4a9"
	ttpPoorToken = "tk_0000005051"
	ttpSickToken = "tk_0000005091"
)

// ttpShop is a merchant: it asks with Basic authentication, and takes and verifies notices, all by its own reading of the notes.
type ttpShop struct {
	t      *testing.T
	bank   *Bank
	face   *tiptoppay
	mu     sync.Mutex
	broken []Violation
	heard  []ttpHeard
	answer func(n int, h ttpHeard) (int, string, error) // of the n-th notice, from 1; nil accepts
}

// ttpHeard is a notice as it came.
type ttpHeard struct {
	at           time.Duration // since the shop opened
	method, kind string        // the type is the last step of the address
	header       http.Header
	message      string // what Content-HMAC is over
	fields       url.Values
}

// ttpOpen opens a shop.
func ttpOpen(t *testing.T, opt TipTopPayOptions, with func(*Options)) *ttpShop {
	t.Helper()
	if opt.Tokens == nil {
		opt.Tokens = []TipTopPayToken{{Token: ttpGoodToken}, {Token: ttpPoorToken, Declines: 5051}, {Token: ttpSickToken, Declines: 5091}}
	}
	if opt.NotifyURL == "" {
		opt.NotifyURL = "http://merchant.example/webhooks/gateway"
	}
	face, _ := TipTopPay(opt).(*tiptoppay)
	s := &ttpShop{t: t, face: face}
	opened := time.Now()
	bankOpt := Options{
		OnViolation: func(v Violation) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.broken = append(s.broken, v)
		},
		Client: &http.Client{Transport: ttpTrip(func(r *http.Request) (*http.Response, error) {
			return s.hear(r, time.Since(opened))
		})},
	}
	if with != nil {
		with(&bankOpt)
	}
	s.bank = New(bankOpt, face)
	t.Cleanup(s.bank.Close)
	return s
}

type ttpTrip func(*http.Request) (*http.Response, error)

func (f ttpTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (s *ttpShop) hear(r *http.Request, at time.Duration) (*http.Response, error) {
	h := ttpHeard{at: at, method: r.Method, kind: r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], header: r.Header, message: r.URL.RawQuery}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		h.message = string(body)
	}
	if strings.HasPrefix(h.message, "{") {
		h.fields = url.Values{}
		for name, v := range ttpRead(s.t, []byte(h.message)) {
			h.fields.Set(name, fmt.Sprint(v))
		}
	} else {
		var err error
		if h.fields, err = url.ParseQuery(h.message); err != nil {
			s.t.Errorf("%q is no form: %v", h.message, err)
		}
	}
	s.mu.Lock()
	s.heard = append(s.heard, h)
	n, answer := len(s.heard), s.answer
	s.mu.Unlock()
	status, text := http.StatusOK, `{"code":0}`
	if answer != nil {
		var err error
		if status, text, err = answer(n, h); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// told lists type, status or reason, and amount of all notices so far.
func (s *ttpShop) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, h := range s.heard {
		word := h.fields.Get("Status")
		if code := h.fields.Get("ReasonCode"); code != "" {
			word = code
		}
		all = append(all, strings.TrimSpace(h.kind+" "+word+" "+h.fields.Get("Amount")))
	}
	return strings.Join(all, ", ")
}

// ttpHMAC is the shop's own signature, written apart from the bank's.
func ttpHMAC(message string) string {
	mac := hmac.New(sha256.New, []byte("9c1f6a0d4be2478ea5f3d07b8c26e914"))
	mac.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func ttpRead(t *testing.T, body []byte) ttpObject {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var a ttpObject
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%q is not a JSON object: %v", body, err)
	}
	return a
}

// send makes one request. A broken connection is an error.
func (s *ttpShop) send(method, target, body string, header ...string) (rec *httptest.ResponseRecorder, err error) {
	s.t.Helper()
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the connection broke")
		}
	}()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Basic cGtfNGIwZTJkNmE5MWM3NWYzZThkMjBhNmI0YzkxZjA6OWMxZjZhMGQ0YmUyNDc4ZWE1ZjNkMDdiOGMyNmU5MTQ=") // vector T0
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec = httptest.NewRecorder()
	s.bank.Handler("tiptoppay").ServeHTTP(rec, r)
	return rec, nil
}

// api posts fields and reads the answer, which must be HTTP 200.
func (s *ttpShop) api(path string, fields ttpObject, header ...string) ttpObject {
	s.t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		s.t.Fatal(err)
	}
	rec, err := s.send(http.MethodPost, path, string(body), header...)
	if err != nil {
		s.t.Fatal(err)
	}
	if rec.Code != http.StatusOK {
		s.t.Fatalf("%s is answered HTTP %d %s", path, rec.Code, rec.Body)
	}
	return ttpRead(s.t, rec.Body.Bytes())
}

// ttpWish is an order or payment of 14500 tenge.
func ttpWish(invoice string, more ttpObject) ttpObject {
	all := ttpObject{
		"Amount": json.Number("14500.00"), "Currency": "KZT", "Description": "Заказ 481", "InvoiceId": invoice, "AccountId": "u-7781",
		"JsonData": ttpObject{"attempt": "a1"},
	}
	maps.Copy(all, more)
	return all
}

// order creates one and gives its Model.
func (s *ttpShop) order(invoice string, more ttpObject, header ...string) ttpObject {
	s.t.Helper()
	a := s.api("/orders/create", ttpWish(invoice, more), header...)
	if a["Success"] != true {
		s.t.Fatalf("no order: %v", a)
	}
	return ttpModel(a)
}

// token charges a saved card.
func (s *ttpShop) token(invoice, token string, header ...string) ttpObject {
	s.t.Helper()
	return s.api("/payments/tokens/charge", ttpWish(invoice, ttpObject{"Token": token, "TrInitiatorCode": 1}), header...)
}

// held authorises a saved card and gives the TransactionId.
func (s *ttpShop) held(invoice string) string {
	s.t.Helper()
	a := s.api("/payments/tokens/auth", ttpWish(invoice, ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}))
	s.is(a, "Authorized", true)
	return ttpID(a)
}

// card charges a test card by cryptogram.
func (s *ttpShop) card(invoice, packet string, more ttpObject) ttpObject {
	s.t.Helper()
	all := ttpObject{"CardCryptogramPacket": packet, "IpAddress": "203.0.113.9"}
	maps.Copy(all, more)
	return s.api("/payments/cards/charge", ttpWish(invoice, all))
}

// refund gives back and gives the refund's own TransactionId.
func (s *ttpShop) refund(id, amount string, header ...string) ttpObject {
	s.t.Helper()
	return s.api("/payments/refund", ttpObject{"TransactionId": json.Number(id), "Amount": json.Number(amount)}, header...)
}

func (s *ttpShop) find(invoice string) ttpObject {
	s.t.Helper()
	return s.api("/payments/find", ttpObject{"InvoiceId": invoice})
}

func ttpModel(a ttpObject) ttpObject {
	m, _ := a["Model"].(map[string]any)
	return m
}

func ttpRows(a ttpObject) []ttpObject {
	var rows []ttpObject
	list, _ := a["Model"].([]any)
	for _, row := range list {
		m, _ := row.(map[string]any)
		rows = append(rows, m)
	}
	return rows
}

func ttpID(a ttpObject) string { return fmt.Sprint(ttpModel(a)["TransactionId"]) }

// is compares status and Success.
func (s *ttpShop) is(a ttpObject, status string, success bool) {
	s.t.Helper()
	if ttpModel(a)["Status"] != status || a["Success"] != success {
		s.t.Errorf("it is %v, Success %v, want %s, %v", ttpModel(a)["Status"], a["Success"], status, success)
	}
}

// status asks find.
func (s *ttpShop) status(invoice, status string) ttpObject {
	s.t.Helper()
	a := s.find(invoice)
	s.is(a, status, status != "Declined")
	return ttpModel(a)
}

// absent fails unless find answers "Not found" without a Model.
func (s *ttpShop) absent(invoice string) {
	s.t.Helper()
	a := s.find(invoice)
	if _, model := a["Model"]; model || a["Success"] != false || a["Message"] != "Not found" {
		s.t.Errorf("find answers %v", a)
	}
}

// refusal compares the refusal of a request without a transaction.
func (s *ttpShop) refusal(a ttpObject, text any) {
	s.t.Helper()
	if _, model := a["Model"]; model || a["Success"] != false || a["Message"] != text {
		s.t.Errorf("it is answered %v, want a refusal with %v", a, text)
	}
}

func (s *ttpShop) act(which, act string) {
	s.t.Helper()
	if err := s.bank.Act("tiptoppay", which, act); err != nil {
		s.t.Fatal(err)
	}
}

func (s *ttpShop) net(invoice string, want int64) {
	s.t.Helper()
	if got := s.bank.Ledger().Net("tiptoppay", invoice); got != want {
		s.t.Errorf("the ledger moved %d tiyn for %s, want %d", got, invoice, want)
	}
}

// phase compares what the bank can still do.
func (s *ttpShop) phase(invoice string, want Phase) {
	s.t.Helper()
	for _, o := range s.bank.Ledger().Objects {
		if o.Reference == invoice && o.Phase != want {
			s.t.Errorf("%s is %s (%s), want %s", invoice, o.Phase, o.Status, want)
		}
	}
}

// blamed compares the invariants broken so far.
func (s *ttpShop) blamed(want ...string) {
	s.t.Helper()
	s.bank.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for _, v := range s.broken {
		got = append(got, v.Invariant)
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("violations %v, want %q", s.broken, want)
	}
}

func (s *ttpShop) fault(f Fault) {
	s.t.Helper()
	if _, err := s.bank.AddFault(f); err != nil {
		s.t.Fatal(err)
	}
}

// ttpBubble runs a test on a fake clock.
func ttpBubble(t *testing.T, opt TipTopPayOptions, test func(s *ttpShop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(ttpOpen(t, opt, nil)) })
}

// ttpLater lets fake time pass, and everything that was due in it.
func ttpLater(d time.Duration) {
	time.Sleep(d + time.Millisecond)
	synctest.Wait()
}
