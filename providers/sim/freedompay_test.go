package sim

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
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

// Saved cards of the shop: one that pays, one that has no money, one that is expired.
const (
	fpGoodToken = "tok-good"
	fpPoorToken = "tok-poor"
	fpOldToken  = "tok-old"
	fpShopUser  = "user_1"
	fpShopURL   = "https://shop.example/cb/m1/"
)

// fpShop is a merchant: it signs requests, verifies answers and takes callbacks, by its own reading of the notes.
type fpShop struct {
	t      *testing.T
	bank   *Bank
	face   *freedompay
	opened time.Time
	broken []Violation

	mu     sync.Mutex
	heard  []fpHeard
	answer func(h fpHeard) (status int, word string) // nil accepts; an empty word is an empty body
	key    string                                    // what answers to callbacks are signed with; empty is the secret
}

// fpHeard is one callback as it came.
type fpHeard struct {
	at     time.Duration // since the shop opened
	kind   string        // the last segment of the address
	method string
	m      fpMessage
	signed bool
}

// fpOpen opens a shop on a bank of its own.
func fpOpen(t *testing.T, opt FreedomPayOptions, with func(*Options)) *fpShop {
	t.Helper()
	if opt.Tokens == nil {
		opt.Tokens = []FreedomPayToken{
			{Token: fpGoodToken, UserID: fpShopUser, Profile: "77001122"}, {Token: fpPoorToken, UserID: fpShopUser, Declines: "10009"},
			{Token: fpOldToken, UserID: fpShopUser, Declines: "10017"},
		}
	}
	face, _ := FreedomPay(opt).(*freedompay)
	s := &fpShop{t: t, face: face, opened: time.Now()}
	bankOpt := Options{
		OnViolation: func(v Violation) { s.broken = append(s.broken, v) },
		Client:      &http.Client{Transport: fpTrip(s.take)},
	}
	if with != nil {
		with(&bankOpt)
	}
	s.bank = New(bankOpt, face)
	return s
}

// fpBubble runs a test on fake time, and fails it for violations.
func fpBubble(t *testing.T, opt FreedomPayOptions, test func(s *fpShop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, opt, nil)
		defer s.bank.Close()
		test(s)
		if len(s.broken) > 0 {
			t.Errorf("violations: %+v", s.broken)
		}
	})
}

type fpTrip func(*http.Request) (*http.Response, error)

func (f fpTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// take is the shop's side of callbacks.
func (s *fpShop) take(r *http.Request) (*http.Response, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		raw = string(body)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	var m fpMessage
	if doc := values.Get("pg_xml"); doc != "" {
		if m, err = fpParseXML([]byte(doc), "request"); err != nil {
			return nil, err
		}
	} else {
		for name := range values {
			m = append(m, fpLeaf(name, values.Get(name)))
		}
	}
	script := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	h := fpHeard{at: time.Since(s.opened), kind: script, method: r.Method, m: m, signed: fpOwnSign(m, script, s.face.opt.Secret) == m.text("pg_sig")}
	s.mu.Lock()
	s.heard = append(s.heard, h)
	answer, key := s.answer, cmp.Or(s.key, s.face.opt.Secret)
	s.mu.Unlock()
	status, word := http.StatusOK, "ok"
	if answer != nil {
		status, word = answer(h)
	}
	if status == 0 {
		return nil, errors.New("nobody listens")
	}
	text := ""
	if word != "" {
		reply := fpFields("pg_status", word, "pg_salt", "shop")
		text = string(append(reply, fpLeaf("pg_sig", fpOwnSign(reply, script, key))).xml("response"))
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// fpOwnSign signs by the rule in plain words: sort by name on each level, and keep the order of equal names.
func fpOwnSign(m fpMessage, script, secret string) string {
	parts := []string{script}
	var walk func(m fpMessage)
	walk = func(m fpMessage) {
		m = m.without("pg_sig")
		slices.SortStableFunc(m, func(a, b fpField) int { return strings.Compare(a.name, b.name) })
		for _, f := range m {
			if f.inner != nil {
				walk(f.inner)
			} else {
				parts = append(parts, f.value)
			}
		}
	}
	walk(m)
	sum := md5.Sum([]byte(strings.Join(append(parts, secret), ";")))
	return hex.EncodeToString(sum[:])
}

// message makes a signed request.
func (s *fpShop) message(path string, pairs ...string) fpMessage {
	m := append(fpFields("pg_merchant_id", s.face.opt.MerchantID, "pg_salt", "c0ffee"), fpFields(pairs...)...)
	return append(m, fpLeaf("pg_sig", fpOwnSign(m, path[strings.LastIndex(path, "/")+1:], s.face.opt.Secret)))
}

// exchange sends one request. A broken connection is an error.
func (s *fpShop) exchange(r *http.Request) (rec *httptest.ResponseRecorder, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the connection broke")
		}
	}()
	rec = httptest.NewRecorder()
	s.bank.Handler("freedompay").ServeHTTP(rec, r)
	return rec, nil
}

func fpPost(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://api.example"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// call makes a signed request that must get a whole answer, signed unless it is refused at the door.
func (s *fpShop) call(path string, pairs ...string) fpMessage {
	s.t.Helper()
	rec, err := s.exchange(fpPost(path, s.message(path, pairs...).form("")))
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	m, signed := s.read(path, rec)
	if rec.Code != http.StatusOK || !signed {
		s.t.Fatalf("%s: HTTP %d, signed %t: %s", path, rec.Code, signed, rec.Body)
	}
	return m
}

// read parses an answer and says whether it is properly signed.
func (s *fpShop) read(path string, rec *httptest.ResponseRecorder) (fpMessage, bool) {
	s.t.Helper()
	m, err := fpParseXML(rec.Body.Bytes(), "response")
	if err != nil {
		s.t.Fatalf("%s: %v: %s", path, err, rec.Body)
	}
	return m, fpOwnSign(m, path[strings.LastIndex(path, "/")+1:], s.face.opt.Secret) == m.text("pg_sig")
}

// init makes a page for an order and returns pg_payment_id.
func (s *fpShop) init(order string, more ...string) string {
	s.t.Helper()
	m := s.call("/init_payment.php", fpInit(order, more...)...)
	fpWant(s.t, m, "pg_status", "ok")
	return m.text("pg_payment_id")
}

// fpInit are the fields of an init; more replaces and adds.
func fpInit(order string, more ...string) []string {
	m := fpFields("pg_order_id", order, "pg_amount", "14500.00", "pg_currency", "KZT", "pg_description", "Заказ 481", "pg_auto_clearing", "1",
		"pg_testing_mode", "1", "pg_lifetime", "900", "pg_request_method", "POST", "pg_result_url", fpShopURL+"result",
		"pg_refund_url", fpShopURL+"refund", "pg_capture_url", fpShopURL+"capture")
	for i := 0; i+1 < len(more); i += 2 {
		m.set(more[i], more[i+1])
	}
	var pairs []string
	for _, f := range m {
		pairs = append(pairs, f.name, f.value)
	}
	return pairs
}

func (s *fpShop) status(id string) fpMessage {
	s.t.Helper()
	return s.call("/get_status3.php", "pg_payment_id", id)
}

func (s *fpShop) pay(which, act string) {
	s.t.Helper()
	if err := s.bank.Act("freedompay", which, act); err != nil {
		s.t.Fatal(err)
	}
}

// paid makes a page and pays it; past the callback and the lag.
func (s *fpShop) paid(order string, more ...string) string {
	s.t.Helper()
	id := s.init(order, more...)
	s.pay(id, ActPay)
	fpPass(5 * time.Second)
	return id
}

// object is the newest one of an order.
func (s *fpShop) object(order string) Object {
	s.t.Helper()
	all := s.bank.Ledger().Objects
	for _, o := range slices.Backward(all) {
		if o.Reference == order {
			return o
		}
	}
	s.t.Fatalf("no object of %s", order)
	return Object{}
}

// of lists the callbacks of a kind.
func (s *fpShop) of(kind string) []fpHeard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []fpHeard
	for _, h := range s.heard {
		if h.kind == kind {
			out = append(out, h)
		}
	}
	return out
}

func fpPass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// fpWant compares fields of a message.
func fpWant(t *testing.T, m fpMessage, pairs ...string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := m.text(pairs[i]); got != pairs[i+1] {
			t.Errorf("%s is %q, want %q in %s", pairs[i], got, pairs[i+1], m.form(""))
		}
	}
}
