package sim_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// Where the shop is told of its payments, and where its bank is.
const (
	roboResult = "http://merchant.example/webhooks/gateway"
	roboSecond = "http://merchant.example/webhooks/second"
	roboServer = "http://robokassa.invalid"
)

// robo is a shop in front of a simulated Robokassa, with no opinion about what the answers mean.
type robo struct {
	t      *testing.T
	b      *sim.Bank
	face   sim.Face
	client *http.Client
	inbox  *inbox
}

// inRobokassa runs a test on fake time. The shop answers ResultURL as it should unless the test sets another handler.
func inRobokassa(t *testing.T, opt sim.RobokassaOptions, test func(t *testing.T, s *robo)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		in := &inbox{handler: roboTakes}
		if opt.ResultURL == "" {
			opt.ResultURL = roboResult
		}
		face := sim.Robokassa(opt)
		b := sim.New(sim.Options{Seed: 7, Client: in.client()}, face)
		transport := b.Transport("robokassa")
		defer b.Close()
		defer transport.CloseIdleConnections()
		test(t, &robo{t: t, b: b, face: face, inbox: in, client: &http.Client{Transport: transport, CheckRedirect: noRedirect}})
	})
}

// roboTakes answers a notice as Robokassa wants it.
func roboTakes(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err == nil && r.Form.Get("InvId") != "" {
		io.WriteString(w, "OK"+r.Form.Get("InvId"))
	}
}

func roboMD5(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

// send makes one request and returns the status and the body.
func (s *robo) send(method, path, contentType, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, roboServer+path, strings.NewReader(body))
	must(s.t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := s.client.Do(r)
	must(s.t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	must(s.t, err)
	return res.StatusCode, string(got)
}

func (s *robo) post(path string, form url.Values) string {
	s.t.Helper()
	_, body := s.send(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
	return body
}

// roboStart are the fields of a start of 1500.50, signed, with more fields that are under no signature.
func roboStart(number string, more ...string) url.Values {
	f := url.Values{"MerchantLogin": {"sim-shop"}, "OutSum": {"1500.50"}, "InvId": {number}}
	f.Set("SignatureValue", roboMD5("sim-shop", "1500.50", number, "sim-pass-1"))
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// roboHold is the same for a hold that is told to roboSecond.
func roboHold(number string, more ...string) url.Values {
	f := roboStart(number, append(more, "StepByStep", "true", "ResultUrl2", roboSecond)...)
	f.Set("SignatureValue", roboMD5("sim-shop", "1500.50", number, "true", url.QueryEscape(roboSecond), "sim-pass-1"))
	return f
}

func roboURL(f url.Values) string { return roboServer + "/Merchant/Index.aspx?" + f.Encode() }

// open hands an address to a payer.
func (s *robo) open(f url.Values) error {
	opener, ok := s.face.(interface{ Open(address string) error })
	if !ok {
		s.t.Fatal("the face cannot open addresses")
	}
	return opener.Open(roboURL(f))
}

// offered is a payment that a payer was handed.
func (s *robo) offered(number string, more ...string) {
	s.t.Helper()
	must(s.t, s.open(roboStart(number, more...)))
}

func (s *robo) act(number, act string) {
	s.t.Helper()
	must(s.t, s.b.Act("robokassa", number, act))
}

// paid is a payment of 1500.50 that is with us.
func (s *robo) paid(number string, more ...string) sim.Object {
	s.t.Helper()
	s.offered(number, more...)
	s.act(number, sim.ActPay)
	return s.object(number)
}

// held is a hold of 1500.50.
func (s *robo) held(number string) {
	s.t.Helper()
	must(s.t, s.open(roboHold(number)))
	s.act(number, sim.ActPay)
}

func (s *robo) object(number string) sim.Object {
	s.t.Helper()
	for _, o := range s.b.Ledger().Objects {
		if o.Reference == number {
			return o
		}
	}
	s.t.Fatalf("the ledger has no %s", number)
	return sim.Object{}
}

// roboState is an answer of OpStateExt.
type roboState struct {
	XMLName xml.Name
	Result  struct{ Code, Description string }
	State   *struct{ Code, RequestDate, StateDate string }
	Info    struct {
		IncCurrLabel, IncSum, IncAccount, OutCurrLabel, OutSum, OpKey, BankCardRRN string
		PaymentMethod                                                              struct{ Code string }
	}
	UserField struct {
		Field []struct{ Name, Value string }
	}
}

// code is the state, or "result" and why there is none.
func (a roboState) code() string {
	if a.State == nil {
		return "result " + a.Result.Code
	}
	return a.State.Code
}

func (s *robo) state(number string) roboState {
	s.t.Helper()
	q := url.Values{"MerchantLogin": {"sim-shop"}, "InvoiceID": {number}, "Signature": {roboMD5("sim-shop", number, "sim-pass-2")}}
	status, body := s.send(http.MethodGet, "/Merchant/WebService/Service.asmx/OpStateExt?"+q.Encode(), "", "")
	wantEqual(s.t, "the HTTP status", status, 200)
	return roboParse(s.t, body)
}

func roboParse(t *testing.T, body string) roboState {
	t.Helper()
	var a roboState
	if err := xml.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return a
}

// is fails unless OpStateExt says so.
func (s *robo) is(number, code string) {
	s.t.Helper()
	if got := s.state(number).code(); got != code {
		s.t.Errorf("the state of %s is %s, want %s", number, got, code)
	}
}

// roboJWT signs a token; header and payload are taken as they stand.
func roboJWT(header, payload, key string, alg func() hash.Hash) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(alg, []byte(key))
	io.WriteString(mac, signed)
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// invoiceCall asks the invoice service.
func (s *robo) invoiceCall(method, payload string) map[string]any {
	s.t.Helper()
	token := roboJWT(`{"typ":"JWT","alg":"MD5"}`, payload, "sim-shop:sim-pass-1", md5.New)
	status, body := s.send(http.MethodPost, "/InvoiceServiceWebApi/api/"+method, "application/json", `"`+token+`"`)
	wantEqual(s.t, "the HTTP status", status, 200)
	return roboObject(s.t, body)
}

// refundCall asks for a refund; an empty sum is the whole.
func (s *robo) refundCall(opKey, sum string) map[string]any {
	s.t.Helper()
	payload := `{"OpKey":"` + opKey + `"}`
	if sum != "" {
		payload = `{"OpKey":"` + opKey + `","RefundSum":` + sum + `}`
	}
	token := roboJWT(`{"alg":"HS256","typ":"JWT"}`, payload, "sim-pass-3", sha256.New)
	status, body := s.send(http.MethodPost, "/RefundService/Refund/Create", "application/jwt", token)
	wantEqual(s.t, "the HTTP status", status, 200)
	return roboObject(s.t, body)
}

func (s *robo) refundState(id string) map[string]any {
	s.t.Helper()
	_, body := s.send(http.MethodGet, "/RefundService/Refund/GetState?id="+url.QueryEscape(id), "", "")
	return roboObject(s.t, body)
}

func roboObject(t *testing.T, body string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var a map[string]any
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return a
}

// forms are what came to ResultURL.
func (s *robo) forms() []url.Values {
	s.t.Helper()
	pass(time.Second)
	var out []url.Values
	for _, body := range s.inbox.bodies("/webhooks/gateway") {
		f, err := url.ParseQuery(body)
		must(s.t, err)
		out = append(out, f)
	}
	return out
}

// switches replaces the switches while the bank runs.
func (s *robo) switches(body string) {
	s.t.Helper()
	if w := control(s.b, http.MethodPut, "/robokassa/switches", body); w.Code != 200 {
		s.t.Fatalf("the switches are refused: %s", w.Body)
	}
}
