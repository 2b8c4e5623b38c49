package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wfpCardToken is the saved card of the notes' examples; wfpPoorToken never has money.
const (
	wfpCardToken = "1a2b3c4d-0000-4000-8000-00000000c0de"
	wfpPoorToken = "1a2b3c4d-0000-4000-8000-00000000b04e"
)

// wfpShop is a merchant: it signs requests, verifies answers and takes callbacks, all by its own reading of the notes.
type wfpShop struct {
	t         *testing.T
	bank      *Bank
	face      *wayforpay
	key       string
	broken    []Violation
	mu        sync.Mutex // callbacks of one instant come together
	callbacks []wfpCallback
	answer    func(n int, orderReference string) (int, string) // nil accepts
}

type wfpCallback struct {
	at          time.Duration // since the shop opened
	contentType string
	body        wfpAnswer
}

// wfpOpen opens a shop. Violations fail the test unless it collects them by itself.
func wfpOpen(t *testing.T, opt WayForPayOptions, with func(*Options)) *wfpShop {
	t.Helper()
	if opt.Tokens == nil {
		opt.Tokens = []WayForPayToken{{Token: wfpCardToken}, {Token: wfpPoorToken, Declines: 1104}}
	}
	face, _ := WayForPay(opt).(*wayforpay)
	s := &wfpShop{t: t, face: face, key: "flk3409refn54t54t*FNJRET"}
	opened := time.Now()
	bankOpt := Options{
		OnViolation: func(v Violation) { s.broken = append(s.broken, v) },
		Client: &http.Client{Transport: wfpTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			c := wfpCallback{at: time.Since(opened), contentType: r.Header.Get("Content-Type"), body: wfpDecode(t, body)}
			s.callbacks = append(s.callbacks, c)
			reference := fmt.Sprint(c.body["orderReference"])
			status, text := http.StatusOK, s.accept(reference, "1767225700")
			if s.answer != nil {
				status, text = s.answer(len(s.callbacks), reference)
			}
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
		})},
	}
	if with != nil {
		with(&bankOpt)
	}
	s.bank = New(bankOpt, face)
	t.Cleanup(s.bank.Close)
	return s
}

type wfpTrip func(*http.Request) (*http.Response, error)

func (f wfpTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// sign is the shop's own signature, written apart from the bank's.
func (s *wfpShop) sign(text string) string {
	mac := hmac.New(md5.New, []byte(s.key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *wfpShop) accept(reference, at string) string {
	return fmt.Sprintf(`{"orderReference":%q,"status":"accept","time":%s,"signature":%q}`, reference, at, s.sign(reference+";accept;"+at))
}

func wfpDecode(t *testing.T, body []byte) wfpAnswer {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var a wfpAnswer
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%q is not a JSON object: %v", body, err)
	}
	return a
}

// exchange sends one request to the face. A broken connection is an error.
func (s *wfpShop) exchange(method, target, body string) (rec *httptest.ResponseRecorder, err error) {
	s.t.Helper()
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the connection broke")
		}
	}()
	rec = httptest.NewRecorder()
	s.bank.Handler("wayforpay").ServeHTTP(rec, httptest.NewRequest(method, target, strings.NewReader(body)))
	return rec, nil
}

// post sends literal JSON to /api.
func (s *wfpShop) post(body string) wfpAnswer {
	s.t.Helper()
	rec, err := s.exchange(http.MethodPost, "/api", body)
	if err != nil {
		s.t.Fatal(err)
	}
	if rec.Code != http.StatusOK {
		s.t.Fatalf("HTTP %d %s, want 200", rec.Code, rec.Body)
	}
	return wfpDecode(s.t, rec.Body.Bytes())
}

// wfpSeparate is the string to sign of each request, from the table in section 3 of the notes.
var wfpSeparate = map[string]string{
	"CREATE_INVOICE":   "merchantAccount merchantDomainName orderReference orderDate amount currency productName productCount productPrice",
	"CHARGE":           "merchantAccount merchantDomainName orderReference orderDate amount currency productName productCount productPrice",
	"CHECK_STATUS":     "merchantAccount orderReference",
	"REMOVE_INVOICE":   "merchantAccount orderReference",
	"SETTLE":           "merchantAccount orderReference amount currency",
	"REFUND":           "merchantAccount orderReference amount currency",
	"TRANSACTION_LIST": "merchantAccount dateBegin dateEnd",
	"COMPLETE_3DS":     "",
}

// signed fills in what every request carries, and the signature.
func (s *wfpShop) signed(kind string, fields wfpAnswer) wfpAnswer {
	all := wfpAnswer{"transactionType": kind, "merchantAccount": "test_merch_n1", "apiVersion": 1}
	maps.Copy(all, fields)
	var parts []string
	for name := range strings.FieldsSeq(wfpSeparate[kind]) {
		switch v := all[name].(type) {
		case []string:
			parts = append(parts, v...)
		case nil:
			parts = append(parts, "")
		default:
			parts = append(parts, fmt.Sprint(v))
		}
	}
	if _, own := fields["merchantSignature"]; !own {
		all["merchantSignature"] = s.sign(strings.Join(parts, ";"))
	}
	return all
}

func (s *wfpShop) api(kind string, fields wfpAnswer) wfpAnswer {
	s.t.Helper()
	body, err := json.Marshal(s.signed(kind, fields))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.post(string(body))
}

// wfpOrderOf is a one-product order as the notes' examples have it.
func wfpOrderOf(reference, amount string, more wfpAnswer) wfpAnswer {
	all := wfpAnswer{
		"merchantDomainName": "shop.example.kz", "orderReference": reference, "orderDate": 1767225600, "amount": json.Number(amount),
		"currency": "UAH", "productName": []string{"Order " + reference}, "productCount": []string{"1"}, "productPrice": []string{amount},
		"serviceUrl": "https://pay.example.kz/hooks/wayforpay",
	}
	maps.Copy(all, more)
	return all
}

func (s *wfpShop) invoice(reference, amount string, more wfpAnswer) wfpAnswer {
	s.t.Helper()
	a := s.api("CREATE_INVOICE", wfpOrderOf(reference, amount, more))
	s.code(a, "1100")
	return a
}

func (s *wfpShop) charge(reference, amount string, more wfpAnswer) wfpAnswer {
	s.t.Helper()
	all := wfpAnswer{"recToken": wfpCardToken, "merchantTransactionSecureType": "NON3DS"}
	maps.Copy(all, more)
	return s.api("CHARGE", wfpOrderOf(reference, amount, all))
}

func (s *wfpShop) act(reference, act string) {
	s.t.Helper()
	if err := s.bank.Act("wayforpay", reference, act); err != nil {
		s.t.Fatal(err)
	}
}

// status asks CHECK_STATUS, verifies the answer and compares status and code.
func (s *wfpShop) status(reference, status, code string) wfpAnswer {
	s.t.Helper()
	a := s.api("CHECK_STATUS", wfpAnswer{"orderReference": reference})
	s.verify(a, "merchantAccount orderReference amount currency authCode cardPan transactionStatus reasonCode")
	s.is(a, status, code)
	return a
}

func (s *wfpShop) is(a wfpAnswer, status, code string) {
	s.t.Helper()
	if got := fmt.Sprint(a["transactionStatus"], " ", a["reasonCode"]); got != status+" "+code {
		s.t.Errorf("answer says %s, want %s %s", got, status, code)
	}
}

// code checks an answer without a payment's status.
func (s *wfpShop) code(a wfpAnswer, code string) {
	s.t.Helper()
	if got := fmt.Sprint(a["reasonCode"]); got != code {
		s.t.Fatalf("reasonCode %s (%v), want %s", got, a["reason"], code)
	}
	if a["merchantSignature"] != nil {
		s.t.Error("the answer is signed, want an unsigned one")
	}
}

// verify checks a signature over the literals of the answer; every signed field must be there.
func (s *wfpShop) verify(a wfpAnswer, fields string) {
	s.t.Helper()
	for name := range strings.FieldsSeq(fields) {
		if _, there := a[name]; !there {
			s.t.Errorf("%s is missing in a signed answer", name)
		}
	}
	if want := s.signatureOf(a, fields); a["merchantSignature"] != want {
		s.t.Errorf("signature %v of %v, want %s", a["merchantSignature"], a, want)
	}
}

func (s *wfpShop) signatureOf(a wfpAnswer, fields string) string {
	var parts []string
	for name := range strings.FieldsSeq(fields) {
		parts = append(parts, fmt.Sprint(a[name]))
	}
	return s.sign(strings.Join(parts, ";"))
}

func (s *wfpShop) net(reference string, want int64) {
	s.t.Helper()
	if got := s.bank.Ledger().Net("wayforpay", reference); got != want {
		s.t.Errorf("the ledger moved %d kopecks for %s, want %d", got, reference, want)
	}
}

// blameless fails if the bank saw an invariant broken.
func (s *wfpShop) blameless() {
	s.t.Helper()
	for _, v := range s.broken {
		s.t.Errorf("violation of %s by %s about %s: %s", v.Invariant, v.Op, v.Reference, v.Text)
	}
}

func (s *wfpShop) fault(f Fault) {
	s.t.Helper()
	if _, err := s.bank.AddFault(f); err != nil {
		s.t.Fatal(err)
	}
}

// told lists the statuses of all callbacks so far.
func (s *wfpShop) told() string {
	var out []string
	for _, c := range s.callbacks {
		out = append(out, fmt.Sprint(c.body["transactionStatus"], "/", c.body["reasonCode"]))
	}
	return strings.Join(out, " ")
}

// wfpBubble runs a test on a fake clock.
func wfpBubble(t *testing.T, opt WayForPayOptions, test func(s *wfpShop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(wfpOpen(t, opt, nil)) })
}

// wfpLater lets fake time pass, and everything that was due in it: the bank sets its timers apart by nanoseconds.
func wfpLater(d time.Duration) {
	time.Sleep(d + time.Millisecond)
	synctest.Wait()
}

func wfpForm(fields wfpAnswer) string {
	v := url.Values{}
	for name, x := range fields {
		if list, many := x.([]string); many {
			v[name+"[]"] = list
		} else {
			v.Set(name, fmt.Sprint(x))
		}
	}
	return v.Encode()
}
