package robokassa

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// golden is the notice of the notes, section 7.1, as it came.
const golden = "OutSum=1500.500000&InvId=1001&Fee=52.520000&EMail=a%40example.kz&PaymentMethod=BankCard&IncCurrLabel=BankCardPSKZ&IncSum=1500.500000" +
	"&Shp_attempt=a1&Shp_order=o1&SignatureValue=9B3D300FA900C0808EF2AE7FC3F1DD26"

func posted(body string) providers.Notice {
	return providers.Notice{Method: http.MethodPost, Body: []byte(body), Source: "185.59.216.65"}
}

// signed is a notice about our payment, signed with a password.
func signed(outSum, number, password string, more ...string) string {
	own := ""
	body := "OutSum=" + outSum + "&InvId=" + number
	for _, field := range more {
		body += "&" + field
		if isOwn(field) {
			own += ":" + field
		}
	}
	return body + "&SignatureValue=" + strings.ToUpper(byHand(outSum+":"+number+":"+password+own))
}

// The sample carries the attempt a1, which is not its number: authentic, and none of ours.
func TestTheGoldenNoticeVerifies(t *testing.T) {
	g, _ := open(t, nil, nil)
	if heard := g.Hear(posted(golden)); heard.Kind != providers.Noise || heard.Forged {
		t.Errorf("it is heard as %+v", heard)
	}
	changed := strings.Replace(golden, "1500.500000&InvId", "1500.500001&InvId", 1)
	if heard := g.Hear(posted(changed)); !heard.Forged {
		t.Errorf("changed, it is heard as %+v", heard)
	}
}

// A notice may decide the payment before any look does, and then nobody looks any more.
func TestANoticeOfAFirstPaymentTellsTheSavedCard(t *testing.T) {
	for _, c := range []struct {
		recurring bool
		own       []string
		told      bool
	}{
		{true, []string{"Shp_attempt=" + order, "Shp_save=1"}, true}, {true, []string{"Shp_save=0"}, false}, {true, []string{"Shp_attempt=" + order}, false},
		{false, []string{"Shp_save=1"}, false},
	} {
		g, _ := open(t, func(cfg *Config) { cfg.Recurring, cfg.Holds = c.recurring, true }, nil)
		heard := g.Hear(posted(signed("1500.5", order, "sim-pass-2", c.own...)))
		if card := heard.Result.Instrument; heard.Kind != providers.Fact || (card != nil) != c.told || card != nil && (card.Value.Reveal() != order || card.Mask != "" || card.Brand != "") {
			t.Errorf("%+v: it is heard as %+v", c, heard)
		}
	}
	g, _ := open(t, everything, nil)
	if heard := g.Hear(posted(signed("1500.5", order, "sim-pass-2") + "&Shp_save=1")); heard.Kind != providers.Noise || !heard.Forged {
		t.Errorf("added by somebody, it is heard as %+v", heard)
	}
}

func TestANoticeIsHeardAsItCame(t *testing.T) {
	good := signed("1500.500000", order, "sim-pass-2", "Shp_attempt="+order)
	for _, c := range []struct {
		what   string
		change func(*Config)
		notice providers.Notice
		kind   providers.HeardKind
		forged bool
	}{
		{"posted", nil, posted(good), providers.Fact, false},
		{"got", nil, providers.Notice{Method: http.MethodGet, Query: good}, providers.Fact, false},
		{"with a query of ours", nil, providers.Notice{Method: http.MethodPost, Body: []byte(good), Query: "OutSum=1&InvId=2"}, providers.Fact, false},
		{"got with a body", nil, providers.Notice{Method: http.MethodGet, Body: []byte(good)}, providers.Noise, false},
		{"put", nil, providers.Notice{Method: http.MethodPut, Body: []byte(good)}, providers.Noise, false},
		{"in lower case", nil, posted(good[:len(good)-32] + strings.ToLower(good[len(good)-32:])), providers.Fact, false},
		{"short", nil, posted(signed("1500.5", order, "sim-pass-2")), providers.Fact, false},
		{"in another order", nil, posted(signed("1500.5", order, "sim-pass-2", "Shp_a=2", "Shp_attempt="+order)), providers.Fact, false},
		{"of a shop's own spelling", nil, posted(signed("1500.5", order, "sim-pass-2", "SHP_x=1", "shp_y=2")), providers.Fact, false},
		{"with an own parameter unsigned", nil, posted(good + "&Shp_z=1"), providers.Noise, true},
		{"with the password of starts", nil, posted(signed("1500.5", order, "sim-pass-1")), providers.Noise, true},
		{"unsigned", nil, posted("OutSum=1500.5&InvId=" + order), providers.Noise, true},
		{"a field twice", nil, posted(good + "&OutSum=1500.500000"), providers.Noise, false},
		{"a field of no value", nil, posted("OutSum&InvId"), providers.Noise, true},
		{"empty", nil, posted(""), providers.Noise, false},
		{"no form", nil, posted("%zz"), providers.Noise, false},
		{"JSON", nil, posted(`{"OutSum":1}`), providers.Noise, true},
		{"of nothing", nil, posted(signed("0.000000", order, "sim-pass-2")), providers.Noise, false},
		{"of less than nothing", nil, posted(signed("-5", order, "sim-pass-2")), providers.Noise, false},
		{"of words", nil, posted(signed("all", order, "sim-pass-2")), providers.Noise, false},
		{"without a number", nil, posted(signed("5", "", "sim-pass-2")), providers.Noise, false},
		{"about a strange number", nil, posted(signed("5", "007", "sim-pass-2")), providers.Noise, false},
		{"about another attempt", nil, posted(signed("5", order, "sim-pass-2", "Shp_attempt=7")), providers.Noise, false},
		{"with the plan", nil, posted(signed("1500.5", order, "sim-pass-2", "Shp_attempt="+order+"-1767225600123")), providers.Fact, false},
		{"about another attempt with a plan", nil, posted(signed("5", order, "sim-pass-2", "Shp_attempt="+order+"0-1767225600123")), providers.Noise, false},
		{"of a test under the live password", nil, posted(good + "&IsTest=1"), providers.Hint, false},
		{"from elsewhere", func(c *Config) { c.NoticeSources = []string{"185.59.217.65", "10.0.0.0/8"} }, posted(good), providers.Noise, true},
		{"from where it may", func(c *Config) { c.NoticeSources = []string{"185.59.216.0/24"} }, posted(good), providers.Fact, false},
		{"from nowhere", func(c *Config) { c.NoticeSources = []string{"185.59.216.65"} }, providers.Notice{Method: http.MethodPost, Body: []byte(good)}, providers.Noise, true},
	} {
		g, _ := open(t, c.change, nil)
		heard := g.Hear(c.notice)
		if heard.Kind != c.kind || heard.Forged != c.forged || (heard.Kind == providers.Noise) != (heard.Err != nil) {
			t.Errorf("%s: it is heard as %+v", c.what, heard)
		}
		reply := g.Answer(heard, providers.Ruling{Kind: providers.Accepted})
		if ok := string(reply.Body) == "OK"+order && reply.Status == http.StatusOK; ok != (heard.Kind != providers.Noise) {
			t.Errorf("%s: it is answered %d %s", c.what, reply.Status, reply.Body)
		}
		if heard.Kind == providers.Fact && (heard.Result.Verdict != providers.Approved || heard.Result.Amount != sum || heard.Ref.Order != order || heard.Key != order+";1500.5") {
			t.Errorf("%s: %+v", c.what, heard)
		}
		if heard.Kind == providers.Hint && heard.Result.Verdict != providers.Unknown {
			t.Errorf("%s: a hint says %s", c.what, heard.Result.Verdict)
		}
	}
}

func TestEveryRulingHasItsAnswer(t *testing.T) {
	g, _ := open(t, nil, nil)
	heard := g.Hear(posted(signed("1500.5", order, "sim-pass-2")))
	for kind, status := range map[providers.RulingKind]int{
		providers.TryLater: 503, providers.Accepted: 200, providers.Unmatched: 404, providers.Rejected: 400, providers.Payable: 503, providers.Gone: 503, providers.Busy: 503, 99: 503,
	} {
		reply := g.Answer(heard, providers.Ruling{Kind: kind})
		if reply.Status != status || (status == 200) != strings.HasPrefix(string(reply.Body), "OK") {
			t.Errorf("ruling %d is answered %d %s", kind, reply.Status, reply.Body)
		}
	}
	if reply := g.Answer(providers.Heard{}, providers.Ruling{Kind: providers.Accepted}); reply.Status != 400 {
		t.Errorf("nothing is answered %d", reply.Status)
	}
}

// robokassaKey is a key such as Robokassa's.
var robokassaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// jws signs a payload.
func jws(t testing.TB, key *rsa.PrivateKey, header, payload string) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func payloadOf(shop, invID, state string) string {
	return `{"header":{"type":"PaymentStateNotification","version":"1.0.0","timestamp":"1767225600"},"data":{"shop":"` + shop + `","opKey":"` + key +
		`","invId":` + invID + `,"paymentMethod":"BankCard","incSum":"1600.000000","state":"` + state + `"}}`
}

// file writes a key to a file in one of the forms in which it may be published.
func file(t testing.TB, kind string, key any) string {
	t.Helper()
	var der []byte
	var err error
	switch kind {
	case "certificate", "certificate DER":
		private, ok := key.(*rsa.PrivateKey)
		if !ok {
			t.Fatal("no key to certify")
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err = x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
		kind = strings.Replace(strings.ToUpper(kind), " DER", "!", 1)
	default:
		public := key
		if private, ok := key.(*rsa.PrivateKey); ok {
			public = &private.PublicKey
		}
		der, err = x509.MarshalPKIXPublicKey(public)
		kind = "PUBLIC KEY"
	}
	if err != nil {
		t.Fatal(err)
	}
	text := der
	if !strings.HasSuffix(kind, "!") {
		text = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	path := filepath.Join(t.TempDir(), "jwtsign.cer")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const rs256 = `{"alg":"RS256","typ":"JWT"}`

func TestAHoldIsAFactOnlyUnderRobokassasKey(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	quoted := payloadOf(shop, `"`+order+`"`, "HOLD")
	good := jws(t, robokassaKey(), rs256, quoted)
	parts := strings.Split(good, ".")
	for _, c := range []struct {
		what, body    string
		with, without providers.HeardKind // a certificate
	}{
		{"a hold", good, providers.Fact, providers.Hint},
		{"a hold in quotes", `"` + good + `"`, providers.Fact, providers.Hint},
		{"a hold with numbers", jws(t, robokassaKey(), rs256, payloadOf(shop, order, "HOLD")), providers.Fact, providers.Hint},
		{"a success", jws(t, robokassaKey(), rs256, payloadOf(shop, order, "OK")), providers.Hint, providers.Hint},
		{"under another key", jws(t, stranger, rs256, quoted), providers.Noise, providers.Hint},
		{"under no algorithm", jws(t, robokassaKey(), `{"alg":"none"}`, quoted), providers.Noise, providers.Noise},
		{"under another algorithm", jws(t, robokassaKey(), `{"alg":"HS256"}`, quoted), providers.Noise, providers.Noise},
		{"unsigned", parts[0] + "." + parts[1] + ".", providers.Noise, providers.Hint},
		{"another payload", parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payloadOf(shop, "7", "HOLD"))) + "." + parts[2], providers.Noise, providers.Hint},
		{"of another shop", jws(t, robokassaKey(), rs256, payloadOf("other", order, "HOLD")), providers.Noise, providers.Noise},
		{"an unknown state", jws(t, robokassaKey(), rs256, payloadOf(shop, order, "FAIL")), providers.Noise, providers.Noise},
		{"another type", jws(t, robokassaKey(), rs256, strings.Replace(quoted, "PaymentState", "Other", 1)), providers.Noise, providers.Noise},
		{"no number", jws(t, robokassaKey(), rs256, payloadOf(shop, "null", "HOLD")), providers.Noise, providers.Noise},
		{"no key", jws(t, robokassaKey(), rs256, strings.Replace(quoted, key, "", 1)), providers.Noise, providers.Noise},
		{"no JSON", jws(t, robokassaKey(), rs256, "hold"), providers.Noise, providers.Noise},
		{"two parts", parts[0] + "." + parts[1], providers.Noise, providers.Noise},
		{"four parts", good + ".x", providers.Noise, providers.Noise},
		{"padding", good + "=", providers.Noise, providers.Noise},
		{"half a quote", `"` + good, providers.Noise, providers.Noise},
		{"nothing", "", providers.Noise, providers.Noise},
	} {
		for _, path := range []string{"result2", "/result2/"} {
			notice := posted(c.body)
			notice.Path = path
			for certified, kind := range map[bool]providers.HeardKind{true: c.with, false: c.without} {
				g, _ := open(t, func(cfg *Config) {
					if certified {
						cfg.ResultCertificate = file(t, "certificate", robokassaKey())
					}
				}, nil)
				heard := g.Hear(notice)
				if heard.Kind != kind || (kind == providers.Noise) != (heard.Err != nil) {
					t.Errorf("%s, certificate %t: it is heard as %+v", c.what, certified, heard)
				}
				if kind == providers.Fact && (heard.Result.Verdict != providers.Held || heard.Result.External != key || heard.Result.Amount.Currency != "" || heard.Ref.Order != order) {
					t.Errorf("%s: %+v", c.what, heard)
				}
				if kind == providers.Hint && heard.Result.Verdict != providers.Unknown {
					t.Errorf("%s: a hint says %s", c.what, heard.Result.Verdict)
				}
				if reply := g.Answer(heard, providers.Ruling{Kind: providers.Accepted}); (reply.Status == 200) != (kind != providers.Noise) {
					t.Errorf("%s: it is answered %d", c.what, reply.Status)
				}
			}
		}
	}
	g, _ := open(t, nil, nil)
	if heard := g.Hear(providers.Notice{Method: http.MethodGet, Path: resultPath, Query: good}); heard.Kind != providers.Noise {
		t.Errorf("got, it is heard as %s", heard.Kind)
	}
}

func TestAKeyIsReadInEveryFormItMayHave(t *testing.T) {
	hold := posted(jws(t, robokassaKey(), rs256, payloadOf(shop, order, "HOLD")))
	hold.Path = resultPath
	for _, kind := range []string{"certificate", "certificate DER", "public key"} {
		g, _ := open(t, func(c *Config) { c.ResultCertificate = file(t, kind, robokassaKey()) }, nil)
		if heard := g.Hear(hold); heard.Kind != providers.Fact {
			t.Errorf("%s: a hold is heard as %+v", kind, heard)
		}
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nonsense := filepath.Join(t.TempDir(), "nonsense")
	if err := os.WriteFile(nonsense, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, path := range map[string]string{"another kind of key": file(t, "public key", &other.PublicKey), "nonsense": nonsense, "no file": nonsense + "2"} {
		c := least()
		c.ResultCertificate = path
		if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), "result_certificate") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
